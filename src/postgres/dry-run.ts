import { RestageError } from '../errors.ts';
import { lettingLocksGo, type Column, type Table } from './catalog.ts';
import { plainName } from './empty-tables.ts';
import { displayTable, quoteName, unquote, type TableName } from './names.ts';
import { isRewritten } from './rewrite.ts';
import type { Check, Constraints, UniqueKey } from './rule-constraints.ts';
import { calledColumn, ruleWords, settingOf, unfit, type Unfit } from './rule-words.ts';
import { sampleOf, sampledRows } from './sample.ts';
import { sqlState } from './session-error.ts';
import type { ReadSession } from './session.ts';
import { hasUserSql, selectRows } from './table-rows.ts';
import type { TableRule } from './table-rule.ts';

/** How long a table's sample may take, in seconds: an expression that takes longer for it would take for ever for the table. */
export const drySeconds = 20;

interface Tried {
  readonly table: Table;
  /** As the rule names it. */
  readonly name: TableName;
  readonly rule: TableRule;
  readonly constraints: Constraints;
  readonly seconds: number;
}

/** A part of a rule, or a check of the table, that may fail by itself. */
interface Piece {
  readonly what: { readonly column: string } | { readonly check: Check } | 'where';
  readonly tried: Tried;
}

/**
 * Evaluates a rule on a sample of the table's rows, by the SELECT that the run sends: whether it can be evaluated at all, and
 * whether what comes out of it may stand in the table. Numbers alone come back. Throws what the connection throws.
 */
export async function dryRun(session: ReadSession, given: Tried): Promise<Unfit[]> {
  const problems: Unfit[] = [];
  for (let tried = given; ;) {
    try {
      return [...problems, ...(await probe(session, tried))];
    } catch (error) {
      if (!isOfTheRule(error)) throw error;
      const failing: Piece[] = [];
      for (const piece of piecesOf(tried)) {
        const own = await failure(session, piece.tried);
        if (own === undefined) continue;
        failing.push(piece);
        problems.push(failed(piece, given, own));
      }
      // Only together do they fail.
      if (failing.length === 0) return [...problems, failed(undefined, given, error)];
      tried = without(tried, failing);
    }
  }
}

/** The columns whose values are others than the source's. */
export function changedColumns(table: Table, rule: TableRule): readonly Column[] {
  return table.columns.filter(
    (column) =>
      !column.generated &&
      (Object.hasOwn(rule.columns, column.name) || (rule.rewrite.length > 0 && isRewritten(column))),
  );
}

/** A condition on the sample's rows, as they will be, that must not be true of any: how many it is true of, and what to say then. */
interface Condition {
  /** An aggregate over the rows, or a sub-select. */
  readonly count: string;
  readonly tell: (count: number, of: number) => Unfit;
}

async function probe(session: ReadSession, tried: Tried): Promise<Unfit[]> {
  const { table, rule } = tried;
  const conditions = conditionsOf(tried);
  const limited = table.rowsAreEstimated || table.rows > sampledRows;
  const sampled = limited ? `ctid = any (array(${sampleOf(table, 'ctid')}))` : undefined;
  let counts = await evaluate(session, tried, conditions, selectRows(table, rule, sampled));
  // Of what a where selects the sample may have nothing.
  if (counts.rows === 0 && limited && rule.where !== undefined)
    counts = await evaluate(session, tried, conditions, `${selectRows(table, rule)} limit ${sampledRows / 5}`);
  return conditions.flatMap(({ tell }, index) => {
    const count = counts.found[index] ?? 0;
    return count > 0 ? [tell(count, counts.rows)] : [];
  });
}

