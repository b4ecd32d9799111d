import { RestageError } from '../errors.ts';
import type { Table } from './catalog.ts';
import { displayTable, quoteTable, type TableName } from './names.ts';
import type { ReadSession } from './session.ts';
import type { TableRule } from './table-rule.ts';

/**
 * `rule-unfit` for columns that decide which partition a row lies in and have another value by a rule: each partition is
 * copied into the one of the same name, which would not take it.
 */
export async function requirePartitionKeys(
  session: ReadSession,
  tables: readonly Table[],
  rules: ReadonlyMap<string, TableRule>,
): Promise<RestageError[]> {
  const keys = new Map<string, readonly string[]>();
  for (const { schema, name, columns } of await session.rows<TableName & { columns: string }>(`
    select n.nspname as schema, c.relname as name, json_agg(a.attname) as columns
      from pg_partitioned_table p
      join pg_class c on c.oid = p.partrelid
      join pg_namespace n on n.oid = c.relnamespace
      join pg_attribute a on a.attrelid = c.oid and (a.attnum = any (p.partattrs) or exists (
        select from pg_depend d
         where d.classid = 'pg_class'::regclass and d.objid = c.oid and d.objsubid = a.attnum and d.deptype = 'i'
           and d.refclassid = 'pg_class'::regclass and d.refobjid = c.oid and d.refobjsubid = 0))
     group by 1, 2`))
    keys.set(quoteTable({ schema, name }), JSON.parse(columns) as string[]); // built above
  const found = new Map<string, RestageError>();
  for (const { table, parents, wholeTree } of tables) {
    const rule = rules.get(quoteTable(table));
    if (!rule) continue;
    for (const parent of parents)
      for (const column of keys.get(quoteTable(parent)) ?? []) {
        const place = `${displayTable(parent)}.${column}`;
        if (!wholeTree && Object.hasOwn(rule.columns, column)) found.set(place, unfit(place, parent));
      }
  }
  return [...found.values()];
}

function unfit(place: string, parent: TableName): RestageError {
  return new RestageError(
    'rule-unfit',
    `${place} decides which partition a row of ${displayTable(parent)} lies in: with another value it would not fit the partition that it is copied into`,
    { hint: 'Give another column the rule, or leave the rows behind: empty, or where.' },
  );
}
