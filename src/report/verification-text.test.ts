import { expect, test } from 'vitest';
import type { Verification } from '../verify.ts';
import { plain } from './style.ts';
import { verificationText } from './verification-text.ts';

const origin = { host: 'db', port: 5432, database: 'shop', user: 'u', version: '16.14' };
const digest = { rows: 153, content: '77' };
const table = (name: string) => ({ schema: 'public', name });
const found: Verification = {
  version: 1,
  madeAt: '2026-11-22T23:15:00.000Z',
  durationMs: 1000,
  source: 'production',
  target: 'staging',
  database: {
    source: origin,
    target: { ...origin, host: 'db.staging' },
    sourceRevision: 'aaa',
    targetRevision: 'bbb',
    tables: [
      { table: table('books'), source: digest, target: digest, missingColumns: [], ownColumns: [], equal: true },
      { table: table('users'), source: digest, target: digest, missingColumns: [], ownColumns: ['sub'], equal: true },
    ],
    leftOut: [
      { table: table('alembic_version'), reason: 'for it holds the revision' },
      { table: table('api_keys'), reason: "its rows are staging's own" },
    ],
    onlyInTarget: [table('drafts')],
  },
  objects: [],
  totals: [],
  expectations: [],
  differences: [],
};

test('the numbers have headings, and what was not compared is said', () => {
  const lines = verificationText(found, plain).split('\n');
  const at = lines.findIndex((line) => /^ +table +rows at production +at staging$/.test(line));
  expect(lines[at + 1]).toMatch(/^ {2}✓ {2}books +153 +153 {2}content equal$/);
  expect(lines[at + 2]).toMatch(/ content equal, sub left out: by a rule the target's own$/);
  expect(lines.slice(at + 3, at + 7)).toEqual([
    '    drafts: only in the target',
    '    alembic_version: left out, for it holds the revision',
    "    api_keys: left out, its rows are staging's own",
    '    revision: aaa at the source, bbb at the target',
  ]);
});

test('no two lines are empty one after the other', () => {
  expect(verificationText(found, plain)).not.toContain('\n\n\n');
  expect(verificationText({ ...found, health: { path: '/h', healthy: true, checks: [] } }, plain)).not.toContain(
    '\n\n\n',
  );
});

test('where every table is left out it is not called equal, and one reason of many tables is told once', () => {
  const reason = 'the subset has some of its rows only';
  const leftOut = ['a', 'b', 'c', 'd', 'e', 'f'].map((name) => ({ table: table(name), reason }));
  const database = { source: origin, target: origin, tables: [], leftOut, onlyInTarget: [] };
  const text = verificationText({ ...found, database }, plain);
  expect(text).toContain('    6 tables: left out, the subset has some of its rows only: a, b, c, d, e, f');
  expect(text).toMatch(/\nnothing was compared, for every table is left out; 1\.0 s$/);
  expect(text).not.toContain('rows at');
  const totals = [{ path: '/x', read: 'total', source: 1, target: 1 }];
  expect(verificationText({ ...found, database, totals }, plain)).toMatch(/\nequal, in 1\.0 s$/);
  expect(verificationText({ ...found, database: { ...database, leftOut: [] } }, plain)).toMatch(/\nequal, in 1\.0 s$/);
});

test('the applications are told check by check, with both versions, totals and expected values', () => {
  const apps: Partial<Verification> = {
    health: {
      path: '/health/deep',
      healthy: false,
      checks: [
        { name: 'database', healthy: true, status: 'healthy', detail: 'book_count 153' },
        { name: 'search', healthy: false, status: 'degraded' },
      ],
      failure: { code: 'app-unexpected', message: 'it is degraded' },
    },
    versions: {
      policy: 'ahead',
      relation: 'ahead',
      source: { version: '1.3.0', gitSha: 'a9fd309', environment: 'production' },
      target: { version: '1.4.0', gitSha: '6575f61', environment: 'staging' },
    },
    totals: [
      { path: '/books', read: 'total', source: 153, target: '153' },
      {
        path: '/users',
        read: 'n',
        table: 'users',
        source: 8,
        target: 7,
        failure: { code: 'data-differs', message: 'x' },
      },
      { path: '/gone', read: 'n', failure: { code: 'app-unreachable', message: 'gone' } },
    ],
    expectations: [{ end: 'target', path: '/jobs', read: 'pending', atMost: 0, value: 0 }],
    differences: ['it is degraded', 'x', 'gone'],
  };
  const lines = verificationText({ ...found, ...apps }, plain).split('\n');
  const at = lines.indexOf('  ✗ health /health/deep');
  expect(lines.slice(at + 1, at + 11)).toEqual([
    '      ✓  database  healthy   book_count 153',
    '      ✗  search    degraded',
    '  ✓ versions: the target is ahead, as is usual',
    '      source  1.3.0 (a9fd309)  environment production',
    '      target  1.4.0 (6575f61)  environment staging',
    '  ✓ total of GET /books: 153 at the source, "153" at the target',
    '  ✗ n of GET /users: 7 at the target, where users has 8 rows',
    '  ✗ n of GET /gone: not told',
    '  ✓ pending of GET /jobs at the target: 0, expected: at most 0',
    '',
  ]);
});
