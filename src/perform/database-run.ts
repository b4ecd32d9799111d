import { RestageError } from '../errors.ts';
import type { Facts } from '../facts.ts';
import type { ColumnCast } from '../postgres/rules/casts.ts';
import { readTables, type Table } from '../postgres/catalog.ts';
import { readDescription } from '../postgres/description.ts';
import type { HeldTable } from '../postgres/held-tables.ts';
import type { ColumnPlaces } from '../postgres/rules/column-places.ts';
import type { Declared } from '../postgres/integrity.ts';
import { prepareLoading, type Lanes } from '../postgres/load.ts';
import { quoteTable, type TableName } from '../postgres/names.ts';
import { castsOfNow } from '../postgres/rules/plan-own.ts';
import type { RestoreOrder } from '../postgres/restore.ts';
import type { RowsOfFile } from '../postgres/rules/row-ids.ts';
import { startDumper, type SchemaDumper } from '../postgres/schema-dump.ts';
import type { SchemaDump } from '../postgres/schema-entries.ts';
import { requireUnmarked } from '../postgres/protected-marker.ts';
import { sqlState } from '../postgres/session-error.ts';
import type { ReadSession, Session } from '../postgres/session.ts';
import type { Snapshot, SourceDatabase } from '../postgres/source.ts';
import { nameOf } from '../postgres/swap.ts';
import { swapNames, type SwapNames } from '../postgres/database-names.ts';
import type { TableRule } from '../postgres/rules/table-rule.ts';
import { lockTarget, type Lock, type TargetDatabase } from '../postgres/target.ts';
import { Pool } from './pool.ts';

/** What the parts of a run before this one have made. */
export interface EarlierParts {
  /** The number of the new database. */
  readonly oid: string;
  /** The number of the one that it is to replace. */
  readonly presentOid: string;
  readonly schema: Facts['copy-schema'];
  /** The print of the run's steps, as its report names them. */
  readonly steps: string;
  /** Of the tables that were loaded whole once, by quoted name. */
  readonly loaded: ReadonlyMap<string, Facts['copy-table']>;
}

/** The database's side of one run: the lock, the names, the snapshot, and how far the new database has come. */
export interface DatabaseRun extends AsyncDisposable {
  readonly run: string;
  /** How many sessions copy at each end. */
  readonly jobs: number;
  readonly source: SourceDatabase;
  readonly target: TargetDatabase;
  readonly names: SwapNames;
  lock: Lock;
  /** The new database's number, by which it is known whatever it is called. */
  incomingOid: string | undefined;
  /** The number of the database that it takes the place of, once it does. */
  presentOid: string | undefined;
  /** How far it is: what recovery has to undo. */
  stage: 'untouched' | 'building' | 'swapping' | 'swapped' | 'settled';
  snapshot: Snapshot | undefined;
  /** pg_dump, being loaded while the run begins. */
  readonly dumper: SchemaDumper;
  /** The schema in the snapshot, being read. */
  schema: Promise<SchemaDump> | undefined;
  /** Sessions in the snapshot. */
  readers: Pool<ReadSession> | undefined;
  /** Sessions with the new database. */
  writers: Pool<Session> | undefined;
  /** One session with the target's present database, in one moment of it: for what stays of it. */
  present: Pool<ReadSession> | undefined;
  /** The tables of that moment, once they were asked for. */
  presentTables: readonly Table[] | undefined;
  order: RestoreOrder | undefined;
  /** When the part before this one paused, as the new database says; undefined in a first part. */
  readonly pausedAt: string | undefined;
  /** Absent in a run's first part. */
  readonly earlier: EarlierParts | undefined;
  /** What the new database had of each table when this part began, by quoted name; empty in a first part. */
  held: ReadonlyMap<string, HeldTable>;
  /** Tables that are not made. */
  readonly skip: readonly TableName[];
  /** Extensions whose tables and sequences are left out. */
  skipExtensions: readonly string[];
  /** The rows that are copied of tables that a subset has a part of; by quoted name. */
  subset: ReadonlyMap<string, readonly RowsOfFile[]> | undefined;
  /** By quoted name. */
  tables: ReadonlyMap<string, Table>;
  /** Of the tables that were copied by a rule, in the snapshot. */
  readonly places: Map<TableName, ColumnPlaces>;
  /** Quoted names of tables whose statistics come with those of their parents, once all are loaded. */
  analyzedLater: ReadonlySet<string>;
  /** Constraints and indexes: the source's in its snapshot, and those of the new database before staging's own commands. */
  readonly declared: { source?: Declared; copied?: Declared };
  /** What a reader of the report should know of how it went. */
  readonly remarks: string[];
  /** What a program of `migrate` has done to the target's present database, in words; absent as long as none has. */
  changedBeside?: string;
}

