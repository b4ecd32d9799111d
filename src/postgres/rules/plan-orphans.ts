import { RestageError } from '../../errors.ts';
import { lettingLocksGo, rowsOf, type Table } from '../catalog.ts';
import { displayTable, quoteName, quoteTable } from '../names.ts';
import { comparisons, isOrphan, orphansError, type Orphans } from './orphans.ts';
import type { ForeignKey } from '../references.ts';
import type { ReadSession } from '../session.ts';
import { plainRule, type TableRule } from './table-rule.ts';

/** Up to so much of a child and its parents is read to count; the run counts the rest. */
const countedBytes = 16 * 1024 * 1024;

type Rules = ReadonlyMap<string, TableRule>;
type Counted = Pick<Orphans, 'columns' | 'parent' | 'rows'> & {
  readonly child: Table['table'];
  readonly name: string;
  readonly policy: TableRule['onOrphan'];
};

/**
 * What the rules leave without parents, as far as the source's rows alone say so: of children that are copied and parents that are
 * not, or not all. Refused with the count where their rule is to fail, told in a note where it says what becomes of them; refused too
 * where a null is to stand in a column that takes none. `counting` is false where other rules than these limit the rows.
 */
export async function planOrphans(
  session: ReadSession,
  tables: readonly Table[],
  rules: Rules,
  foreignKeys: readonly ForeignKey[],
  counting = true,
): Promise<{ readonly problems: RestageError[]; readonly notes: string[] }> {
  const problems: RestageError[] = [];
  const counted: Counted[] = [];
  const ruleOf = ({ table }: Table) => rules.get(quoteTable(table)) ?? plainRule;
  const unproven = await readUnproven(session);
  const partsOf = partsByName(tables);
  for (const key of foreignKeys) {
    if (unproven.has(`${quoteTable(key.table)} ${key.name}`)) continue;
    const parents = partsOf(key.parent);
    for (const child of partsOf(key.table)) {
      const rule = ruleOf(child);
      const mayMiss = hasOwnRows(rule) || parents.some((parent) => isLimited(ruleOf(parent)));
      if (!mayMiss) continue;
      if (rule.onOrphan === 'null') {
        const refused = nullRefusal(key, child);
        if (refused) {
          problems.push(refused);
          continue;
        }
      }
      if (!counting || !isCertain(key, child, parents, ruleOf)) continue;
      const rows = await countOrphans(session, key, child, parents, ruleOf);
      if (rows > 0) counted.push({ ...key, child: child.table, rows, policy: rule.onOrphan });
    }
  }
  const failing = counted.filter(({ policy }) => policy === 'fail');
  if (failing.length > 0) problems.push(orphansError(failing, 'rule-unfit'));
  const notes = counted
    .filter(({ policy }) => policy !== 'fail')
    .map(({ child, rows, policy, columns, parent, name }) => {
      const [number, those] = rows === 1 ? ['1 row', 'its parent'] : [`${rows} rows`, 'their parents'];
      const becomes = policy === 'drop' ? 'dropped' : `left with a null in ${columns.join(', ')}`;
      return `${displayTable(child)}: ${number} will be ${becomes}, as ${those} in ${displayTable(parent)} will not be there (foreign key ${name})`;
    });
  return { problems, notes };
}

/** The tables that hold the rows of one: itself, or the partitions of a partitioned one. */
function partsByName(tables: readonly Table[]): (name: Table['table']) => readonly Table[] {
  const own = new Map(tables.map((table) => [quoteTable(table.table), [table]]));
  const below = Map.groupBy(
    tables.flatMap((table) => table.parents.map((parent) => ({ table, parent: quoteTable(parent) }))),
    ({ parent }) => parent,
  );
  return (name) => {
    const quoted = quoteTable(name);
    return own.get(quoted) ?? below.get(quoted)?.map(({ table }) => table) ?? [];
  };
}

function hasOwnRows({ rows }: TableRule): boolean {
  return rows === 'keep' || rows === 'merge';
}

function isLimited({ rows, where }: TableRule): boolean {
  return rows !== 'copy' || where !== undefined;
}

