import { RestageError } from '../errors.ts';
import { displayTable, quoteTable, quoteText, type TableName } from './names.ts';
import type { ReadSession } from './session.ts';

/** The table, or whatever else has rows, of that name: bare for public, else schema.table, as in the database. */
export async function findTable(session: ReadSession, name: string): Promise<TableName | undefined> {
  const [found] = await session.rows<{ schema: string; name: string }>(`
    select n.nspname as schema, c.relname as name
      from pg_catalog.pg_class c
      join pg_catalog.pg_namespace n on n.oid = c.relnamespace
     where c.relkind in ('r', 'p', 'v', 'm', 'f')
       and (n.nspname || '.' || c.relname = ${quoteText(name)} or (n.nspname = 'public' and c.relname = ${quoteText(name)}))
     order by n.nspname = 'public' desc
     limit 1`);
  return found;
}

/** How many rows a table has just now, counted. Throws `config-invalid` where there is none of that name. */
export async function countRows(session: ReadSession, name: string): Promise<number> {
  const table = await findTable(session, name);
  const { database, host, port } = session.origin;
  if (!table)
    throw new RestageError('config-invalid', `there is no table ${name} in ${database} at ${host}:${port}`, {
      hint: 'It is written as in the database: bare in the schema public, else schema.table.',
    });
  const [row] = await session.rows<{ rows: string }>(`select count(*) as rows from ${quoteTable(table)}`);
  if (!row) throw new RestageError('internal', `no count of ${displayTable(table)}`);
  return Number(row.rows);
}
