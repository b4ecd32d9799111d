import { RestageError, failureOf, type Failure } from '../errors.ts';
import type { Table } from '../postgres/catalog.ts';
import type { RestoreOrder } from '../postgres/clone.ts';
import { prepareLoading } from '../postgres/clone.ts';
import { quoteTable, type TableName } from '../postgres/names.ts';
import type { ReadSession, Session } from '../postgres/session.ts';
import type { Snapshot, SourceDatabase } from '../postgres/source.ts';
import { dropDatabase, swapBack, swapNames, type SwapNames } from '../postgres/swap.ts';
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
  readonly label: string;
  readonly source: SourceDatabase;
  readonly target: TargetDatabase;
  readonly names: SwapNames;
  readonly lock: Lock;
  /** How far it is: what recovery has to undo. */
  stage: 'untouched' | 'building' | 'swapped' | 'settled';
  snapshot: Snapshot | undefined;
  /** Lanes that wait for a next table. */
  idle: readonly Lane[];
  order: RestoreOrder | undefined;
  tables: readonly Table[];
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
    label: run,
    source,
    target,
    names: swapNames(target.address.database, run),
    lock,
    stage: 'untouched',
    snapshot: undefined,
    idle: [],
    order: undefined,
    tables: [],
    [Symbol.asyncDispose]: async () => {
      await endReading(state);
      await lock[Symbol.asyncDispose]();
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
  const session = await state.target.session({ label: state.label, database: state.names.incoming, signal });
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
  const found = state.tables.find(({ table }) => quoteTable(table) === quoteTable(name));
  if (!found)
    throw new RestageError(
      'data-differs',
      `the table ${quoteTable(name)} was planned but is not in the source's snapshot`,
      {
        hint: 'The schema changed between plan and run: plan again.',
      },
    );
  return found;
}

/** Puts the target back as it was before the run, whatever stage it reached. Never throws: the report must say what is. */
export async function recover(state: DatabaseRun): Promise<Recovery> {
  const { maintenance } = state.lock;
  let swappedBack = false;
  const dropped: string[] = [];
  try {
    if (state.stage === 'swapped') {
      await swapBack(state.target, maintenance, state.names, state.label);
      swappedBack = true;
      state.stage = 'building';
    }
    if (state.stage === 'building') {
      await dropDatabase(maintenance, state.names.incoming);
      dropped.push(state.names.incoming);
      state.stage = 'untouched';
    }
    return { swappedBack, dropped };
  } catch (error) {
    const { current, incoming, previous } = state.names;
    const failure = failureOf(error);
    const hint = swappedBack
      ? `${current} is as it was; drop ${incoming} by hand, or let the next run do it.`
      : state.stage === 'swapped'
        ? `${current} holds the new data, not verified. To put the old back: alter database "${current}" rename to "${incoming}"; alter database "${previous}" rename to "${current}"`
        : `${current} is as it was; the next run drops ${incoming}.`;
    return { swappedBack, dropped, failure: { ...failure, hint } };
  }
}
