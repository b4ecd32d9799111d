import { expect, test } from 'vitest';
import type { LastRun } from '../last-run.ts';
import { readLastRuns, withLastRun } from './last-runs.ts';

const place = { host: 'h', port: 5432, database: 'd' };
const run = (day: number, part: 'database' | 'objects' = 'database'): LastRun => ({
  run: `r${day}`,
  endedAt: `2026-01-${String(day).padStart(2, '0')}T00:00:00.000Z`,
  from: 's3://bucket/report.json',
  ...(part === 'database' ? { database: { source: place, target: place, tables: [] } } : {}),
  buckets:
    part === 'objects'
      ? [
          {
            bucket: 'images',
            source: { bucket: 'a' },
            target: { bucket: 'b' },
            selection: { include: [], exclude: [], renames: {}, referencedBy: [] },
            objects: 1,
            bytes: 1,
          },
        ]
      : [],
});
const names = (runs: readonly LastRun[]) => runs.map((one) => one.run).join(' ');
const all = (...runs: readonly LastRun[]) => runs.reduce<readonly LastRun[]>((kept, one) => withLastRun(kept, one), []);

test('the newest five are kept, newest first, each once, whenever they come', () => {
  expect(names(all(run(1), run(2), run(3), run(4), run(5), run(6)))).toBe('r6 r5 r4 r3 r2');
  expect(names(all(run(3), run(1), run(2), run(2)))).toBe('r3 r2 r1');
});

test('runs of objects alone do not drive out the last one of the database, nor the other way about', () => {
  const objects = [2, 3, 4, 5, 6, 7].map((day) => run(day, 'objects'));
  expect(names(all(run(1), ...objects))).toBe('r7 r6 r5 r4 r1');
  const databases = [2, 3, 4, 5, 6, 7].map((day) => run(day));
  expect(names(all(run(1, 'objects'), ...databases, run(8)))).toBe('r8 r7 r6 r5 r1');
});

test('what is no list of runs is refused: the next run would be measured by nothing', () => {
  expect(readLastRuns(JSON.stringify([run(1)]), 'there')).toEqual([run(1)]);
  for (const text of ['', '{}', '[1]', '[null]', '[{"run": "r1"}]'])
    expect(() => readLastRuns(text, 's3://b/last-runs.json'), text).toThrow('s3://b/last-runs.json is no list of runs');
});
