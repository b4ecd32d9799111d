import { expect, test } from 'vitest';
import type { DriftReport } from '../drift.ts';
import type { DriftedObject } from '../postgres/drift/drift.ts';
import { driftSummary, driftText } from './drift-text.ts';
import { fit } from './fit.ts';
import { plain } from './style.ts';

const origin = { host: 'db.internal', port: 5432, database: 'bookshop', user: 'reader', version: '16.4' };

function report(differences: readonly DriftedObject[], objects = 143): DriftReport {
  return {
    version: 1,
    madeAt: '2026-11-23T09:30:00.000Z',
    source: { name: 'production', origin, readAt: '2026-11-23T09:30:00.000Z', revision: '7f3a' },
    target: {
      name: 'staging',
      origin: { ...origin, host: 'staging.internal', version: '18.1' },
      readAt: '2026-11-23T09:30:01.000Z',
    },
    drift: { objects, differences },
    leftOut: ['1 table that database.tables skips'],
  };
}

/** The lines about the objects themselves. */
function told(...differences: readonly DriftedObject[]): readonly string[] {
  return driftText(report(differences), plain)
    .split('\n')
    .slice(9 + 1);
}

test('where nothing differs, one line says so, under where both were read', () => {
  expect(driftText(report([]), plain)).toBe(`production ↔ staging: schemas

  source  bookshop at db.internal:5432 as reader, PostgreSQL 16.4
          revision 7f3a, read 2026-11-23 09:30:00 UTC
  target  bookshop at staging.internal:5432 as reader, PostgreSQL 18.1
          read 2026-11-23 09:30:01 UTC
  not compared: 1 table that database.tables skips

nothing differs: 143 objects compared`);
});

test('of two definitions in many lines the first that differ are shown, and which they are', () => {
  expect(told({ kind: 'function', name: 'due(date)', source: 'a\n  b\nc', target: 'a\n b\nd\ne' }).slice(1)).toEqual([
    'functions',
    '  ~ function due(date), from line 3 on (of 3 and 4 lines)',
    '      production  c',
    '      staging     d',
  ]);
});

test('where one definition ends before the other, that is said', () => {
  expect(told({ kind: 'view', name: 'v', table: 'v', source: 'a', target: 'a\nb' }).slice(2)).toEqual([
    '  ~ view, from line 2 on (of 1 and 2 lines)',
    '      production  (ends)',
    '      staging     b',
  ]);
});

test('of long lines the place is shown where they differ', () => {
  const [, , , ours = '', theirs = ''] = told({
    kind: 'enum',
    name: 'mood',
    source: `${'x'.repeat(1000)}A${'y'.repeat(1000)}`,
    target: `${'x'.repeat(1000)}B${'y'.repeat(1000)}`,
  });
  expect(ours).toMatch(/^ {6}production {2}…x{53}Ay{106}…$/);
  expect(theirs).toMatch(/^ {6}staging {5}…x{53}By{106}…$/);
});

test('of a view that only one has, the first line is shown, and how many there are', () => {
  expect(told({ kind: 'view', name: 'v', table: 'v', source: 'SELECT 1\nFROM a\nWHERE b' })).toContain(
    '  + view: SELECT 1 … 3 lines',
  );
});

test('it fits the width of a terminal, each object under its mark', () => {
  const text = driftText(
    report([{ kind: 'constraint', name: 'books.known', table: 'books', source: `CHECK (${'word '.repeat(60)})` }]),
    plain,
  );
  for (const line of fit(text, 80).split('\n')) expect(line.length).toBeLessThanOrEqual(80);
});

const ends = { source: 'production', target: 'staging' };

test('a summary counts by kind, and gives a few names of each sort', () => {
  const columns = Array.from({ length: 7 }, (_, index): DriftedObject => ({
    kind: 'column',
    name: `t.c${index}`,
    table: 't',
    source: 'text',
  }));
  expect(
    driftSummary(
      {
        objects: 1200,
        differences: [
          ...columns,
          { kind: 'table', name: 'u', table: 'u', target: 'table' },
          { kind: 'policy', name: 't.p\n', source: 'a', target: 'b' },
        ],
      },
      ends,
    ),
  ).toEqual([
    '9 of 1,200 objects differ: 1 table, 7 columns, 1 policy',
    '+ only in production: column t.c0, column t.c1, column t.c2, column t.c3, column t.c4 and 2 more',
    '- only in staging: table u',
    '~ not the same: policy t.p\\n',
  ]);
  expect(driftSummary({ objects: 5, differences: [] }, ends)).toEqual(['the schemas are the same: 5 objects compared']);
});
