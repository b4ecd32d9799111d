import { RestageError } from '../errors.ts';
import { runAfterLoad } from '../postgres/after-load.ts';
import { quoteTable } from '../postgres/names.ts';
import { refreshViews, restore } from '../postgres/restore.ts';
import type { Perform } from './context.ts';
import { lanesOf, requireDatabase } from './database-run.ts';

/** What the config runs on the new database, and what must see the rows as that leaves them. */
export const afterLoadSteps: Perform<'after-load' | 'fill-views'> = {
  'after-load': async ({ name, sql }, { database }) => {
    const state = requireDatabase(database);
    if (!state.writers) throw new RestageError('internal', 'statements are to be run before there are sessions');
    // Whatever it sets stays in its session: nobody else gets that.
    const { counts, changed } = await state.writers.useUp((session) => runAfterLoad(session, { name, sql }));
    // A tree that was copied as one table is also told as one.
    const tables = new Map<string, { table: (typeof changed)[number]['table']; rows: number }>();
    for (const { table, root, rows } of changed) {
      const told = root && !state.tables.has(quoteTable(table)) && state.tables.has(quoteTable(root)) ? root : table;
      const known = tables.get(quoteTable(told));
      tables.set(quoteTable(told), { table: told, rows: rows + (known?.rows ?? 0) });
    }
    return { facts: { counts, changed: [...tables.values()] } };
  },

  'fill-views': async (_step, { database }) => {
    const state = requireDatabase(database);
    const { comments = [], views = [], last = [] } = state.order ?? {};
    return lanesOf(state).withWriter(async (session) => {
      await refreshViews(session, views);
      const refused = [...(await restore(session, last)), ...(await restore(session, comments))];
      const objects = last.length + comments.length - refused.length;
      return { facts: { views: views.length, objects, refused } };
    });
  },
};
