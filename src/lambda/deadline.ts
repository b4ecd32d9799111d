import { RestageError } from '../index.ts';
import type { FunctionContext } from './context.ts';

/**
 * How long before the end of the invocation every step must have stopped: what is half done is put back in that time, the report is
 * kept, and whoever is to hear of it is told. Putting back is a few statements; dropping a large database, and a slow store, may
 * take seconds each.
 */
const marginMs = 20_000;
/** What only reads has nothing to put back. */
const readingMarginMs = 3000;
/** Connecting and planning alone take so long; less than that is no time for anything. */
const leastMs = { changing: 15_000, reading: 3000 } as const;

/** When an invocation must be done. */
export interface Deadline {
  /** When the function is killed, milliseconds since 1970. */
  readonly endsAt: number;
  /** When all work must have stopped. */
  readonly until: number;
  readonly timeoutSeconds: number;
  /** Until then, in milliseconds. */
  left(): number;
  /** What a run that begins now has, in milliseconds, also where this invocation only plans one. */
  leftToChange(): number;
  /** Aborted at `until`, with `time-over`; and where the context's is. */
  readonly signal: AbortSignal;
}

export interface OpenDeadline extends Deadline, Disposable {}

/**
 * The deadline of this invocation, by its context, asked at its start. Throws `time-short` where the function's time-out leaves no time
 * for any work.
 */
export function openDeadline(context: FunctionContext, action: string, changes: boolean): OpenDeadline {
  const now = Date.now();
  const remaining = context.getRemainingTimeInMillis();
  const timeoutSeconds = Math.round(remaining / 1000);
  const margin = changes ? marginMs : readingMarginMs;
  const least = changes ? leastMs.changing : leastMs.reading;
  const { functionName: name } = context;
  if (remaining - margin < least) {
    const wanted = Math.ceil((margin + least) / 1000);
    throw new RestageError(
      'time-short',
      `the time-out of the function ${name} leaves ${timeoutSeconds} s, and ${action} needs ${wanted} s at least: ${margin / 1000} s of them are kept for ${changes ? 'putting back what is half done' : 'the answer'}; nothing was changed`,
      {
        hint: `Give it a longer one: aws lambda update-function-configuration --function-name ${name} --timeout 900`,
      },
    );
  }
  const until = now + remaining - margin;
  const over = new AbortController();
  const timer = setTimeout(
    () =>
      over.abort(
        new RestageError(
          'time-over',
          `the time of the function ${name} was over before ${action} had ended: its time-out is ${timeoutSeconds} s, and it stops ${margin / 1000} s before`,
          {
            hint: 'Give it a longer time-out (900 s at most), or more memory, with which its share of a processor grows.',
          },
        ),
      ),
    until - now,
  );
  return {
    endsAt: now + remaining,
    until,
    timeoutSeconds,
    left: () => until - Date.now(),
    leftToChange: () => Math.max(0, now + remaining - marginMs - Date.now()),
    signal: context.signal ? AbortSignal.any([over.signal, context.signal]) : over.signal,
    [Symbol.dispose]: () => clearTimeout(timer),
  };
}
