import { setTimeout as sleep } from 'node:timers/promises';
import { RestageError } from '../errors.ts';
import { S3Error } from './s3-error.ts';

const attempts = 5;

/** A store that asks to be spared is asked again for longer: about half a minute. */
const attemptsWhenPushedBack = 10;

const longestWaitMs = 6000;

/**
 * Does something that may be done again, waiting longer and by chance in between, as long as it fails for a passing reason
 * and nobody has called it off: five times, or ten where the store asks for fewer requests. `onFailure` hears of each.
 */
export async function again<T>(
  act: () => Promise<T>,
  signal: AbortSignal | undefined,
  onFailure?: (error: unknown) => void,
): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await act();
    } catch (error) {
      onFailure?.(error);
      const most = isPushback(error) ? attemptsWhenPushedBack : attempts;
      if (attempt >= most || signal?.aborted || !isPassing(error) || (error instanceof Error && givenUp.has(error))) {
        if (error instanceof Error) givenUp.add(error);
        throw error;
      }
      const waitMs = Math.random() * Math.min(longestWaitMs, 100 * 2 ** attempt);
      await sleep(waitMs, undefined, signal ? { signal } : {});
    }
  }
}

/** What has been tried often enough within something that is tried again itself: that would multiply. */
const givenUp = new WeakSet<object>();

/** Whether the store asks for fewer requests. */
export function isPushback(error: unknown): boolean {
  return error instanceof S3Error && (error.status === 503 || error.status === 429 || error.code === 'SlowDown');
}

/** What S3 answers with 400 or 403 and yet means for this moment only. */
const passing = new Set([
  'RequestTimeout',
  'RequestTimeTooSkewed',
  'ExpiredToken',
  'InternalError',
  'SlowDown',
  'BadDigest', // what arrived is not what was sent, or not what the source was asked for
]);

/** Whether the same request may do better in a moment: the network, or a server that says so. */
function isPassing(error: unknown): boolean {
  if (error instanceof RestageError) return false;
  return !(error instanceof S3Error) || error.status >= 500 || isPushback(error) || passing.has(error.code);
}
