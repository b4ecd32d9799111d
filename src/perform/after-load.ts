import { RestageError } from '../errors.ts';
import { runAfterLoad } from '../postgres/rules/after-load.ts';
import { quoteTable } from '../postgres/names.ts';
import type { Facts } from '../facts.ts';
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
    const told = changed.map(({ table, root, rows }) => {
      const isPart = root && !state.tables.has(quoteTable(table)) && state.tables.has(quoteTable(root));
      return { table: isPart ? root : table, rows };
    });
    return { facts: { counts, changed: changedBy([{ changed: told }]) } };
  },
};

/** Each table once, with all rows that were changed in it. */
export function changedBy(all: readonly Pick<Facts['after-load'], 'changed'>[]): Facts['after-load']['changed'] {
  const tables = new Map<string, Facts['after-load']['changed'][number]>();
  for (const { table, rows } of all.flatMap(({ changed }) => changed)) {
    const name = quoteTable(table);
    tables.set(name, { table, rows: rows + (tables.get(name)?.rows ?? 0) });
  }
  return [...tables.values()];
}
