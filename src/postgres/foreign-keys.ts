import { RestageError } from '../errors.ts';
import { displayTable, printedName, quoteName, quoteTable, unquote, type TableName } from './names.ts';
import { constraintOf, type SchemaEntry } from './schema-entries.ts';
import { sqlState } from './session-error.ts';
import type { ReadSession, Session } from './session.ts';

/** How the foreign keys of a dump are made: first all of them, unproven and at once; then the rows are read, side by side. */
export interface ForeignKeys {
  readonly add: readonly SchemaEntry[];
  /** What is to be validated afterwards, all of a table's together: validating locks the table against another. */
  readonly validate: readonly { readonly table: TableName; readonly constraints: readonly string[] }[];
}

const references = new RegExp(` REFERENCES (${printedName})\\.(${printedName})\\(`);

/**
 * Splits foreign keys into their making and their validation. Adding one locks both its tables against every other, so
 * that side by side they would wait for each other, or for ever; validating locks only the referencing table. A key that
 * the source holds NOT VALID stays so. Keys of partitioned tables are made in one (NOT VALID came there with version 18);
 * keys to `partitioned` ones, by quoted name, too: up to 17 their parts, one for each partition, stay NOT VALID for ever.
 */
export function splitForeignKeys(
  entries: readonly SchemaEntry[],
  partitioned: ReadonlySet<string> = new Set(),
): ForeignKeys {
  const byTable = new Map<string, { readonly table: TableName; readonly constraints: string[] }>();
  const add = entries.map((entry) => {
    const found = constraintOf(entry);
    const plain = entry.sql.startsWith('ALTER TABLE ONLY ') && !/ NOT (VALID|ENFORCED);$/.test(entry.sql);
    if (!found || !plain || partitioned.has(quoteTable(referencedTable(entry)))) return entry;
    const key = quoteTable(found.table);
    const group = byTable.get(key) ?? { table: found.table, constraints: [] };
    byTable.set(key, group);
    group.constraints.push(found.name);
    return { ...entry, sql: entry.sql.replace(/;$/, ' NOT VALID;') };
  });
  return { add, validate: [...byTable.values()] };
}

/** The table that the foreign key of an entry refers to. */
export function referencedTable({ sql }: SchemaEntry): TableName {
  const [, schema = '', name = ''] = references.exec(sql) ?? [];
  return { schema: unquote(schema), name: unquote(name) };
}

/** Quoted names of the partitioned tables. */
export async function readPartitioned(session: ReadSession): Promise<ReadonlySet<string>> {
  const rows = await session.rows<TableName>(`
    select n.nspname as schema, c.relname as name
      from pg_class c
      join pg_namespace n on n.oid = c.relnamespace
     where c.relkind = 'p'`);
  return new Set(rows.map(quoteTable));
}

/** Reads the rows of a table for its foreign keys. Throws `schema-failed`, naming the table and its keys. */
export async function validate(
  session: Session,
  { table, constraints }: ForeignKeys['validate'][number],
): Promise<void> {
  const each = constraints.map((name) => `validate constraint ${quoteName(name)}`);
  try {
    await session.execute(`alter table ${quoteTable(table)} ${each.join(', ')}`);
  } catch (error) {
    if (!(error instanceof RestageError) || sqlState(error) === undefined) throw error;
    throw new RestageError(
      'schema-failed',
      `the foreign keys of ${displayTable(table)} (${constraints.join(', ')}) do not hold: ${error.message}`,
      { cause: error.cause, hint: error.hint },
    );
  }
}
