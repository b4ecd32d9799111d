import { setTimeout as sleep } from 'node:timers/promises';
import { RestageError } from '../errors.ts';
import { S3Error } from './s3-error.ts';

const attempts = 5;

/** A store that asks to be spared is asked again for longer: about half a minute. */
const attemptsWhenPushedBack = 10;

const longestWaitMs = 6000;

/** How long a store that has answered before may be out of reach. */
const outageMs = 60_000;

/**
 * Does something that may be done again, waiting longer and by chance in between, as long as it fails for a passing reason
 * and nobody has called it off: five times, or ten where the store asks for fewer requests; through an outage of a minute,
 * however often that is. `onFailure` hears of each.
 */
export async function again<T>(
  act: () => Promise<T>,
  signal: AbortSignal | undefined,
  onFailure?: (error: unknown) => void,
): Promise<T> {
  let awaySince: number | undefined;
  for (let attempt = 1, tries = 1; ; tries++) {
    try {
      return await act();
    } catch (error) {
      onFailure?.(error);
      const now = performance.now();
      awaySince = isOutage(error) ? (awaySince ?? now) : undefined;
      const most = isPushback(error) ? attemptsWhenPushedBack : attempts;
      const isOver = awaySince === undefined ? attempt++ >= most : now - awaySince >= outageMs;
      if (isOver || signal?.aborted || !isPassing(error) || (error instanceof Error && givenUp.has(error))) {
        if (error instanceof Error) givenUp.add(error);
        throw error;
      }
      const waitMs = Math.random() * Math.min(longestWaitMs, 100 * 2 ** tries);
      await sleep(waitMs, undefined, signal ? { signal } : {});
    }
  }
}

/** Errors of a network that is gone, with a store that has answered before. */
const outages = new WeakSet<object>();

export function noteOutage(error: Error): Error {
  outages.add(error);
  return error;
}

export function isOutage(error: unknown): boolean {
  return error instanceof Error && outages.has(error);
}

/** What has been tried often enough within something that is tried again itself: that would multiply. */
const givenUp = new WeakSet<object>();

/** Whether the store asks for fewer requests. */
export function isPushback(error: unknown): boolean {
  return error instanceof S3Error && (error.status === 503 || error.status === 429 || error.code === 'SlowDown');
}

/** What S3 answers with 400, 403 or 409 and yet means for this moment only. */
const passing = new Set([
  'RequestTimeout',
  'RequestTimeTooSkewed',
  'ExpiredToken',
  'InternalError',
  'SlowDown',
  'ConditionalRequestConflict', // another write of the same key was under way
  'BadDigest', // what arrived is not what was sent, or not what the source was asked for
]);

/** Whether the same request may do better in a moment: the network, or a server that says so. */
function isPassing(error: unknown): boolean {
  if (error instanceof RestageError) return false;
  return !(error instanceof S3Error) || error.status >= 500 || isPushback(error) || passing.has(error.code);
}
