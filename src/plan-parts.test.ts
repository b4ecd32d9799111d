import { expect, test } from 'vitest';
import { partsOf } from './plan-parts.ts';
import type { Table } from './postgres/catalog.ts';
import { plainRule, type TableRule } from './postgres/rules/table-rule.ts';

const MiB = 1024 * 1024;
const table = (megabytes: number, more: Partial<Table> = {}): Table => ({
  table: { schema: 'public', name: `t${megabytes}` },
  columns: [],
  parents: [],
  primaryKey: [],
  rows: 1,
  rowsAreEstimated: true,
  neverEstimated: false,
  estimatedRows: 1,
  sizeBytes: megabytes * MiB,
  indexBytes: 0,
  ...more,
});

test.each([
  ['a small table, though it is alone', table(255), [], 4, 1, /smaller than 256 MiB/],
  [
    'a large table among as large ones',
    table(1000),
    [table(999), table(999), table(999), table(1000)],
    4,
    1,
    /meanwhile/,
  ],
  ['a large table that is most of it', table(1000), [table(100)], 4, 4, /4 ranges .* 91 %/],
  ['a table that is large enough for two', table(256), [], 4, 2, /2 ranges .* 100 %/],
  ['a large table with one session only', table(9000), [], 1, 1, /jobs is 1/],
  ['a table that an extension makes', table(9000, { ofExtension: 'postgis' }), [], 4, 1, /extension postgis/],
] as const)('%s is read in the right number of parts', (_what, one, others, jobs, parts, reason) => {
  const found = partsOf(one, [one, ...others], jobs);
  expect(found.parts).toBe(parts);
  expect(found.partsReason).toMatch(reason);
});

const set = (sql: string): Partial<TableRule> => ({ columns: { v: { kind: 'set', sql } } });

test.each([
  ['a where, of the time too', { where: "created_at > now() - interval '1 day'" }, 4, /4 ranges/],
  ['no rows', { rows: 'empty' }, 1, /nothing is read/],
  ["staging's own rows", { rows: 'keep' }, 1, /nothing is read/],
  ['a where that chooses at random', { where: 'random() < 0.1' }, 1, /something else each time/],
  ['a value that is another in each row', set('gen_random_uuid()'), 1, /something else each time/],
  ['a value that is counted', set('row_number() OVER ()'), 1, /something else each time/],
  [
    'a mask that does so',
    { columns: { v: { kind: 'mask', mask: { sql: 'random()' } } } },
    1,
    /something else each time/,
  ],
  ['a constant that is called so', { columns: { v: { kind: 'mask', mask: { constant: 'random' } } } }, 4, /4 ranges/],
] as const)('a large table by a rule with %s is read in the right number of parts', (_what, rule, parts, reason) => {
  const one = table(1000);
  const found = partsOf(one, [one], 4, { ...plainRule, ...rule });
  expect(found.parts).toBe(parts);
  expect(found.partsReason).toMatch(reason);
});
