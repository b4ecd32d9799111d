import { RestageError } from '../../errors.ts';
import { readPartitioned } from '../foreign-keys.ts';
import { displayTable, printedName, quoteName, quoteTable, quoteText, unquote, type TableName } from '../names.ts';
import { constraintOf, type SchemaEntry } from '../schema-entries.ts';
import { sqlState } from '../session-error.ts';
import type { ReadSession, Session } from '../session.ts';
import type { TableRule } from './table-rule.ts';

/** Rows of a table whose parents are not there, by the foreign key that says so. */
export interface Orphans {
  readonly table: TableName;
  /** The foreign key's name. */
  readonly key: string;
  readonly columns: readonly string[];
  readonly parent: TableName;
  readonly rows: number;
  readonly became: 'dropped' | 'null';
}

/** A foreign key that is yet to be made. */
export interface ComingKey {
  readonly name: string;
  readonly table: TableName;
  readonly columns: readonly string[];
  readonly parent: TableName;
  readonly parentColumns: readonly string[];
  /** All of its columns are null, or none. */
  readonly full: boolean;
}

const list = `${printedName}(?:, ${printedName})*`;
const foreignKey = new RegExp(
  ` FOREIGN KEY \\((${list})\\) REFERENCES (${printedName})\\.(${printedName})\\((${list})\\)(.*);$`,
  's',
);

/**
 * The keys of a dump that must hold for every row. Those that the source holds NOT VALID, or does not enforce, ask nothing of rows
 * that are there; of keys over periods of time only the server knows when they hold.
 */
export function comingKeys(entries: readonly SchemaEntry[]): ComingKey[] {
  return entries.flatMap((entry) => {
    const found = constraintOf(entry);
    const [, columns, schema, name, parentColumns, rest = ''] = foreignKey.exec(entry.sql) ?? [];
    if (!found || columns === undefined || schema === undefined || name === undefined || parentColumns === undefined)
      return [];
    if (/ NOT (VALID|ENFORCED)\b/.test(rest)) return [];
    return {
      ...found,
      columns: namesOf(columns),
      parent: { schema: unquote(schema), name: unquote(name) },
      parentColumns: namesOf(parentColumns),
      full: /^ MATCH FULL\b/.test(rest),
    };
  });
}

function namesOf(printed: string): string[] {
  return [...printed.matchAll(new RegExp(printedName, 'g'))].map(([name]) => unquote(name));
}

/** What a key says of one table: of a partitioned table's, of each partition. */
interface Reference extends ComingKey {
  readonly child: TableName;
  readonly parentRows: string;
  readonly policy: TableRule['onOrphan'];
}

/**
 * Deals with the rows of the new database whose parents are not there, before its foreign keys are made: of every key of the
 * `tables`, by the rule of each, until nothing more is orphaned. What is dropped may leave others behind: those are dealt with too, by
 * their own rules, and a table that is not among `tables` has the rule to fail. One transaction.
 * Throws `rows-orphaned` with all of them, and their numbers.
 */
export async function settleOrphans(
  session: Session,
  keys: readonly ComingKey[],
  tables: readonly { readonly table: TableName; readonly onOrphan: TableRule['onOrphan'] }[],
): Promise<Orphans[]> {
  const policies = new Map(tables.map(({ table, onOrphan }) => [quoteTable(table), onOrphan]));
  const references = await referencesOf(session, keys, policies);
  const settled = new Map<Reference, number>();
  await session.execute('begin');
  // Those of the tables, and of whatever refers to rows that are gone.
  let open = new Set(references.filter(({ child }) => policies.has(quoteTable(child))));
  const failing = new Set<Reference>();
  while (open.size > 0) {
    const changed = new Set<string>();
    for (const reference of open) {
      if (reference.policy === 'fail') {
        failing.add(reference);
        continue;
      }
      const rows = await settle(session, reference);
      if (rows === 0) continue;
      settled.set(reference, (settled.get(reference) ?? 0) + rows);
      changed.add(quoteTable(reference.child));
    }
    const above = await withAncestors(session, changed);
    open = new Set(references.filter(({ parent }) => above.has(quoteTable(parent))));
  }
  await requireNone(session, [...failing]);
  await session.execute('commit');
  return [...settled].map(([{ child, name, columns, parent, policy }, rows]) => ({
    table: child,
    key: name,
    columns,
    parent,
    rows,
    became: policy === 'drop' ? 'dropped' : 'null',
  }));
}

