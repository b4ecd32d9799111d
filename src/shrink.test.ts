import { expect, test } from 'vitest';
import type { Table } from './postgres/catalog.ts';
import { plainRule, type TableRule } from './postgres/rules/table-rule.ts';
import {
  goneTables,
  hasShrunk,
  leastRows,
  likeWithLike,
  requireLeast,
  shrunkBucket,
  shrunkTables,
  shrunkTotal,
} from './shrink.ts';

test.each([
  // then, now, allowed, refused
  [100, 51, 50, false],
  [100, 50, 50, false],
  [100, 49, 50, true],
  [100, 0, 50, true],
  [100, 0, 100, true],
  [100, 1, 100, false],
  [100, 99, 0, true],
  [100, 100, 0, false],
  [100, 200, 0, false],
  [0, 0, 50, false],
  [9, 1, 50, false],
  [9, 0, 50, true],
  [1, 0, 100, true],
  [10, 4, 50, true],
] as const)('of %d, %d are left where %d %% may go: refused is %s', (then, now, percent, refused) => {
  expect(hasShrunk(then, now, percent)).toBe(refused);
});

const origin = { host: 'db.prod', port: 5432, database: 'shop', user: 'reader', version: '16.14' };
const readAt = '2026-11-23T08:00:00.000Z';
const run = { run: '20261122-231500-ab12', endedAt: '2026-11-22T23:16:00.000Z', from: '.restage/runs/x/report.json' };
const allowed = { maxShrinkPercent: 50, mayShrink: [], mayBeEmpty: [] };

function table(name: string, rows: number, more: Partial<Table> = {}): Table {
  return {
    table: { schema: 'public', name },
    columns: [],
    parents: [],
    primaryKey: [],
    rows,
    rowsAreEstimated: false,
    neverEstimated: false,
    estimatedRows: 0,
    sizeBytes: 1,
    indexBytes: 1,
    ...more,
  };
}

function lastOf(tables: Readonly<Record<string, number>>) {
  return {
    ...run,
    source: origin,
    target: origin,
    tables: Object.entries(tables).map(([name, rows]) => ({ table: { schema: 'public', name }, rows })),
  };
}

const now = [
  table('books', 40),
  table('users', 0),
  table('tags', 2),
  table('new', 0),
  table('events', 1000, { rowsAreEstimated: true }),
];
const then = lastOf({ books: 153, users: 3, tags: 9, events: 5000, gone: 7 });

test('every table that has lost too much is told with both figures, and where both were read', () => {
  const error = shrunkTables({ origin, readAt, tables: now }, then, allowed);
  expect(error?.code).toBe('source-shrunk');
  expect(error?.message.split('\n')).toEqual([
    '3 tables of the source have lost more than guards.maxShrinkPercent (50 %) allows, or all rows, since the last run:',
    '  books: 40 rows now, 153 then',
    '  users: 0 rows now, 3 then',
    '  events: about 1,000 rows now, 5,000 then',
    '  now: read from shop at db.prod:5432 as reader, 2026-11-23 08:00:00 UTC',
    '  then: the run 20261122-231500-ab12, ended 2026-11-22 23:16:00 UTC, by .restage/runs/x/report.json',
  ]);
  expect(error?.hint).toContain('database: { mayBeEmpty: ["users"], mayShrink: ["books", "events"] }');
  expect(error?.hint).toContain('analyze "public"."events"');
});

test('the lines of the hint are the way out', () => {
  const choices = { ...allowed, mayBeEmpty: ['users'], mayShrink: ['books', 'public.events'] };
  expect(shrunkTables({ origin, readAt, tables: now }, then, choices)).toBeUndefined();
});

test('what may be empty may not lose a part, and what may shrink may go to nothing', () => {
  const books = { origin, readAt, tables: [table('books', 40)] };
  expect(shrunkTables(books, then, { ...allowed, mayBeEmpty: ['books'] })?.message).toContain('books');
  const users = { origin, readAt, tables: [table('users', 0)] };
  expect(shrunkTables(users, then, { ...allowed, mayShrink: ['users'] })).toBeUndefined();
});

test('a table that the source has no more is noted, not refused', () => {
  expect(goneTables(now, then)).toEqual([
    'the source has these tables no more, which the run 20261122-231500-ab12 copied: gone (7 rows)',
  ]);
  expect(goneTables([table('gone', 0), ...now], then)).toEqual([]);
});

