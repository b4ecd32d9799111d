import { setTimeout as sleep } from 'node:timers/promises';
import { RestageError } from '../errors.ts';
import type { SwapNames } from './database-names.ts';
import { endSessions } from './end-sessions.ts';
import { quoteName, quoteText } from './names.ts';
import { failIfMarked, markedState, requireUnmarked } from './protected-marker.ts';
import { sqlState } from './session-error.ts';
import type { Session } from './session.ts';
import { isSession, type TargetDatabase } from './target.ts';

/**
 * `in`: the present database becomes the previous one, the incoming one takes its name. `back`: what came in is put aside
 * under its incoming name, the previous database is back. Both renames or neither. Returns how many sessions were ended.
 * Throws `protected` where the present database has been given the marker meanwhile.
 */
export async function swapDatabases(
  target: TargetDatabase,
  maintenance: Session,
  { current, incoming, previous }: SwapNames,
  direction: 'in' | 'back',
  label: string,
): Promise<number> {
  const [aside, inPlace] = direction === 'in' ? [previous, incoming] : [incoming, previous];
  const renames = [
    [current, aside],
    [inPlace, current],
  ] as const;
  if (direction === 'back') return rename(target, maintenance, label, renames);
  try {
    return await rename(target, maintenance, label, renames, failIfMarked(aside));
  } catch (error) {
    if (sqlState(error) === markedState) await requireUnmarked(maintenance, current);
    throw error;
  }
}

/**
 * Renames in one transaction. ALTER DATABASE … RENAME locks the database against new sessions and waits five seconds for
 * the present ones to go; a second session ends them meanwhile, so that no moment exists at which staging is closed
 * without being swapped. `last` is a statement that may still stop it, when both are locked. Returns how many sessions
 * were ended.
 * Throws `swap-failed`, naming the sessions that this role may not end.
 */
async function rename(
  target: TargetDatabase,
  maintenance: Session,
  label: string,
  renames: readonly (readonly [string, string])[],
  last = 'select',
): Promise<number> {
  await using helper = await target.session({ label, database: maintenance.origin.database });
  const databases = renames.map(([from]) => from);
  const waiting = { over: false };
  let ended = 0;
  const endAll = async () => {
    while (!waiting.over) {
      const some = await endSessions(helper, ...databases);
      ended += some;
      if (some === 0) await new Promise((resolve) => setTimeout(resolve, 20));
    }
  };
  const ending = endAll();
  ending.catch(() => {}); // without it RENAME waits its five seconds and says who is there
  try {
    await maintenance.execute(`
      begin;
      set local synchronous_commit = on;
      ${renames.map(([from, to]) => `alter database ${quoteName(from)} rename to ${quoteName(to)};`).join('\n      ')}
      ${last};
      commit`);
    return ended;
  } catch (error) {
    await maintenance.execute('rollback').catch(() => {});
    if (sqlState(error) !== '55006') throw error;
    const inUse = await readInUse(helper, error, renames);
    const left = await sessionsOf(helper, inUse);
    throw new RestageError('swap-failed', `${inUse} is in use and could not be renamed: ${left}`, {
      cause: error,
      hint: endHint(helper),
    });
  } finally {
    waiting.over = true;
    await ending.catch(() => {});
  }
}

/** Which of the databases is in use: the one that has sessions; of both the one that the server names. */
async function readInUse(
  helper: Session,
  error: unknown,
  renames: readonly (readonly [string, string])[],
): Promise<string> {
  const names = renames.map(([from]) => from);
  const rows = await helper.rows<{ name: string }>(`
    select distinct a.datname as name from pg_stat_activity a where a.datname in (${names.map(quoteText).join(', ')}) and ${isSession}`);
  const [only, ...others] = rows.map(({ name }) => name);
  if (only !== undefined && others.length === 0) return only;
  const words = error instanceof Error ? error.message : '';
  return names.toSorted((a, b) => b.length - a.length).find((name) => words.includes(`"${name}"`)) ?? names[0] ?? '';
}

/** The present name of a database, by its number: what has become of it, whatever answer was lost. */
export async function nameOf(maintenance: Session, oid: string): Promise<string | undefined> {
  const [row] = await maintenance.rows<{ name: string }>(`select datname as name from pg_database where oid = ${oid}`);
  return row?.name;
}

const dropAttempts = 3;

/**
 * Drops a database of restage's own making; its last sessions are ended. Not WITH (FORCE): that is refused where an
 * autovacuum worker is at work, which only a superuser may end, while a plain DROP ends it by itself.
 * Throws `statement-failed`, naming the sessions that are left.
 */
export async function dropDatabase(maintenance: Session, database: string): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    await endSessions(maintenance, database);
    try {
      await maintenance.execute(`drop database if exists ${quoteName(database)}`);
      return;
    } catch (error) {
      if (sqlState(error) !== '55006') throw error;
      if (attempt < dropAttempts) continue;
      throw new RestageError(
        'statement-failed',
        `${database} is in use and could not be dropped: ${await sessionsOf(maintenance, database)}`,
        {
          cause: error,
          hint: endHint(maintenance),
        },
      );
    }
  }
}

const endingMs = 10_000;

/** Ends all sessions with a database, and waits until none is left. Throws `statement-failed`, naming those that stay. */
export async function requireNoSessions(maintenance: Session, database: string): Promise<void> {
  for (const until = performance.now() + endingMs; ; await sleep(50)) {
    await endSessions(maintenance, database);
    const left = await maintenance.rows(
      `select from pg_stat_activity a where a.datname = ${quoteText(database)} and ${isSession}`,
    );
    if (left.length === 0) return;
    if (performance.now() < until) continue;
    throw new RestageError('statement-failed', `${database} is in use: ${await sessionsOf(maintenance, database)}`, {
      hint: endHint(maintenance),
    });
  }
}

async function sessionsOf(session: Session, database: string): Promise<string> {
  const rows = await session.rows<{ who: string }>(`
    select format('pid %s, user %s, %s', pid, usename, coalesce(nullif(application_name, ''), 'no application name')) as who
      from pg_stat_activity a
     where datname = ${quoteText(database)} and ${isSession}`);
  return rows.map(({ who }) => who).join('; ') || 'a prepared transaction holds it';
}

function endHint({ origin }: Session): string {
  return `End these sessions and run again; or as a superuser or RDS's master user: grant pg_signal_backend to ${quoteName(origin.user)}`;
}
