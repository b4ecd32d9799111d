import type { Lanes } from './load.ts';
import { quoteTable, type TableName } from './names.ts';
import type { ReadSession, Session } from './session.ts';

/** ANALYZE of a partitioned table goes through its partitions too; from version 18 on it can be told not to. */
function analyzesParentsAlone(session: ReadSession): boolean {
  return Number.parseInt(session.origin.version, 10) >= 18;
}

/**
 * ANALYZE of a parent reads a sample of each child: where one is a foreign table, from another server. `abroad` holds the
 * parents, and theirs, of which that is so.
 */
const abroad = `
  with recursive abroad as (
    select i.inhparent as oid from pg_inherits i join pg_class f on f.oid = i.inhrelid where f.relkind = 'f'
    union
    select i.inhparent from pg_inherits i join abroad on i.inhrelid = abroad.oid)`;

/** Quoted names of the tables that `analyzeParents` will analyze, and which need not be before. */
export async function analyzedWithParents(session: ReadSession): Promise<ReadonlySet<string>> {
  const rows = await session.rows<TableName>(`
    ${abroad}
    select n.nspname as schema, c.relname as name
      from pg_class c
      join pg_namespace n on n.oid = c.relnamespace
     where c.relkind = 'r'
       and (${!analyzesParentsAlone(session)} and c.relispartition and pg_partition_root(c.oid)::oid not in (select oid from abroad)
            or c.oid in (select inhparent from pg_inherits))`);
  return new Set(rows.map(quoteTable));
}

/** Gathers the statistics of what holds rows only by others: partitioned and inherited tables, materialized views. */
export async function analyzeParents(lanes: Lanes): Promise<void> {
  const statements = await lanes.withWriter(readStatements);
  await Promise.all(statements.map((sql) => lanes.withWriter((session) => session.execute(sql))));
}

async function readStatements(session: Session): Promise<string[]> {
  const alone = analyzesParentsAlone(session);
  const rows = await session.rows<TableName & { readonly kind: string }>(`
    ${abroad}
    select n.nspname as schema, c.relname as name, c.relkind as kind
      from pg_class c
      join pg_namespace n on n.oid = c.relnamespace
     where c.relkind = 'm' and c.relispopulated
        or c.oid not in (select oid from abroad)
           and (c.relkind = 'p' and (${alone} or not c.relispartition)
                or c.relkind = 'r' and c.oid in (select inhparent from pg_inherits))
     order by n.nspname, c.relname`);
  return rows.map((row) => `analyze ${alone && row.kind !== 'm' ? 'only ' : ''}${quoteTable(row)}`);
}
