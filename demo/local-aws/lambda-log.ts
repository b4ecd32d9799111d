// The lines that Lambda itself writes around a function's own.
// https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs.html

const keptBytes = 1024 * 1024;

export interface Measures {
  readonly requestId: string;
  readonly durationMs: number;
  /** Of a cold start only. */
  readonly initMs: number | undefined;
  readonly memoryMebibytes: number;
  readonly peakBytes: number;
  /** How it ended where that was not well. */
  readonly end?: { readonly status: 'timeout' | 'error'; readonly errorType?: string };
}

export const startLine = (requestId: string): string => `START RequestId: ${requestId} Version: $LATEST\n`;

export const initLine = (): string => 'INIT_START Runtime Version: nodejs:24.v1\n';

/** END and REPORT. The time of a cold start is billed as well. */
export function endLines(measures: Measures): string {
  const { requestId, durationMs, initMs, memoryMebibytes, peakBytes, end } = measures;
  const used = Math.min(Math.ceil(peakBytes / 1024 / 1024), memoryMebibytes);
  const parts = [
    `REPORT RequestId: ${requestId}`,
    `Duration: ${durationMs.toFixed(2)} ms`,
    `Billed Duration: ${Math.ceil(durationMs + (initMs ?? 0))} ms`,
    `Memory Size: ${memoryMebibytes} MB`,
    `Max Memory Used: ${used} MB`,
    ...(initMs === undefined ? [] : [`Init Duration: ${initMs.toFixed(2)} ms`]),
    ...(end === undefined ? [] : [`Status: ${end.status}`]),
    ...(end?.errorType === undefined ? [] : [`Error Type: ${end.errorType}`]),
  ];
  return `END RequestId: ${requestId}\n${parts.join('\t')}\t\n`;
}

/** What is written during one invocation; of very much, the last MiB. */
export class InvocationLog {
  #chunks: Buffer[] = [];
  #sizeBytes = 0;

  add(text: string | Buffer): void {
    const chunk = Buffer.from(text);
    this.#chunks.push(chunk);
    this.#sizeBytes += chunk.length;
    if (this.#sizeBytes < 2 * keptBytes) return;
    const kept = Buffer.concat(this.#chunks).subarray(-keptBytes);
    this.#chunks = [kept];
    this.#sizeBytes = kept.length;
  }

  toString(): string {
    return Buffer.concat(this.#chunks).subarray(-keptBytes).toString('utf8');
  }
}
