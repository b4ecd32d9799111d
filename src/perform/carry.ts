import { RestageError } from '../errors.ts';
import { carryValues } from '../postgres/rules/carry.ts';
import { displayTable, quoteTable } from '../postgres/names.ts';
import type { Perform } from './context.ts';
import { castsFor, findTable, lanesOf, requireDatabase, withOwn } from './database-run.ts';

/** Staging's values for rows that it has too. */
export const carrySteps: Perform<'carry-values'> = {
  'carry-values': async ({ table: name, rule }, { database, signal, facts }) => {
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
    // Staging's own rows are known by themselves: what was carried is what production's rows have from there.
    const own = facts('keep-rows').find((kept) => quoteTable(kept.table) === quoteTable(name))?.kept ?? 0;
    return { facts: { table: name, rows: carried.rows - own, carried: Math.max(0, carried.carried - own) } };
  },
};
