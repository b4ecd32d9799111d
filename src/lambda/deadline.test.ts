import { expect, test, vi } from 'vitest';
import type { FunctionContext } from './context.ts';
import { openDeadline } from './deadline.ts';

const context = (ms: number): FunctionContext => ({
  awsRequestId: 'r',
  functionName: 'shop-sync',
  memoryLimitInMB: '512',
  getRemainingTimeInMillis: () => ms,
});

test('what changes something stops 20 s before the end', () => {
  using deadline = openDeadline(context(300_000), 'sync', true);
  expect(deadline.endsAt - deadline.until).toBe(20_000);
  expect(deadline.left()).toBeGreaterThan(279_000);
  expect(deadline.timeoutSeconds).toBe(300);
});

test('a plan says what time the run will have, not what planning has', () => {
  using deadline = openDeadline(context(60_000), 'plan', false);
  expect(deadline.leftToChange()).toBeGreaterThan(39_000);
  expect(deadline.leftToChange()).toBeLessThanOrEqual(40_000);
});

test('a time-out that leaves no time for any work is told by its figure, with what sets another', () => {
  expect(() => openDeadline(context(34_999), 'sync', true)).toThrow(
    expect.objectContaining({
      code: 'time-short',
      message: expect.stringContaining(
        'the time-out of the function shop-sync leaves 35 s, and sync needs 35 s',
      ) as string,
      hint: expect.stringContaining('--function-name shop-sync --timeout 900') as string,
    }),
  );
  openDeadline(context(35_000), 'sync', true)[Symbol.dispose]();
});

test('what only reads needs less', () => {
  openDeadline(context(6000), 'status', false)[Symbol.dispose]();
  expect(() => openDeadline(context(3000), 'status', false)).toThrow(
    'the time-out of the function shop-sync leaves 3 s',
  );
});

test('the signal says that the time was over', () => {
  using _clock = { [Symbol.dispose]: () => void vi.useRealTimers() };
  vi.useFakeTimers();
  using deadline = openDeadline(context(6010), 'verify', false);
  vi.advanceTimersByTime(3009);
  expect(deadline.signal.aborted).toBe(false);
  vi.advanceTimersByTime(1);
  expect(deadline.signal.reason).toMatchObject({
    code: 'time-over',
    message: expect.stringContaining('verify') as string,
  });
});
