import { RestageError } from '../../errors.ts';
import { changedColumns, conditionsOf, type Condition, type Tried } from './dry-conditions.ts';
import { plainName } from '../empty-tables.ts';
import { displayTable, quoteName } from '../names.ts';
import type { Check } from './rule-constraints.ts';
import { calledColumn, ruleWords, settingOf, unfit, type Unfit } from './rule-words.ts';
import { readByRule } from './rule-reading.ts';
import { sampleOf, sampledRows } from './sample.ts';
import { sqlState } from '../session-error.ts';
import type { ReadSession } from '../session.ts';
import { selectRows } from './table-rows.ts';
import { plainRule, type TableRule } from './table-rule.ts';

/** How long a table's sample may take, in seconds: an expression that takes longer for it would take for ever for the table. */
export const drySeconds = 20;

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
      const parts = await failingOf(session, partsOf(tried));
      const failing = parts.length > 0 ? parts : await failingOf(session, checksOf(tried));
      for (const { piece, error: own } of failing) problems.push(failed(piece, given, own));
      // Only together do they fail.
      if (failing.length === 0) return [...problems, failed(undefined, given, error)];
      tried = without(
        tried,
        failing.map(({ piece }) => piece),
      );
    }
  }
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
  const [row] = await readByRule(session, rule, async () => {
    await session.rows(`set local statement_timeout = '${seconds}s'`);
    return session.rows<{ rows: string; found: string }>(sql);
  });
  return { rows: Number(row?.rows), found: JSON.parse(row?.found ?? '[]') as number[] }; // as it is asked for
}

/** Which of the pieces fail by themselves, and how. */
async function failingOf(
  session: ReadSession,
  pieces: readonly Piece[],
): Promise<{ readonly piece: Piece; readonly error: unknown }[]> {
  const failing: { readonly piece: Piece; readonly error: unknown }[] = [];
  for (const piece of pieces)
    try {
      await probe(session, piece.tried);
    } catch (error) {
      if (!isOfTheRule(error)) throw error;
      failing.push({ piece, error });
    }
  return failing;
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

/** Each part of the rule by itself, without any check. */
function partsOf(tried: Tried): Piece[] {
  const { rule, constraints, table } = tried;
  const seconds = quarter(tried);
  const bare = { ...constraints, checks: [], unique: [], generated: [] };
  const columns = changedColumns(table, rule).map(({ name }): Piece => {
    const own = Object.hasOwn(rule.columns, name) ? rule.columns[name] : undefined;
    const alone: TableRule = own ? { ...plainRule, columns: { [name]: own } } : { ...plainRule, rewrite: rule.rewrite };
    const only = own ? table : { ...table, columns: table.columns.filter((column) => column.name === name) };
    return { what: { column: name }, tried: { ...tried, table: only, rule: alone, constraints: bare, seconds } };
  });
  const where: Piece[] =
    rule.where === undefined
      ? []
      : [{ what: 'where', tried: { ...tried, rule: { ...plainRule, where: rule.where }, constraints: bare, seconds } }];
  return [...where, ...columns];
}

/** Each check with the whole rule. */
function checksOf(tried: Tried): Piece[] {
  const { constraints } = tried;
  return constraints.checks.map((check) => ({
    what: { check },
    tried: { ...tried, constraints: { ...constraints, checks: [check], unique: [] }, seconds: quarter(tried) },
  }));
}

/** How long a part may take. */
function quarter({ seconds }: Tried): number {
  return Math.max(1, Math.round(seconds / 4));
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
function failed(piece: Piece | undefined, given: Tried, error: unknown): Unfit {
  const { table, name, rule } = given;
  const what = piece?.what;
  const place = `database.tables.${plainName(name)}`;
  const words = isTimeout(error)
    ? `it takes more than ${piece ? quarter(given) : given.seconds} s for a sample of ${Math.min(sampledRows, Math.round(table.rows))} rows`
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
    `${quoting(rule, what.column, error)}Change ${settingOf(name, rule, what.column)} in restage.yaml.`,
    error,
  );
}

/** A text without quotes of SQL's own is the name of a column: the mistake that everybody makes once. */
function quoting(rule: TableRule, column: string, error: unknown): string {
  const isSet = Object.hasOwn(rule.columns, column) && rule.columns[column]?.kind === 'set';
  return isSet && sqlState(error) === '42703' ? `It is SQL: a text stands in quotes of SQL's own, "'text'". ` : '';
}

/** The server's words; but what a function of the user's says may hold values of the row. */
function wordsOf(error: unknown): string {
  const state = sqlState(error) ?? '';
  if (state.startsWith('P0')) return `a function raised an exception (SQLSTATE ${state})`;
  return error instanceof Error ? error.message : String(error);
}
