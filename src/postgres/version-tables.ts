import { quoteTable, type TableName } from './names.ts';
import type { ReadSession } from './session.ts';

export type MigrationTool = 'Alembic';

/** What a table says of the migrations that its database has been through. */
export interface VersionTable {
  readonly tool: MigrationTool;
  readonly table: TableName;
  /** What stands last: more than one where branches were not merged. Empty: nothing was applied yet. */
  readonly heads: readonly string[];
  /** Oldest first; empty where the table holds its heads only. */
  readonly applied: readonly AppliedMigration[];
}

export interface AppliedMigration {
  readonly id: string;
  /** The part of a project it belongs to, as Django has them. */
  readonly app?: string;
  readonly description?: string;
  /** ISO 8601. */
  readonly appliedAt?: string;
  /** It was begun and did not end well. */
  readonly failed?: true;
}

/** Whether a table holds the revision of the schema, not data. */
export function isVersionTable({ name }: TableName): boolean {
  return name === 'alembic_version';
}

/** The version tables of a database, in the order of their names; empty where it has none that this role may read. */
export async function readVersionTables(session: ReadSession): Promise<readonly VersionTable[]> {
  const found = await session.rows<TableName>(`
    select n.nspname as schema, c.relname as name
      from pg_class c
      join pg_namespace n on n.oid = c.relnamespace
     where c.relname = 'alembic_version' and c.relkind = 'r'
       and has_schema_privilege(n.oid, 'usage') and has_table_privilege(c.oid, 'select')
     order by (n.nspname = 'public') desc, n.nspname`);
  const tables: VersionTable[] = [];
  for (const table of found) {
    const heads = await session.rows<{ version_num: string }>(
      `select version_num from ${quoteTable(table)} order by 1`,
    );
    tables.push({ tool: 'Alembic', table, heads: heads.map((head) => head.version_num), applied: [] });
  }
  return tables;
}

/** All heads in one text; undefined where there is none. */
export function revisionOf(tables: readonly VersionTable[]): string | undefined {
  const heads = tables.flatMap((table) => table.heads);
  return heads.length === 0 ? undefined : heads.join(', ');
}