test('without figures of single tables the totals are compared', () => {
  const total = { ...run, tables: 4, rows: 5000 };
  const error = shrunkTotal({ origin, readAt, tables: now }, total, allowed);
  expect(error?.message).toContain('the source has 1,042 rows in 5 tables now, and had 5,000 in 4 at the last run');
  expect(error?.hint).toContain('guards: { maxShrinkPercent: 80 }');
  expect(shrunkTotal({ origin, readAt, tables: now }, total, { ...allowed, maxShrinkPercent: 80 })).toBeUndefined();
  const empty = { origin, readAt, tables: [table('users', 0)] };
  const all = { ...allowed, maxShrinkPercent: 100 };
  expect(shrunkTotal(empty, total, all)?.hint).toContain('database: { mayBeEmpty: ["users"] }');
  expect(shrunkTotal(empty, total, { ...all, mayBeEmpty: ['users'] })).toBeUndefined();
});

test('a table that could only be estimated must turn out to have what is left of it at least', () => {
  const least = leastRows(now, then, allowed);
  expect([...least.keys()]).toEqual(['"public"."events"']); // the others were counted
  const events = { schema: 'public', name: 'events' };
  const needed = least.get('"public"."events"');
  expect(() => requireLeast(events, 2500, needed, origin)).not.toThrow();
  expect(() => requireLeast(events, 2499, needed, origin)).toThrow(
    expect.objectContaining({
      code: 'source-shrunk',
      message: expect.stringContaining('events has 2,499 rows at the source, and had 5,000'),
    }),
  );
  expect(leastRows(now, then, { ...allowed, mayShrink: ['events'] }).size).toBe(0);
  expect(() => requireLeast(events, 0, needed, origin)).toThrow('events has 0 rows');
  const orNone = leastRows(now, then, { ...allowed, mayBeEmpty: ['events'] }).get('"public"."events"');
  expect(() => requireLeast(events, 0, orNone, origin)).not.toThrow();
  expect(() => requireLeast(events, 1, orNone, origin)).toThrow('events has 1 row ');
});

const bucket = { bucket: 'shop-images', account: '111111111111', endpoint: undefined, region: 'us-west-2' };
const keys = { include: [], exclude: [], renames: {} };

test('a bucket is told with objects and bytes; an empty one is refused as such', () => {
  const last = {
    ...run,
    bucket: 'images',
    source: bucket,
    target: bucket,
    selection: keys,
    objects: 4709,
    bytes: 1_700_000_000,
  };
  const listed = (objects: number) => ({ objects, bytes: 7000, origin: bucket, readAt });
  const error = shrunkBucket('images', listed(12), last, 50);
  expect(error?.message).toContain(
    'the source bucket of images has 12 objects, 7.0 kB, now, and had 4,709 objects, 1.7 GB, at the last run',
  );
  expect(error?.message).toContain('now: listed in shop-images (account 111111111111), 2026-11-23 08:00:00 UTC');
  expect(error?.message).toContain('then: the run 20261122-231500-ab12');
  expect(error?.hint).toContain('objects: { images: { mayShrink: true } }');
  expect(shrunkBucket('images', listed(0), last, 50)).toBeUndefined();
  expect(shrunkBucket('images', listed(3000), last, 50)).toBeUndefined();
});

test('figures are compared where they are of the same rows: of all, or of what the same where selects', () => {
  const rule = (more: Partial<TableRule>): TableRule => ({ ...plainRule, ...more });
  const all = [
    'whole',
    'now-some',
    'same-where',
    'other-where',
    'was-some',
    'now-none',
    'was-none',
    'now-part',
    'was-part',
  ];
  const tables = all.map((name) => table(name, 100, { rowsAreEstimated: true }));
  const where = 'id < 9';
  const limited = {
    'same-where': { where },
    'other-where': { where },
    'was-some': { where },
    'was-none': {},
    'was-part': {},
  };
  const before = {
    tables: all.map((name) => ({
      table: { schema: 'public', name },
      rows: 50,
      ...(name in limited ? { limited: limited[name as keyof typeof limited] } : {}),
    })),
  };
  const byTable = new Map([
    ['"public"."now-some"', rule({ where })],
    ['"public"."same-where"', rule({ where })],
    ['"public"."other-where"', rule({ where: 'id < 8' })],
    ['"public"."now-none"', rule({ rows: 'empty' })],
    ['"public"."was-none"', rule({})],
  ]);
  const selected = new Map(
    ['now-some', 'same-where', 'other-where', 'now-part'].map((name) => [`"public"."${name}"`, 7]),
  );
  const subset = { tables: [{ table: { schema: 'public', name: 'now-part' } }] };
  const { read, copied } = likeWithLike(tables, before, { byTable, selected, subset });
  const told = (some: readonly Table[]) => some.map((one) => [one.table.name, one.rows]);
  // Of what is read in part only now, the plan has still seen all.
  expect(told(read)).toEqual([
    ['whole', 100],
    ['now-some', 100],
    ['same-where', 7],
    ['now-part', 100],
  ]);
  expect(told(copied)).toEqual([
    ['whole', 100],
    ['same-where', 7],
  ]);
});