async function referencesOf(
  session: ReadSession,
  keys: readonly ComingKey[],
  policies: ReadonlyMap<string, TableRule['onOrphan']>,
): Promise<Reference[]> {
  const rows = await session.rows<{ root: string; schema: string; name: string }>(`
    select format('"%s"."%s"', replace(n.nspname, '"', '""'), replace(c.relname, '"', '""')) as root,
           ln.nspname as schema, l.relname as name
      from pg_class c
      join pg_namespace n on n.oid = c.relnamespace
      cross join lateral pg_partition_tree(c.oid) t
      join pg_class l on l.oid = t.relid
      join pg_namespace ln on ln.oid = l.relnamespace
     where c.relkind = 'p' and l.relkind = 'r'
     order by 1, 2, 3`);
  const partitions = new Map<string, TableName[]>();
  for (const { root, schema, name } of rows) partitions.set(root, [...(partitions.get(root) ?? []), { schema, name }]);
  const partitioned = await readPartitioned(session);
  return keys.flatMap((key) => {
    const parent = quoteTable(key.parent);
    const parentRows = partitioned.has(parent) ? parent : `only ${parent}`;
    const children = partitioned.has(quoteTable(key.table))
      ? (partitions.get(quoteTable(key.table)) ?? [])
      : [key.table];
    return children.map((child) => ({
      ...key,
      child,
      parentRows,
      policy: policies.get(quoteTable(child)) ?? policies.get(quoteTable(key.table)) ?? 'fail',
    }));
  });
}

/** The tables, and the partitioned ones that they are parts of. */
async function withAncestors(session: ReadSession, tables: ReadonlySet<string>): Promise<ReadonlySet<string>> {
  const all = new Set(tables);
  for (const table of tables)
    for (const ancestor of await session.rows<TableName>(`
      select n.nspname as schema, c.relname as name
        from pg_partition_ancestors(${quoteText(table)}::regclass) a(relation)
        join pg_class c on c.oid = a.relation
        join pg_namespace n on n.oid = c.relnamespace`))
      all.add(quoteTable(ancestor));
  return all;
}

/** The condition of a row of `child` whose parent is not there; `met` compares its columns with those of `parent`. */
export function isOrphan(
  { columns, full }: Pick<ComingKey, 'columns' | 'full'>,
  met: readonly string[],
  parentRows: string,
): string {
  const present = columns.map((column) => `child.${quoteName(column)} is distinct from null`);
  const missing = `not exists (select from ${parentRows} parent where ${met.join(' and ')})`;
  return `(${present.join(full ? ' or ' : ' and ')}) and ${missing}`;
}

/**
 * How each column of a key is compared with its parent's: by the operator and the collation of the parent's unique index, as
 * the server compares them, wherever an extension has put its operators.
 */
