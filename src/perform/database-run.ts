import { setTimeout as sleep } from 'node:timers/promises';
import { RestageError, failureOf, type Failure } from '../errors.ts';
import type { Table } from '../postgres/catalog.ts';
import type { RestoreOrder } from '../postgres/clone.ts';
import { prepareLoading } from '../postgres/clone.ts';
import { quoteTable, type TableName } from '../postgres/names.ts';
import type { ReadSession, Session } from '../postgres/session.ts';
import type { Snapshot, SourceDatabase } from '../postgres/source.ts';
import { dropDatabase, nameOf, swapDatabases, swapNames, type SwapNames } from '../postgres/swap.ts';
import { lockTarget, type Lock, type TargetDatabase } from '../postgres/target.ts';

/** A pair of sessions that copies one table after the other: one in the source's snapshot, one in the new database. */
export interface Lane extends AsyncDisposable {
  readonly reader: ReadSession;
  readonly writer: Session;
}

/** What the target is put back to, and what could not be. */
export interface Recovery {
  readonly swappedBack: boolean;
  readonly dropped: readonly string[];
  readonly failure?: Failure;
}

/** The database's side of one run: the lock, the names, the snapshot, and how far the new database has come. */
export interface DatabaseRun extends AsyncDisposable {
  readonly run: string;
  readonly source: SourceDatabase;
  readonly target: TargetDatabase;
  readonly names: SwapNames;
  lock: Lock;
  /** The new database's number, by which it is known whatever it is called. */
  incomingOid: string | undefined;
  /** How far it is: what recovery has to undo. */
  stage: 'untouched' | 'building' | 'swapped' | 'settled';
  snapshot: Snapshot | undefined;
  /** Lanes that wait for a next table. */
  idle: readonly Lane[];
  order: RestoreOrder | undefined;
  /** By quoted name. */
  tables: ReadonlyMap<string, Table>;
}

/** Makes this run the only one on the target. Throws `run-in-progress`, and whatever a connection throws. */
export async function openDatabaseRun(
  source: SourceDatabase,
  target: TargetDatabase,
  run: string,
): Promise<DatabaseRun> {
  const lock = await lockTarget(target, run);
  const state: DatabaseRun = {
    run,
    source,
    target,
    names: swapNames(target.address.database, run),
    lock,
    incomingOid: undefined,
    stage: 'untouched',
    snapshot: undefined,
    idle: [],
    order: undefined,
    tables: new Map(),
    [Symbol.asyncDispose]: async () => {
      await endReading(state);
      await state.lock[Symbol.asyncDispose]();
    },
  };
  return state;
}

export function requireDatabase(database: DatabaseRun | undefined): DatabaseRun {
  if (!database) throw new RestageError('internal', 'a step of the database in a run without one');
  return database;
}

/** The snapshot holds back vacuum at the source: it is let go as soon as the last row is read. */
export async function endReading(state: DatabaseRun): Promise<void> {
  const { snapshot, idle } = state;
  state.snapshot = undefined;
  state.idle = [];
  await Promise.all([...idle, ...(snapshot ? [snapshot] : [])].map((one) => one[Symbol.asyncDispose]()));
}

/** A session with the new database. */
export async function openIncoming(state: DatabaseRun, signal: AbortSignal): Promise<Session> {
  const session = await state.target.session({ label: state.run, database: state.names.incoming, signal });
  await prepareLoading(session);
  return session;
}

/** Gives the work a lane of its own, one that waits or a new one; after a failure the lane is of no more use. */
export async function withLane<T>(
  state: DatabaseRun,
  signal: AbortSignal,
  work: (lane: Lane) => Promise<T>,
): Promise<T> {
  const [waiting, ...others] = state.idle;
  state.idle = others;
  const lane = waiting ?? (await openLane(state, signal));
  try {
    const result = await work(lane);
    state.idle = [...state.idle, lane];
    return result;
  } catch (error) {
    await lane[Symbol.asyncDispose]();
    throw error;
  }
}

