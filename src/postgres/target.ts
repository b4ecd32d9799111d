import { createHash } from 'node:crypto';
import { RestageError } from '../errors.ts';
import { openSession, type Address, type Origin, type ReadSession, type Session } from './session.ts';

/** Staging's server, where a clone is built beside the database that is to be replaced. */
export interface TargetDatabase {
  readonly address: Address;
  /** A session with the database itself, or with another one of the same server. */
  session(options: TargetSessionOptions): Promise<Session>;
}

export interface TargetSessionOptions {
  readonly label: string;
  readonly database?: string;
  readonly access?: 'read-only' | 'read-write';
  readonly signal?: AbortSignal | undefined;
}

export function targetDatabase(address: Address): TargetDatabase {
  return {
    address,
    session: ({ database, access, ...options }) =>
      openSession(
        { ...address, database: database ?? address.database },
        { access: access ?? 'read-write', ...options },
      ),
  };
}

/**
 * Whether a row of pg_stat_activity is somebody's session. What kind it is, is hidden from roles that may not see it; that
 * it has a user is not: autovacuum and the like have none.
 */
export const isSession = `a.usesysid is not null and coalesce(a.backend_type, 'client backend') = 'client backend'`;

/** Of a session `a` with its role `r`, whether this role `me` may end it. */
export const mayEnd = `${isSession} and (me.rolsuper or not r.rolsuper)
           and (pg_has_role(a.usesysid, 'usage') or pg_has_role('pg_signal_backend', 'usage'))`;

/** What the target is before a run. */
export interface TargetFacts {
  readonly origin: Origin;
  /** Sessions of others, which the swap will end. */
  readonly sessions: readonly OpenSessions[];
  readonly superuser: boolean;
}

/** Sessions with a database, of one user and one program. */
export interface OpenSessions {
  readonly user: string;
  /** Their application_name; absent where they gave none. */
  readonly application?: string;
  readonly count: number;
  /** Whether restage's role may end them. */
  readonly mayEnd: boolean;
}

export async function readTarget(session: Session): Promise<TargetFacts> {
  const sessions = await session.rows<{ user: string; application: string; count: string; ends: string }>(`
    select a.usename as user, coalesce(a.application_name, '') as application, count(*) as count, (${mayEnd})::text as ends
      from pg_stat_activity a
      join pg_roles r on r.oid = a.usesysid
      join pg_roles me on me.rolname = current_user
     where a.datname = current_database() and a.pid <> pg_backend_pid() and ${isSession}
     group by 1, 2, 4
     order by 1, 2`);
  const [row] = await session.rows<{ superuser: string }>(
    `select rolsuper::text as superuser from pg_roles where rolname = current_user`,
  );
  return {
    origin: session.origin,
    sessions: sessions.map(({ user, application, count, ends }) => ({
      user,
      ...(application === '' ? {} : { application }),
      count: Number(count),
      mayEnd: ends === 'true',
    })),
    superuser: row?.superuser === 'true',
  };
}

/** What a role needs so that it can build beside and swap. */
export interface SwapRights {
  readonly origin: Origin;
  readonly owner: string;
  readonly owns: boolean;
  readonly createdb: boolean;
}

export async function readSwapRights(session: ReadSession): Promise<SwapRights> {
  const [row] = await session.rows<{ createdb: string; owns: string; owner: string }>(`
    select (r.rolcreatedb or r.rolsuper)::text as createdb, pg_has_role(d.datdba, 'usage')::text as owns, d.datdba::regrole::text as owner
      from pg_roles r, pg_database d
     where r.rolname = current_user and d.datname = current_database()`);
  return {
    origin: session.origin,
    owner: String(row?.owner),
    owns: row?.owns === 'true',
    createdb: row?.createdb === 'true',
  };
}

/** Throws `database-unfit` with the statement that mends it. */
export function requireOwner({ origin, owner, owns }: SwapRights): void {
  if (owns) return;
  throw new RestageError(
    'database-unfit',
    `${origin.user} at ${origin.host}:${origin.port} does not own ${origin.database}, ${owner} does; only the owner can swap it`,
    {
      hint: `If this really is the target, as ${owner} or a superuser: alter database "${origin.database}" owner to "${origin.user}"`,
    },
  );
}

/** Throws `database-unfit` with the statement that mends it. */
export function requireCreatedb({ origin, createdb }: SwapRights): void {
  if (createdb) return;
  throw new RestageError(
    'database-unfit',
    `${origin.user} at ${origin.host}:${origin.port} may not create databases, so nothing can be built beside ${origin.database}`,
    {
      hint: `If this really is the target, as a superuser or RDS's master user: alter role "${origin.user}" createdb`,
    },
  );
}

/** Throws `database-unfit` for a standby, which nothing can be written to. */
export function requirePrimary(origin: Origin): void {
  if (origin.standby)
    throw new RestageError(
      'database-unfit',
      `${origin.database} at ${origin.host}:${origin.port} is a standby, or read replica: it holds what its primary writes, and nothing can be written to it`,
      {
        hint: "As the target, name the primary's own host: of an Aurora cluster the endpoint without “-ro” (….cluster-…, not ….cluster-ro-…), of an RDS read replica the instance that it replicates.",
      },
    );
}

/** Refuses what cannot end well: a standby, or a role that may not build beside and swap. Throws `database-unfit`. */
export async function requireSwappable(session: Session): Promise<void> {
  requirePrimary(session.origin);
  const rights = await readSwapRights(session);
  requireOwner(rights);
  requireCreatedb(rights);
}

