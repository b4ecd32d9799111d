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
    compared: 'content',
    merged: [],
    integrity: { constraints: 3, indexes: 1, sequences: 2, wrong: [] },
    suspect: [],
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

const empty = {
  source: origin,
  target: origin,
  compared: 'content',
  tables: [],
  merged: [],
  leftOut: [],
  onlyInTarget: [],
  integrity: { constraints: 0, indexes: 0, sequences: 0, wrong: [] },
  suspect: [],
} as const;

test('where many tables are left out for one reason, it is told once', () => {
  const reason = 'the subset has some of its rows only';
  const leftOut = ['a', 'b', 'c', 'd', 'e', 'f'].map((name) => ({ table: table(name), reason }));
  const text = verificationText({ ...found, database: { ...empty, leftOut } }, plain);
  expect(text).toContain('    6 tables: left out, the subset has some of its rows only: a, b, c, d, e, f');
  expect(text).not.toContain('rows at');
});

test('what was counted or sampled only is not called equal by content', () => {
  const rows = { ...empty, compared: 'rows', tables: found.database?.tables.slice(0, 1) ?? [] } as const;
  expect(verificationText({ ...found, database: rows }, plain)).toMatch(/books +153 +153 {2}as many rows$/m);
  const sampled = { ...digest, rows: 4_000_000, sampled: 62_500 };
  const some = {
    table: table('pages'),
    source: sampled,
    target: sampled,
    missingColumns: [],
    ownColumns: [],
    equal: true,
  };
  const text = verificationText({ ...found, database: { ...empty, compared: 'sample', tables: [some] } }, plain);
  expect(text).toMatch(/ {2}equal in a sample of 62,500 rows of 4,000,000$/m);
  expect(text).toMatch(/^equal as far as samples tell, in /m);
});

test("a merged table tells the source's rows and staging's own", () => {
  const one = {
    table: table('tags'),
    source: 5,
    target: 9,
    same: 5,
    different: 0,
    missing: 0,
    ownColumns: [],
    ownWins: false,
    equal: true,
  };
  const text = (more: Partial<typeof one>) =>
    verificationText({ ...found, database: { ...empty, merged: [{ ...one, ...more }] } }, plain);
  expect(text({})).toMatch(/✓ {2}tags +5 +9 {2}all of the source's equal, beside 4 of staging's own$/m);
  expect(text({ same: 2, different: 1, missing: 2, equal: false })).toMatch(
    /✗ {2}tags +5 +9 {2}2 of the source's 5 equal \(2 missing, 1 different\), beside 6 of staging's own$/m,
  );
  expect(text({ same: 4, different: 1, ownWins: true })).toContain("(1 different: staging's own rows win)");
});

test('what the database declares, its large objects and what rows name are told with what is wrong', () => {
  const integrity = { constraints: 3, indexes: 1, sequences: 2, wrong: ['a', 'b'], told: ['c is as at the source'] };
  const largeObjects = { source: { rows: 2, content: '1' }, target: { rows: 2, content: '2' } };
  const sample = { keys: 1, examples: ['a"b'] };
  const none = { keys: 0, examples: [] };
  const check = { bucket: 'images', columns: ['t.key'], named: 3, missing: sample, absent: none, unnamed: none };
  const text = verificationText(
    { ...found, database: { ...empty, integrity, largeObjects }, references: [check] },
    plain,
  );
  expect(text).toContain('  ✗ 3 constraints and 1 index, 2 sequences: 2 wrong\n    c is as at the source\n');
  expect(text).toContain('  ✗ 2 large objects: different\n');
  expect(text).toContain('  ✗ 3 keys of images that rows name in t.key\n    missing in the target: 1, e.g. "a\\"b"\n');
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
