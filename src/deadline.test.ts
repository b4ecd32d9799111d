import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { deadlineAt } from './deadline.ts';

test('a deadline aborts when it is due, and says before what is left of its time', async () => {
  using deadline = deadlineAt(Date.now() + 60);
  expect(deadline.signal.aborted).toBe(false);
  expect(deadline.left()).toBeGreaterThan(0);
  expect(deadline.left()).toBeLessThanOrEqual(1);
  while (!deadline.signal.aborted) await sleep(5);
  expect(deadline.signal.reason).toMatchObject({ code: 'time-over' });
  expect(deadline.left()).toBe(0);
});

test('one that was due is over at once, one in a far year or without an end is not', async () => {
  using due = deadlineAt(Date.now() - 1);
  using far = deadlineAt(Date.parse('2999-01-01'));
  using endless = deadlineAt(undefined);
  await sleep(5);
  expect([due, far, endless].map(({ signal }) => signal.aborted)).toEqual([true, false, false]);
  expect([due.left(), endless.left()]).toEqual([0, 1]);
});