/** What makes a database recognisable, whatever names led there. */
export interface Identity {
  /**
   * The server's start, to the microsecond, and the database's number in it; any role may read both. The system
   * identifier would be the same in a staging that was once restored from production's disk.
   */
  readonly database: string;
  /** Where the server itself says that it was reached: behind a pooler or a forwarder another place than the config's. */
  readonly reachedAt: string;
  /** The system identifier and the database's number, where the role may read them. */
  readonly disk: string | undefined;
  /** What never changes in a database and is the same in every copy of its server's disk; any role may read it. */
  readonly kind: string;
  readonly standby: boolean;
}

export async function readIdentity(session: Pick<ReadSession, 'rows'>): Promise<Identity> {
  const [row] = await session.rows<{
    database: string;
    reached: string;
    kind: string;
    readable: string;
    standby: string;
  }>(`
    select concat_ws('/', extract(epoch from pg_postmaster_start_time()), oid) as database,
           concat_ws(' ', host(inet_server_addr()), 'port', inet_server_port()) as reached,
           concat_ws('/', oid, split_part(current_setting('server_version'), '.', 1), current_setting('block_size'),
                     current_setting('wal_segment_size'), encoding, datcollate, datctype) as kind,
           has_function_privilege('pg_catalog.pg_control_system()', 'execute')::text as readable,
           pg_is_in_recovery()::text as standby
      from pg_database
     where datname = current_database()`);
  // Some managed servers keep this function to themselves; a refusal would end the transaction.
  const [disk] =
    row?.readable === 'true'
      ? await session.rows<{ disk: string }>(`
          select concat_ws('/', s.system_identifier, d.oid) as disk
            from pg_control_system() s, pg_database d
           where d.datname = current_database()`)
      : [];
  return {
    database: String(row?.database),
    reachedAt: String(row?.reached),
    disk: disk?.disk,
    kind: String(row?.kind),
    standby: row?.standby === 'true',
  };
}

/**
 * Whether two databases may be copies of one disk: a standby and its primary, or what was restored from either. Without
 * the system identifier all that can be seen is that they are not.
 */
export function mayBeOneDisk(one: Identity, other: Identity): boolean {
  return one.disk !== undefined && other.disk !== undefined ? one.disk === other.disk : one.kind === other.kind;
}

export interface Lock extends AsyncDisposable {
  /** A session outside of the database that is swapped, which also holds the lock. */
  readonly maintenance: Session;
}

/**
 * Makes this the only run on the target, for as long as the lock is not disposed of. The server frees the lock of a
 * run that died. Throws `run-in-progress` naming the holder.
 */
export async function lockTarget(target: TargetDatabase, label: string): Promise<Lock> {
  const maintenance = await openMaintenance(target, label);
  try {
    const { database, host, port } = target.address;
    const [row] = await maintenance.rows<{ locked: string }>(
      `select pg_try_advisory_lock(${lockKey(database)})::text as locked`,
    );
    // The server keeps such a lock apart for each of its databases, and not everybody may connect to the same ones.
    const holder = await readLockHolder(maintenance, database);
    if (row?.locked === 'true' && holder === undefined)
      return { maintenance, [Symbol.asyncDispose]: () => maintenance[Symbol.asyncDispose]() };
    throw new RestageError(
      'run-in-progress',
      `${database} at ${host}:${port} is being refreshed already${holder === undefined ? '' : `, by ${holder.words}`}`,
      {
        hint: 'Wait until that run has ended. A run that died frees the target by itself.',
        run: holder?.run,
      },
    );
  } catch (error) {
    await maintenance[Symbol.asyncDispose]();
    throw error;
  }
}

function lockKey(database: string): string {
  return createHash('sha256').update(`restage ${database}`).digest().readBigInt64BE(0).toString();
}

/** A session that holds the lock on a database. */
export interface LockHolder {
  /** Whose it is, and since when. */
  readonly words: string;
  /** The run's id, by the session's name; absent where it is none of a run. */
  readonly run?: string;
}

/** Who, other than this session, holds the lock on a database of its server; undefined where nobody does. */
export async function readLockHolder(session: ReadSession, database: string): Promise<LockHolder | undefined> {
  const [holder] = await session.rows<{ who: string; run: string | null }>(`
    select substring(a.application_name from '^restage (\\d{8}-\\d{6}-[0-9a-f]{4})$') as run,
           format('%s (user %s%s, pid %s%s)', coalesce(a.application_name, 'somebody'), a.usename, ' from ' || host(a.client_addr), a.pid,
                  ', since ' || to_char(a.backend_start at time zone 'UTC', 'YYYY-MM-DD HH24:MI:SS "UTC"')) as who
      from pg_locks l
      join pg_stat_activity a using (pid)
     where l.locktype = 'advisory' and l.granted and l.pid <> pg_backend_pid()
       and ((l.classid::bigint << 32) | l.objid::bigint) = ${lockKey(database)}
     limit 1`);
  return holder && { words: holder.who, ...(holder.run === null ? {} : { run: holder.run }) };
}

/** Any other database of the server: one cannot rename the database one is connected with. Throws `database-unfit`. */
export async function openMaintenance(target: TargetDatabase, label: string, signal?: AbortSignal): Promise<Session> {
  const failures: string[] = [];
  for (const database of ['postgres', 'template1']) {
    if (database === target.address.database) continue;
    try {
      return await target.session({ label, database, signal });
    } catch (error) {
      failures.push(error instanceof Error ? error.message : String(error));
    }
  }
  throw new RestageError(
    'database-unfit',
    `no other database of the target's server can be reached to swap from:\n  ${failures.join('\n  ')}`,
    {
      hint: `Let ${target.address.user} connect to the database postgres.`,
    },
  );
}
