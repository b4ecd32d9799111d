import { quoteTable, type TableName } from './names.ts';
import type { ReadSession } from './session.ts';

/** Tables that hold the revision of the schema, not data. */
export const versionTables: ReadonlySet<string> = new Set(['alembic_version']);

/** The revision that Alembic's version table names; undefined without such a table. More than one head: joined by commas. */
export async function readRevision(session: ReadSession): Promise<string | undefined> {
  const found = await session.rows<TableName>(`
    select n.nspname as schema, c.relname as name
      from pg_class c
      join pg_namespace n on n.oid = c.relnamespace
     where c.relname = 'alembic_version' and c.relkind = 'r'
       and has_schema_privilege(n.oid, 'usage') and has_table_privilege(c.oid, 'select')
     order by (n.nspname = 'public') desc
     limit 1`);
  if (!found[0]) return undefined;
  const heads = await session.rows<{ version_num: string }>(
    `select version_num from ${quoteTable(found[0])} order by 1`,
  );
  return heads.length === 0 ? undefined : heads.map((head) => head.version_num).join(', ');
}
