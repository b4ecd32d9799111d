import { failureOf } from '../errors.ts';
import { entryOf, startOfRun, type HistoryEntry } from '../history.ts';
import { isKilled } from '../report/run-state-text.ts';
import { moment } from '../report/format.ts';
import type { RunState } from './run-state.ts';
import type { RunStore } from './run-store.ts';

/** So many runs are read at once. */
const atOnce = 8;

/**
 * The newest runs that a function has begun, newest first: what came of each, by its report, or how far it is. What cannot be read is
 * an entry all the same, with why. Throws what the place of the runs throws.
 */
export async function listRuns(store: RunStore, limit: number, now = Date.now()): Promise<readonly HistoryEntry[]> {
  const ids = await store.states.ids();
  const entries: HistoryEntry[] = [];
  for (let from = 0; from < ids.length && entries.length < limit; from += atOnce) {
    const read = await Promise.all(ids.slice(from, from + atOnce).map((run) => readEntry(store, run, now)));
    entries.push(...read.flatMap((entry) => entry ?? []));
  }
  return entries.slice(0, limit);
}

/** The state of the newest run of a target that has begun; undefined where there is none. */
export async function newestState({ states }: Pick<RunStore, 'states'>, target: string): Promise<RunState | undefined> {
  for (const run of await states.ids()) {
    const state = await states.read(run);
    if (state && isOf(state, target)) return state;
  }
  return undefined;
}

/** Functions of several targets may have one place. What earlier versions have written does not say whose it is. */
export function isOf(state: RunState, target: string): boolean {
  return (state.target ?? target) === target;
}

/** Undefined for what was planned and never begun. */
async function readEntry(
  { place, states, files }: RunStore,
  run: string,
  now: number,
): Promise<HistoryEntry | undefined> {
  const keptAt = `${place}/${run}`;
  let state: RunState | undefined;
  try {
    state = await states.read(run);
  } catch (error) {
    const { code, message } = failureOf(error);
    if (code !== 'report-invalid') throw error;
    return { run, kind: 'unknown', startedAt: startOfRun(run), outcome: 'unreadable', failed: message, keptAt };
  }
  if (!state) return undefined;
  const { phase, part } = state;
  // What earlier parts have loaded stands in the report that they paused with.
  const file = phase === 'ended' ? 'report.json' : phase === 'paused' || part > 1 ? 'paused.json' : undefined;
  const text = file && (await files.fetch(run, file));
  const known = { ...entryOfState(state, now), keptAt };
  if (text === undefined) return known;
  const { folder: _, ...told } = entryOf({ run, folder: keptAt, report: parse(text) });
  if (told.outcome === 'unreadable') return { ...known, failed: `${keptAt}/${file} is no report` };
  if (phase === 'ended' || phase === 'paused') return { ...known, ...told };
  const { durationMs: __, ...loaded } = told;
  return { ...loaded, ...known };
}

function parse(text: string): { readonly value: unknown } | { readonly problem: string } {
  try {
    return { value: JSON.parse(text) as unknown };
  } catch {
    return { problem: 'it is not JSON' };
  }
}

/** A run by its state alone. `now` is in milliseconds since 1970: what has written nothing beyond its deadline was killed. */
function entryOfState(state: RunState, now: number): HistoryEntry {
  const {
    run,
    action,
    target,
    phase,
    part,
    function: ranIn,
    startedAt,
    updatedAt,
    steps = [],
    failure,
    begunBy,
  } = state;
  const isOver = isKilled(state, now);
  const over = `last heard of ${moment(updatedAt)}, and its invocation was over by ${moment(state.deadline)}`;
  const failed = isOver
    ? over
    : failure && [failure.step, failure.message].filter((one) => one !== undefined).join(': ');
  return {
    run,
    kind: action ?? 'unknown',
    startedAt,
    ...(phase === 'ended' ? { durationMs: Date.parse(updatedAt) - Date.parse(startedAt) } : {}),
    outcome: outcomeOf(state, isOver),
    ...(target === undefined ? {} : { target }),
    ...(part > 1 ? { parts: part } : {}),
    function: ranIn.name,
    ...(begunBy === undefined ? {} : { begunBy }),
    ...(phase === 'running' && !isOver && steps.length > 0 ? { steps } : {}),
    ...(failed === undefined ? {} : { failed }),
  };
}

function outcomeOf({ phase, outcome }: RunState, isOver: boolean): HistoryEntry['outcome'] {
  if (phase === 'ended') return outcome ?? 'unknown';
  if (phase === 'paused') return 'paused';
  return isOver ? 'unfinished' : 'running';
}
