import { failureOf, type Failure } from '../errors.ts';
import { isMarked, mark } from '../postgres/protected-marker.ts';
import { dropDatabase, nameOf, swapDatabases } from '../postgres/swap.ts';
import type { DatabaseRun } from './database-run.ts';
import { maintenanceOf, type relockMs } from './maintenance.ts';

/** What the target is put back to, and what could not be. */
export interface Recovery {
  readonly swappedBack: boolean;
  readonly dropped: readonly string[];
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

/** Puts the target back as it was before the run, whatever stage it reached. Never throws: the report must say what is. */
export async function recover(state: DatabaseRun): Promise<Recovery> {
  const { current, incoming, previous } = state.names;
  let swappedBack = false;
  const dropped: string[] = [];
  try {
    const inPlace = await isInPlace(state, 'toPutBack');
    state.stage = inPlace ? 'swapped' : 'building';
    if (inPlace) {
      await swap(state, 'back');
      swappedBack = true;
      const maintenance = await maintenanceOf(state, 'toPutBack');
      // What was said of the environment while the new database stood for it, to the last moment, holds for the old one too.
      if (await isMarked(maintenance, incoming)) await mark(maintenance, current);
    }
    await dropDatabase(await maintenanceOf(state, 'toPutBack'), incoming);
    dropped.push(incoming);
    state.stage = 'untouched';
    return { swappedBack, dropped };
  } catch (error) {
    const back = `alter database "${current}" rename to "${incoming}"; alter database "${previous}" rename to "${current}"`;
    // As far as it is known: what was tried last may have been done, its answer lost.
    const hint = {
      building: `${current} is as it was; the next run drops ${incoming}.`,
      swapped: `${current} holds the new data, not verified. To put the old back: ${back}`,
      swapping: `The server could not be asked what it holds. If there is a ${previous}, the old is put back by: ${back}`,
    }[state.stage as 'building' | 'swapped' | 'swapping']; // before them nothing is put back, after them neither
    return { swappedBack, dropped, failure: { ...failureOf(error), hint }, asBefore: state.stage === 'building' };
  }
}
