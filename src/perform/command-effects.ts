import { RestageError } from '../errors.ts';
import { readFilledTables } from '../postgres/filled-tables.ts';
import { nameOf } from '../postgres/swap.ts';
import { isVersionTable, readVersionTables, revisionOf } from '../postgres/version-tables.ts';
import type { Context } from './context.ts';
import { requireDatabase, type DatabaseRun } from './database-run.ts';
import { maintenanceOf } from './maintenance.ts';
import { readStanding, type Standing } from './migrate-goal.ts';

/** What stands where before a program is started, and again when it has ended. */
export interface Stand {
  readonly incoming: Standing | undefined;
  /** The revisions of what the program must leave alone. */
  readonly target: string | undefined;
  readonly source: string | undefined;
  /** The tables of the new database that have rows, by their numbers; those that hold the revision left out. */
  readonly filled: ReadonlyMap<string, string>;
}

/** Reads it at both ends. */
export async function readStand(context: Context): Promise<Stand> {
  const state = requireDatabase(context.database);
  const { signal } = context;
  const incoming = await readStanding(context, state.names.incoming);
  const target = await readStanding(context);
  await using moment = await state.source.snapshot({ label: state.run, signal });
  await using session = await state.target.session({
    label: state.run,
    database: state.names.incoming,
    access: 'read-only',
    signal,
  });
  return {
    incoming,
    target: target?.revision,
    source: revisionOf(await readVersionTables(moment.session)),
    filled: await readFilledTables(session, (table) => isVersionTable(table, incoming?.tables ?? [])),
  };
}

const anew =
  'A command of migrate gets the rows of the source and must keep them: it may upgrade the schema, and not make it or the database anew (reset, drop, create, schema load).';

/** Throws `migrate-failed` where the name of the new database is another's now, or nobody's: then nothing of it can be judged. */
export async function requireIncoming(state: DatabaseRun, said: string): Promise<void> {
  const { incoming } = state.names;
  const { incomingOid: oid } = state;
  const name = oid === undefined ? undefined : await nameOf(await maintenanceOf(state), oid);
  if (name === incoming) return;
  const became = name === undefined ? 'dropped' : `renamed to ${name}`;
  throw new RestageError('migrate-failed', `${said}, but the new database ${incoming} was ${became} meanwhile`, {
    hint: anew,
  });
}

/**
 * What a program has done that is no migration of the new database: emptied it, or changed another one. What proves that is a
 * failure; what a migration may have meant is a remark.
 * @param said how the program ended, in words
 */
export function judgeEffects(
  said: string,
  before: Stand,
  after: Stand,
): { readonly failure?: RestageError; readonly remarks: readonly string[]; readonly changedBeside?: string } {
  const [changedBeside] = moved("the target's present database", before.target, after.target);
  const words = [changedBeside ?? [], moved("the source's database", before.source, after.source)].flat();
  const remarks = words.map((one) => `${said}; while it ran, ${one}`);
  return { ...judgeIncoming(said, before, after, remarks), ...(changedBeside === undefined ? {} : { changedBeside }) };
}

function judgeIncoming(
  said: string,
  before: Stand,
  after: Stand,
  remarks: readonly string[],
): { readonly failure?: RestageError; readonly remarks: readonly string[] } {
  const isUnmoved = before.incoming?.revision === after.incoming?.revision;
  if (remarks.length > 0 && isUnmoved)
    return {
      remarks,
      failure: new RestageError('migrate-failed', `${remarks.join('; ')}, and the new database has not changed`, {
        hint: 'The program has changed another database than the one that it was given: does it take the address from DATABASE_URL or PG*, or from a settings file of its own? What it did there stays.',
      }),
    };
  const names = new Set(after.filled.values());
  const lost = [...before.filled].filter(([oid, name]) => !after.filled.has(oid) && !names.has(name));
  if (lost.length === 0) return { remarks };
  const tables = lost.length === 1 ? '1 table' : `${lost.length} tables`;
  if (lost.length === before.filled.size)
    return {
      remarks,
      failure: new RestageError('migrate-failed', `${said}, but of ${tables} with rows none has any now`, {
        hint: anew,
      }),
    };
  const told = lost.slice(0, 10).map(([, name]) => name);
  const more = lost.length > told.length ? ` and ${lost.length - told.length} more` : '';
  return {
    remarks: [...remarks, `${said}; it has emptied or dropped ${tables} that had rows: ${told.join(', ')}${more}`],
  };
}

function moved(what: string, from = 'no revision', to = 'no revision'): string[] {
  return from === to ? [] : [`${what} went from ${from} to ${to}`];
}
