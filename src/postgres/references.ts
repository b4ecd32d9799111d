import type { TableName } from './names.ts';
import type { ReadSession } from './session.ts';

/** A foreign key, of a whole partitioned table where it is one of that. */
export interface ForeignKey {
  readonly name: string;
  readonly table: TableName;
  readonly columns: readonly string[];
  readonly parent: TableName;
  /** In the order of `columns`. */
  readonly parentColumns: readonly string[];
}

/** Every foreign key of the user's tables; those that partitions have of their tables are told once. */
export async function readForeignKeys(session: ReadSession): Promise<ForeignKey[]> {
  const names = (relation: string, keys: string) => `(
             select json_agg(a.attname order by u.position)
               from unnest(${keys}) with ordinality u(number, position)
               join pg_attribute a on a.attrelid = ${relation} and a.attnum = u.number)`;
  const rows = await session.rows<{
    name: string;
    schema: string;
    table: string;
    columns: string;
    parentschema: string;
    parent: string;
    parentcolumns: string;
  }>(`
    select k.conname as name, n.nspname as schema, c.relname as table, ${names('c.oid', 'k.conkey')} as columns,
           pn.nspname as parentschema, p.relname as parent, ${names('p.oid', 'k.confkey')} as parentcolumns
      from pg_constraint k
      join pg_class c on c.oid = k.conrelid
      join pg_namespace n on n.oid = c.relnamespace
      join pg_class p on p.oid = k.confrelid
      join pg_namespace pn on pn.oid = p.relnamespace
     where k.contype = 'f' and k.conparentid = 0
     order by 2, 3, 1`);
  return rows.map((row) => ({
    name: row.name,
    table: { schema: row.schema, name: row.table },
    columns: JSON.parse(row.columns) as string[], // built above
    parent: { schema: row.parentschema, name: row.parent },
    parentColumns: JSON.parse(row.parentcolumns) as string[],
  }));
}
