import { expect, test } from 'vitest';
import { bucket, failure, openRuns, run, runs, second, state, useRuns } from './use-runs.ts';
import { needs, store } from './use-store.ts';
import { startFront } from './write-front.ts';

useRuns();

test("a write whose answer is lost counts, and is not met as somebody else's", async () => {
  await using front = await startFront(bucket);
  const other = openRuns(`s3://${bucket}/our runs`, { endpoints: { s3: front.endpoint } });
  await other.runOf('r0', run); // the store's conditions are tried with the first write
  front.loseAnswers(1);
  expect(await other.states.begin(state())).toBeUndefined();
  front.loseAnswers(1);
  await other.states.write(state({ pieces: 1 }));
  front.loseAnswers(1);
  expect(await other.states.take(state({ pieces: 1 }), state({ pieces: 2 }))).toBe(true);
  front.loseAnswers(5); // all tries
  expect(await failure(other.states.write(state({ pieces: 3 })))).toMatchObject({ code: 'aws-unreachable' });
  await other.states.write(state({ pieces: 4 }));
  expect(await openRuns().states.read(run)).toEqual(state({ pieces: 4 }));
});

needs('faults')(
  'a store that says nothing is given up in time, and what it has written late is known as our own',
  async () => {
    const { states } = openRuns(undefined, {}, { patienceMs: () => 500 });
    await states.begin(state());
    const match = { service: 's3', operation: 'PutObject', bucket } as const;
    const began = Date.now();
    await store.aws?.inject({ match, kind: 'delay', delayMs: 60_000 });
    const silent = { code: 'aws-unreachable', message: expect.stringContaining(bucket) as string };
    expect(await failure(states.write(state({ pieces: 1 })))).toMatchObject(silent);
    expect(Date.now() - began).toBeLessThan(5000);
    await store.aws?.clearFaults();
    await store.aws?.inject({ match, kind: 'lose-answer' });
    expect(await failure(states.write(state({ pieces: 2 })))).toMatchObject({ code: 'aws-unreachable' });
    await store.aws?.clearFaults();
    await store.aws?.inject({ match, kind: 'delay', delayMs: 60_000 });
    expect(await failure(states.write(state({ pieces: 3 })))).toMatchObject(silent);
    await store.aws?.clearFaults();
    expect(await openRuns().states.read(run)).toEqual(state({ pieces: 2 }));
    await states.write(state({ pieces: 4 }));
    expect(await openRuns().states.read(run)).toEqual(state({ pieces: 4 }));
  },
);

needs('faults')('a conflict with another write, and a store that is busy, are tried again', async () => {
  for (const [status, code] of [
    [409, 'ConditionalRequestConflict'],
    [503, 'SlowDown'],
  ] as const) {
    await store.aws?.inject({
      match: { operation: 'PutObject' },
      kind: 'error',
      status,
      code,
      message: 'again, please',
      times: 2,
    });
    expect(await openRuns(`s3://${bucket}/${code}`).states.begin(state())).toBeUndefined();
  }
});

test.each(['if-none-match', 'if-match'])(
  'a store that reads past %s is found out before anything is overwritten',
  async (header) => {
    await runs.states.begin(state());
    await using careless = await startFront(bucket, { losesHeader: header });
    const other = openRuns(`s3://${bucket}/our runs`, { endpoints: { s3: careless.endpoint } });
    expect(await failure(other.states.begin(second))).toMatchObject({
      code: 'bucket-denied',
      message: expect.stringMatching(new RegExp(`^the store ${careless.endpoint} reads past ${header} of a PUT`, 'i')),
    });
    expect(await openRuns().states.read(run)).toEqual(state());
  },
);
