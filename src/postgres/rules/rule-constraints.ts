import type { Table } from '../catalog.ts';
import { quoteTable, quoteText } from '../names.ts';
import type { ReadSession } from '../session.ts';

/** What of a table decides whether a row may be in it, beside the types of its columns. */
export interface Constraints {
  readonly checks: readonly Check[];
  readonly unique: readonly UniqueKey[];
  /** Columns by which it, or a table that it is a part of, is partitioned. */
  readonly partitionedBy: readonly string[];
  /** SQL that is true of each row that belongs into a partition. */
  readonly bounds?: string;
  /** Generated columns, their expressions, and the columns that these are over. */
  readonly generated: readonly { readonly column: string; readonly sql: string; readonly of: readonly string[] }[];
}

export interface Check {
  readonly name: string;
  /** As SQL declares it. */
  readonly definition: string;
  /** SQL over the columns by their bare names. */
  readonly sql: string;
  readonly columns: readonly string[];
  /** Not so: rows that were there before it may break it. */
  readonly valid: boolean;
}

/** A primary key, unique constraint, unique index or exclusion constraint. */
export interface UniqueKey {
  readonly name: string;
  readonly definition: string;
  /** SQL of each of its keys, over the columns by their bare names. */
  readonly keys: readonly string[];
  /** Columns that the keys are, or are made of; of an index with expressions also those of its predicate. */
  readonly columns: readonly string[];
  /** Of an exclusion constraint: the operator of each key. */
  readonly operators?: readonly string[];
  /** SQL: which rows are in it. */
  readonly predicate?: string;
  readonly nullsAreEqual: boolean;
}

/** The constraints of some tables, by quoted name; their expressions name everything with its schema. */
export async function readConstraints(
  session: ReadSession,
  tables: readonly Table[],
): Promise<ReadonlyMap<string, Constraints>> {
  if (tables.length === 0) return new Map();
  const wanted = tables.map(({ table }) => `(${quoteText(table.schema)}::name, ${quoteText(table.name)}::name)`);
  const rows = await session.rows<{
    schema: string;
    name: string;
    checks: string;
    keys: string;
    by: string;
    bounds: string | null;
    made: string;
  }>(`
    select n.nspname as schema, c.relname as name,
           (select coalesce(json_agg(json_build_object(
                     'name', k.conname, 'definition', pg_get_constraintdef(k.oid), 'sql', pg_get_expr(k.conbin, k.conrelid),
                     'valid', k.convalidated,
                     'columns', (select coalesce(json_agg(a.attname), '[]') from pg_attribute a
                                  where a.attrelid = c.oid and a.attnum = any (k.conkey))) order by k.conname), '[]')
              from pg_constraint k
             where k.conrelid = c.oid and k.contype = 'c') as checks,
           (select coalesce(json_agg(json_build_object(
                     'name', i.relname, 'definition', coalesce(pg_get_constraintdef(k.oid), pg_get_indexdef(i.oid)),
                     'keys', (select json_agg(pg_get_indexdef(i.oid, place, false) order by place)
                                from generate_series(1, x.indnkeyatts) place),
                     'columns', (
                       select coalesce(json_agg(a.attname), '[]') from pg_attribute a
                        where a.attrelid = c.oid and a.attnum > 0
                          and (a.attnum = any ((x.indkey::int2[])[0:x.indnkeyatts - 1])
                               or 0 = any (x.indkey) and exists (
                                 select from pg_depend d
                                  where d.classid = 'pg_class'::regclass and d.objid = i.oid
                                    and d.refclassid = 'pg_class'::regclass and d.refobjid = c.oid and d.refobjsubid = a.attnum))),
                     'operators', (select json_agg(o.oprname order by u.place)
                                     from unnest(k.conexclop) with ordinality u(oid, place) join pg_operator o on o.oid = u.oid),
                     'predicate', pg_get_expr(x.indpred, x.indrelid),
                     'nullsAreEqual', coalesce((to_jsonb(x) ->> 'indnullsnotdistinct')::boolean, false)) order by i.relname), '[]')
              from pg_index x
              join pg_class i on i.oid = x.indexrelid
              left join pg_constraint k on k.conindid = i.oid and k.conrelid = c.oid and k.contype in ('p', 'u', 'x')
             where x.indrelid = c.oid and (x.indisunique or x.indisexclusion) and x.indisready
               and (x.indisvalid or c.relkind = 'p')) as keys,
           (select coalesce(json_agg(distinct a.attname), '[]')
              from pg_partition_ancestors(c.oid) up(oid)
              join pg_depend d on d.classid = 'pg_class'::regclass and d.objid = up.oid and d.objsubid > 0
                              and d.refclassid = 'pg_class'::regclass and d.refobjid = up.oid and d.refobjsubid = 0 and d.deptype = 'i'
              join pg_attribute a on a.attrelid = up.oid and a.attnum = d.objsubid) as by,
           pg_get_partition_constraintdef(c.oid) as bounds,
           (select coalesce(json_agg(json_build_object(
                     'column', a.attname, 'sql', pg_get_expr(e.adbin, e.adrelid),
                     'of', (select coalesce(json_agg(distinct o.attname), '[]')
                              from pg_depend d
                              join pg_attribute o on o.attrelid = d.refobjid and o.attnum = d.refobjsubid
                             where (d.classid = 'pg_attrdef'::regclass and d.objid = e.oid
                                    or d.classid = 'pg_class'::regclass and d.objid = c.oid and d.objsubid = a.attnum)
                               and d.refclassid = 'pg_class'::regclass and d.refobjid = c.oid
                               and d.refobjsubid > 0 and d.refobjsubid <> a.attnum))), '[]')
              from pg_attribute a
              join pg_attrdef e on e.adrelid = a.attrelid and e.adnum = a.attnum
             where a.attrelid = c.oid and a.attgenerated <> '') as made
      from (values ${wanted.join(', ')}) w(schema, name)
      join pg_namespace n on n.nspname = w.schema
      join pg_class c on c.relnamespace = n.oid and c.relname = w.name`);
  // All built above.
  return new Map(
    rows.map((row) => [
      quoteTable(row),
      {
        checks: JSON.parse(row.checks) as Check[],
        unique: (JSON.parse(row.keys) as (UniqueKey & { operators: unknown; predicate: unknown })[]).map(
          ({ operators, predicate, ...key }) => ({
            ...key,
            ...(operators === null ? {} : { operators: operators as string[] }),
            ...(predicate === null ? {} : { predicate: predicate as string }),
          }),
        ),
        partitionedBy: JSON.parse(row.by) as string[],
        ...(row.bounds === null ? {} : { bounds: row.bounds }),
        generated: JSON.parse(row.made) as { column: string; sql: string; of: string[] }[],
      },
    ]),
  );
}