export interface DatabaseRunOptions {
  readonly run: string;
  /** How many sessions copy at each end. */
  readonly jobs: number;
  /** Tables that are not made. */
  readonly skip?: readonly TableName[];
  /** pg_dump, loaded beforehand; absent: it is loaded now. */
  readonly dumper?: SchemaDumper | undefined;
  readonly earlier?: EarlierParts | undefined;
}

/**
 * When the run paused, as the new database says. Throws `report-invalid` where the report is not the one that was written then: the
 * note there has its print. Without a note there is nothing to go on from, which is told later.
 */
async function requireAsWritten(maintenance: Session, incoming: string, run: string, { steps }: EarlierParts) {
  const paused = (await readDescription(maintenance, incoming))?.paused;
  if (!paused || paused.steps === steps) return paused?.at;
  throw new RestageError(
    'report-invalid',
    `the report of run ${run} names another work than that which it paused in: it was changed since it was written`,
    { hint: 'Nothing was changed. Bring back the report as it was written, or begin a new run.' },
  );
}

/**
 * Makes this run the only one on the target. Throws `run-in-progress`, `protected`, and whatever a connection throws; for a further
 * part `report-invalid` where its report was changed.
 */
export async function openDatabaseRun(
  source: SourceDatabase,
  target: TargetDatabase,
  { run, jobs, skip = [], dumper = startDumper(), earlier }: DatabaseRunOptions,
): Promise<DatabaseRun> {
  const lock = await lockTarget(target, run);
  const names = swapNames(target.address.database, run);
  let isThere = false;
  let pausedAt: string | undefined;
  try {
    await requireUnmarked(lock.maintenance, target.address.database); // since it was planned somebody may have marked it
    isThere = earlier !== undefined && (await nameOf(lock.maintenance, earlier.oid)) === names.incoming;
    if (earlier && isThere) pausedAt = await requireAsWritten(lock.maintenance, names.incoming, run, earlier);
  } catch (error) {
    await lock[Symbol.asyncDispose]();
    throw error;
  }
  const state: DatabaseRun = {
    run,
    jobs,
    source,
    target,
    names,
    lock,
    // Whatever becomes of this part, what the parts before it built is this run's to put away.
    incomingOid: isThere ? earlier?.oid : undefined,
    presentOid: undefined,
    stage: isThere ? 'building' : 'untouched',
    snapshot: undefined,
    dumper,
    schema: undefined,
    readers: undefined,
    writers: undefined,
    present: undefined,
    presentTables: undefined,
    order: undefined,
    pausedAt,
    earlier,
    held: new Map(),
    skip,
    skipExtensions: [],
    subset: undefined,
    tables: new Map(),
    places: new Map(),
    analyzedLater: new Set(),
    declared: {},
    remarks: [],
    [Symbol.asyncDispose]: async () => {
      await endReading(state);
      await endWriting(state);
      await dumper[Symbol.asyncDispose]();
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
  const { snapshot, readers } = state;
  state.snapshot = undefined;
  state.readers = undefined;
  state.subset = undefined;
  remarkFewer(state, readers, 'source');
  await Promise.all([readers?.[Symbol.asyncDispose](), snapshot?.[Symbol.asyncDispose]()]);
}

export async function endWriting(state: DatabaseRun): Promise<void> {
  const { writers, present } = state;
  state.writers = undefined;
  state.present = undefined;
  remarkFewer(state, writers, 'target');
  await Promise.all([writers?.[Symbol.asyncDispose](), present?.[Symbol.asyncDispose]()]);
}

function remarkFewer(
  { remarks, jobs }: DatabaseRun,
  pool: Pick<Pool<Session>, 'limit' | 'refusal'> | undefined,
  end: string,
): void {
  if (!pool || pool.limit === jobs) return;
  remarks.push(
    `the ${end} let restage open ${pool.limit} sessions to copy with, not ${jobs}: ${pool.refusal ?? ''}. The run took longer for it`,
  );
}

/** Readers in this snapshot. */
export function openReaders(state: DatabaseRun, snapshot: Snapshot): void {
  state.snapshot = snapshot;
  state.readers = new Pool(state.jobs, () => snapshot.reader(), isTooMany);
}

/** Writers in the new database. */
export function openWriters(state: DatabaseRun, signal: AbortSignal): void {
  state.writers = new Pool(state.jobs, () => openIncoming(state, signal), isTooMany);
  state.present = new Pool(
    1,
    () => openPresent(state, signal),
    () => false,
  );
}

/** A moment of staging's present database, kept as long as the session. */
async function openPresent({ target, run }: DatabaseRun, signal: AbortSignal): Promise<ReadSession> {
  const session = await target.session({ label: run, access: 'read-only', signal });
  try {
    await session.execute('begin transaction isolation level repeatable read, read only');
  } catch (error) {
    await session[Symbol.asyncDispose]();
    throw error;
  }
  return session;
}

/**
 * Reads staging's present database, in one read-only transaction that all of a run share, one after the other: opened when it is
 * first asked for, ended before the swap. What the work locks there it must let go of itself.
 */
export function withOwn<T>({ present }: DatabaseRun, work: (own: ReadSession) => Promise<T>): Promise<T> {
  if (!present) throw new RestageError('internal', "staging's own rows are needed before there is a new database");
  return present.use(work);
}

/** How staging's columns become the table's, at the moment that all of a run read: since it was planned staging has gone on. */
export async function castsFor(
  state: DatabaseRun,
  own: ReadSession,
  table: Table,
  rule: TableRule,
): Promise<readonly ColumnCast[]> {
  state.presentTables ??= await readTables(own);
  return castsOfNow(own, table, rule, [...state.tables.values()], state.presentTables);
}

/** The server has no room for a further session. */
function isTooMany(error: unknown): boolean {
  return sqlState(error) === '53300';
}

/** A session with the new database. */
export async function openIncoming(state: DatabaseRun, signal: AbortSignal): Promise<Session> {
  const session = await state.target.session({ label: state.run, database: state.names.incoming, signal });
  try {
    await prepareLoading(session, state.jobs);
  } catch (error) {
    await session[Symbol.asyncDispose]();
    throw error;
  }
  return session;
}

/** The sessions that copy, build and read, lent out as they are needed. */
export function lanesOf(state: DatabaseRun): Lanes {
  const none = () => {
    throw new RestageError('internal', 'sessions are needed before there are any');
  };
  return {
    withReader: async (work) => (state.readers ?? none()).use(work),
    withWriter: async (work) => (state.writers ?? none()).use(work),
  };
}

export function findTable(state: DatabaseRun, name: TableName): Table {
  const found = state.tables.get(quoteTable(name));
  if (found) return found;
  const message = `the table ${quoteTable(name)} was planned but is not in the source's snapshot`;
  throw new RestageError('data-differs', message, { hint: 'The schema changed between plan and run: plan again.' });
}
