import type { Perform } from './context.ts';
import { databaseSteps } from './database.ts';
import { largeObjectSteps } from './large-objects.ts';
import { privilegeSteps } from './privileges.ts';
import { subsetSteps } from './subset.ts';

export { openDatabaseRun, recover } from './database-run.ts';

/** All that needs a database: loaded for runs that have one, as the driver is a good part of what a start takes. */
export const stepsOnDatabases = {
  ...databaseSteps,
  ...largeObjectSteps,
  ...privilegeSteps,
  ...subsetSteps,
} satisfies Partial<Perform>;
