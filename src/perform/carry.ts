import { RestageError } from '../errors.ts';
import { carryValues } from '../postgres/rules/carry.ts';
import { displayTable } from '../postgres/names.ts';
import type { Perform } from './context.ts';
import { castsFor, findTable, lanesOf, requireDatabase, withOwn } from './database-run.ts';

/** Staging's values for rows that it has too. */
export const carrySteps: Perform<'carry-values'> = {
  'carry-values': async ({ table: name, rule }, { database, signal }) => {
    const state = requireDatabase(database);
    const table = findTable(state, name);
    const { carry } = rule;
    if (!carry) throw new RestageError('internal', `nothing is to be carried into ${displayTable(name)}`);
    const carried = await withOwn(state, async (own) => {
      const casts = await castsFor(state, own, table, rule);
      return lanesOf(state).withWriter((writer) =>
        carryValues(own, writer, { table, rule: { ...rule, carry }, casts, signal }),
      );
    });
    return { facts: { table: name, ...carried } };
  },
};
