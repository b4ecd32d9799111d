import { afterLoadSteps } from './after-load.ts';
import { carrySteps } from './carry.ts';
import type { Perform } from './context.ts';
import { copySchemaSteps } from './copy-schema.ts';
import { copyTableSteps } from './copy-table.ts';
import { createDatabaseSteps } from './create-database.ts';
import { databaseSteps } from './database.ts';
import { integritySteps } from './integrity.ts';
import { largeObjectSteps } from './large-objects.ts';
import { leakSteps } from './leaks.ts';
import { migrateSteps } from './migrate.ts';
import { ownSteps } from './own.ts';
import { privilegeSteps } from './privileges.ts';
import { referenceSteps } from './references.ts';
import { subsetSteps } from './subset.ts';

export { requirePrograms } from './migrate-incoming.ts';
export { beginCompleting, rest } from './create-database.ts';
export { openDatabaseRun } from './database-run.ts';
export { recover } from './recover.ts';

/** All that needs a database: loaded for runs that have one, as the driver is a good part of what a start takes. */
export const stepsOnDatabases = {
  ...databaseSteps,
  ...afterLoadSteps,
  ...carrySteps,
  ...copySchemaSteps,
  ...copyTableSteps,
  ...createDatabaseSteps,
  ...integritySteps,
  ...largeObjectSteps,
  ...leakSteps,
  ...migrateSteps,
  ...ownSteps,
  ...privilegeSteps,
  ...referenceSteps,
  ...subsetSteps,
} satisfies Partial<Perform>;