async function evaluate(
  session: ReadSession,
  { table, rule, constraints, seconds }: Tried,
  conditions: readonly Condition[],
  select: string,
): Promise<{ readonly rows: number; readonly found: readonly number[] }> {
  const alias = quoteName(table.table.name);
  const generated = constraints.generated.flatMap(({ column, sql }) => {
    const made = table.columns.find(({ name }) => name === column);
    return made ? [`, (${sql})::${made.type} as ${quoteName(column)}`] : [];
  });
  // To count a value of the column's type makes the server compute it, with the checks of its domains.
  const computed = changedColumns(table, rule).map(({ name, type }) => `count((${quoteName(name)})::${type})`);
  const sql = `
    with "restage rows" as materialized (select ${alias}.*${generated.join('')} from (${select}\n) as ${alias})
    select count(*) as rows, array_to_json(array[${computed.join(', ')}]::bigint[])::text as computed,
           array_to_json(array[${conditions.map(({ count }) => count).join(',\n      ')}]::bigint[])::text as found
      from "restage rows" as ${alias}`;
  const [row] = await lettingLocksGo(session, async () => {
    await session.rows(`set local statement_timeout = '${seconds}s'`);
    if (hasUserSql(rule)) await session.rows('set local search_path to public');
    return session.rows<{ rows: string; found: string }>(sql);
  });
  return { rows: Number(row?.rows), found: JSON.parse(row?.found ?? '[]') as number[] }; // as it is asked for
}

/** Whatever of it fails by itself; undefined where it does not. */
async function failure(session: ReadSession, tried: Tried): Promise<unknown> {
  try {
    await probe(session, tried);
    return undefined;
  } catch (error) {
    if (!isOfTheRule(error)) throw error;
    return error;
  }
}

// Classes of SQLSTATE that are about a statement and its data, and not about the server's state.
const ofTheStatement = /^(0A|2[1-5]|3[89]|42|54|P0|XX)/;

function isOfTheRule(error: unknown): boolean {
  if (!(error instanceof RestageError) || error.code !== 'statement-failed') return false;
  return ofTheStatement.test(sqlState(error) ?? '') || isTimeout(error);
}

function isTimeout(error: unknown): boolean {
  return error instanceof RestageError && /statement timeout/.test(error.message);
}

const nothing: TableRule = { rows: 'copy', onCollision: 'fail', onOrphan: 'fail', columns: {}, rewrite: [], allow: [] };

/** Each part of the rule by itself, without any check; and each check with the whole rule. */
function piecesOf(tried: Tried): Piece[] {
  const { rule, constraints, table } = tried;
  const seconds = Math.max(1, Math.round(tried.seconds / 4));
  const bare = { ...constraints, checks: [], unique: [], generated: [] };
  const columns = changedColumns(table, rule).map(({ name }): Piece => {
    const own = Object.hasOwn(rule.columns, name) ? rule.columns[name] : undefined;
    const alone: TableRule = own ? { ...nothing, columns: { [name]: own } } : { ...nothing, rewrite: rule.rewrite };
    const only = own ? table : { ...table, columns: table.columns.filter((column) => column.name === name) };
    return { what: { column: name }, tried: { ...tried, table: only, rule: alone, constraints: bare, seconds } };
  });
  const where: Piece[] =
    rule.where === undefined
      ? []
      : [{ what: 'where', tried: { ...tried, rule: { ...nothing, where: rule.where }, constraints: bare, seconds } }];
  const checks = constraints.checks.map((check): Piece => ({
    what: { check },
    tried: { ...tried, constraints: { ...constraints, checks: [check], unique: [] }, seconds },
  }));
  const parts = [...where, ...columns];
  return [...parts, ...checks];
}

