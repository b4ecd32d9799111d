import { quoteTable, type TableName } from './names.ts';
import type { Session } from './session.ts';

/**
 * Reads in a transaction in which tables do not force their policies upon their own owner, who could read nothing of them
 * otherwise; it is rolled back, so that nothing has changed. For a database that nobody else uses: these tables are locked for so long.
 */
export async function withoutForcedPolicies<T>(session: Session, read: () => Promise<T>): Promise<T> {
  await session.execute('begin');
  try {
    const forced = await session.rows<TableName>(`
      select n.nspname as schema, c.relname as name
        from pg_class c
        join pg_namespace n on n.oid = c.relnamespace
       where c.relkind in ('r', 'p') and c.relrowsecurity and c.relforcerowsecurity
         and row_security_active(c.oid) and pg_has_role(c.relowner, 'usage')
       order by 1, 2`);
    for (const table of forced) await session.execute(`alter table ${quoteTable(table)} no force row level security`);
    return await read();
  } finally {
    // Of a session that is lost the reader has told already.
    await session.execute('rollback').catch(() => {});
  }
}
