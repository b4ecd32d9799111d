import { failureOf, RestageError } from '../errors.ts';
import { findLeaks, type Leak } from '../postgres/rules/leaks.ts';
import { firstNames, lastNames, streets } from '../postgres/masks/words.ts';
import { displayTable, quoteTable } from '../postgres/names.ts';
import { count } from '../report/format.ts';
import type { Perform } from './context.ts';
import { lanesOf, requireDatabase } from './database-run.ts';

/** What masks write themselves: a real value of these words alone proves nothing. */
const ownWords = [...firstNames, ...lastNames, ...streets].flatMap((words) => words.toLowerCase().split(' '));

/** Leaks that a message names; the facts hold all of them. */
const named = 10;

/** Looks for what must not have arrived, before anything of staging's own has come in. */
export const leakSteps: Perform<'scan-leaks'> = {
  'scan-leaks': async (step, { database, facts, signal }) => {
    const state = requireDatabase(database);
    const { columns, except } = step;
    const found = await findLeaks(lanesOf(state), { columns, except, tables: state.tables, ownWords, signal });
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

function describe({ table, columns, of, rows }: Leak): string {
  const whose = `${displayTable(of.table)}.${of.columns.join(' and ')}`;
  const verb = columns.length > 1 ? 'hold' : 'holds';
  return `${displayTable(table)}.${columns.join(' and ')} ${verb} values of ${whose} in ${count(rows)} ${rows === 1 ? 'row' : 'rows'}`;
}

function adviceFor({ table, columns, of }: Leak): string {
  const tables = `database.tables.${displayTable(table)}`;
  const names = columns.join(' and ');
  const allow = `${tables}.allow: [${columns.join(', ')}]`;
  if (quoteTable(table) === quoteTable(of.table) && columns.every((column) => of.columns.includes(column)))
    return `The mask of ${displayTable(table)}.${names} lets values through: change it; or if they may be seen, say so by ${allow} in restage.yaml.`;
  return `Mask ${names} too, in ${tables}.mask in restage.yaml; or if it may hold such values, ${allow}.`;
}
