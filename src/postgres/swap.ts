import { createHash } from 'node:crypto';
import { RestageError } from '../errors.ts';
import { quoteName, quoteText, type TableName } from './names.ts';
import { readProperties, readTablespace } from './database-properties.ts';
import {
  commentStatement,
  failIfMarked,
  marker,
  markedState,
  readRawComment,
  requireUnmarked,
  withMarker,
} from './protected-marker.ts';
import { sqlState } from './session-error.ts';
import type { ReadSession, Session } from './session.ts';
import { isSession, mayEnd, type TargetDatabase } from './target.ts';

/** The three names a target database has in a run's life. */
export interface SwapNames {
  readonly current: string;
  readonly incoming: string;
  readonly previous: string;
}

const longestName = 63; // bytes, NAMEDATALEN - 1

/** The names for one run; the run's id keeps them apart from those of other runs. */
export function swapNames(database: string, run: string): SwapNames {
  return {
    current: database,
    incoming: `${stem(database, run)}__incoming_${run}`,
    previous: `${stem(database, run)}__previous_${run}`,
  };
}

/** The name itself, or its beginning with a hash of it: two long names that begin alike must not share their leftovers. */
function stem(database: string, run: string): string {
  const room = longestName - '__incoming_'.length - Buffer.byteLength(run);
  if (Buffer.byteLength(database) <= room) return database;
  const hash = createHash('sha256').update(database).digest('hex').slice(0, 8);
  const characters = Array.from(database);
  while (Buffer.byteLength(characters.join('')) + 1 + hash.length > room) characters.pop();
  return `${characters.join('')}~${hash}`;
}

/** What a run left on the target's server: half-built databases, and those it replaced, oldest first. */
export interface Leftovers {
  readonly incoming: readonly string[];
  readonly previous: readonly string[];
}

/** The form of a run's id; it sorts by time. A database that a person named alike is not restage's to drop. */
const runId = /^\d{8}-\d{6}-[0-9a-f]{4}$/;

/** Finds them by their names, which hold the database's name, what they are, and the run. */
export async function findLeftovers(maintenance: Session, database: string): Promise<Leftovers> {
  const rows = await maintenance.rows<{ name: string }>(`select datname as name from pg_database order by datname`);
  const of = (kind: 'incoming' | 'previous') =>
    rows
      .map(({ name }) => name)
      .filter((name) => {
        const run = name.slice(name.lastIndexOf('__') + kind.length + 3);
        return runId.test(run) && name === swapNames(database, run)[kind];
      })
      .toSorted((a, b) => runOf(a).localeCompare(runOf(b), 'en'));
  return { incoming: of('incoming'), previous: of('previous') };
}

function runOf(name: string): string {
  return name.slice(name.lastIndexOf('__'));
}

/**
 * Makes the empty database that will become staging, with the present one's owner, encoding, locale, tablespace, grants,
 * settings and comment, so that the application finds everything as before.
 */
export async function createIncoming(maintenance: Session, names: SwapNames): Promise<string> {
  const [row] = await maintenance.rows<{ create: string }>(`
    select concat_ws(' ',
             'owner', quote_ident(pg_get_userbyid(datdba)),
             'encoding', quote_literal(pg_encoding_to_char(encoding)),
             'lc_collate', quote_literal(datcollate),
             'lc_ctype', quote_literal(datctype),
             case when to_jsonb(d) ->> 'datlocprovider' in ('i', 'b')
                  then concat('locale_provider ', case to_jsonb(d) ->> 'datlocprovider' when 'i' then 'icu' else 'builtin' end) end,
             case to_jsonb(d) ->> 'datlocprovider'
                  when 'i' then concat('icu_locale ', quote_literal(coalesce(to_jsonb(d) ->> 'datlocale', to_jsonb(d) ->> 'daticulocale')),
                                       ' icu_rules ' || quote_literal(to_jsonb(d) ->> 'daticurules'))
                  when 'b' then concat('builtin_locale ', quote_literal(to_jsonb(d) ->> 'datlocale')) end) as create
      from pg_database d
     where datname = ${quoteText(names.current)}`);
  if (!row)
    throw new RestageError('database-missing', `there is no database ${names.current} on the target's server any more`);
  const incoming = quoteName(names.incoming);
  const tablespace = await readTablespace(maintenance, names.current);
  const place = tablespace?.allowed ? ` tablespace ${quoteName(tablespace.name)}` : '';
  await maintenance.execute(`create database ${incoming} template template0 ${row.create}${place}`);
  const [created] = await maintenance.rows<{ oid: string }>(
    `select oid from pg_database where datname = ${quoteText(names.incoming)}`,
  );
  for (const { allowed, sql } of await readProperties(maintenance, names.current))
    if (allowed) await maintenance.execute(sql(names.incoming));
  const comment = ofPeople(await readRawComment(maintenance, names.current));
  if (comment !== undefined) await maintenance.execute(commentStatement(names.incoming, comment));
  return String(created?.oid);
}

