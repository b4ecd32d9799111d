import { RestageError } from '../errors.ts';
import { runAfterLoad } from '../postgres/after-load.ts';
import { quoteTable, type TableName } from '../postgres/names.ts';
import type { Perform } from './context.ts';
import { requireDatabase } from './database-run.ts';

/** What the config has run on the new database. */
export const afterLoadSteps: Perform<'after-load'> = {
  'after-load': async ({ name, sql }, { database }) => {
    const state = requireDatabase(database);
    if (!state.writers) throw new RestageError('internal', 'statements are to be run before there are sessions');
    // Whatever it sets stays in its session: nobody else gets that.
    const { counts, changed } = await state.writers.useUp((session) => runAfterLoad(session, { name, sql }));
    // A tree that was copied as one table is also told as one.
    const tables = new Map<string, { readonly table: TableName; readonly rows: number }>();
    for (const { table, root, rows } of changed) {
      const told = root && !state.tables.has(quoteTable(table)) && state.tables.has(quoteTable(root)) ? root : table;
      const known = tables.get(quoteTable(told));
      tables.set(quoteTable(told), { table: told, rows: rows + (known?.rows ?? 0) });
    }
    return { facts: { counts, changed: [...tables.values()] } };
  },
};