/** Keys that the source holds NOT VALID, or does not enforce: they ask nothing of rows that are there. */
async function readUnproven(session: ReadSession): Promise<ReadonlySet<string>> {
  const rows = await session.rows<{ schema: string; table: string; name: string }>(`
    select n.nspname as schema, c.relname as table, k.conname as name
      from pg_constraint k
      join pg_class c on c.oid = k.conrelid
      join pg_namespace n on n.oid = c.relnamespace
     where k.contype = 'f' and not k.convalidated`);
  return new Set(rows.map(({ schema, table, name }) => `${quoteTable({ schema, name: table })} ${name}`));
}

function nullRefusal({ name, columns }: ForeignKey, { table, columns: all }: Table): RestageError | undefined {
  const closed = all.filter((column) => columns.includes(column.name) && (column.required || column.generated));
  if (closed.length === 0) return undefined;
  const names = closed.map((column) => column.name).join(', ');
  const why = closed.some(({ generated }) => generated) ? 'is made by the server, or takes no null' : 'takes no null';
  return new RestageError(
    'rule-unfit',
    `database.tables.${displayTable(table)}: onOrphan: "null" cannot be, as ${names} ${why} (foreign key ${name})`,
    { hint: 'onOrphan: drop leaves rows out whose parents are not there; fail stops the run for them.' },
  );
}

/** Whether the source's rows alone say who is left without a parent: no row or value of staging's comes in between. */
function isCertain(
  { columns, parentColumns }: ForeignKey,
  child: Table,
  parents: readonly Table[],
  ruleOf: (table: Table) => TableRule,
): boolean {
  const isOwn = (rule: TableRule, names: readonly string[]) =>
    names.some((name) => Object.hasOwn(rule.columns, name) || (rule.carry?.columns.includes(name) ?? false));
  const rule = ruleOf(child);
  return (
    (rule.rows === 'copy' || rule.rows === 'merge') &&
    !isOwn(rule, columns) &&
    parents.some((parent) => isLimited(ruleOf(parent))) &&
    parents.every((parent) => ['copy', 'empty'].includes(ruleOf(parent).rows) && !isOwn(ruleOf(parent), parentColumns))
  );
}

/** Of a large child whose parents are all left out it is enough to know that there is one. */
async function countOrphans(
  session: ReadSession,
  key: ForeignKey,
  child: Table,
  parents: readonly Table[],
  ruleOf: (table: Table) => TableRule,
): Promise<number> {
  const copied = parents.filter((parent) => ruleOf(parent).rows !== 'empty');
  const isLarge = [child, ...copied].reduce((sum, { sizeBytes }) => sum + sizeBytes, 0) > countedBytes;
  if (isLarge && copied.length > 0) return 0;
  const full = false; // the source's own rows fulfil the key: a row has all of its columns, or need not have any
  const met = await comparisons(session, key);
  const columns = key.parentColumns.map(quoteName).join(', ');
  const rows = copied.map((parent) => `select ${columns} from ${selected(parent, ruleOf(parent))}`);
  const there =
    rows.length === 0
      ? `(select ${columns} from ${quoteTable(key.parent)} where false)`
      : `(${rows.join(' union all ')})`;
  const orphans = `select from (select * from ${selected(child, ruleOf(child))}) child where ${isOrphan({ ...key, full }, met, there)}`;
  return await lettingLocksGo(session, async () => {
    await session.rows('set local search_path = public');
    const [row] = await session.rows<{ count: string }>(
      `select count(*) as count from (${orphans}${isLarge ? ' limit 1' : ''}) orphans`,
    );
    return Number(row?.count);
  });
}

function selected(table: Table, { where }: TableRule): string {
  const conditions = [
    ...(table.condition === undefined ? [] : [table.condition.replace(/^\s*where\b/i, '')]),
    ...(where === undefined ? [] : [where]),
  ];
  return `${rowsOf(table)}${conditions.length === 0 ? '' : ` where ${conditions.map((one) => `(\n${one}\n)`).join(' and ')}`}`;
}