export interface ChangedRows {
  readonly table: TableName;
  readonly rows: number;
  /** The config's `afterLoad`; or it was done to rows whose parents are not there. */
  readonly by: 'afterLoad' | 'orphans';
}

/** What restage notes on a database that it made, as the database's comment. */
export interface Description {
  readonly run: string;
  readonly source: {
    readonly host: string;
    readonly port: number;
    readonly database: string;
    /** What it is by whatever name: system identifier and the database's number, where they could be read. */
    readonly disk?: string;
  };
  /** The moment of the source that it holds, ISO 8601. */
  readonly takenAt: string;
  readonly swappedAt: string;
  /** What was read at the source; absent where rules had a part of it read only, and in what earlier versions made. */
  readonly tables?: number;
  readonly rows?: number;
  /** Tables that were changed once their rows had come, so that they need not be equal to the source's. */
  readonly changed?: readonly ChangedRows[];
  /** What tells the key of its masks from others; absent where nothing is masked by one. */
  readonly maskKey?: string;
  /** When everything after the swap had been verified too; absent in a database whose run did not come that far. */
  readonly acceptedAt?: string;
  /** The comment that people gave the database, which this description stands in place of. */
  readonly comment?: string;
}

/** Notes the facts as the database's comment; a comment of people's is kept inside, the protected marker in any case. */
export async function describeDatabase(maintenance: Session, database: string, facts: Description): Promise<void> {
  const raw = await readRawComment(maintenance, database);
  const comment = ofPeople(raw);
  const told = JSON.stringify({ restage: { ...facts, ...(comment === undefined ? {} : { comment }) } });
  // A marker that somebody put anywhere else must not go.
  const kept = raw?.includes(marker) ? withMarker(told) : told;
  await maintenance.execute(commentStatement(database, kept));
}

/** What restage noted on a database; undefined where it made none, or somebody has put another comment there. */
export async function readDescription(maintenance: ReadSession, database: string): Promise<Description | undefined> {
  return descriptionIn(await readRawComment(maintenance, database));
}

/** The comment that people gave a database: its own, or the one that restage's description keeps. */
function ofPeople(raw: string | undefined): string | undefined {
  const description = descriptionIn(raw);
  return description ? description.comment : raw;
}

function descriptionIn(comment: string | undefined): Description | undefined {
  try {
    return (JSON.parse(comment ?? '') as { restage?: Description } | null)?.restage; // restage's own words
  } catch {
    return undefined;
  }
}

/** The last property of the present database: set only now, as the copy itself needs more sessions than it may allow. */
export async function carryConnectionLimit(maintenance: Session, names: SwapNames): Promise<void> {
  const [row] = await maintenance.rows<{ limit: string }>(
    `select datconnlimit as limit from pg_database where datname = ${quoteText(names.current)}`,
  );
  if (row && row.limit !== '-1')
    await maintenance.execute(`alter database ${quoteName(names.incoming)} connection limit ${row.limit}`);
}

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
  const databases = renames.map(([from]) => quoteText(from)).join(', ');
  const waiting = { over: false };
  let ended = 0;
  const endSessions = async () => {
    while (!waiting.over) {
      const rows = await helper.rows<{ pid: string }>(`
        select a.pid, pg_terminate_backend(a.pid)
          from pg_stat_activity a
          join pg_roles r on r.oid = a.usesysid
          join pg_roles me on me.rolname = current_user
         where a.datname in (${databases}) and ${mayEnd}`);
      ended += rows.length;
      if (rows.length === 0) await new Promise((resolve) => setTimeout(resolve, 20));
    }
  };
  const ending = endSessions();
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
    const left = await sessionsOf(helper, renames[0]?.[0] ?? '');
    throw new RestageError('swap-failed', `${renames[0]?.[0]} is in use and could not be renamed: ${left}`, {
      cause: error,
      hint: endHint(helper),
    });
  } finally {
    waiting.over = true;
    await ending.catch(() => {});
  }
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
    await maintenance.rows(`
      select pg_terminate_backend(a.pid)
        from pg_stat_activity a
        join pg_roles r on r.oid = a.usesysid
        join pg_roles me on me.rolname = current_user
       where a.datname = ${quoteText(database)} and ${mayEnd}`);
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
