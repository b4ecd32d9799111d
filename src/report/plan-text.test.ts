import { expect, test } from 'vitest';
import type { Plan } from '../plan.ts';
import type { Step } from '../step.ts';
import { unmaskedNotes } from '../postgres/rules/unmasked-refusal.ts';
import { planText } from './plan-text.ts';
import { plain } from './style.ts';

function copyTable(name: string, bytes: number, parts: number, partsReason: string): Step {
  return {
    id: `copy-table ${name}`,
    after: ['copy-schema'],
    kind: 'copy-table',
    table: { schema: 'public', name },
    rows: 1000,
    rowsAreEstimated: true,
    bytes,
    parts,
    partsReason,
    verify: 'content',
    mayBeEmpty: false,
  };
}

const plan: Plan = {
  version: 1,
  madeAt: '2026-11-22T23:15:00.500Z',
  source: { name: 'production' },
  target: { name: 'staging' },
  objects: [],
  jobs: 4,
  steps: [
    copyTable('events', 3_000_000_000, 4, 'four sessions are free for it'),
    copyTable('pages', 100_000_000, 1, 'its rows fit few blocks'),
    copyTable('books', 99_999_999, 1, 'it is small'),
    { id: 'copy-large-objects', after: ['copy-schema'], kind: 'copy-large-objects', objects: 1200 },
    { id: 'set-privileges', after: ['copy-large-objects'], kind: 'set-privileges', grants: {} },
  ],
  notes: ['1 invalid index of the source will not be made, as no query uses them: public.broken'],
};

test('large tables say in how many parts they are copied and why, small ones do not', () => {
  const lines = planText(plan, plain).split('\n');
  const of = (name: string) => lines.find((line) => line.startsWith(`  ${name} `));
  expect(of('events')).toBe('  events        ~1,000  3.0 GB  4 parts: four sessions are free for it');
  expect(of('pages')).toBe('  pages         ~1,000  100 MB  1 part: its rows fit few blocks');
  expect(of('books')).toBe('  books         ~1,000  100 MB');
  expect(of('total')).toBe('  total          3,000  3.2 GB');
});

test('every step has its line, and every note', () => {
  const text = planText(plan, plain);
  expect(text).toContain('copy-large-objects  1,200 large objects');
  expect(text).toContain('set-privileges      owners and grants as staging has them');
  expect(text).toContain('note: 1 invalid index of the source will not be made');
});

const staging = { host: 'db.staging', port: 5432, database: 'shop', user: 'restage', version: '16.14' };
const bucket = { bucket: 'shop-images', account: '222222222222', endpoint: undefined, region: 'us-west-2' };
const readAt = '2026-11-22T23:14:00.000Z';
const amount = (objects: number) => ({ objects, bytes: objects * 1000 });
const replaces: NonNullable<Plan['replaces']> = {
  database: {
    origin: staging,
    readAt,
    tables: 14,
    rows: 1931,
    sizeBytes: 9_100_000,
    sessions: [
      { user: 'shop', application: 'gunicorn', count: 2, mayEnd: true },
      { user: 'shop', count: 1, mayEnd: true },
      { user: 'postgres', count: 1, mayEnd: false },
    ],
    staysFor: 1,
  },
  buckets: [
    {
      bucket: 'images',
      target: bucket,
      readAt,
      added: amount(470),
      overwritten: amount(5),
      deleted: amount(20),
      kept: 'nothing',
    },
    {
      bucket: 'papers',
      target: bucket,
      readAt,
      added: amount(1),
      overwritten: amount(0),
      deleted: amount(0),
      kept: 'unknown',
    },
  ],
};

test('what is replaced stands in one place, with where it was read and what stays of it', () => {
  const lines = planText({ ...plan, replaces }, plain).split('\n');
  const start = lines.indexOf('what is replaced');
  expect(lines.slice(start + 1, lines.indexOf('', start))).toEqual([
    '  database  shop at db.staging:5432: 14 tables with 1,931 rows, 9.1 MB, read 2026-11-22 23:14:00 UTC',
    '            it stays beside the new one for one refresh more',
    '  sessions  4 sessions of others are ended: shop (gunicorn, 2 of them), shop, postgres (which restage may not end)',
    '  images    20 objects deleted, 20.0 kB; 5 objects overwritten, 5.0 kB, in shop-images (account 222222222222) as listed 2026-11-22 23:14:00 UTC; for good: nothing keeps them',
  ]);
  expect(start).toBeLessThan(lines.indexOf('what will be done'));
});

test('a previous database that is not kept, and older versions of objects, are told', () => {
  const {
    database,
    buckets: [images],
  } = replaces;
  if (!database || !images) throw new Error('both are above');
  const text = planText(
    { ...plan, replaces: { database: { ...database, staysFor: 0 }, buckets: [{ ...images, kept: 'versions' }] } },
    plain,
  );
  expect(text).toContain('it is dropped at the end of the run, by database.keepPrevious');
  expect(text).toContain('; the bucket keeps older versions');
});

test('a run that only adds replaces nothing', () => {
  const text = planText({ ...plan, replaces: { buckets: replaces.buckets.slice(1) } }, plain);
  expect(text).not.toContain('what is replaced');
});

const health: Step = {
  id: 'check-health',
  after: ['swap'],
  kind: 'check-health',
  path: '/health',
  expect: { ok: true },
  checks: 'checks',
  withinSeconds: 20,
};
const swap: Step = { id: 'swap', after: [], kind: 'swap', database: 'shop', sessions: 0 };

test('what becomes of staging where a check fails after the swap is told where one can', () => {
  const text = (steps: readonly Step[], onFailure: 'rollback' | 'keep') =>
    planText({ ...plan, replaces, onFailure, steps }, plain);
  expect(text([swap, health], 'rollback')).toContain(
    '  on failure  if a migration or a check fails after the swap, the previous database is put back',
  );
  expect(text([swap, health], 'keep')).toContain('the new database stays, by database.onFailure');
  expect(text([swap], 'keep')).not.toContain('on failure');
});

test('columns without a rule are told once', () => {
  const unmasked = [{ table: { schema: 'public', name: 'users' }, column: 'email', reason: 'its name says so' }];
  const text = planText({ ...plan, unmasked, notes: [...plan.notes, ...unmaskedNotes(unmasked)] }, plain);
  expect(text.match(/users\.email/g)).toHaveLength(1);
  expect(text).toContain('note: 1 invalid index');
});

test('a drift of the schemas is told by kind and by a few names, and none is not', () => {
  const differences = [
    { kind: 'column', name: 'books.isbn', target: 'text' },
    { kind: 'index', name: 'books_isbn', target: 'btree (isbn)' },
    { kind: 'index', name: 'books_title', source: 'btree (title)' },
  ] as const;
  const text = planText({ ...plan, drift: { objects: 1200, differences } }, plain);
  expect(text).toContain('schema drift\n  3 of 1,200 objects differ: 1 column, 2 indexes\n');
  expect(planText({ ...plan, drift: { objects: 1200, differences: [] } }, plain)).not.toContain('drift');
});