function without(tried: Tried, failing: readonly Piece[]): Tried {
  const columns = new Set(
    failing.flatMap(({ what }) => (typeof what === 'object' && 'column' in what ? [what.column] : [])),
  );
  const checks = new Set(
    failing.flatMap(({ what }) => (typeof what === 'object' && 'check' in what ? [what.check] : [])),
  );
  const { where, ...rule } = tried.rule;
  const own = Object.entries(rule.columns);
  const isRewriteFailing = [...columns].some((name) => !Object.hasOwn(rule.columns, name));
  return {
    ...tried,
    rule: {
      ...rule,
      ...(where === undefined || failing.some(({ what }) => what === 'where') ? {} : { where }),
      columns: Object.fromEntries(own.filter(([name]) => !columns.has(name))),
      rewrite: isRewriteFailing ? [] : rule.rewrite,
    },
    // What the other columns would be judged by may need those that failed.
    constraints: {
      ...tried.constraints,
      checks:
        columns.size > 0
          ? tried.constraints.checks.filter((one) => !one.columns.some((name) => columns.has(name)))
          : tried.constraints.checks.filter((one) => !checks.has(one)),
      unique: tried.constraints.unique.filter((one) => !one.columns.some((name) => columns.has(name))),
    },
  };
}

/** A part of a rule that cannot be evaluated, in the server's words. */
function failed(piece: Piece | undefined, { table, name, rule, seconds }: Tried, error: unknown): Unfit {
  const what = piece?.what;
  const place = `database.tables.${plainName(name)}`;
  const words = isTimeout(error)
    ? `it takes more than ${Math.max(1, Math.round(seconds / (piece ? 4 : 1)))} s for a sample of ${Math.min(sampledRows, Math.round(table.rows))} rows`
    : wordsOf(error);
  if (what === undefined)
    return unfit(
      name,
      'all',
      `${displayTable(name)}, as its rule has it: ${words}`,
      `Its rule is ${place} in restage.yaml.`,
      error,
    );
  if (what === 'where')
    return unfit(
      name,
      'where',
      `${displayTable(name)}, where: ${words}`,
      `${place}.where in restage.yaml is one condition in SQL over the columns of ${displayTable(name)}.`,
      error,
    );
  if ('check' in what)
    return unfit(
      name,
      `check ${what.check.name}`,
      `${displayTable(name)}: ${what.check.name}, ${what.check.definition}, cannot be evaluated for the rows as its rule has them: ${words}`,
      `Change ${place} in restage.yaml.`,
      error,
    );
  return unfit(
    name,
    `column ${what.column}`,
    `${calledColumn(name, what.column)}, ${ruleWords(rule, what.column)}: ${words}`,
    `Change ${settingOf(name, rule, what.column)} in restage.yaml.`,
    error,
  );
}

/** The server's words; but what a function of the user's says may hold values of the row. */
function wordsOf(error: unknown): string {
  const state = sqlState(error) ?? '';
  if (state.startsWith('P0')) return `a function raised an exception (SQLSTATE ${state})`;
  return error instanceof Error ? error.message : String(error);
}

function conditionsOf(tried: Tried): Condition[] {
  const { table, name, rule, constraints } = tried;
  const changed = changedColumns(table, rule);
  const computed =
    constraints.generated.length > 0 && changed.length > 0 ? constraints.generated.map(({ column }) => column) : [];
  const touched = new Set([...changed.map((column) => column.name), ...computed]);
  const touches = (columns: readonly string[]) => columns.filter((column) => touched.has(column));
  const checks: readonly Check[] = [
    ...constraints.checks.filter(({ valid }) => valid),
    ...(constraints.bounds === undefined
      ? []
      : [
          {
            name: `the bounds of the partition ${displayTable(table.table)}`,
            definition: constraints.bounds,
            sql: constraints.bounds,
            columns: constraints.partitionedBy,
            valid: true,
          },
        ]),
  ];
  return [
    ...changed.flatMap((column) => ofColumn(column, name, rule)),
    ...checks.flatMap((check): Condition[] => {
      const [first] = touches(check.columns);
      return first === undefined ? [] : [ofCheck(check, first, name, rule)];
    }),
    ...constraints.unique.flatMap((key): Condition[] => {
      const [first] = touches(key.columns);
      const all = key.operators?.every((one) => one === '=') ?? true;
      return first === undefined || !all ? [] : [ofKey(key, first, table, name, rule)];
    }),
  ];
}

