import type { Ends } from '../connect.ts';
import { failureOf, type Failure } from '../errors.ts';
import { placeOfCommands } from '../place-of-commands.ts';
import type { Plan } from '../plan.ts';
import { describeDatabase, readDescription } from '../postgres/description.ts';
import { quoteName, quoteText } from '../postgres/names.ts';
import { isMarked, mark } from '../postgres/protected-marker.ts';
import { dropDatabase, nameOf, swapDatabases } from '../postgres/swap.ts';
import { checkApp, checkDatabase, type RestoredCheck } from './check-restored.ts';
import type { DatabaseRun } from './database-run.ts';
import { maintenanceOf, type relockMs } from './maintenance.ts';

/** What the target is put back to, and what could not be. */
export interface Recovery {
  readonly swappedBack: boolean;
  /** The new database stays in place, not accepted, by `onFailure: keep`; the one before it is beside it. */
  readonly kept?: { readonly database: string; readonly previous: string };
  readonly dropped: readonly string[];
  /** Another part has gone on with the new database, which was left to it. */
  readonly takenOn?: true;
  /** What was looked at once the previous database was back. */
  readonly verified?: readonly RestoredCheck[];
  readonly failure?: Failure;
  /** With a failure: the target is as it was before the run, and something stands beside it. */
  readonly asBefore?: boolean;
}

/**
 * Puts the new database in place, or the previous one back. An answer that was lost on the way says nothing of what the
 * server did: then it is asked which database bears the name. Returns how many sessions were ended.
 */
export async function swap(state: DatabaseRun, direction: 'in' | 'back'): Promise<number> {
  const { target, names, run } = state;
  const why = direction === 'in' ? 'onTheWay' : 'toPutBack';
  const maintenance = await maintenanceOf(state, why);
  if (direction === 'in') {
    const [present] = await maintenance.rows<{ oid: string }>(
      `select oid from pg_database where datname = ${quoteText(names.current)}`,
    );
    state.presentOid = present?.oid;
  }
  state.stage = 'swapping';
  try {
    const ended = await swapDatabases(target, maintenance, names, direction, run);
    state.stage = direction === 'in' ? 'swapped' : 'building';
    return ended;
  } catch (error) {
    const inPlace = await isInPlace(state, why);
    state.stage = inPlace ? 'swapped' : 'building';
    if (inPlace === (direction === 'in')) return 0;
    throw error;
  }
}

/** Whether the new database bears the name of the target. */
async function isInPlace(state: DatabaseRun, why?: keyof typeof relockMs): Promise<boolean> {
  if (state.incomingOid === undefined) return false;
  return (await nameOf(await maintenanceOf(state, why), state.incomingOid)) === state.names.current;
}

/** What is done about a failure. */
export interface RecoverOptions {
  readonly plan: Pick<Plan, 'steps' | 'target' | 'onFailure' | 'onLambda'>;
  readonly ends: Ends;
  readonly failure: Failure & { readonly step: string };
  /** Somebody has called the run off. */
  readonly interrupted: boolean;
  readonly signal: AbortSignal;
  /** Called where something is put back. */
  readonly onPutBack: () => void;
}

/**
 * Leaves the new database in place where the plan says so and a migration or a check has failed; else puts the target back as it
 * was before the run, whatever stage it reached, and looks whether it is. Never throws: the report must say what is.
 */
export async function recover(state: DatabaseRun, options: RecoverOptions): Promise<Recovery> {
  const { plan, ends, failure, signal } = options;
  // What nobody has judged is not kept: a run that was called off, whose time was over, or that lost its connection.
  const isJudged = !options.interrupted && !['interrupted', 'time-over', 'database-lost'].includes(failure.code);
  if (plan.onFailure === 'keep' && state.stage === 'swapped' && isJudged) {
    const kept = await keepNew(state, failure.step);
    if (kept) return { swappedBack: false, dropped: [], kept };
  }
  options.onPutBack();
  const recovery = await putBack(state, { isTaken: failure.code === 'taken-on', there: placeOfCommands(plan) });
  if (!recovery.swappedBack || state.presentOid === undefined) return recovery;
  const verified = [
    ...(await checkDatabase(() => maintenanceOf(state, 'toPutBack'), {
      target: state.target,
      label: state.run,
      oid: state.presentOid,
      revision: plan.target.database?.revision,
    })),
    ...(await checkApp(plan.steps, ends, state.run, signal)),
  ];
  return { ...recovery, verified };
}

