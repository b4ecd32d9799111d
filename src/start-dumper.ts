import type { SchemaDumper } from './postgres/schema-dump.ts';

/** Begins to load pg_dump, which takes a while: give it to `run` as `dumper`. Only for a plan with a database. */
export async function startDumper(): Promise<SchemaDumper> {
  const dump = await import('./postgres/schema-dump.ts');
  return dump.startDumper();
}
