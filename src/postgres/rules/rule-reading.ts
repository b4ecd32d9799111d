import { RestageError } from '../../errors.ts';
import { rowsOf, type Table } from '../catalog.ts';
import { isCounted } from '../count-tables.ts';
import { countRows, digestSelect, digestTable, type Digest } from '../digest.ts';
import { displayTable, quoteTable } from '../names.ts';
import { sqlState } from '../session-error.ts';
import type { ReadSession } from '../session.ts';
import { changesValues, comparedColumns, conditionOf, hasUserSql, selectRows } from './table-rows.ts';
import type { TableRule } from './table-rule.ts';

/** Where SQL of the user's finds what it names without a schema. */
export const userSearchPath = 'set local search_path to public';

/**
 * Reads by SQL of a rule, in a transaction of the session: the user's SQL sees the schema public, and whatever becomes of it, the
 * transaction goes on after it, without its locks.
 */
export async function readByRule<T>(session: ReadSession, rule: TableRule, read: () => Promise<T>): Promise<T> {
  await session.rows('savepoint ruled');
  try {
    if (hasUserSql(rule)) await session.rows(userSearchPath);
    return await read();
  } finally {
    // Of a session that is lost the reader has told already.
    await session.rows('rollback to savepoint ruled').catch(() => {});
    await session.rows('release savepoint ruled').catch(() => {});
  }
}

/**
 * Makes sure that a SELECT with the user's SQL in it is one statement, and one that the server can plan, by sending it as the
 * extended protocol does: of several it refuses all. No row is read. What has passed cannot end the brackets that it is put
 * in anywhere else either. Throws `rule-unfit`.
 */
export async function requireOneSelect(session: ReadSession, { table }: Pick<Table, 'table'>, select: string) {
  try {
    await session.rows(`select from (${select}) as "rows" limit 0`);
  } catch (error) {
    throw ruleError({ table }, error, 'rule-unfit');
  }
}

// Classes of SQLSTATE that are about a statement and its data, and not about the server's state.
const ofTheStatement = /^(08P01|0A|2[1-35]|3[89]|42|P0)/;

/** An error of a statement that a table's rule stands in, with the table and the way out. */
export function ruleError(
  { table }: Pick<Table, 'table'>,
  error: unknown,
  code: 'rule-unfit' | 'statement-failed' = 'statement-failed',
): unknown {
  const state = sqlState(error) ?? '';
  if (!(error instanceof RestageError) || error.code !== 'statement-failed' || !ofTheStatement.test(state))
    return error;
  // What a function of the user's says of itself may hold values of the row.
  const words = state.startsWith('P0') ? `a function raised an exception (SQLSTATE ${state})` : error.message;
  const place = error.hint?.startsWith('COPY ') ? `; ${error.hint}` : '';
  return new RestageError(code, `${displayTable(table)}, as its rule has it: ${words}${place}`, {
    cause: error.cause,
    hint: `Its rule is in database.tables in restage.yaml: where, set and the mask sql are one expression each, over the columns of ${displayTable(table)}.`,
  });
}

/** The digest of a table's rows as its rule has them; the `condition` is of ours. Throws as `digestTable`, with the table's name. */
export async function digestByRule(
  session: ReadSession,
  table: Table,
  rule: TableRule,
  columns = comparedColumns(table, rule),
  condition?: string,
): Promise<Digest> {
  try {
    return await readByRule(session, rule, () =>
      changesValues(table, rule)
        ? digestSelect(session, selectRows(table, rule, condition), columns)
        : digestTable(session, table, columns, conditionOf(table, rule, condition)),
    );
  } catch (error) {
    throw ruleError(table, error);
  }
}

/** How many rows a table's rule selects, for sure. Throws as `digestByRule`. */
export async function countByRule(session: ReadSession, table: Table, rule: TableRule): Promise<Digest> {
  try {
    return await readByRule(session, rule, () => countRows(session, table, conditionOf(table, rule)));
  } catch (error) {
    throw ruleError(table, error);
  }
}

/**
 * How many rows the `where` of each rule selects, by quoted name: counted where the table is small, else as the server's planner
 * has it. In a transaction of the session. Throws `statement-failed` with the table's name.
 */
export async function countSelected(
  session: ReadSession,
  tables: readonly Table[],
  rules: ReadonlyMap<string, TableRule>,
): Promise<ReadonlyMap<string, number>> {
  const selected = new Map<string, number>();
  for (const table of tables) {
    const rule = rules.get(quoteTable(table.table));
    if (rule?.where === undefined) continue;
    const from = `from ${rowsOf(table)}${conditionOf(table, rule)}`;
    try {
      const count = await readByRule(session, rule, () =>
        isCounted(table) ? counted(session, from) : estimated(session, from),
      );
      selected.set(quoteTable(table.table), count);
    } catch (error) {
      throw ruleError(table, error, 'rule-unfit');
    }
  }
  return selected;
}

async function counted(session: ReadSession, from: string): Promise<number> {
  const [row] = await session.rows<{ count: string }>(`select count(*) as count ${from}`);
  return Number(row?.count);
}

async function estimated(session: ReadSession, from: string): Promise<number> {
  const [row] = await session.rows<{ 'QUERY PLAN': string }>(`explain (format json) select ${from}`);
  const [found] = JSON.parse(row?.['QUERY PLAN'] ?? '[]') as { Plan: { 'Plan Rows': number } }[]; // as EXPLAIN writes it
  return found?.Plan['Plan Rows'] ?? 0;
}
