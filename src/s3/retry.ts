import { setTimeout as sleep } from 'node:timers/promises';
import { RestageError } from '../errors.ts';
import { S3Error } from './s3-error.ts';

const attempts = 4;

/**
 * Does something that may be done again, up to four times, waiting longer and by chance in between: as long as it fails
 * for a passing reason and nobody has called it off.
 */
export async function again<T>(act: () => Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await act();
    } catch (error) {
      if (attempt === attempts || signal?.aborted || !isPassing(error)) throw error;
      await sleep(Math.random() * 100 * 2 ** attempt, undefined, signal ? { signal } : {});
    }
  }
}

/** Whether the same request may do better in a moment: the network, or a server that says so. */
function isPassing(error: unknown): boolean {
  if (error instanceof RestageError) return false;
  return (
    !(error instanceof S3Error) || error.status >= 500 || error.code === 'SlowDown' || error.code === 'RequestTimeout'
  );
}
