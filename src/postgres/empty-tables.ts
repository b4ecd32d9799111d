import { RestageError } from '../errors.ts';
import { nearest } from '../nearest.ts';
import type { Table } from './catalog.ts';
import { displayTable, isCalled, quoteTable, type TableName } from './names.ts';
import type { Origin } from './session.ts';
import { someOf } from './some-of.ts';

/** Why a setting that lists tables of the source cannot be meant: `config-invalid`, for names that no table has. */
export function unknownTables(
  setting: string,
  names: readonly string[],
  tables: readonly Table[],
): RestageError | undefined {
  const unknown = names.filter((name) => !tables.some(({ table }) => isCalled(table, name)));
  if (unknown.length === 0) return undefined;
  const known = tables.map(({ table }) => plainName(table));
  const problems = unknown.map((name) => {
    const near = nearest(name, known);
    return `the source has no table ${name}${near === undefined ? '' : `; it has ${near}`}`;
  });
  return new RestageError('config-invalid', `${setting}: ${problems.join('; ')}`, {
    hint: 'Bare names are of the schema public; all others are schema.table, as in the database.',
  });
}

/**
 * The tables of which the statistics say that they have rows, and that have none to be read. They are not believed: more often than
 * not something hides the rows. Names in `mayBeEmpty` are believed.
 */
export function emptyTables(tables: readonly Table[], mayBeEmpty: readonly string[]): Table[] {
  return tables.filter(
    ({ table, rows, rowsAreEstimated, estimatedRows }) =>
      estimatedRows > 0 && rows === 0 && !rowsAreEstimated && !mayBeEmpty.some((name) => isCalled(table, name)),
  );
}

/** `table-empty`, for tables that are not believed to be. */
export function emptyTablesError(empty: readonly Table[], { database, host, port }: Origin): RestageError {
  const told = empty.map(({ table, estimatedRows }) => `${displayTable(table)} (about ${estimatedRows})`);
  const some = empty.slice(0, 10).map(({ table }) => table);
  const others = empty.length > some.length ? ', and so on for the others' : '';
  return new RestageError(
    'table-empty',
    `${database} at ${host}:${port} has rows by its statistics, and none to be read, in ${someOf(told)}`,
    {
      hint: `Is this the right database? Where a table really is empty, at the source: analyze ${some.map(quoteTable).join(', ')}; or in restage.yaml: database: { mayBeEmpty: [${some.map((table) => JSON.stringify(plainName(table))).join(', ')}] }${others}`,
    },
  );
}

/** As a config writes it: `isCalled` finds it again. */
export function plainName({ schema, name }: TableName): string {
  return schema === 'public' ? name : `${schema}.${name}`;
}
