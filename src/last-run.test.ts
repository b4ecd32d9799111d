import { expect, test } from 'vitest';
import { lastOfBucket, lastOfDatabase, lastRunOf } from './last-run.ts';

const place = { host: 'db.prod', port: 5432, database: 'shop' };
const target = { host: 'db.staging', port: 5432, database: 'shop' };
const from = { bucket: 'shop-images', account: '1', region: 'us-west-2' };
const to = { bucket: 'shop-images-staging', account: '2', region: 'us-west-2' };
const keys = { include: ['images/**'], exclude: [], renames: {} };
const amount = { objects: 10, bytes: 100 };

function report(more: object = {}): object {
  return {
    run: '20261122-231500-ab12',
    startedAt: '2026-11-22T23:15:00.500Z',
    durationMs: 1500,
    outcome: 'done',
    source: { name: 'production', database: { origin: place } },
    target: { name: 'staging', database: { origin: target } },
    objects: [{ bucket: 'images', source: from, target: to, selection: keys, totals: { source: amount } }],
    steps: [
      {
        kind: 'copy-table',
        table: { schema: 'public', name: 'books' },
        outcome: { status: 'done', facts: { source: { rows: 153 } } },
      },
      {
        kind: 'verify-objects',
        bucket: 'images',
        outcome: { status: 'done', facts: { source: { objects: 12, bytes: 120 } } },
      },
      { kind: 'swap', outcome: { status: 'done' } },
    ],
    ...more,
  };
}

const last = (more?: object) => {
  const found = lastRunOf(report(more), 'a file');
  return found ? [found] : [];
};

test('a report of a run that ended well tells what was read of each table and bucket', () => {
  expect(lastRunOf(report(), 'a file')).toMatchObject({
    run: '20261122-231500-ab12',
    endedAt: '2026-11-22T23:15:02.000Z',
    from: 'a file',
    database: { source: place, target, tables: [{ table: { name: 'books' }, rows: 153 }] },
    buckets: [{ bucket: 'images', objects: 12, bytes: 120 }],
  });
});

test('where nothing was copied, what was listed for the plan counts', () => {
  expect(lastRunOf(report({ steps: [] }), '')).toMatchObject({ buckets: [{ objects: 10 }] });
  expect(lastRunOf(report({ steps: [] }), '')).not.toHaveProperty('database');
});

test.each([
  ['a run that failed', report({ outcome: 'failed' })],
  ['no report', undefined],
  ['something else', { steps: [] }],
  ['a list', []],
  [
    'a report whose figures are no numbers',
    report({ objects: [{ bucket: 'images', totals: { source: { objects: 'many' } } }] }),
  ],
  ['a report of no time', report({ startedAt: 'yesterday' })],
])('%s tells nothing', (_what, text) => {
  expect(lastRunOf(text, '')).toBeUndefined();
});

test('a step that is not as it should be is left out, the others count', () => {
  const steps = [
    { kind: 'copy-table' },
    { kind: 'copy-table', table: { schema: 'a', name: 'b' }, outcome: { facts: { source: { rows: 1 } } } },
  ];
  expect(lastRunOf(report({ steps }), '')?.database?.tables).toEqual([{ table: { schema: 'a', name: 'b' }, rows: 1 }]);
});

test('only a run between the same two databases measures', () => {
  expect(lastOfDatabase(last(), { ...place, host: 'DB.prod' }, target)?.tables).toHaveLength(1);
  for (const other of [{ host: 'other' }, { port: 5433 }, { database: 'other' }]) {
    expect(lastOfDatabase(last(), { ...place, ...other }, target)).toBeUndefined();
    expect(lastOfDatabase(last(), place, { ...target, ...other })).toBeUndefined();
  }
});

test('only a run between the same two buckets, of the same keys, measures', () => {
  expect(lastOfBucket(last(), from, to, keys)).toMatchObject({ objects: 12 });
  expect(lastOfBucket(last(), from, to, { ...keys, backup: 'kept/' })).toMatchObject({ objects: 12 });
  expect(lastOfBucket(last(), { ...from, bucket: 'other' }, to, keys)).toBeUndefined();
  expect(lastOfBucket(last(), from, { ...to, bucket: 'other' }, keys)).toBeUndefined();
  expect(lastOfBucket(last(), { ...from, endpoint: 'http://store' }, to, keys)).toBeUndefined();
  for (const change of [{ prefix: 'a/' }, { include: [] }, { exclude: ['b'] }, { renames: { a: 'b' } }])
    expect(lastOfBucket(last(), from, to, { ...keys, ...change })).toBeUndefined();
});

test('the newest that measures counts', () => {
  const runs = [...last({ run: '3', steps: [] }), ...last({ run: '2' }), ...last({ run: '1' })];
  expect(lastOfDatabase(runs, place, target)?.run).toBe('2');
  expect(lastOfBucket(runs, from, to, keys)?.run).toBe('3');
});

test('of a table that a rule or the subset limited it is known by what', () => {
  const copy = (name: string, rule?: object) => ({
    kind: 'copy-table',
    table: { schema: 'a', name },
    ...(rule ? { rule } : {}),
    outcome: { facts: { source: { rows: 1 } } },
  });
  const steps = [
    copy('whole', { rows: 'copy', columns: {} }),
    copy('some', { rows: 'copy', where: 'x' }),
    copy('none', { rows: 'keep', where: 'x' }),
    copy('part', { rows: 'copy', where: 'x' }),
    { kind: 'select-subset', tables: [{ table: { schema: 'a', name: 'part' }, rows: 1 }] },
  ];
  const tables = lastRunOf(report({ steps }), '')?.database?.tables;
  expect(tables?.map(({ table: { name }, limited }) => [name, limited])).toEqual([
    ['whole', undefined],
    ['some', { where: 'x' }],
    ['none', {}],
    ['part', {}],
  ]);
});
