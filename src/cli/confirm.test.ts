import { expect, test } from 'vitest';
import type { Plan } from '../index.ts';
import { changesOf } from './confirm.ts';

type Pair = Plan['objects'][number];

const amount = (objects: number) => ({ objects, bytes: objects * 10 });

/** A pair of buckets of which so many objects are missing, different and only in the target. */
function pair(figures: readonly [missing: number, changed: number, deleted: number], given: Partial<Pair> = {}): Pair {
  const [missing, changed, deleted] = figures;
  const origin = { bucket: 'shop-staging', account: '222222222222', endpoint: undefined, region: 'us-west-2' };
  const zero = amount(0);
  const deletion = {
    ...amount(deleted),
    percent: 1,
    prefixes: [],
    others: zero,
    samples: [],
    guard: { maxCount: 1000, maxPercent: 10 },
  };
  return {
    bucket: 'images',
    source: { ...origin, bucket: 'shop' },
    target: origin,
    selection: { include: [], exclude: [], renames: {} },
    totals: {
      source: amount(missing + changed),
      target: amount(changed + deleted),
      missing: amount(missing),
      changed: amount(changed),
      same: zero,
      extra: amount(deleted),
      newer: zero,
      examples: [],
    },
    archived: zero,
    keeping: {},
    forced: false,
    ...(deleted > 0 ? { deletion } : {}),
    plannedAt: '2026-11-22T23:15:00.000Z',
    unmatched: [],
    refusals: [],
    notes: [],
    ...given,
  };
}

function changes(...objects: readonly Pair[]): string {
  return changesOf({
    version: 1,
    madeAt: '2026-11-22T23:15:00.000Z',
    source: { name: 'production' },
    target: { name: 'staging', account: '222222222222' },
    objects,
    jobs: 4,
    steps: [],
    notes: [],
  });
}

const where = 'in shop-staging (AWS account 222222222222, as of this plan)';

test.each([
  [[470, 5, 20], `deletes 20 objects, overwrites 5 and adds 470 ${where}`],
  [[470, 5, 0], `overwrites 5 objects and adds 470 ${where}`],
  [[0, 5, 0], `overwrites 5 objects ${where}`],
  [[1, 0, 0], `adds 1 object ${where}`],
  [[0, 0, 2000], `deletes 2,000 objects ${where}`],
  [[0, 0, 0], ''],
] as const)('the question of %j tells the figures of the plan', (figures, words) => {
  expect(changes(pair(figures, { versioning: 'enabled' }))).toBe(words);
});

test('what nothing keeps is overwritten and deleted for good', () => {
  const words = `deletes 2 objects for good, overwrites 5 for good and adds 1 ${where}`;
  for (const versioning of ['never', 'suspended'] as const)
    expect(changes(pair([1, 5, 2], { versioning }))).toBe(words);
  const kept = { selection: { include: [], exclude: [], renames: {}, backup: 'kept/' } };
  expect(changes(pair([1, 5, 2], { versioning: 'never', ...kept }))).not.toContain('for good');
  expect(changes(pair([1, 5, 2], { versioning: 'unknown' }))).not.toContain('for good');
});

test('each pair of which something is to be done is told', () => {
  const other = { target: { bucket: 'other', account: undefined, endpoint: undefined, region: 'x' } };
  expect(changes(pair([1, 0, 0]), pair([0, 0, 0]), pair([0, 2, 0], other))).toBe(
    `adds 1 object ${where}; it overwrites 2 objects in other (AWS account 222222222222, as of this plan)`,
  );
});

test('a database is told with what it holds, and with the sessions that end with it', () => {
  const origin = { host: 'db.staging', port: 5432, database: 'shop', user: 'restage', version: '16.14' };
  const readAt = '2026-11-22T23:14:00.000Z';
  const figures = { origin, readAt, tables: 14, rows: 1931, sizeBytes: 9_100_000 };
  const sessions = [{ user: 'shop', count: 3, mayEnd: true }];
  const words = changesOf({
    version: 1,
    madeAt: readAt,
    source: { name: 'production' },
    target: { name: 'staging', database: { ...figures, schema: {} } },
    objects: [],
    replaces: { database: { ...figures, sessions, staysFor: 1 }, buckets: [] },
    jobs: 4,
    steps: [],
    notes: [],
  });
  expect(words).toBe(
    'replaces the database shop at db.staging:5432, 14 tables with 1,931 rows, and ends 3 sessions of others',
  );
});
