import { RestageError } from '../errors.ts';
import { isRunId } from '../run-id.ts';
import { readState } from './kept-files.ts';
import { writeAmongOthers, type OpenPlace } from './open-place.ts';
import type { RunState } from './run-state.ts';

/** How far runs are: `<run>/state.json`. One invocation writes that of a run, until another takes it on. */
export interface RunStates {
  /** Begins a run by writing its state, unless there is one: then nothing is written, and that one is given. */
  begin(state: RunState): Promise<RunState | undefined>;
  /** Takes a run that is in this state on: false where somebody else has written it since. */
  take(known: RunState, next: RunState): Promise<boolean>;
  /** Writes the state of a run that is ours. Throws `run-in-progress` where it has been taken on by another invocation since. */
  write(state: RunState): Promise<void>;
  /** Undefined where there is none. */
  read(run: string): Promise<RunState | undefined>;
  /** The ids that something is kept under, newest first: a run that was planned and never begun has no state. */
  ids(): Promise<readonly string[]>;
}

/** A state as it stands in the store. */
interface Held {
  readonly text: string;
  readonly etag: string;
}

export function runStates({ address, folder, texts }: OpenPlace): RunStates {
  /** What was read last, and what we have written last, by run: only the latter may be written over without asking. */
  const seen = new Map<string, Held>();
  const ours = new Map<string, Held>();
  /** What was being written when writes failed: each of it may stand there all the same. */
  const unsure = new Map<string, Set<string>>();
  const inTurn = turns();

  const keyOf = (run: string) => `${folder}${run}/state.json`;
  const writeState = async (state: RunState, over: string | undefined): Promise<boolean> => {
    const text = JSON.stringify(state);
    const files = await texts();
    const maybe = unsure.get(state.run) ?? new Set();
    unsure.set(state.run, maybe.add(text));
    const etag = await files.writeIf(keyOf(state.run), text, 'application/json', over);
    maybe.delete(text);
    if (etag === undefined) return false;
    maybe.clear();
    for (const held of [ours, seen]) held.set(state.run, { text, etag });
    return true;
  };
  const read = async (run: string): Promise<RunState | undefined> => {
    const found = await (await texts()).read(keyOf(run));
    if (!found) return undefined;
    const state = readState(found.text, `${address}/${run}/state.json`);
    seen.set(run, { text: JSON.stringify(state), etag: found.etag });
    return state;
  };
  const begin = async (state: RunState): Promise<RunState | undefined> => {
    const { there } = await writeAmongOthers(keyOf(state.run), async () => {
      if (await writeState(state, undefined)) return { there: undefined };
      const found = await read(state.run);
      // Where there is none it has been deleted in this moment.
      return found && { there: found };
    });
    return there;
  };
  const take = async (known: RunState, next: RunState): Promise<boolean> => {
    if (!seen.has(known.run)) await read(known.run);
    const held = seen.get(known.run);
    return held?.text === JSON.stringify(known) && writeState(next, held.etag);
  };
  const write = async (state: RunState): Promise<void> => {
    const held = ours.get(state.run);
    if (!held)
      throw new RestageError('internal', `the run ${state.run} was written without having been begun or taken on`);
    if (await writeState(state, held.etag)) return;
    const maybe = unsure.get(state.run);
    const there = maybe?.size ? await (await texts()).read(keyOf(state.run)) : undefined;
    if (there && maybe?.has(there.text) && (await writeState(state, there.etag))) return;
    throw new RestageError('run-in-progress', `the run ${state.run} has been taken on by another invocation`, {
      hint: `restage status --on lambda says how far it is; it is kept in ${address}/${state.run}/`,
      run: state.run,
    });
  };
  return {
    begin: (state) => inTurn(() => begin(state)),
    take: (known, next) => inTurn(() => take(known, next)),
    write: (state) => inTurn(() => write(state)),
    read: (run) => inTurn(() => read(run)),
    ids: async () => (await (await texts()).folders(folder)).filter(isRunId).toSorted().toReversed(),
  };
}

type InTurn = <Value>(act: () => Promise<Value>) => Promise<Value>;

/** One after the other, in the order of asking: an ETag holds for one write. */
function turns(): InTurn {
  let last: Promise<unknown> = Promise.resolve();
  return (act) => {
    const turn = last.then(act, act);
    last = turn;
    return turn;
  };
}
