import { ofTheUser } from './carried-relations.ts';
import { quoteName, quoteTable, quoteText, type TableName } from './names.ts';
import type { ReadSession } from './session.ts';
import { isSameMigration } from './version-tables/migration-id.ts';
import { knownTables, lastOf, type KnownTable } from './version-tables/known-tables.ts';
import type { Cells } from './version-tables/histories.ts';
import type { VersionTable } from './version-tables/version-table.ts';

export type { AppliedMigration, MigrationTool, VersionTable } from './version-tables/version-table.ts';

/** What a database says of its migrations. */
export interface Versions {
  /** In the order of their names, those of the schema public first. */
  readonly tables: readonly VersionTable[];
  /** Tables that look like version tables, whose rows this role may not read. */
  readonly closed: readonly TableName[];
}

/** No history is as long: what has more rows is somebody's data. */
const mostRows = 50_000;

/** Of a name or description nothing that is longer is read. */
const mostCharacters = 1000;

/** The version tables of a database that this role may read; empty where it has none. */
export async function readVersionTables(session: ReadSession): Promise<readonly VersionTable[]> {
  return (await readVersions(session)).tables;
}

/**
 * The version tables of a database, in any of its schemas, known by their names and columns: tables of their own, no
 * partitions, no views, nothing of an extension. A table whose rows are not as that tool writes them is none.
 */
export async function readVersions(session: ReadSession): Promise<Versions> {
  const tables: VersionTable[] = [];
  const closed: TableName[] = [];
  for (const { table, known, readable, tool } of await findTables(session)) {
    if (!readable) {
      closed.push(table);
      continue;
    }
    const rows = await readRows(session, table, Object.keys(known.columns));
    const applied = rows.length > mostRows ? undefined : known.applied(rows);
    if (!applied) continue;
    const heads = known.heads ? known.heads(applied, rows) : lastOf(tool, applied);
    tables.push({ tool, table, heads, applied });
  }
  return { tables, closed };
}

/** Whether a table is one of those that were found to hold the revision of the schema, not data. */
export function isVersionTable(table: TableName, found: readonly VersionTable[]): boolean {
  return found.some((one) => one.table.schema === table.schema && one.table.name === table.name);
}

/** All heads in one text; undefined where there is none. */
export function revisionOf(tables: readonly VersionTable[]): string | undefined {
  const heads = tables.flatMap((table) => table.heads);
  return heads.length === 0 ? undefined : heads.join(', ');
}

/**
 * Which of these migrations, the heads of a plan's goal, a database has not been through: empty where it is there. One that
 * failed half-way is not there.
 */
export function lacking(goal: readonly string[], tables: readonly VersionTable[]): string[] {
  const has = ({ tool, heads, applied }: VersionTable, id: string) => {
    const isIt = (other: string) => isSameMigration(tool, id, other);
    if (applied.some((one) => one.failed && isIt(one.id))) return false;
    return heads.some(isIt) || applied.some((one) => isIt(one.id));
  };
  return goal.filter((id) => !tables.some((table) => has(table, id)));
}

interface Found {
  readonly table: TableName;
  readonly known: KnownTable;
  readonly tool: VersionTable['tool'];
  readonly readable: boolean;
}

interface FoundColumn {
  readonly schema: string;
  readonly name: string;
  readonly column: string;
  readonly category: string;
  readonly type: string;
  readonly readable: string;
  readonly beside: string;
}

/** Tables with the names of version tables and the columns of one. */
async function findTables(session: ReadSession): Promise<Found[]> {
  const names = [...new Set(knownTables.map(({ name }) => name))];
  const columns = await session.rows<FoundColumn>(`
    select n.nspname as schema, c.relname as name, a.attname as column, t.typcategory as category,
           format_type(a.atttypid, a.atttypmod) as type,
           (has_schema_privilege(n.oid, 'usage') and has_column_privilege(c.oid, a.attnum, 'select')
            and not row_security_active(c.oid))::text as readable,
           (select count(*) = 2 from pg_class r join pg_attribute k on k.attrelid = r.oid
             where r.relnamespace = n.oid and r.relkind = 'r' and r.relname = 'ar_internal_metadata'
               and k.attname in ('key', 'value') and not k.attisdropped)::text as beside
      from pg_class c
      join pg_namespace n on n.oid = c.relnamespace
      join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
      join pg_type t on t.oid = a.atttypid
     where c.relname in (${names.map(quoteText).join(', ')})
       and c.relkind = 'r' and not c.relispartition
       and (c.relpersistence = 'p' or c.relpersistence = 'u' and not pg_is_in_recovery())
       and ${ofTheUser('c', 'pg_class')}
     order by (n.nspname = 'public') desc, n.nspname, c.relname, a.attnum`);
  const tables = [...Map.groupBy(columns, ({ schema, name }) => quoteTable({ schema, name })).values()];
  return tables.flatMap((all) => {
    const known = knownTables.find((one) => isKnown(one, all));
    const [first] = all;
    if (!known || !first) return [];
    return [
      {
        table: { schema: first.schema, name: first.name },
        known,
        tool: known.tool === 'Rails or dbmate' ? railsOrDbmate(first) : known.tool,
        readable: all.every(({ column, readable }) => !(column in known.columns) || readable === 'true'),
      },
    ];
  });
}

function isKnown({ name, columns, alone }: KnownTable, found: readonly FoundColumn[]): boolean {
  const wanted = Object.entries(columns);
  return (
    found[0]?.name === name &&
    (!alone || found.length === wanted.length) &&
    wanted.every(([column, category]) => found.some((one) => one.column === column && one.category === category))
  );
}

/** Rails keeps a second table beside it; dbmate gives the version a length that Rails never had. */
function railsOrDbmate({ beside, type }: FoundColumn): VersionTable['tool'] {
  if (beside === 'true') return 'Rails';
  return type === 'character varying(128)' ? 'dbmate' : 'Rails or dbmate';
}

/** Its rows, one more than a history has at most; texts cut where no name is as long. */
async function readRows(session: ReadSession, table: TableName, columns: readonly string[]): Promise<Cells[]> {
  const texts = columns.map((column) => `left(${quoteName(column)}::text, ${mostCharacters}) as ${quoteName(column)}`);
  return session.rows<Record<string, string | null>>(
    `select ${texts.join(', ')} from only ${quoteTable(table)} limit ${mostRows + 1}`,
  );
}
