import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { S3Error } from './s3-error.ts';
import { throttle, type Throttle } from './throttle.ts';

const slowDown = new S3Error(503, 'SlowDown', 'Please reduce your request rate.');

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['performance'] });
});
afterEach(() => {
  vi.useRealTimers();
});

/** After the burst that an answer belongs to. */
const later = (ms = 1001) => vi.advanceTimersByTime(ms);

async function turns(one: Throttle, count: number): Promise<void> {
  for (let turn = 0; turn < count; turn++) (await one.enter())();
}

test('no more have a turn than it is wide, and each that leaves lets another in', async () => {
  const one = throttle(3);
  let [busy, most, done] = [0, 0, 0];
  await Promise.all(
    Array.from({ length: 50 }, async () => {
      const leave = await one.enter();
      busy += 1;
      most = Math.max(most, busy);
      await sleep(1);
      busy -= 1;
      done += 1;
      leave();
    }),
  );
  expect([most, done]).toEqual([3, 50]);
});

test('turns are given in the order in which they were asked for', async () => {
  const one = throttle(1);
  const order: number[] = [];
  await Promise.all(
    [1, 2, 3, 4].map(async (number) => {
      const leave = await one.enter();
      order.push(number);
      leave();
    }),
  );
  expect(order).toEqual([1, 2, 3, 4]);
});

test('a store that asks to be spared halves it, once for each burst of answers', () => {
  const one = throttle(32);
  for (let answer = 0; answer < 20; answer++) one.failed(slowDown);
  expect(one.width).toBe(16);
  later(900);
  one.failed(slowDown);
  expect(one.width).toBe(16);
  later();
  one.failed(new S3Error(429, 'TooManyRequests', ''));
  expect(one.width).toBe(8);
  later();
  one.failed(new S3Error(503, 'ServiceUnavailable', ''));
  expect(one.width).toBe(4);
});

test('a failure of another sort does not narrow it', () => {
  const one = throttle(8);
  one.failed(new S3Error(403, 'AccessDenied', ''));
  one.failed(new S3Error(500, 'InternalError', ''));
  one.failed(new Error('socket hang up'));
  expect(one.width).toBe(8);
});

test('it is never narrower than one, and goes on with that', async () => {
  const one = throttle(4);
  for (let burst = 0; burst < 10; burst++) {
    one.failed(slowDown);
    later();
  }
  expect(one.width).toBe(1);
  await turns(one, 3);
});

test('it widens again by one for each round, after the burst, and never beyond its widest', async () => {
  const one = throttle(8);
  one.failed(slowDown);
  await turns(one, 20);
  expect(one.width).toBe(4);
  later();
  await turns(one, 5);
  expect(one.width).toBe(5);
  await turns(one, 100);
  expect(one.width).toBe(8);
});

test('those that have a turn keep it when it narrows, and none enters until there is room', async () => {
  const one = throttle(4);
  const leaves = await Promise.all([one.enter(), one.enter(), one.enter(), one.enter()]);
  one.failed(slowDown);
  let entered = false;
  const next = one.enter().then((leave) => {
    entered = true;
    return leave;
  });
  leaves[0]?.();
  leaves[1]?.();
  await sleep(2);
  expect(entered).toBe(false);
  leaves[2]?.();
  (await next)();
  leaves[3]?.();
});

test('no turn is lost, whatever happens in between', async () => {
  const one = throttle(16);
  let [busy, done] = [0, 0];
  await Promise.all(
    Array.from({ length: 600 }, async (_, index) => {
      const leave = await one.enter();
      busy += 1;
      expect(busy).toBeLessThanOrEqual(16);
      if (index % 7 === 0) await sleep(1);
      if (index % 50 === 0) one.failed(slowDown);
      if (index % 90 === 0) later();
      busy -= 1;
      done += 1;
      leave();
    }),
  );
  expect([done, busy]).toEqual([600, 0]);
  // The whole width is there to be had again.
  later();
  await turns(one, 500);
  expect(one.width).toBe(16);
  const leaves = await Promise.all(Array.from({ length: 16 }, () => one.enter()));
  for (const leave of leaves) leave();
});

test('nobody waits for a turn who has been called off before', async () => {
  const one = throttle(1);
  const leave = await one.enter();
  await expect(one.enter(AbortSignal.abort(new Error('called off')))).rejects.toThrow('called off');
  leave();
  (await one.enter())();
});
