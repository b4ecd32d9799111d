import type { Lanes } from './load.ts';
import { quoteTable, type TableName } from './names.ts';
import type { ReadSession, Session } from './session.ts';

/** ANALYZE of a partitioned table goes through its partitions too; from version 18 on it can be told not to. */
function analyzesParentsAlone(session: ReadSession): boolean {
  return Number.parseInt(session.origin.version, 10) >= 18;
}

/** ANALYZE of a parent reads a sample of each child: where one is a foreign table, from another server. */
function hasForeignChild(parent: string): string {
  return `exists (
    with recursive below as (
      select inhrelid from pg_inherits where inhparent = ${parent}
      union
      select i.inhrelid from pg_inherits i join below on below.inhrelid = i.inhparent)
    select from below join pg_class f on f.oid = below.inhrelid where f.relkind = 'f')`;
}

/** Quoted names of the tables that `analyzeParents` will analyze, and which need not be before. */
export async function analyzedWithParents(session: ReadSession): Promise<ReadonlySet<string>> {
  const rows = await session.rows<TableName>(`
    select n.nspname as schema, c.relname as name
      from pg_class c
      join pg_namespace n on n.oid = c.relnamespace
     where c.relkind = 'r'
       and (c.relispartition and ${!analyzesParentsAlone(session)} and not ${hasForeignChild('pg_partition_root(c.oid)')}
            or exists (select from pg_inherits where inhparent = c.oid))`);
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
    select n.nspname as schema, c.relname as name, c.relkind as kind
      from pg_class c
      join pg_namespace n on n.oid = c.relnamespace
     where c.relkind = 'm' and c.relispopulated
        or not ${hasForeignChild('c.oid')}
           and (c.relkind = 'p' and (${alone} or not c.relispartition)
                or c.relkind = 'r' and exists (select from pg_inherits where inhparent = c.oid))
     order by n.nspname, c.relname`);
  return rows.map((row) => `analyze ${alone && row.kind === 'p' ? 'only ' : ''}${quoteTable(row)}`);
}
