import { quoteTable, type TableName } from './names.ts';
import type { ReadSession } from './session.ts';

export interface Column {
  readonly name: string;
  /** As SQL writes it, e.g. character varying(32), public.mood[] */
  readonly type: string;
  /** How the type behaves in a COPY and in a digest: decided from the catalog, not from its name. */
  readonly nature: ColumnNature;
  readonly generated: boolean;
}

/**
 * `exact`: built in, its hash tells every two different values apart, binary COPY carries it whole.
 * `binary`: built in and carried whole by binary COPY, but two different values may hash alike (1.0 and 1.00).
 * `padded`: char(n), whose cast to text drops trailing blanks.
 * `text`: everything else; compared and copied by its text.
 */
export type ColumnNature = 'exact' | 'binary' | 'padded' | 'text';

export interface Table {
  readonly table: TableName;
  readonly columns: readonly Column[];
  /** The server's own estimate, or a count where it has none. */
  readonly rows: number;
  readonly rowsAreEstimated: boolean;
  /** Heap and TOAST, without indexes. */
  readonly sizeBytes: number;
  readonly indexBytes: number;
}

export interface Sequence {
  readonly sequence: TableName;
}

// Types of pg_catalog whose hash function tells every two different values apart, apart from collations, which the
// digest sets to "C". Not among them: numeric (1.0 = 1.00), floats (0 = -0), jsonb (numeric inside), interval
// (1 month = 30 days), arrays (lower bounds are not hashed), timetz (zone).
const hashedExactly = [
  'bool',
  'bytea',
  'char',
  'date',
  'inet',
  'cidr',
  'int2',
  'int4',
  'int8',
  'macaddr',
  'macaddr8',
  'name',
  'oid',
  'text',
  'time',
  'timestamp',
  'timestamptz',
  'uuid',
  'varchar',
  'xid8',
];

// Types of pg_catalog whose binary form holds an OID of the sending server, or is another type's on the wire.
const onlyAsText = [
  'regclass',
  'regcollation',
  'regconfig',
  'regdictionary',
  'regnamespace',
  'regoper',
  'regoperator',
  'regproc',
  'regprocedure',
  'regrole',
  'regtype',
  'xml',
  'aclitem',
];

/** Every table that holds rows of its own, with columns and size. Partition roots, views and foreign tables hold none. */
export async function readTables(session: ReadSession): Promise<Table[]> {
  const rows = await session.rows<{
    schema: string;
    name: string;
    reltuples: string;
    size: string;
    indexes: string;
    columns: string;
  }>(`
    with builtin as (
      select oid, typname, typtype, typelem, typcategory, oid < 16384 as system
        from pg_type
    )
    select n.nspname as schema, c.relname as name, c.reltuples,
           pg_table_size(c.oid) as size, pg_indexes_size(c.oid) as indexes,
           coalesce((
             select json_agg(json_build_object(
                      'name', a.attname,
                      'type', format_type(a.atttypid, a.atttypmod),
                      'generated', a.attgenerated <> '',
                      'nature', case
                        when not t.system or t.typtype in ('c', 'p') then 'text'
                        when t.typname in (${list(hashedExactly)}) then 'exact'
                        when t.typname = 'bpchar' then 'padded'
                        when t.typname in (${list(onlyAsText)}) then 'text'
                        when t.typcategory = 'A' and e.typname in (${list(onlyAsText)}) then 'text'
                        else 'binary' end)
                    order by a.attnum)
               from pg_attribute a
               join builtin t on t.oid = a.atttypid
               left join builtin e on e.oid = t.typelem
              where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped), '[]') as columns
      from pg_class c
      join pg_namespace n on n.oid = c.relnamespace
     where c.relkind = 'r' and c.relpersistence <> 't' and ${ofTheUser('c', 'pg_class')}
     order by n.nspname, c.relname`);
  const tables: Table[] = [];
  for (const row of rows) {
    const table = { schema: row.schema, name: row.name };
    const sizeBytes = Number(row.size);
    // A small table is counted: the estimate is missing or stale exactly where tables are small.
    const counted = Number(row.reltuples) < 0 || sizeBytes <= 16 * 1024 * 1024;
    tables.push({
      table,
      columns: JSON.parse(row.columns) as Column[], // built above, field by field
      rows: counted ? await countRows(session, table) : Number(row.reltuples),
      rowsAreEstimated: !counted,
      sizeBytes,
      indexBytes: Number(row.indexes),
    });
  }
  return tables;
}

