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
  /** The server's own estimate; a count after `countTables`, where the table is small. */
  readonly rows: number;
  readonly rowsAreEstimated: boolean;
  readonly neverEstimated: boolean;
  /** Heap and TOAST, without indexes. */
  readonly sizeBytes: number;
  readonly indexBytes: number;
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
  return rows.map((row) => ({
    table: { schema: row.schema, name: row.name },
    columns: JSON.parse(row.columns) as Column[], // built above, field by field
    rows: Math.max(0, Number(row.reltuples)),
    rowsAreEstimated: true,
    neverEstimated: Number(row.reltuples) < 0,
    sizeBytes: Number(row.size),
    indexBytes: Number(row.indexes),
  }));
}

/** Up to here a table is counted: the estimate is missing or stale exactly where tables are small. */
const countedBytes = 16 * 1024 * 1024;
const countedAtOnce = 50;

/**
 * The tables with the small ones counted, in a transaction of the session. A count locks its table and all its indexes;
 * the locks are let go batch by batch, so that nobody waits for them and the server's lock table does not fill up.
 */
export async function countTables(session: ReadSession, tables: readonly Table[]): Promise<Table[]> {
  const small = tables.filter(({ sizeBytes, neverEstimated }) => neverEstimated || sizeBytes <= countedBytes);
  const counts = new Map<Table, number>();
  for (let start = 0; start < small.length; start += countedAtOnce) {
    const some = small.slice(start, start + countedAtOnce);
    const selects = some.map(
      ({ table }, index) => `select ${index} as index, count(*) as count from only ${quoteTable(table)}`,
    );
    const rows = await lettingLocksGo(session, () =>
      session.rows<{ index: string; count: string }>(selects.join(' union all ')),
    );
    for (const { index, count } of rows) {
      const table = some[Number(index)];
      if (table) counts.set(table, Number(count));
    }
  }
  return tables.map((table) => {
    const rows = counts.get(table);
    return rows === undefined ? table : { ...table, rows, rowsAreEstimated: false };
  });
}

/** Does some reading in a transaction, and gives back the locks that it took. */
export async function lettingLocksGo<T>(session: ReadSession, read: () => Promise<T>): Promise<T> {
  await session.rows('savepoint reading');
  const result = await read();
  await session.rows('rollback to savepoint reading');
  return result;
}

/** The names of the sequences. */
export async function readSequences(session: ReadSession): Promise<TableName[]> {
  return session.rows<TableName>(`
    select n.nspname as schema, c.relname as name
      from pg_class c
      join pg_namespace n on n.oid = c.relnamespace
     where c.relkind = 'S' and c.relpersistence <> 't' and ${ofTheUser('c', 'pg_class')}
     order by n.nspname, c.relname`);
}

/** Materialized views that the source holds unfilled, quoted; they must stay so. */
export async function readUnfilledViews(session: ReadSession): Promise<ReadonlySet<string>> {
  const rows = await session.rows<TableName>(
    `select schemaname as schema, matviewname as name from pg_matviews where not ispopulated`,
  );
  return new Set(rows.map(quoteTable));
}

/** The condition that leaves out the system's objects and those that an extension made. */
export function ofTheUser(alias: string, catalog: string): string {
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
