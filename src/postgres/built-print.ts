import { readSchemaPrint, schemaChanges, type SchemaPrint } from './schema-print.ts';
import type { Session } from './session.ts';

// A table gets its keys and indexes when its rows have come: they are looked at with the table itself.
const ofLoading: readonly string[] = ['keys', 'indexes'];

/** What rows are loaded into, as it is now: the print of the new database's schema, without what comes with a table's rows. */
export async function readBuiltPrint(incoming: Session): Promise<SchemaPrint> {
  await incoming.execute('begin transaction isolation level repeatable read, read only');
  const all = Object.entries(await readSchemaPrint(incoming));
  await incoming.execute('commit');
  return Object.fromEntries(all.filter(([kind]) => !ofLoading.includes(kind)));
}

/** In words, what somebody has changed of it since a run paused; empty for nothing. */
export async function changesOfBuilt(incoming: Session, then: SchemaPrint): Promise<string[]> {
  return schemaChanges(then, await readBuiltPrint(incoming));
}
