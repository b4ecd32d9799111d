import { ofTheUser } from '../carried-relations.ts';
import { quoteName, quoteTable, type TableName } from '../names.ts';
import type { ReadSession } from '../session.ts';

/** Of columns that a unique or excluding index is about: whether one of them is about this column alone. */
export type UniqueColumns = ReadonlyMap<string, 'alone' | 'with others'>;

/** A column as a key of such a map. */
export function columnKey(table: TableName, column: string): string {
  return `${quoteTable(table)}.${quoteName(column)}`;
}

/** Columns that unique indexes are about, those in their expressions too. */
export async function readUniqueColumns(session: ReadSession): Promise<UniqueColumns> {
  const rows = await session.rows<{ schema: string; name: string; column: string; alone: string }>(`
    select n.nspname as schema, c.relname as name, a.attname as column,
           bool_or(x.indisunique and x.indnkeyatts = 1 and x.indkey[0] = a.attnum and x.indpred is null)::text as alone
      from pg_index x
      join pg_class c on c.oid = x.indrelid
      join pg_namespace n on n.oid = c.relnamespace
      join pg_attribute a on a.attrelid = c.oid and a.attnum > 0
     where (x.indisunique or x.indisexclusion) and ${ofTheUser('c', 'pg_class')}
       and (a.attnum = any ((x.indkey::int2[])[0:x.indnkeyatts - 1])
            or exists (select from pg_depend d
                        where d.classid = 'pg_class'::regclass and d.objid = x.indexrelid
                          and d.refclassid = 'pg_class'::regclass and d.refobjid = c.oid and d.refobjsubid = a.attnum))
     group by 1, 2, 3`);
  return new Map(rows.map((row) => [columnKey(row, row.column), row.alone === 'true' ? 'alone' : 'with others']));
}
