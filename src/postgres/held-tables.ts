import { type Table } from './catalog.ts';
import { quoteName, quoteTable, type TableName } from './names.ts';
import { madeBy, type Made, type SchemaEntry } from './schema-entries.ts';
import type { ReadSession, Session } from './session.ts';

/** What a table has in a database that was loaded before, or was to be. */
export interface HeldTable {
  /** Of its rows; those that a load which was stopped has left, and nobody sees, among them. */
  readonly bytes: number;
  /** Its indexes, constraints and extended statistics, as `keyOf` calls them. */
  readonly made: ReadonlySet<string>;
}

const keyOf = ({ kind, name }: Pick<Made, 'kind' | 'name'>): string => `${kind} ${name}`;

/** What each table has, by quoted name. */
export async function readHeldTables(session: Pick<ReadSession, 'rows'>): Promise<ReadonlyMap<string, HeldTable>> {
  const rows = await session.rows<TableName & { readonly bytes: string; readonly made: string }>(`
    select n.nspname as schema, c.relname as name,
           (select sum(pg_relation_size(t.relid))
              from (select c.oid as relid where c.relkind = 'r'
                    union all
                    select relid from pg_partition_tree(c.oid) where c.relkind = 'p') t) as bytes,
           (select coalesce(json_agg(json_build_object('kind', m.kind, 'name', m.name)), '[]')
              from (select 'constraint' as kind, k.conname as name from pg_constraint k where k.conrelid = c.oid
                    union all
                    select 'index', i.relname
                      from pg_index x join pg_class i on i.oid = x.indexrelid
                     where x.indrelid = c.oid and x.indisready
                    union all
                    select 'statistics', s.stxname from pg_statistic_ext s where s.stxrelid = c.oid) m) as made
      from pg_class c
      join pg_namespace n on n.oid = c.relnamespace
     where c.relkind in ('r', 'p') and c.relpersistence <> 't' and n.nspname <> 'information_schema' and n.nspname !~ '^pg_'`);
  return new Map(
    rows.map((row) => {
      const made = JSON.parse(row.made) as Pick<Made, 'kind' | 'name'>[]; // built above, field by field
      return [quoteTable(row), { bytes: Number(row.bytes), made: new Set(made.map(keyOf)) }];
    }),
  );
}

/** Whether it has all that is made once its rows are there. */
export function hasAll({ made }: HeldTable, entries: readonly SchemaEntry[]): boolean {
  return entries.every((entry) => {
    const one = madeBy(entry);
    return one !== undefined && made.has(keyOf(one));
  });
}

/** Whether it is as it was made, before any row came. */
export function isBare({ bytes, made }: HeldTable, entries: readonly SchemaEntry[]): boolean {
  const some = entries.some((entry) => {
    const one = madeBy(entry);
    return one !== undefined && (made.has(keyOf(one)) || made.has(keyOf({ ...one, kind: 'index' })));
  });
  return bytes === 0 && !some;
}

/**
 * Makes a table as it was before any row came: without rows, and without what is made once they are there. Of an extension's table
 * what CREATE EXTENSION has filled stays. All or nothing.
 */
export async function clearTable(
  session: Session,
  { table, ofExtension, condition = '', wholeTree }: Pick<Table, 'table' | 'ofExtension' | 'condition' | 'wholeTree'>,
  entries: readonly SchemaEntry[],
  { made }: HeldTable,
): Promise<void> {
  const name = quoteTable(table);
  const empty =
    ofExtension === undefined ? `truncate ${wholeTree ? '' : 'only '}${name}` : `delete from only ${name} ${condition}`;
  const dropped = entries.flatMap((entry) => {
    const one = madeBy(entry);
    if (!one) return [];
    const own = `${quoteName(one.schema)}.${quoteName(one.name)}`;
    if (one.kind === 'statistics') return made.has(keyOf(one)) ? [`drop statistics ${own}`] : [];
    // PostgreSQL refuses ONLY where there are partitions.
    if (one.kind === 'constraint' && made.has(keyOf(one)))
      return [`alter table ${wholeTree ? '' : 'only '}${name} drop constraint ${quoteName(one.name)}`];
    // A large table's key is an index first, and stays one where its load was stopped then.
    return made.has(keyOf({ ...one, kind: 'index' })) ? [`drop index ${own}`] : [];
  });
  await session.execute(`begin;\n${[empty, ...dropped].join(';\n')};\ncommit`);
}
