import { PutObjectCommand } from '@aws-sdk/client-s3';
import { expect, test } from 'vitest';
import { bucket, openRuns, runs, useRuns } from './use-runs.ts';
import { store } from './use-store.ts';

useRuns();

test('the last runs are kept, newest first, also where several end at the same time, and where junk has stood', async () => {
  const last = (day: number) => ({
    run: `r${day}`,
    endedAt: `2026-01-0${day}T00:00:00.000Z`,
    from: 's3://b/report.json',
    buckets: [],
  });
  expect(await runs.lastRuns.read()).toEqual([]);
  await store.target.client.send(
    new PutObjectCommand({ Bucket: bucket, Key: 'our runs/last-runs.json', Body: '{"run"' }),
  );
  expect(await runs.lastRuns.add(last(1))).toMatch(/last-runs\.json is no list of runs: it was written anew/);
  expect(await runs.lastRuns.add(last(1))).toBeUndefined();
  await Promise.all([2, 3, 4].map((day) => openRuns().lastRuns.add(last(day))));
  expect((await runs.lastRuns.read()).map((one) => one.run)).toEqual(['r4', 'r3', 'r2', 'r1']);
});
