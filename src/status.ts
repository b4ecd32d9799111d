import type { Config } from './config.ts';
import type { TargetEnd } from './connect-target.ts';
import { RestageError } from './errors.ts';
import type { Databases, FoundDatabase, SideDatabase } from './postgres/databases.ts';
import type { Description } from './postgres/description.ts';
import type { Origin, ReadSession, Session } from './postgres/session.ts';
import type { TargetDatabase } from './postgres/target.ts';

/** What the target holds, by its own server: plain JSON, no secret in it. */
export interface Status {
  readonly version: 1;
  readonly madeAt: string;
  /** The target's name. */
  readonly target: string;
  readonly account?: string;
  /** Absent where the config names none. */
  readonly database?: DatabaseStatus;
}

export interface DatabaseStatus {
  /** Where all of this was read. */
  readonly origin: Origin;
  /** Absent where the server has none of that name. */
  readonly present?: PresentDatabase;
  /** What it replaced, newest first. */
  readonly previous: readonly BesideDatabase[];
  /** What is being built by the run in progress, or was by one that died. */
  readonly incoming: readonly BesideDatabase[];
  /** The run that `rollback` undoes where none is named; absent where there is nothing to go back to. */
  readonly rollsBack?: string;
  /** Whose run has the target's lock, and since when; absent where none has. */
  readonly running?: string;
  /** The id of that run; absent where the lock's holder bears none. */
  readonly runInProgress?: string;
  readonly keepPrevious: number;
  /** Of all of them, as far as their sizes may be read. */
  readonly sizeBytes: number;
  /** How many may not. */
  readonly unknownSizes: number;
}

/** A database as restage finds it. */
export interface HeldDatabase {
  readonly name: string;
  /** Whether its run verified everything after the swap; none of restage's: nothing is known of it. */
  readonly state: 'accepted' | 'not-accepted' | 'not-restage';
  /** What the run noted that made it. */
  readonly made?: Omit<Description, 'comment'>;
  /** On disk; absent where it may not be read. */
  readonly sizeBytes?: number;
  readonly isProtected: boolean;
}

export interface PresentDatabase extends HeldDatabase {
  /** Read now; rows by the planner's estimate, where it has any. Absent where the database could not be connected to. */
  readonly now?: { readonly tables: number; readonly rows?: number; readonly revision?: string };
}

export interface BesideDatabase extends HeldDatabase {
  /** In its name: the run that replaced it, or that built it. */
  readonly run: string;
}

export interface StatusOptions {
  readonly signal?: AbortSignal | undefined;
}

/**
 * Reads what the target holds, and what stands beside it. The source is not asked; the role needs no rights but to connect.
 * Throws what a connection throws.
 */
export async function status(config: Config, target: TargetEnd, options: StatusOptions = {}): Promise<Status> {
  const { name, account, database } = target;
  const found = database && (await databaseStatus(config, database, options.signal));
  return {
    version: 1,
    madeAt: new Date().toISOString(),
    target: name,
    ...(account?.id === undefined ? {} : { account: account.id }),
    ...(found ? { database: found } : {}),
  };
}

async function databaseStatus(
  config: Config,
  target: TargetDatabase,
  signal: AbortSignal | undefined,
): Promise<DatabaseStatus> {
  const [{ readDatabases }, { readLockHolder }] = await Promise.all([
    import('./postgres/databases.ts'),
    import('./postgres/target.ts'),
  ]);
  await using session = await openAny(target, signal);
  const { database: current } = target.address;
  const databases = await readDatabases(session, current);
  const holder = await readLockHolder(session, current);
  const { present, previous, incoming } = databases;
  const isThere = present !== undefined && session.origin.database === current;
  const all: readonly FoundDatabase[] = [...(present ? [present] : []), ...previous, ...incoming];
  const back = await rolledBackTo(databases);
  return {
    origin: { ...session.origin, database: current },
    ...(present ? { present: { ...held(present), ...(isThere ? { now: await readNow(session) } : {}) } } : {}),
    previous: previous.map(beside),
    incoming: incoming.map(beside),
    ...(back ? { rollsBack: back.run } : {}),
    ...(holder ? { running: holder.words } : {}),
    ...(holder?.run === undefined ? {} : { runInProgress: holder.run }),
    keepPrevious: config.database.keepPrevious,
    sizeBytes: all.reduce((sum, { sizeBytes = 0 }) => sum + sizeBytes, 0),
    unknownSizes: all.filter(({ sizeBytes }) => sizeBytes === undefined).length,
  };
}

/** The newest of the previous databases that nothing is known against; else the newest. */
export async function rolledBackTo({ previous }: Pick<Databases, 'previous'>): Promise<SideDatabase | undefined> {
  const { isGood } = await import('./postgres/databases.ts');
  return previous.find(isGood) ?? previous[0];
}

/** A session with the database itself, or with another one where there is none, or it lets this role not in. */
async function openAny(target: TargetDatabase, signal: AbortSignal | undefined): Promise<Session> {
  try {
    return await target.session({ label: 'status', access: 'read-only', signal });
  } catch (error) {
    const isElsewhere =
      error instanceof RestageError && (error.code === 'database-missing' || error.code === 'database-unfit');
    if (!isElsewhere) throw error;
    try {
      return await target.session({ label: 'status', access: 'read-only', database: 'postgres', signal });
    } catch {
      throw error;
    }
  }
}

async function readNow(session: ReadSession): Promise<NonNullable<PresentDatabase['now']>> {
  const { readVersionTables, revisionOf } = await import('./postgres/version-tables.ts');
  const [row] = await session.rows<{ tables: string; rows: string | null }>(`
    select count(*) as tables, (sum(c.reltuples) filter (where c.reltuples >= 0))::bigint as rows
      from pg_class c
      join pg_namespace n on n.oid = c.relnamespace
     where c.relkind = 'r' and n.nspname <> 'information_schema' and n.nspname !~ '^pg_'`);
  const revision = revisionOf(await readVersionTables(session));
  return {
    tables: Number(row?.tables),
    ...(row?.rows ? { rows: Number(row.rows) } : {}),
    ...(revision === undefined ? {} : { revision }),
  };
}

/** A database as status and rollback tell it. */
export function held({ name, description, sizeBytes, isProtected }: FoundDatabase): HeldDatabase {
  const state = !description ? 'not-restage' : description.acceptedAt === undefined ? 'not-accepted' : 'accepted';
  const { comment: _people, ...made } = description ?? {};
  return {
    name,
    state,
    ...(description ? { made: made as Omit<Description, 'comment'> } : {}), // all of it but the comment
    ...(sizeBytes === undefined ? {} : { sizeBytes }),
    isProtected,
  };
}

export function beside(found: SideDatabase): BesideDatabase {
  return { ...held(found), run: found.run };
}
