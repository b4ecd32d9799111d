import { expect, test } from 'vitest';
import { Pool } from './pool.ts';

/** A pool of things that count how many there are; from the `most + 1`th on they are refused. */
function arrange(limit: number, most = Number.POSITIVE_INFINITY) {
  const seen = { open: 0, highest: 0, ended: 0 };
  const pool = new Pool(
    limit,
    async () => {
      await Promise.resolve();
      if (seen.open >= most) throw new Error('too many');
      seen.highest = Math.max(seen.highest, ++seen.open);
      return {
        [Symbol.asyncDispose]: async () => {
          seen.open--;
          seen.ended++;
        },
      };
    },
    (error) => error instanceof Error && error.message === 'too many',
  );
  return { pool, seen };
}

const tick = () => new Promise((resolve) => setTimeout(resolve, 1));

test('no more are lent at once than the limit says, and none is opened where one is idle', async () => {
  const { pool, seen } = arrange(3);
  await Promise.all(Array.from({ length: 20 }, () => pool.use(tick)));
  expect(seen).toMatchObject({ highest: 3, open: 3 });
  await pool.use(tick);
  expect(seen.open).toBe(3);
  await pool[Symbol.asyncDispose]();
  expect(seen.open).toBe(0);
});

test.each([1, 2])('when a further one is refused the work is done by %i', async (most) => {
  const { pool, seen } = arrange(4, most);
  const done = await Promise.all(Array.from({ length: 20 }, (_, index) => pool.use(() => tick().then(() => index))));
  expect(done).toEqual(Array.from({ length: 20 }, (_, index) => index));
  expect(seen.highest).toBe(most);
  expect(pool.limit).toBe(most);
  expect(pool.refusal).toBe('too many');
});

test('when even the first is refused everybody is told', async () => {
  const { pool } = arrange(4, 0);
  const results = await Promise.allSettled(Array.from({ length: 10 }, () => pool.use(tick)));
  expect(results.every(({ status }) => status === 'rejected')).toBe(true);
});

test('one whose work has failed is ended, and another one takes its place', async () => {
  const { pool, seen } = arrange(1);
  await expect(pool.use(() => Promise.reject(new Error('broken')))).rejects.toThrow('broken');
  expect(seen).toMatchObject({ open: 0, ended: 1 });
  expect(await pool.use(async () => 'well')).toBe('well');
});

test('one that was used up is ended, also where its work failed, and the others wait for its place', async () => {
  const { pool, seen } = arrange(1);
  await pool.use(tick);
  await Promise.all([pool.useUp(tick), pool.use(tick)]);
  expect(seen).toMatchObject({ highest: 1, open: 1, ended: 1 });
  await expect(pool.useUp(() => Promise.reject(new Error('no')))).rejects.toThrow('no');
  expect(seen).toMatchObject({ open: 0, ended: 2 });
  await pool.use(tick);
  expect(seen).toMatchObject({ highest: 1, open: 1 });
});
