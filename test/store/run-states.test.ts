import { PutObjectCommand } from '@aws-sdk/client-s3';
import { expect, test } from 'vitest';
import { bucket, failure, openRuns, run, runs, second, state, useRuns } from './use-runs.ts';
import { store } from './use-store.ts';

useRuns();

test('a run is begun once: whoever comes second is given the state of the first', async () => {
  expect(await runs.states.begin(state())).toBeUndefined();
  expect(await openRuns().states.begin(second)).toEqual(state());
  expect(await openRuns().states.read(run)).toEqual(state());
  expect(await openRuns().states.read('20260131-031500-0000')).toBeUndefined();
});

test('of many that begin a run at the same time one does, and all others are given its state', async () => {
  const told = await Promise.all(
    Array.from({ length: 8 }, async (_, index) => {
      const mine = state({ function: { name: 'shop-sync', requestId: `r${index}`, memoryBytes: 1 } });
      return { mine, there: await openRuns().states.begin(mine) };
    }),
  );
  const [first, ...more] = told.filter(({ there }) => there === undefined);
  expect(more).toEqual([]);
  for (const { there } of told) if (there) expect(there).toEqual(first?.mine);
});

test('a run that others look at is written on by whoever has begun it', async () => {
  await runs.states.begin(state());
  const running = state({ phase: 'running', pieces: 3 });
  await runs.states.write(running);
  expect(await openRuns().states.read(run)).toEqual(running);
  await runs.states.read(run);
  await Promise.all([runs.states.write(state({ pieces: 4 })), runs.states.write(state({ pieces: 5 }))]);
  expect(await openRuns().states.read(run)).toMatchObject({ pieces: 5 });
});

test('a run that is paused is taken on by one of those that want to; the others, and the one before, are refused', async () => {
  const paused = state({ phase: 'paused' });
  await runs.states.begin(state());
  await runs.states.write(paused);
  const others = [openRuns(), openRuns(), openRuns(), openRuns()];
  for (const other of others) expect(await other.states.read(run)).toEqual(paused);
  const next = (part: number) => state({ phase: 'running', part });
  const took = await Promise.all(others.map((other, index) => other.states.take(paused, next(index + 2))));
  expect(took.filter(Boolean)).toHaveLength(1);
  const winner = took.indexOf(true);
  expect(await openRuns().states.read(run)).toEqual(next(winner + 2));
  await others[winner]?.states.write(next(9));
  expect(await failure(runs.states.write(state({ phase: 'ended' })))).toMatchObject({
    code: 'run-in-progress',
    message: `the run ${run} has been taken on by another invocation`,
  });
  expect(await openRuns().states.read(run)).toEqual(next(9));
});

test('a state that somebody has written since is not taken on, though it was read again meanwhile', async () => {
  await runs.states.begin(state());
  const other = openRuns();
  const known = await other.states.read(run);
  await runs.states.write(state({ phase: 'running' }));
  await other.states.read(run);
  expect(await other.states.take(known ?? state(), state({ part: 2 }))).toBe(false);
  expect(await openRuns().states.take(state({ phase: 'running' }), state({ part: 2 }))).toBe(true); // one that has read nothing yet
  expect(await openRuns().states.take(state({ phase: 'running' }), state({ part: 3 }))).toBe(false);
  expect(
    await openRuns().states.take(state({ run: '20260131-031500-0000' }), state({ run: '20260131-031500-0000' })),
  ).toBe(false);
});

test('a run that is neither begun nor taken on is not written', async () => {
  await runs.states.begin(state());
  const other = openRuns();
  await other.states.read(run);
  expect(await failure(other.states.write(second))).toMatchObject({ code: 'internal' });
  expect(await openRuns().states.read(run)).toEqual(state());
});

test('the ids of the runs are those of the place, newest first, whatever else lies there', async () => {
  expect(await runs.states.ids()).toEqual([]);
  const ids = ['20251231-235959-ffff', '20260131-031500-4f2a', '20260131-031501-0001'];
  for (const id of ids) await runs.states.begin(state({ run: id }));
  await runs.runOf('8f5f6a4e', run);
  await runs.lastRuns.add({ run, endedAt: '2026-01-31T04:00:00.000Z', from: 'x', buckets: [] });
  await openRuns(`s3://${bucket}/our runs/20260131-031500-4f2a`).states.begin(state({ run: '20260201-000000-aaaa' }));
  await openRuns(`s3://${bucket}`).states.begin(state({ run: '20260301-000000-bbbb' }));
  expect(await openRuns().states.ids()).toEqual(ids.toReversed());
  expect(await openRuns(`s3://${bucket}`).states.ids()).toEqual(['20260301-000000-bbbb']);
});

test('the runs of many years are all found, of which a store tells a thousand at once', async () => {
  const idOf = (number: number) => `20260131-031500-${number.toString(16).padStart(4, '0')}`;
  const put = (number: number) =>
    store.target.client.send(
      new PutObjectCommand({ Bucket: bucket, Key: `our runs/${idOf(number)}/state.json`, Body: '{}' }),
    );
  for (let from = 0; from < 1010; from += 101)
    await Promise.all(Array.from({ length: 101 }, (_, at) => put(from + at)));
  const ids = await runs.states.ids();
  expect([ids.length, ids[0], ids.at(-1)]).toEqual([1010, idOf(1009), idOf(0)]);
});
