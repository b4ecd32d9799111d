import { DatabaseError } from 'pg';
import { RestageError } from '../errors.ts';
import type { Origin } from './session.ts';

/** A failed statement: the server's words, its SQLSTATE, detail and where. */
export function statementError(error: unknown, origin: Origin, sql: string): RestageError {
  if (error instanceof RestageError) return error;
  if (!(error instanceof DatabaseError)) return connectionLost(origin, error);
  // 57P01 and its like: an administrator, a shutdown or a crash. Whether their words arrive is a matter of luck.
  if (error.code?.startsWith('57P0')) return connectionLost(origin, error);
  const waitedFor = error.code === lockNotAvailable ? nameAt(sql, error.position) : undefined;
  const words = [
    withoutValues(error.message),
    error.detail && withoutValues(error.detail),
    waitedFor && `it waited for a lock on ${waitedFor}`,
  ];
  const told = `${words.filter(Boolean).join('; ')} (SQLSTATE ${error.code})`;
  const hints = [adviceFor(error), error.hint ?? `The statement was: ${shorten(sql)}`];
  return new RestageError('statement-failed', `${placeOf(origin)}: ${told}`, {
    cause: error,
    hint: hints.filter(Boolean).join(' '),
  });
}

/** The SQLSTATE of a lock that did not come in time. */
export const lockNotAvailable = '55P03';

/**
 * The error with those who held the lock at fault, as a further session of the same database sees them. Only a lock that
 * excludes readers keeps a reader waiting; whoever waits for one stands in the way too.
 */
export async function withLockHolders(
  told: RestageError,
  ask: (sql: string) => Promise<readonly { readonly holder: string }[]>,
): Promise<RestageError> {
  let holders: readonly { readonly holder: string }[];
  try {
    holders = await ask(lockHolders);
  } catch {
    return told; // better without them than not at all
  }
  if (holders.length === 0) return told;
  const message = `${told.message}: ${holders.map(({ holder }) => holder).join('; ')}`;
  return new RestageError(told.code, message, { cause: told.cause, hint: told.hint });
}

const lockHolders = `
    select distinct format('%s is locked by pid %s (user %s, %s)%s', l.relation::regclass, a.pid, a.usename,
             coalesce(nullif(a.application_name, ''), 'no application name'),
             case when l.granted then '' else ', who waits for it too' end) as holder
      from pg_locks l
      join pg_stat_activity a using (pid)
     where l.locktype = 'relation' and l.mode = 'AccessExclusiveLock' and a.application_name not like 'restage %'
       and l.database = (select oid from pg_database where datname = current_database())
     order by 1`;

function placeOf({ database, host, port, standby }: Origin): string {
  return `${standby ? 'the standby ' : ''}${database} at ${host}:${port}`;
}

/** A hot standby that ends its readers to go on with what its primary sends: serialization failure or deadlock, by code. */
function isRecoveryConflict(error: DatabaseError): boolean {
  return /conflict with recovery|deadlock with recovery/.test(`${error.message} ${error.detail ?? ''}`);
}

const standbyAdvice =
  'A standby ends who reads what its primary has removed or locked meanwhile. Set hot_standby_feedback = on there, or raise its max_standby_streaming_delay above the duration of a run, or name the primary as the source.';

/** What to do about what a server says, by its SQLSTATE; undefined where its words are enough. */
export function adviceFor(error: DatabaseError): string | undefined {
  if (isRecoveryConflict(error)) return standbyAdvice;
  switch (error.code ?? '') {
    case lockNotAvailable:
      return 'Another session holds a lock that excludes even readers, a migration perhaps. Let it end, or end it (pg_blocking_pids and pg_stat_activity name it), and run again.';
    case '57014':
      return 'Somebody cancelled the statement, or a proxy in between limits its time.';
    case '53100':
      return "The server's disk is full: make room and run again. The target holds the new database beside the present one for a while, and as many earlier ones as database.keepPrevious says.";
    case '53200':
      return 'The server has no memory left for it: run again with a smaller database.jobs, or give the server more.';
    case '53300':
      return tooManyConnections(error.message);
    case '54000':
      return 'A single value, or a row, is larger than the server can handle in one piece (1 GB).';
    default:
      // An allocation that no server makes, however much memory it has: what it is for is longer than 1 GB.
      if (/invalid memory alloc request size/.test(error.message))
        return 'A single value, or a row, is larger than the server can handle in one piece (1 GB, in its text or binary form).';
      return undefined;
  }
}

/** Which limit it is can only be told from the server's words. */
function tooManyConnections(words: string): string {
  const [, kind, name] = /for (role|database) "(.*)"/.exec(words) ?? [];
  const limit = kind === undefined ? "the server's max_connections" : `alter ${kind} "${name}" connection limit 10`;
  return `restage needs four sessions at each end, and has one more for each of database.jobs above one. Raise the limit: ${limit}.`;
}

/** The name at a position of a statement, as it is written there; the server counts characters, from 1. */
function nameAt(sql: string, position: string | undefined): string | undefined {
  if (position === undefined) return undefined;
  const rest = Array.from(sql)
    .slice(Number(position) - 1)
    .join('');
  return /^(?:"(?:[^"]|"")*"|[\w$]+)(?:\.(?:"(?:[^"]|"")*"|[\w$]+))*/.exec(rest)?.[0];
}

/** The server's words without values of rows: they may be personal data, and a message goes to terminals and reports. */
function withoutValues(words: string): string {
  return words
    .replace(/\) ?= ?\([\s\S]*\)/g, ')=(…)') // Key (email)=(…) already exists; a failing row contains (day) = (…)
    .replace(/(Failing row contains )\([\s\S]*\)/, '$1(…)')
    .replace(/\bvalue "[\s\S]*" (is out of range|for ")/, 'value "…" $1')
    .replace(/((?:invalid|malformed|out of range|too long|error in)[^"]*): "[\s\S]*"/, '$1: "…"')
    .replace(/\b(Token|found) "[\s\S]*"/g, '$1 "…"') // of JSON
    .replace(/^"[\s\S]*" (is not a valid)/, '"…" $1')
    .replace(/^line \d+: [\s\S]*/, 'it is no XML'); // and the line itself follows
}

/** The end of a connection, with what is known of its cause. */
export function connectionLost(origin: Origin, cause?: unknown): RestageError {
  const state = cause instanceof DatabaseError ? ` (SQLSTATE ${cause.code})` : '';
  const why = cause === undefined ? '' : `: ${messageOf(cause)}${state}`;
  // A standby ends who is in its way, without a word where that one is waiting to be listened to.
  const advice =
    (cause instanceof DatabaseError ? adviceFor(cause) : undefined) ?? (origin.standby ? standbyAdvice : undefined);
  return new RestageError('database-lost', `the connection to ${placeOf(origin)} was lost${why}`, {
    cause,
    hint: advice ?? 'The server ended it, or the network did. Nothing goes on after that; run again.',
  });
}

/** The SQLSTATE behind an error, if the server gave one. */
export function sqlState(error: unknown): string | undefined {
  const cause = error instanceof RestageError ? error.cause : error;
  return cause instanceof DatabaseError ? cause.code : undefined;
}

export function messageOf(error: unknown): string {
  // Node gathers the failures of every address of a host in one error without a message.
  if (error instanceof AggregateError && error.message === '')
    return error.errors.map((one: unknown) => messageOf(one)).join('; ');
  return error instanceof Error ? error.message : String(error);
}

function shorten(sql: string): string {
  const flat = sql.replace(/\s+/g, ' ').trim();
  return flat.length > 200 ? `${flat.slice(0, 200)}…` : flat;
}