/** Notes on the new database that it was not accepted, and why; undefined where it could not be found in place. */
async function keepNew(state: DatabaseRun, step: string): Promise<Recovery['kept']> {
  const { current, previous } = state.names;
  try {
    if (!(await isInPlace(state, 'toPutBack'))) return undefined;
    const maintenance = await maintenanceOf(state, 'toPutBack');
    const description = await readDescription(maintenance, current);
    if (description) await describeDatabase(maintenance, current, { ...description, failed: step });
    return { database: current, previous };
  } catch {
    return undefined; // what cannot be said to be kept is put back
  }
}

/**
 * Whether another part has gone on with the new database, as this one was taken for dead: it has put it in place, which this one never
 * tried, or has paused since.
 */
async function isTakenOn(state: DatabaseRun, inPlace: boolean): Promise<boolean> {
  if (inPlace) return state.presentOid === undefined;
  const found = await readDescription(await maintenanceOf(state, 'toPutBack'), state.names.incoming);
  return found?.paused !== undefined && found.paused.at !== state.pausedAt;
}

/**
 * Puts the target back as it was before the run. `isTaken`: another part of it goes on, and what was being built is that one's. `there`:
 * what commands have to say besides.
 */
export async function putBack(state: DatabaseRun, { isTaken = false, there = '' } = {}): Promise<Recovery> {
  if (isTaken && state.stage === 'building') return { swappedBack: false, dropped: [], takenOn: true };
  const { current, incoming, previous } = state.names;
  let swappedBack = false;
  const dropped: string[] = [];
  try {
    const inPlace = await isInPlace(state, 'toPutBack');
    if (await isTakenOn(state, inPlace)) return { swappedBack: false, dropped: [], takenOn: true };
    state.stage = inPlace ? 'swapped' : 'building';
    if (inPlace) {
      await swap(state, 'back');
      swappedBack = true;
      const maintenance = await maintenanceOf(state, 'toPutBack');
      // What was said of the environment while the new database stood for it, to the last moment, holds for the old one too.
      if (await isMarked(maintenance, incoming)) await mark(maintenance, current);
    }
    const maintenance = await maintenanceOf(state, 'toPutBack');
    await dropDatabase(maintenance, incoming);
    dropped.push(incoming);
    // A program of migrate may have given it another name.
    const renamed = state.incomingOid === undefined ? undefined : await nameOf(maintenance, state.incomingOid);
    if (renamed !== undefined && renamed !== current) {
      await dropDatabase(maintenance, renamed);
      dropped.push(renamed);
    }
    state.stage = 'untouched';
    return { swappedBack, dropped };
  } catch (error) {
    const [now, aside, before] = [current, incoming, previous].map(quoteName);
    const back = `restage rollback ${state.run}${there}, or by hand: alter database ${now} rename to ${aside}; alter database ${before} rename to ${now}`;
    // As far as it is known: what was tried last may have been done, its answer lost.
    const hint = {
      building: `${current} is as it was; the next run drops ${incoming}.`,
      swapped: `${current} holds the new data, not verified. To put the old back: ${back}`,
      swapping: `The server could not be asked what it holds. If there is a ${previous}, the old is put back by: ${back}`,
    }[state.stage as 'building' | 'swapped' | 'swapping']; // before them nothing is put back, after them neither
    return { swappedBack, dropped, failure: { ...failureOf(error), hint }, asBefore: state.stage === 'building' };
  }
}