async function openLane(state: DatabaseRun, signal: AbortSignal): Promise<Lane> {
  if (!state.snapshot) throw new RestageError('internal', 'a table is to be copied without a snapshot');
  const reader = await state.snapshot.reader();
  try {
    const writer = await openIncoming(state, signal);
    const end = async () => void (await Promise.all([reader[Symbol.asyncDispose](), writer[Symbol.asyncDispose]()]));
    return { reader, writer, [Symbol.asyncDispose]: end };
  } catch (error) {
    await reader[Symbol.asyncDispose]();
    throw error;
  }
}

export function findTable(state: DatabaseRun, name: TableName): Table {
  const found = state.tables.get(quoteTable(name));
  if (found) return found;
  const message = `the table ${quoteTable(name)} was planned but is not in the source's snapshot`;
  throw new RestageError('data-differs', message, { hint: 'The schema changed between plan and run: plan again.' });
}

const relocks = 5;

/**
 * The session outside of the database, which holds the lock. It waits idle for most of a run: where the connection was
 * lost meanwhile, the lock is taken anew. Throws `run-in-progress` where somebody else has it now.
 */
export async function maintenanceOf(state: DatabaseRun): Promise<Session> {
  for (let attempt = 1; ; attempt++) {
    try {
      await state.lock.maintenance.rows('select 1');
      return state.lock.maintenance;
    } catch (error) {
      if (attempt > relocks) throw error;
    }
    await state.lock[Symbol.asyncDispose]();
    await sleep(200 * attempt); // the server may not have noticed yet that the old session is gone
    state.lock = await lockTarget(state.target, state.run).catch(() => state.lock);
  }
}

/**
 * Puts the new database in place, or the previous one back. An answer that was lost on the way says nothing of what the
 * server did: then it is asked which database bears the name. Returns how many sessions were ended.
 */
export async function swap(state: DatabaseRun, direction: 'in' | 'back'): Promise<number> {
  const { target, names, run } = state;
  try {
    const ended = await swapDatabases(target, await maintenanceOf(state), names, direction, run);
    state.stage = direction === 'in' ? 'swapped' : 'building';
    return ended;
  } catch (error) {
    const inPlace = await isInPlace(state);
    state.stage = inPlace ? 'swapped' : 'building';
    if (inPlace === (direction === 'in')) return 0;
    throw error;
  }
}

/** Whether the new database bears the name of the target. */
async function isInPlace(state: DatabaseRun): Promise<boolean> {
  if (state.incomingOid === undefined) return false;
  return (await nameOf(await maintenanceOf(state), state.incomingOid)) === state.names.current;
}

/** Puts the target back as it was before the run, whatever stage it reached. Never throws: the report must say what is. */
export async function recover(state: DatabaseRun): Promise<Recovery> {
  const { current, incoming, previous } = state.names;
  let swappedBack = false;
  const dropped: string[] = [];
  let inPlace: boolean | undefined;
  try {
    inPlace = await isInPlace(state);
    if (inPlace) {
      await swap(state, 'back');
      inPlace = false;
      swappedBack = true;
    }
    await dropDatabase(await maintenanceOf(state), incoming);
    dropped.push(incoming);
    state.stage = 'untouched';
    return { swappedBack, dropped };
  } catch (error) {
    const back = `alter database "${current}" rename to "${incoming}"; alter database "${previous}" rename to "${current}"`;
    const hint =
      inPlace === false
        ? `${current} is as it was; the next run drops ${incoming}.`
        : inPlace
          ? `${current} holds the new data, not verified. To put the old back: ${back}`
          : `The server could not be asked what it holds. If there is a ${previous}, the old is put back by: ${back}`;
    return { swappedBack, dropped, failure: { ...failureOf(error), hint } };
  }
}
