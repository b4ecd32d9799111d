import { RestageError } from '../errors.ts';
import { nearest } from '../nearest.ts';
import type { Table } from './catalog.ts';
import { displayTable, isCalled, quoteTable, type TableName } from './names.ts';
import type { Origin } from './session.ts';
import { someOf } from './some-of.ts';

/**
 * A table of which the statistics say that it has rows, and that has none to be read, is not believed: more often than
 * not something hides them. Names in `mayBeEmpty` are believed.
 * Throws `table-empty`; `config-invalid` for a name that no table has.
 */
export function refuseEmptyTables(
  tables: readonly Table[],
  mayBeEmpty: readonly string[],
  { database, host, port }: Origin,
): void {
  const unknown = mayBeEmpty.filter((name) => !tables.some(({ table }) => isCalled(table, name)));
  if (unknown.length > 0) {
    const known = tables.map(({ table }) => plainName(table));
    const problems = unknown.map((name) => {
      const near = nearest(name, known);
      return `the source has no table ${name}${near === undefined ? '' : `; it has ${near}`}`;
    });
    throw new RestageError('config-invalid', `database.mayBeEmpty: ${problems.join('; ')}`, {
      hint: 'Bare names are of the schema public; all others are schema.table, as in the database.',
    });
  }
  const empty = tables.filter(
    ({ table, rows, rowsAreEstimated, estimatedRows }) =>
      estimatedRows > 0 && rows === 0 && !rowsAreEstimated && !mayBeEmpty.some((name) => isCalled(table, name)),
  );
  if (empty.length === 0) return;
  const told = empty.map(({ table, estimatedRows }) => `${displayTable(table)} (about ${estimatedRows})`);
  const some = empty.slice(0, 10).map(({ table }) => table);
  const others = empty.length > some.length ? ', and so on for the others' : '';
  throw new RestageError(
    'table-empty',
    `${database} at ${host}:${port} has rows by its statistics, and none to be read, in ${someOf(told)}`,
    {
      hint: `Is this the right database? Where a table really is empty, at the source: analyze ${some.map(quoteTable).join(', ')}; or in restage.yaml: database: { mayBeEmpty: [${some.map((table) => JSON.stringify(plainName(table))).join(', ')}] }${others}`,
    },
  );
}

/** As a config writes it: `isCalled` finds it again. */
function plainName({ schema, name }: TableName): string {
  return schema === 'public' ? name : `${schema}.${name}`;
}
