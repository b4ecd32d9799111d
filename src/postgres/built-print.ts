import { ofTheUser } from './carried-relations.ts';
import { displayTable } from './names.ts';
import { madeBy, type SchemaEntry } from './schema-entries.ts';
import { readSchemaPrint, schemaChanges, type SchemaPrint } from './schema-print.ts';
import type { Session } from './session.ts';

// A table gets its keys, indexes and statistics when its rows have come: they are looked at with the table itself.
const ofLoading: readonly string[] = ['keys', 'indexes', 'statistics'];

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

/** Keys, indexes and statistics that are not among what a run makes, by name: somebody has made them while it paused. */
export async function findForeign(incoming: Pick<Session, 'rows'>, entries: readonly SchemaEntry[]): Promise<string[]> {
  const found = await incoming.rows<{ schema: string; name: string }>(`
    select n.nspname as schema, i.relname as name
      from pg_index x
      join pg_class i on i.oid = x.indexrelid
      join pg_class c on c.oid = x.indrelid
      join pg_namespace n on n.oid = c.relnamespace
     where ${ofTheUser('c', 'pg_class')}
    union
    select n.nspname, k.conname
      from pg_constraint k
      join pg_class c on c.oid = k.conrelid
      join pg_namespace n on n.oid = c.relnamespace
     where k.contype in ('p', 'u', 'x', 'f') and ${ofTheUser('c', 'pg_class')}
    union
    select n.nspname, s.stxname
      from pg_statistic_ext s
      join pg_class c on c.oid = s.stxrelid
      join pg_namespace n on n.oid = s.stxnamespace
     where ${ofTheUser('c', 'pg_class')}
     order by 1, 2`);
  const key = ({ schema, name }: { readonly schema: string; readonly name: string }) => JSON.stringify([schema, name]);
  const made = new Set(entries.flatMap((entry) => madeBy(entry) ?? []).map(key));
  return found.filter((one) => !made.has(key(one))).map(displayTable);
}
