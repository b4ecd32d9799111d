import { redact } from '../index.ts';

/** Writes one JSON line for whoever reads the function's log. */
export interface Log {
  /** From now on each line bears the run's id. */
  run: string | undefined;
  write(fields: Readonly<Record<string, unknown>> & { readonly kind: string }): void;
}

/** CloudWatch takes 256 KiB of an event, 26 bytes of which are its own. */
const mostBytes = 256 * 1024 - 26;

/** The log of one invocation; `print` takes its lines. */
export function openLog(requestId: string, print: (line: string) => void): Log {
  const log: Log = {
    run: undefined,
    write: (fields) => {
      const head = { time: new Date().toISOString(), ...(log.run === undefined ? {} : { run: log.run }), requestId };
      print(logLine(head, fields));
    },
  };
  return log;
}

/** One line without any secret; what is longer than CloudWatch takes is cut, and says so. */
export function logLine(
  head: Readonly<Record<string, unknown>>,
  fields: Readonly<Record<string, unknown>> & { readonly kind: string },
): string {
  const line = compact({ ...head, ...fields });
  const size = Buffer.byteLength(line);
  if (size <= mostBytes) return line;
  // A character may take six bytes once it stands within a text.
  const beginning = compact(fields).slice(0, Math.floor(mostBytes / 8));
  return compact({ ...head, kind: fields.kind, cutFromBytes: size, beginning });
}

/** Any value as JSON on one line, without any secret. */
export function compact(value: unknown): string {
  return JSON.stringify(value, (_key, part: unknown) => (typeof part === 'string' ? redact(part) : part));
}
