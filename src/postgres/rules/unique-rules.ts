import type { Column, Table } from '../catalog.ts';
import { maskBits, maskFits } from '../masks/mask-sql.ts';
import { quoteTable, quoteText, unquote, type TableName } from '../names.ts';
import type { Constraints, UniqueKey } from './rule-constraints.ts';
import { calledColumn, ruleWords, settingOf, unfit, type Unfit } from './rule-words.ts';
import type { ReadSession } from '../session.ts';
import { maskNames, type Mask, type TableRule } from './table-rule.ts';

/** The chance of two values becoming one, from which on a mask is no good for what must be unique. */
const mostChance = 1 / 10_000;

/** How alike the rows of a table are in a column: the chance that two of them have the same value there. By `schema.table.column`. */
export type Spread = ReadonlyMap<string, number>;

/** What the server's statistics say of how alike rows are. A column that they say nothing of is absent. */
export async function readSpread(session: ReadSession, tables: readonly Table[]): Promise<Spread> {
  if (tables.length === 0) return new Map();
  const names = tables.map(({ table }) => `(${quoteText(table.schema)}::name, ${quoteText(table.name)}::name)`);
  const rows = await session.rows<{ schema: string; name: string; column: string; alike: string | null }>(`
    select s.schemaname as schema, s.tablename as name, s.attname as column,
           coalesce((select sum(f * f) from unnest(s.most_common_freqs) f), 0)
           + greatest(0, 1 - s.null_frac - coalesce((select sum(f) from unnest(s.most_common_freqs) f), 0)) ^ 2
           / greatest(1, case when s.n_distinct < 0 then - s.n_distinct * c.reltuples else s.n_distinct end
                         - coalesce(cardinality(s.most_common_freqs), 0)) as alike
      from pg_stats s
      join pg_namespace n on n.nspname = s.schemaname
      join pg_class c on c.relnamespace = n.oid and c.relname = s.tablename
     where s.n_distinct <> 0 and c.reltuples > 0 and s.inherited = (c.relkind = 'p')
       and (s.schemaname, s.tablename) in (values ${names.join(', ')})`);
  return new Map(rows.map((row) => [spreadName(row, row.column), Number(row.alike)]));
}

function spreadName(table: TableName, column: string): string {
  return `${quoteTable(table)}.${column}`;
}

/**
 * Where masks of so few different values stand in what must be unique that two rows would probably be one. What `set`, `sql` and a
 * rewrite make is nobody's to calculate: the sample tells of it.
 */
export function uniqueProblems(
  table: Table,
  name: TableName,
  rule: TableRule,
  { unique }: Pick<Constraints, 'unique'>,
  spread: Spread,
): Unfit[] {
  return unique.flatMap((key) => {
    const problem = uniqueProblem(table, name, rule, key, (others) => alikeIn(table, others, unique, spread));
    return problem === undefined ? [] : [problem];
  });
}

function uniqueProblem(
  table: Table,
  name: TableName,
  rule: TableRule,
  key: UniqueKey,
  alike: (others: readonly string[]) => number,
): Unfit | undefined {
  const masked = table.columns.flatMap((column) => {
    const own = Object.hasOwn(rule.columns, column.name) ? rule.columns[column.name] : undefined;
    const calculable = own?.kind === 'mask' && !(typeof own.mask === 'object' && 'sql' in own.mask);
    return calculable && key.columns.includes(column.name) ? [{ column, mask: own.mask }] : [];
  });
  const [first] = masked;
  if (!first || table.rows < 2) return undefined;
  const { column } = first;
  const place = `${calledColumn(name, column.name)} has ${ruleWords(rule, column.name)} and is in ${key.name}, ${key.definition}`;
  const setting = settingOf(name, rule, column.name);
  const other = masked.find((one) => operatorOf(key, one.column) !== '=');
  if (other)
    return unfit(
      name,
      `operator ${key.name}`,
      `${place}: whether two of its ${rowsWords(table)} would exclude each other cannot be told`,
      `Leave ${setting} out, or give it { sql: … } that keeps them apart.`,
    );
  // Nulls are no duplicates of each other.
  if (!key.nullsAreEqual && masked.some(({ mask }) => mask === 'null')) return undefined;
  const others = key.columns.filter(
    (one) => !Object.hasOwn(rule.columns, one) && (key.operators === undefined || operatorOf(key, one) === '='),
  );
  const pairs = ((table.rows * (table.rows - 1)) / 2) * alike(others);
  const bits = masked.reduce((sum, one) => sum + bitsOf(one.mask, one.column), 0);
  if (pairs / 2 ** bits <= mostChance) return undefined;
  const restBits = bits - bitsOf(first.mask, column);
  const fitting = goodNames.filter((mask) => {
    if (maskFits(mask, column, table) !== undefined) return false;
    return pairs / 2 ** (restBits + maskBits(mask, column)) <= mostChance;
  });
  const chance = bits === 0 ? 'all become the same value' : `it makes ${number(2 ** bits)} different values`;
  return unfit(
    name,
    `key ${key.name}`,
    `${place}: it has ${rowsWords(table)}, and ${masked.length === 1 ? chance : `the masks of ${masked.map((one) => one.column.name).join(' and ')} make ${number(2 ** bits)} different values together`}: two rows would become one`,
    fitting.length === 0
      ? `No mask makes enough different values in ${column.type}: leave ${setting} out, or use { sql: … }.`
      : `Masks that make enough different values: ${fitting.slice(0, 4).join(', ')}. Change ${setting} in restage.yaml.`,
  );
}

/** A mask of null makes one value of all. */
function bitsOf(mask: Mask, column: Column): number {
  return mask === 'null' ? 0 : maskBits(mask, column);
}

/** Those that are most likely to do come first. */
const goodNames = ['email', 'uuid', 'username', 'hash', 'token', ...maskNames].filter(
  (name, index, all): name is (typeof maskNames)[number] =>
    all.indexOf(name) === index && !['null', 'redact', 'text', 'password-hash'].includes(name),
);

/** The operator by which a column excludes; undefined where it is in an expression. */
function operatorOf({ keys, operators }: UniqueKey, column: Column | string): string | undefined {
  if (operators === undefined) return '=';
  const name = typeof column === 'string' ? column : column.name;
  return operators[keys.findIndex((one) => unquote(one) === name)];
}

/** The chance that two rows are alike in all of some columns: that of the one in which they differ most. */
function alikeIn(table: Table, columns: readonly string[], unique: readonly UniqueKey[], spread: Spread): number {
  const isKey = unique.some(
    ({ keys, predicate, operators }) =>
      predicate === undefined && operators === undefined && keys.every((one) => columns.includes(unquote(one))),
  );
  if (isKey) return 0;
  return Math.min(1, ...columns.map((column) => spread.get(spreadName(table.table, column)) ?? 1));
}

function rowsWords({ rows: count, rowsAreEstimated }: Table): string {
  return `${rowsAreEstimated ? 'about ' : ''}${number(count)} rows`;
}

function number(value: number): string {
  return Math.round(value).toLocaleString('en-US');
}
