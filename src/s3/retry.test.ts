import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { RestageError } from '../errors.ts';
import { again, isPushback, noteOutage } from './retry.ts';
import { S3Error } from './s3-error.ts';

beforeEach(() => {
  vi.spyOn(Math, 'random').mockReturnValue(0.001); // hardly any wait
});
afterEach(() => {
  vi.restoreAllMocks();
});

/** Fails so many times before it succeeds; what came out, and how often it was tried. */
async function attempt(error: unknown, failures = Number.POSITIVE_INFINITY) {
  let tries = 0;
  const heard: unknown[] = [];
  const act = async () => {
    tries += 1;
    if (tries <= failures) throw error;
    return 'done';
  };
  let result: unknown;
  try {
    result = await again(act, undefined, (one) => heard.push(one));
  } catch (thrown) {
    result = thrown;
  }
  expect(heard).toEqual(Array.from({ length: result === 'done' ? tries - 1 : tries }, () => error));
  return { result, tries };
}

test.each([
  ['a broken connection', new Error('socket hang up')],
  ['a fault of the store', new S3Error(500, 'InternalError', '')],
  ['a gateway in between', new S3Error(502, 'HTTP 502', '')],
  ['a request that took too long', new S3Error(400, 'RequestTimeout', '')],
  ['a clock that is wrong, as it is put right then', new S3Error(403, 'RequestTimeTooSkewed', '')],
  ['keys that have expired, as they are renewed then', new S3Error(400, 'ExpiredToken', '')],
  ['an error in the body of a success', new S3Error(200, 'InternalError', '')],
])('after %s it is tried again, five times in all', async (_what, error) => {
  expect(await attempt(error, 2)).toEqual({ result: 'done', tries: 3 });
  expect(await attempt(error)).toEqual({ result: error, tries: 5 });
});

test.each([
  new S3Error(503, 'SlowDown', ''),
  new S3Error(429, 'TooManyRequests', ''),
  new S3Error(200, 'SlowDown', ''),
])('a store that asks for fewer requests (%#) is asked ten times', async (error) => {
  expect(isPushback(error)).toBe(true);
  expect(await attempt(error, 9)).toEqual({ result: 'done', tries: 10 });
  expect(await attempt(error)).toEqual({ result: error, tries: 10 });
});

test.each([
  new S3Error(403, 'AccessDenied', ''),
  new S3Error(404, 'NoSuchKey', ''),
  new S3Error(412, 'PreconditionFailed', ''),
  new S3Error(403, 'InvalidObjectState', ''),
  new S3Error(403, 'InvalidAccessKeyId', ''),
  new S3Error(400, 'EntityTooLarge', ''),
  new RestageError('internal', 'refused to send PUT'),
])('what will not change is not tried again (%#)', async (error) => {
  expect(await attempt(error)).toEqual({ result: error, tries: 1 });
  expect(isPushback(error)).toBe(false);
});

test('the waits grow, by chance and to a limit', async () => {
  const share = 0.02;
  vi.spyOn(Math, 'random').mockReturnValue(share);
  const times: number[] = [];
  const failing = again(async () => {
    times.push(performance.now());
    throw new S3Error(503, 'SlowDown', '');
  }, undefined);
  await expect(failing).rejects.toThrow(S3Error);
  const waits = times.slice(1).map((time, index) => time - (times[index] ?? 0));
  const wanted = [200, 400, 800, 1600, 3200, 6000, 6000, 6000, 6000].map((longest) => longest * share);
  for (const [index, wait] of waits.entries()) expect(wait).toBeGreaterThanOrEqual((wanted[index] ?? 0) - 2); // timers
  expect(waits).toHaveLength(wanted.length);
  expect(waits.at(-1)).toBeLessThan(51_200 * share); // as long as it would be without a limit
});

test('what is called off is not tried again', async () => {
  const stop = new AbortController();
  let tries = 0;
  const act = async () => {
    tries += 1;
    stop.abort();
    throw new Error('socket hang up');
  };
  await expect(again(act, stop.signal)).rejects.toThrow('socket hang up');
  expect(tries).toBe(1);
});

test('a wait ends when all is called off', async () => {
  vi.spyOn(Math, 'random').mockReturnValue(1);
  const stop = new AbortController();
  let tries = 0;
  const started = performance.now();
  const failing = again(async () => {
    tries += 1;
    if (tries === 4) setTimeout(() => stop.abort(), 5);
    throw new S3Error(503, 'SlowDown', '');
  }, stop.signal);
  await expect(failing).rejects.toThrow('aborted');
  expect(tries).toBe(4);
  expect(performance.now() - started).toBeLessThan(2500); // the fourth wait alone would be 1.6 s, after 1.4 s
});

test('a store that has answered before is waited for a minute, however often it is tried', async () => {
  vi.useFakeTimers({ toFake: ['performance'] });
  try {
    const gone = noteOutage(new Error('connect ECONNREFUSED'));
    let tries = 0;
    const act = async () => {
      tries += 1;
      vi.advanceTimersByTime(3000);
      throw gone;
    };
    await expect(again(act, undefined)).rejects.toBe(gone);
    expect(tries).toBe(21);
    expect(await attempt(noteOutage(new Error('read ETIMEDOUT')), 12)).toEqual({ result: 'done', tries: 13 });
  } finally {
    vi.useRealTimers();
  }
});