/** The sequences, with what they are called. */
export async function readSequences(session: ReadSession): Promise<Sequence[]> {
  const rows = await session.rows<TableName>(`
    select n.nspname as schema, c.relname as name
      from pg_class c
      join pg_namespace n on n.oid = c.relnamespace
     where c.relkind = 'S' and c.relpersistence <> 't' and ${ofTheUser('c', 'pg_class')}
     order by n.nspname, c.relname`);
  return rows.map((sequence) => ({ sequence }));
}

/** What a clone of this release does not carry, in words for the plan. */
export async function readUncarried(session: ReadSession): Promise<string[]> {
  const rows = await session.rows<{ what: string; count: string }>(`
    select 'large objects' as what, count(*) as count from pg_largeobject_metadata
    union all
    select 'foreign tables'' rows', count(*) from pg_foreign_table
    union all
    select 'publications', count(*) from pg_publication`);
  return rows
    .filter((row) => row.count !== '0')
    .map((row) => `${row.count} ${row.what} of the source are not carried over`);
}

/**
 * What of the present target's owners and grants will be gone in a clone, in words for the plan: everything in it is the
 * own role's, and granted to nobody else.
 */
export async function readLostGrants(session: ReadSession): Promise<string[]> {
  const rows = await session.rows<{ role: string; what: string; count: string }>(`
    select role, what, count(*) as count
      from (
        select pg_get_userbyid(c.relowner) as role, 'owns' as what
          from pg_class c
          join pg_namespace n on n.oid = c.relnamespace
         where c.relkind in ('r', 'p', 'v', 'm', 'S', 'f') and pg_get_userbyid(c.relowner) <> current_user and ${ofTheUser('c', 'pg_class')}
        union all
        select distinct on (c.oid, g.grantee) coalesce(pg_get_userbyid(nullif(g.grantee, 0)), 'public'), 'was granted'
          from pg_class c
          join pg_namespace n on n.oid = c.relnamespace
          cross join aclexplode(c.relacl) g
         where g.grantee <> c.relowner and coalesce(pg_get_userbyid(nullif(g.grantee, 0)), 'public') <> current_user and ${ofTheUser('c', 'pg_class')}
      ) lost
     group by role, what
     order by role, what`);
  return rows.map(
    ({ role, what, count }) =>
      `at the target, ${role} ${what} ${count} tables, views or sequences; this is not carried over to the new database`,
  );
}

/** Tables that hold the revision of the schema, not data. */
export const versionTables: ReadonlySet<string> = new Set(['alembic_version']);

/** The revision that Alembic's version table names; undefined without such a table. More than one head: joined by commas. */
export async function readRevision(session: ReadSession): Promise<string | undefined> {
  const found = await session.rows<TableName>(`
    select n.nspname as schema, c.relname as name
      from pg_class c
      join pg_namespace n on n.oid = c.relnamespace
     where c.relname = 'alembic_version' and c.relkind = 'r'
     order by (n.nspname = 'public') desc
     limit 1`);
  if (!found[0]) return undefined;
  const heads = await session.rows<{ version_num: string }>(
    `select version_num from ${quoteTable(found[0])} order by 1`,
  );
  return heads.length === 0 ? undefined : heads.map((head) => head.version_num).join(', ');
}

async function countRows(session: ReadSession, table: TableName): Promise<number> {
  const rows = await session.rows<{ count: string }>(`select count(*) as count from only ${quoteTable(table)}`);
  return Number(rows[0]?.count);
}

/** The condition that leaves out the system's objects and those that an extension made. */
function ofTheUser(alias: string, catalog: string): string {
  return `n.nspname not in ('pg_catalog', 'information_schema') and n.nspname !~ '^pg_(toast|temp)'
       and not exists (select from pg_depend d where d.classid = '${catalog}'::regclass and d.objid = ${alias}.oid and d.deptype = 'e')`;
}

function list(names: readonly string[]): string {
  return names.map((name) => `'${name}'`).join(', ');
}

/** Columns by which a table can be compared between two databases whose schemas may differ: those both have, alike. */
export function comparable(source: Table, target: Table): readonly Column[] {
  const others = new Map(target.columns.map((column) => [column.name, column]));
  return source.columns.flatMap((column) => {
    const other = others.get(column.name);
    if (!other) return [];
    return [other.type === column.type ? column : { ...column, nature: 'text' as const }];
  });
}
