import { failureOf, RestageError } from '../errors.ts';
import { findLeaks, type Leak } from '../postgres/leaks.ts';
import { displayTable, quoteTable } from '../postgres/names.ts';
import { count } from '../report/format.ts';
import type { Perform } from './context.ts';
import { lanesOf, requireDatabase } from './database-run.ts';

/** Leaks that a message names; the facts hold all of them. */
const named = 10;

/** Looks for what must not have arrived, before anything of staging's own has come in. */
export const leakSteps: Perform<'scan-leaks'> = {
  'scan-leaks': async (step, { database, facts, signal }) => {
    const state = requireDatabase(database);
    const { columns, except } = step;
    const found = await findLeaks(lanesOf(state), { columns, except, tables: state.tables, ownWords: [], signal });
    const searched = new Set(found.tables.map(quoteTable));
    const rows = facts('copy-table').reduce(
      (sum, { table, target }) => sum + (searched.has(quoteTable(table)) ? target.rows : 0),
      0,
    );
    const leaks = found.leaks.map(describe);
    const done = { values: found.values, rows, leaks };
    const [first] = found.leaks;
    if (!first) return { facts: done };
    const shown = [
      ...leaks.slice(0, named),
      ...(leaks.length > named ? [`and ${count(leaks.length - named)} more`] : []),
    ];
    const error = new RestageError(
      'leak-found',
      `real values of masked columns have arrived in ${state.names.incoming}, which is dropped:\n  ${shown.join('\n  ')}`,
      { hint: adviceFor(first) },
    );
    return { facts: done, failure: failureOf(error) };
  },
};

function describe({ table, column, of, rows }: Leak): string {
  const whose = `${displayTable(of.table)}.${of.columns.join(' and ')}`;
  return `${displayTable(table)}.${column} holds values of ${whose} in ${count(rows)} ${rows === 1 ? 'row' : 'rows'}`;
}

function adviceFor({ table, column, of }: Leak): string {
  const tables = `database.tables.${displayTable(table)}`;
  if (quoteTable(table) === quoteTable(of.table) && of.columns.includes(column))
    return `The mask of ${displayTable(table)}.${column} lets values through: change it; or if they may be seen, say so by ${tables}.allow: [${column}] in restage.yaml.`;
  return `Give ${column} a mask too, in ${tables}.mask in restage.yaml; or if it may hold such values, ${tables}.allow: [${column}].`;
}
