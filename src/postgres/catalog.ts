import { createHash } from 'node:crypto';
import { carriedRelations } from './carried-relations.ts';
import { quoteTable, type TableName } from './names.ts';
import type { ReadSession } from './session.ts';

export interface Column {
  readonly name: string;
  /** As SQL writes it, e.g. character varying(32), public.mood[] */
  readonly type: string;
  /** How the type behaves in a COPY and in a digest: decided from the catalog, not from its name. */
  readonly nature: ColumnNature;
  /** The function that gives a `binary` value's bytes as binary COPY does. */
  readonly send?: string;
  readonly generated: boolean;
  /** No row has a null in it. */
  readonly required: boolean;
  /** What the type is below its domains, as SQL writes it, without a length: text, character varying, integer, jsonb. */
  readonly base: string;
  /** Of character types: how many characters it holds; absent: any number. */
  readonly maxLength?: number;
  /** Of numeric: digits in all, and behind the point. */
  readonly precision?: number;
  readonly scale?: number;
  /** Each value is given by the server in spite of what is inserted, unless OVERRIDING SYSTEM VALUE is said. */
  readonly identityAlways?: true;
  /** The server gives a value where none is inserted. */
  readonly hasDefault?: true;
  /** Of arrays: what its elements are, below their domains. */
  readonly element?: string;
  /** Of enums, and of arrays of them: the values that there are, in their order. */
  readonly labels?: readonly string[];
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
  /** The partitioned tables that it is a part of and the tables that it inherits from, the nearest first. */
  readonly parents: readonly TableName[];
  /** Columns of the primary key, in its order; none where there is no such key. */
  readonly primaryKey: readonly string[];
  /** A partitioned table with all its rows, because the target may put them into other partitions. */
  readonly wholeTree?: boolean;
  readonly columns: readonly Column[];
  /** The server's own estimate; a count after `countTables`, where the table is small. */
  readonly rows: number;
  readonly rowsAreEstimated: boolean;
  readonly neverEstimated: boolean;
  /** What the server's statistics say, whatever was counted since. Zero where they say nothing of the rows that are copied. */
  readonly estimatedRows: number;
  /** Heap and TOAST, without indexes. */
  readonly sizeBytes: number;
  readonly indexBytes: number;
  /** The extension that made the table and has its users' rows dumped; it makes the table in the target too. */
  readonly ofExtension?: string;
  /** Which of its rows are the users' own, as the extension wrote it: `WHERE …`. Absent: all of them. */
  readonly condition?: string;
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

// An enum's hash is that of its number in the catalog, another one in each database: what is partitioned by it must be
// sorted anew by the target. These are the topmost of such tables.
const sortedAnew = `
  select p.partrelid as root
    from pg_partitioned_table p
   where p.partstrat = 'h'
     and exists (
       select from pg_opclass o join pg_am a on a.oid = o.opcmethod
        where o.oid = any (p.partclass) and o.opcname = 'enum_ops' and o.opcnamespace = 'pg_catalog'::regnamespace
          and a.amname = 'hash')`;

/**
 * Every table that holds rows of its own, with columns and size. Partition roots, views and foreign tables hold none, but
 * a table that is partitioned by the hash of an enum stands here for all of its partitions; a
 * standby has none of an unlogged table's. Of the tables that an extension made those are here whose rows it registered
 * to be dumped, as for pg_dump, unless the extension is skipped.
 */
export async function readTables(session: ReadSession, skipExtensions: readonly string[] = []): Promise<Table[]> {
  const rows = await session.rows<{
    schema: string;
    name: string;
    tree: string;
    reltuples: string;
    size: string;
    indexes: string;
    extension: string | null;
    condition: string | null;
    columns: string;
    parents: string;
    key: string;
  }>(`
    with recursive sorted_anew as (${sortedAnew}), below(oid, base, modifier) as (
      select oid, typbasetype, typtypmod from pg_type where typtype = 'd'
      union all
      select b.oid, t.typbasetype, case when b.modifier >= 0 then b.modifier else t.typtypmod end
        from below b join pg_type t on t.oid = b.base where t.typtype = 'd'
    ), domains as (
      select b.oid, b.base, b.modifier from below b join pg_type t on t.oid = b.base where t.typtype <> 'd'
    )
    select s.root is not null as tree, n.nspname as schema, c.relname as name, c.reltuples, x.extension, nullif(x.condition, '') as condition,
           size.heap as size, size.indexes,
           coalesce((
             select json_agg(json_build_object(
                      'name', a.attname,
                      'type', format_type(a.atttypid, a.atttypmod),
                      'generated', a.attgenerated <> '',
                      'required', a.attnotnull and not exists (
                        select from pg_constraint k
                         where k.conrelid = c.oid and k.contype = 'n' and not k.convalidated and a.attnum = any (k.conkey)),
                      'send', t.typsend::text,
                      'base', format_type(b.base, null),
                      'maxLength', case when b.base in ('varchar'::regtype, 'bpchar'::regtype) and b.modifier > 4 then b.modifier - 4 end,
                      'precision', case when b.base = 'numeric'::regtype and b.modifier > 4 then (b.modifier - 4) >> 16 & 65535 end,
                      'scale', case when b.base = 'numeric'::regtype and b.modifier > 4 then ((b.modifier - 4) & 2047 # 1024) - 1024 end,
                      'identityAlways', case when a.attidentity = 'a' then true end,
                      'hasDefault', case when a.atthasdef or a.attidentity <> '' or t.typdefault is not null then true end,
                      'element', format_type(b.element, null),
                      'labels', case when coalesce(b.element, b.base) >= 16384 then (
                        select json_agg(l.enumlabel order by l.enumsortorder)
                          from pg_enum l where l.enumtypid = coalesce(b.element, b.base)) end,
                      'nature', case
                        when t.oid >= 16384 or t.typtype in ('c', 'p') then 'text'
                        when t.typname in (${list(hashedExactly)}) then 'exact'
                        when t.typname = 'bpchar' then 'padded'
                        when t.typname in (${list(onlyAsText)}) then 'text'
                        when t.typcategory = 'A' and e.typname in (${list(onlyAsText)}) then 'text'
                        else 'binary' end)
                    order by a.attnum)
               from pg_attribute a
               join pg_type t on t.oid = a.atttypid
               left join pg_type e on e.oid = t.typelem
               left join domains d on d.oid = t.oid
               cross join lateral (
                 select coalesce(d.base, t.oid) as base, case when d.modifier >= 0 then d.modifier else a.atttypmod end as modifier,
                        case when t.typcategory = 'A' then (
                          select nullif(coalesce((select i.base from domains i where i.oid = bt.typelem), bt.typelem), 0)
                            from pg_type bt where bt.oid = coalesce(d.base, t.oid)) end as element) b
              where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped), '[]') as columns,
           coalesce((
             with recursive above(oid, distance) as (
               select i.inhparent, 1 from pg_inherits i where i.inhrelid = c.oid
               union all
               select i.inhparent, u.distance + 1 from above u join pg_inherits i on i.inhrelid = u.oid)
             select json_agg(json_build_object('schema', pn.nspname, 'name', p.relname) order by u.distance)
               from above u join pg_class p on p.oid = u.oid join pg_namespace pn on pn.oid = p.relnamespace), '[]') as parents,
           coalesce((
             select json_agg(a.attname order by array_position(k.conkey, a.attnum))
               from pg_constraint k join pg_attribute a on a.attrelid = c.oid and a.attnum = any (k.conkey)
              where k.conrelid = c.oid and k.contype = 'p'), '[]') as key
      ${carriedRelations(
        ['r', 'p'],
        skipExtensions,
        `
      left join sorted_anew s on s.root = c.oid
      cross join lateral (
        select sum(pg_table_size(t.relid)) as heap, sum(pg_indexes_size(t.relid)) as indexes
          from (select c.oid as relid where s.root is null
                union all
                select relid from pg_partition_tree(c.oid) where s.root is not null) t) size`,
      )}
       and (c.relkind = 'r' or s.root is not null)
       and not exists (select from pg_partition_ancestors(c.oid) a(relid) join sorted_anew u on u.root = a.relid where a.relid <> c.oid)
     order by n.nspname, c.relname`);
  return rows.map((row) => ({
    table: { schema: row.schema, name: row.name },
    ...(row.tree === 't' ? { wholeTree: true } : {}),
    columns: (JSON.parse(row.columns) as (Column & Record<string, unknown>)[]).map(withoutNulls), // built above, field by field
    parents: JSON.parse(row.parents) as TableName[], // likewise
    primaryKey: JSON.parse(row.key) as string[],
    rows: Math.max(0, Number(row.reltuples)),
    rowsAreEstimated: true,
    neverEstimated: Number(row.reltuples) < 0,
    estimatedRows: row.condition === null ? Math.max(0, Number(row.reltuples)) : 0,
    sizeBytes: Number(row.size),
    indexBytes: Number(row.indexes),
    ...(row.extension === null ? {} : { ofExtension: row.extension }),
    ...(row.condition === null ? {} : { condition: row.condition }),
  }));
}

/** What is null is absent. */
function withoutNulls(column: Column & Record<string, unknown>): Column {
  return Object.fromEntries(Object.entries(column).filter(([, value]) => value !== null)) as unknown as Column; // fewer of the same
}

/** What to select a table's rows from. */
export function rowsOf({ table, wholeTree }: Pick<Table, 'table' | 'wholeTree'>): string {
  return `${wholeTree ? '' : 'only '}${quoteTable(table)}`;
}

/** Does some reading in a transaction, and gives back the locks that it took. */
export async function lettingLocksGo<T>(session: ReadSession, read: () => Promise<T>): Promise<T> {
  await session.rows('savepoint reading');
  const result = await read();
  // Rolled back to, a savepoint is still there: without its release each would lie inside the one before.
  await session.rows('rollback to savepoint reading');
  await session.rows('release savepoint reading');
  return result;
}

/** The names of the sequences; of those that an extension made, the ones whose state it registered to be dumped. */
export async function readSequences(
  session: ReadSession,
  skipExtensions: readonly string[] = [],
): Promise<TableName[]> {
  return session.rows<TableName>(`
    select n.nspname as schema, c.relname as name
      ${carriedRelations(['S'], skipExtensions)}
     order by n.nspname, c.relname`);
}

/** Materialized views that the source holds unfilled, quoted; they must stay so. */
export async function readUnfilledViews(session: ReadSession): Promise<ReadonlySet<string>> {
  const rows = await session.rows<TableName>(
    `select schemaname as schema, matviewname as name from pg_matviews where not ispopulated`,
  );
  return new Set(rows.map(quoteTable));
}

function list(names: readonly string[]): string {
  return names.map((name) => `'${name}'`).join(', ');
}

/** A print of the names and types of all columns of some tables: the same for the same, in any order of the tables. */
export function columnsPrint(tables: readonly Table[]): string {
  const lines = tables.map(({ table, columns }) =>
    JSON.stringify([table.schema, table.name, columns.map(({ name, type }) => [name, type])]),
  );
  return createHash('sha256').update(lines.toSorted().join('\n')).digest('base64url').slice(0, 16);
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
