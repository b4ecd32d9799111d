import { quoteTable } from '../postgres/names.ts';
import { comingKeys, settleOrphans } from '../postgres/rules/orphans.ts';
import { keepRows } from '../postgres/rules/own-rows.ts';
import type { Perform } from './context.ts';
import { castsFor, findTable, lanesOf, requireDatabase, withOwn } from './database-run.ts';

/** Staging's own rows in the new database, and the rows that have no parents there. */
export const ownSteps: Perform<'keep-rows' | 'settle-orphans'> = {
  'keep-rows': async (step, { database, progress, signal }) => {
    const state = requireDatabase(database);
    const table = findTable(state, step.table);
    let bytes = 0;
    const kept = await withOwn(state, async (present) => {
      const casts = await castsFor(state, present, table, step.rule);
      return lanesOf(state).withWriter((writer) =>
        keepRows(present, writer, table, {
          rule: step.rule,
          casts,
          onBytes: (more) => progress(step, { bytes: (bytes += more) }),
          signal,
        }),
      );
    });
    return { facts: { table: step.table, ...kept } };
  },

  'settle-orphans': async ({ tables }, { database }) => {
    const state = requireDatabase(database);
    const keys = comingKeys(state.order?.foreignKeys ?? []);
    const orphans = await lanesOf(state).withWriter((writer) => settleOrphans(writer, keys, tables));
    const changed = new Set(orphans.map(({ table }) => quoteTable(table)));
    for (const table of changed) await lanesOf(state).withWriter((writer) => writer.execute(`analyze ${table}`));
    return { facts: { orphans } };
  },
};
