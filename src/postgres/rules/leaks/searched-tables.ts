import { quoteTable, quoteText, type ColumnName, type TableName } from '../../names.ts';
import type { ReadSession } from '../../session.ts';

/** A table of the new database with the columns whose text may hold anything. */
export interface SearchedTable {
  readonly table: TableName;
  /** The partitioned tables that it is a part of: what is said of them is said of it. */
  readonly wholes: readonly TableName[];
  readonly columns: readonly SearchedColumn[];
  readonly sizeBytes: number;
  /** Whether a value of it may be of many megabytes. */
  readonly mayBeLong: boolean;
}

export interface SearchedColumn {
  readonly name: string;
  /** json keeps what was written, escapes too. */
  readonly escaped: boolean;
}

/**
 * The columns of text, json, xml, text search, arrays and records of these, domains over them, and types of extensions
 * that are none of the plane; with `ip` addresses of networks, with `uuid` uuids. The largest tables first.
 * `own`: a schema that is left out.
 */
export async function readSearchedTables(
  session: ReadSession,
  own: string,
  kinds: { readonly ip: boolean; readonly uuid: boolean },
): Promise<readonly SearchedTable[]> {
  const rows = await session.rows<{
    schema: string;
    name: string;
    size: string;
    long: string;
    wholes: string;
    columns: string;
  }>(`
    with recursive below(oid, base) as (
      select oid, oid from pg_type where typtype <> 'd'
      union all
      select d.oid, b.base from pg_type d join below b on b.oid = d.typbasetype where d.typtype = 'd'
    ), kinds as (
      select b.oid, t.typname = 'json' and t.typnamespace = 'pg_catalog'::regnamespace as escaped
        from below b
        join pg_type t on t.oid = b.base
        left join below eb on eb.oid = t.typelem and t.typcategory = 'A'
        left join pg_type e on e.oid = eb.base
        cross join lateral (select coalesce(e.oid, t.oid) as oid, coalesce(e.typcategory, t.typcategory) as category,
                                   coalesce(e.typtype, t.typtype) as type, coalesce(e.typname, t.typname) as name) k
       where k.category = 'S' or k.type = 'c'
          or k.oid < 16384 and k.name in ('json', 'jsonb', 'xml', 'tsvector', 'jsonpath'${kinds.ip ? `, 'inet', 'cidr'` : ''}${kinds.uuid ? `, 'uuid'` : ''})
          or k.oid >= 16384 and k.type = 'b' and k.category = 'U'
             and k.name not in ('geometry', 'geography', 'raster', 'vector', 'halfvec', 'sparsevec', 'cube')
    )
    select n.nspname as schema, c.relname as name, pg_table_size(c.oid) as size,
           (coalesce(pg_relation_size(nullif(c.reltoastrelid, 0)), 0) > 0)::text as long,
           coalesce((
             select json_agg(json_build_object('schema', wn.nspname, 'name', w.relname))
               from pg_partition_ancestors(c.oid) p(oid) join pg_class w on w.oid = p.oid join pg_namespace wn on wn.oid = w.relnamespace
              where p.oid <> c.oid), '[]') as wholes,
           json_agg(json_build_object('name', a.attname, 'escaped', k.escaped) order by a.attnum) as columns
      from pg_class c
      join pg_namespace n on n.oid = c.relnamespace
      join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
      join kinds k on k.oid = a.atttypid
     where c.relkind = 'r' and n.nspname not in ('pg_catalog', 'information_schema', ${quoteText(own)}) and n.nspname !~ '^pg_(toast|temp)'
     group by c.oid, n.nspname, c.relname
     order by pg_table_size(c.oid) desc, n.nspname, c.relname`);
  return rows.map(({ schema, name, size, long, wholes, columns }) => ({
    table: { schema, name },
    wholes: JSON.parse(wholes) as TableName[], // likewise
    columns: JSON.parse(columns) as SearchedColumn[], // built above
    sizeBytes: Number(size),
    mayBeLong: long === 'true',
  }));
}

/** Whether one of these columns is that of the table, or of a whole that it is a part of. */
export function isAmong(
  { table, wholes }: Pick<SearchedTable, 'table' | 'wholes'>,
  column: string,
  columns: readonly ColumnName[],
): boolean {
  const names = new Set([table, ...wholes].map(quoteTable));
  return columns.some((one) => one.column === column && names.has(quoteTable(one.table)));
}

export function withoutExcept(
  tables: readonly SearchedTable[],
  except: readonly ColumnName[],
): readonly SearchedTable[] {
  return tables
    .map((one) => ({ ...one, columns: one.columns.filter(({ name }) => !isAmong(one, name, except)) }))
    .filter(({ columns }) => columns.length > 0);
}
