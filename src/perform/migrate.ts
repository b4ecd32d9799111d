import { migrate } from '../app/migrate.ts';
import { RestageError } from '../errors.ts';
import { readVersionTables, revisionOf } from '../postgres/version-tables.ts';
import type { Migrated } from '../step.ts';
import { requireApp } from './app.ts';
import type { Context, Perform } from './context.ts';

/** What brings the schema to the target's own code: programs on the new database, requests once it is in place. */
export const migrateSteps: Perform<'migrate-incoming' | 'migrate'> = {
  'migrate-incoming': async () => {
    throw new RestageError('internal', 'migrate-incoming');
  },

  migrate: async (step, context) => {
    const app = requireApp(context.ends.target.app, 'target');
    const before = await presentRevision(context);
    const { body } = await migrate(app, step, context.signal);
    return { facts: { answer: body, ...migrated(before, await presentRevision(context)) } };
  },
};

function migrated(before: string | undefined, after: string | undefined): Migrated {
  return {
    ...(before === undefined ? {} : { revisionBefore: before }),
    ...(after === undefined ? {} : { revisionAfter: after }),
  };
}

/** The revision that the target's own database now names. */
async function presentRevision({ ends, database, signal }: Context): Promise<string | undefined> {
  if (!ends.target.database || !database) return undefined;
  await using session = await ends.target.database.session({ label: database.run, access: 'read-only', signal });
  return revisionOf(await readVersionTables(session));
}