function ofColumn(column: Column, table: TableName, rule: TableRule): Condition[] {
  const name = quoteName(column.name);
  const place = `${calledColumn(table, column.name)}, ${ruleWords(rule, column.name)}`;
  const setting = settingOf(table, rule, column.name);
  const tell = (about: string, words: (of: string) => string, hint: string) => (count: number, of: number) =>
    unfit(
      table,
      `${about} of ${column.name}`,
      `${place}: ${words(share(count, of))}`,
      `${hint} Change ${setting} in restage.yaml.`,
    );
  const conditions: Condition[] = [];
  if (column.required)
    conditions.push({
      count: `count(*) filter (where ${name} is null)`,
      tell: tell('null', (of) => `the column takes no null, and ${of} would have one`, `Such as coalesce(…, …).`),
    });
  if (column.maxLength !== undefined)
    conditions.push({
      count: `count(*) filter (where length(${name}::text) > ${column.maxLength})`,
      tell: tell(
        'length',
        (of) => `${of} would be longer than ${column.type}`,
        `Such as left(…, ${column.maxLength}).`,
      ),
    });
  if (column.precision !== undefined && column.base === 'numeric') {
    const whole = column.precision - (column.scale ?? 0);
    conditions.push({
      count: `count(*) filter (where ${name} <> 'NaN' and abs(${name}) >= 10::numeric ^ ${whole})`,
      tell: tell(
        'digits',
        (of) => `${of} would have more digits than ${column.type}`,
        `It holds ${whole} before the point.`,
      ),
    });
  }
  return conditions;
}

function ofCheck(check: Check, column: string, table: TableName, rule: TableRule): Condition {
  const ruled = ruledAmong(check.columns, column, rule);
  return {
    count: `count(*) filter (where (${check.sql}) is false)`,
    tell: (count, of) =>
      unfit(
        table,
        `check ${check.name}`,
        `${calledColumn(table, ruled)}, ${ruleWords(rule, ruled)}: ${check.name}, ${check.definition}, would not hold for ${share(count, of)}`,
        `Choose a mask that the check lets pass, or write one: mask: { ${JSON.stringify(ruled)}: { sql: … } }. Change ${settingOf(table, rule, ruled)} in restage.yaml.`,
      ),
  };
}

function ofKey(
  key: UniqueKey,
  column: string,
  { table: own, columns }: Table,
  table: TableName,
  rule: TableRule,
): Condition {
  const ruled = ruledAmong(key.columns, column, rule);
  const byName = new Map(columns.map((one) => [one.name, one]));
  // Of a bare column; equal as its own type has it.
  const keys = key.keys.map((one) => {
    const plain = byName.get(unquote(one));
    return plain ? quoteName(plain.name) : `(${one})`;
  });
  const present = key.nullsAreEqual ? [] : keys.map((one) => `${one} is not null`);
  const where = [...(key.predicate === undefined ? [] : [`(${key.predicate})`]), ...present];
  return {
    count: `(select coalesce(sum(n - 1), 0) from (
        select count(*) as n from "restage rows" as ${quoteName(own.name)}${where.length === 0 ? '' : ` where ${where.join(' and ')}`} group by ${keys.join(', ')} having count(*) > 1) d)`,
    tell: (count, of) =>
      unfit(
        table,
        `key ${key.name}`,
        `${calledColumn(table, ruled)}, ${ruleWords(rule, ruled)}: in ${key.name}, ${key.definition}, ${share(count, of)} would be the same as another`,
        `Use what differs for each row. Change ${settingOf(table, rule, ruled)} in restage.yaml.`,
      ),
  };
}

/** A column that the rule itself is about, rather than one that is made of it. */
function ruledAmong(columns: readonly string[], touched: string, rule: TableRule): string {
  return columns.find((name) => Object.hasOwn(rule.columns, name)) ?? touched;
}

function share(count: number, of: number): string {
  return `${count.toLocaleString('en-US')} of ${of.toLocaleString('en-US')} rows read`;
}
