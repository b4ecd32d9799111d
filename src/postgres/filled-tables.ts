import { displayTable, quoteTable, type TableName } from './names.ts';
import type { ReadSession } from './session.ts';

/** How many tables one statement looks into. */
const atOnce = 200;

/** The ordinary tables of a database that have a row at least, by their numbers: as people read them. */
export async function readFilledTables(
  session: Pick<ReadSession, 'rows'>,
  isLeftOut: (table: TableName) => boolean,
): Promise<ReadonlyMap<string, string>> {
  const all = await session.rows<{ oid: string; schema: string; name: string }>(`
    select c.oid, n.nspname as schema, c.relname as name
      from pg_class c
      join pg_namespace n on n.oid = c.relnamespace
     where c.relkind = 'r' and c.relpersistence <> 't' and n.nspname <> 'information_schema' and n.nspname !~ '^pg_'
     order by c.oid`);
  const tables = all.filter((table) => !isLeftOut(table));
  const filled = new Map<string, string>();
  for (let from = 0; from < tables.length; from += atOnce) {
    const some = tables.slice(from, from + atOnce);
    const looks = some.map(
      (table) => `select '${table.oid}' as oid where exists (select from only ${quoteTable(table)})`,
    );
    const found = new Set((await session.rows<{ oid: string }>(looks.join(' union all '))).map(({ oid }) => oid));
    for (const table of some) if (found.has(table.oid)) filled.set(table.oid, displayTable(table));
  }
  return filled;
}
