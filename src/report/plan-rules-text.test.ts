import { expect, test } from 'vitest';
import type { Plan } from '../plan.ts';
import { plainRule, type TableRule } from '../postgres/rules/table-rule.ts';
import type { Step } from '../step.ts';
import { rulesLines } from './plan-rules-text.ts';
import { willDo } from './step-words.ts';
import { plain } from './style.ts';

const table = (name: string) => ({ schema: 'public', name });
const copy = (name: string, rule?: Partial<TableRule>): Step => ({
  id: `copy-table ${name}`,
  after: [],
  kind: 'copy-table',
  table: table(name),
  rows: 1,
  rowsAreEstimated: false,
  bytes: 1,
  parts: 1,
  partsReason: '',
  verify: 'content',
  mayBeEmpty: false,
  ...(rule ? { rule: { ...plainRule, ...rule } } : {}),
});

function planOf(steps: readonly Step[], more: Partial<Plan> = {}): Plan {
  const end = { name: 'one' };
  return { version: 1, madeAt: '', source: end, target: end, objects: [], jobs: 1, notes: [], steps, ...more };
}

test('what becomes of each table is told in a line, of alike ones in one; SQL of a set is not shown', () => {
  const masked: Partial<TableRule> = {
    columns: { who: { kind: 'mask', mask: { number: { noise: 5 } }, by: 'users.id' } },
  };
  const steps: readonly Step[] = [
    copy('users', {
      columns: {
        email: { kind: 'mask', mask: 'email' },
        secret: { kind: 'set', sql: `'hidden'` },
        sub: { kind: 'set', sql: `'hidden'` },
      },
      carry: { match: ['email'], columns: ['sub'] },
      where: 'id >\n 3',
      onOrphan: 'null',
      allow: ['city'],
    }),
    copy('books'),
    ...['p3', 'p1', 'p4', 'p2'].map((name) => copy(name, masked)),
    copy('audit', { rows: 'empty' }),
    copy('pages', { rewrite: [{ from: 'https://a', to: 'https://b' }] }),
    copy('api_keys', { rows: 'keep', onOrphan: 'drop' }),
    copy('flags', { rows: 'merge', onCollision: 'target', ownWhere: 'true' }),
    { id: 'k', after: [], kind: 'keep-rows', table: table('api_keys'), rows: 12, rule: plainRule, casts: [] },
    {
      id: 'c',
      after: [],
      kind: 'copy-schema',
      tables: 1,
      columnsPrint: '',
      skip: [table('Old one')],
      largeObjects: 0,
      publications: false,
      skipExtensions: [],
      roles: {},
    },
    {
      id: 's',
      after: [],
      kind: 'select-subset',
      subset: {
        from: [{ table: table('books'), where: 'id < 100' }],
        children: [{ table: table('images') }],
        also: [],
        references: [],
      },
      tables: [
        { table: table('authors'), rows: 40 },
        { table: table('books'), rows: 99 },
      ],
    },
    { id: 'a', after: [], kind: 'after-load', name: 'jobs.sql', sql: 'hidden' },
    { id: 'b', after: [], kind: 'after-load', name: 'afterLoad 2', sql: 'hidden' },
  ];
  expect(rulesLines(planOf(steps), plain)).toEqual([
    'data rules',
    "  api_keys               staging's own rows instead (12 rows); without a parent: drop",
    '  audit                  no rows',
    "  flags                  staging's own rows too where true, in a collision: target",
    '  p1, p2, p3 and 1 more  mask who (number, as users.id)',
    '  pages                  rewrite https://a to https://b',
    '  users                  where id > 3; without a parent: null; mask email (email); set secret; carry sub by email; allow city',
    '  "Old one"              not made',
    '  subset                 from books where id < 100',
    '                         with the rows that refer to them of images',
    '  after load             jobs.sql',
    '  after load             afterLoad 2: statements of the config itself',
    '',
  ]);
});

test("staging's own rows that could not be counted are told without a number", () => {
  const kept: Step = { id: 'k', after: [], kind: 'keep-rows', table: table('keys'), rule: plainRule, casts: [] };
  expect(rulesLines(planOf([copy('keys', { rows: 'keep' }), kept]), plain)).toContain(
    "  keys  staging's own rows instead",
  );
  expect(willDo(kept)).toBe("keys: staging's own rows");
});

test('of a subset that is refused before it is counted no rows are told', () => {
  const subset = { from: [{ table: table('books') }], children: [], also: [], references: [] };
  const steps: readonly Step[] = [{ id: 's', after: [], kind: 'select-subset', subset, tables: [] }];
  expect(rulesLines(planOf(steps), plain)).toEqual(['data rules', '  subset  from books', '']);
  const unknown: readonly Step[] = [
    { id: 's', after: [], kind: 'select-subset', subset: { ...subset, from: [] }, tables: [] },
  ];
  expect(rulesLines(planOf(unknown), plain)).toEqual([]);
});

test('columns that look personal are told with their reasons, up to forty, and not beside the refusal that names them', () => {
  const unmasked = Array.from({ length: 41 }, (_, n) => ({
    table: table('t'),
    column: `c${n}`,
    reason: 'its name says so',
  }));
  const lines = rulesLines(planOf([copy('books')], { unmasked }), plain);
  expect(lines).toHaveLength(43);
  expect(lines.slice(0, 2)).toEqual([
    'look personal, without a rule: they are copied as they are (database.unmasked: refuse stops that)',
    '  t.c0   its name says so',
  ]);
  expect(lines.slice(-2)).toEqual(['  and 1 more, which --json has', '']);
  const refusals = [{ code: 'unmasked', message: 'so' }] as const;
  expect(rulesLines(planOf([copy('books')], { unmasked, refusals }), plain)).toEqual([]);
});