export async function comparisons(
  session: ReadSession,
  { columns, parent, parentColumns }: Pick<ComingKey, 'columns' | 'parent' | 'parentColumns'>,
): Promise<string[]> {
  const rows = await session.rows<{ column: string; operator: string; collation: string | null }>(`
    select distinct on (a.attname) a.attname as column, format('operator(%I.%s)', n.nspname, o.oprname) as operator,
           case when l.oid is not null then format('%I.%I', ln.nspname, l.collname) end as collation
      from pg_index i
      cross join lateral unnest(i.indkey::smallint[], i.indclass::oid[]) k(number, class)
      join pg_attribute a on a.attrelid = i.indrelid and a.attnum = k.number
      join pg_opclass p on p.oid = k.class
      join pg_amop m on m.amopfamily = p.opcfamily and m.amoplefttype = p.opcintype and m.amoprighttype = p.opcintype and m.amopstrategy = 3
      join pg_operator o on o.oid = m.amopopr
      join pg_namespace n on n.oid = o.oprnamespace
      left join pg_collation l on l.oid = a.attcollation
      left join pg_namespace ln on ln.oid = l.collnamespace
     where i.indrelid = ${quoteText(quoteTable(parent))}::regclass and i.indisunique and i.indpred is null
     order by a.attname, i.indisprimary desc`);
  return columns.map((column, at) => {
    const found = rows.find((row) => row.column === parentColumns[at]);
    const collate = found && found.collation !== null ? ` collate ${found.collation}` : '';
    return `child.${quoteName(column)} ${found?.operator ?? '='} parent.${quoteName(parentColumns[at] ?? '')}${collate}`;
  });
}

/** Drops the orphans of a reference, or lets go of their parents. Returns how many rows there were. */
async function settle(session: Session, reference: Reference): Promise<number> {
  const { child, columns, policy } = reference;
  const orphans = `only ${quoteTable(child)} child`;
  const condition = await conditionOf(session, reference);
  if (policy === 'drop') return await session.execute(`delete from ${orphans} where ${condition}`);
  const nothing = columns.map((column) => `${quoteName(column)} = null`);
  try {
    return await session.execute(`update ${orphans} set ${nothing.join(', ')} where ${condition}`);
  } catch (error) {
    if (!(error instanceof RestageError) || !/^2[23]|^428/.test(sqlState(error) ?? '')) throw error;
    throw new RestageError(
      'rule-unfit',
      `${describe(reference)}: rows without a parent cannot have a null there: ${error.message}`,
      { cause: error.cause, hint: `In database.tables.${displayTable(child)} of restage.yaml: onOrphan: drop.` },
    );
  }
}

async function conditionOf(session: ReadSession, reference: Reference): Promise<string> {
  return isOrphan(reference, await comparisons(session, reference), reference.parentRows);
}

async function requireNone(session: ReadSession, references: readonly Reference[]): Promise<void> {
  const found: { readonly reference: Reference; readonly rows: number }[] = [];
  for (const reference of references) {
    const condition = await conditionOf(session, reference);
    const [row] = await session.rows<{ count: string }>(
      `select count(*) as count from only ${quoteTable(reference.child)} child where ${condition}`,
    );
    if (Number(row?.count) > 0) found.push({ reference, rows: Number(row?.count) });
  }
  if (found.length > 0) throw orphansError(found.map(({ reference, rows }) => ({ ...reference, rows })));
}

type Orphaned = Pick<Orphans, 'columns' | 'parent' | 'rows'> & { readonly child: TableName; readonly name: string };

/** The error of rows whose parents are not there, and what would mend it. */
export function orphansError(
  found: readonly Orphaned[],
  code: 'rows-orphaned' | 'rule-unfit' = 'rows-orphaned',
): RestageError {
  const lines = found.map((one) => `${describe(one)}: ${one.rows} ${one.rows === 1 ? 'row' : 'rows'}`);
  const children = [...new Set(found.map(({ child }) => displayTable(child)))].join(', ');
  const parents = [...new Set(found.map(({ parent }) => displayTable(parent)))].join(', ');
  return new RestageError(
    code,
    `by the rules of database.tables there are rows whose parents are not there:\n  ${lines.join('\n  ')}`,
    {
      hint: `In database.tables of restage.yaml, for ${children}: onOrphan: drop leaves such rows out, onOrphan: "null" empties the columns that refer. Or let ${parents} have the source's rows too.`,
    },
  );
}

function describe({ child, name, columns, parent }: Omit<Orphaned, 'rows'>): string {
  return `${displayTable(child)} (${columns.join(', ')}) to ${displayTable(parent)}, by the foreign key ${name}`;
}
