import { expect, test } from 'vitest';
import { partsOf } from './plan-parts.ts';
import type { Table } from './postgres/catalog.ts';

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
