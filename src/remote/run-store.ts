import type { Account } from '../aws/account.ts';
import { bucketOf } from '../connect.ts';
import { failureOf, RestageError } from '../errors.ts';
import type { LastRun } from '../last-run.ts';
import type { TextFiles } from '../s3/text-files.ts';
import { readBegun, readState } from './kept-files.ts';
import { readLastRuns, withLastRun } from './last-runs.ts';
import { runPlaceOf } from './run-place.ts';
import type { RunState } from './run-state.ts';

/** A run's files: the plan that was looked at, the paused report of its last part, and the report in its forms. */
export type RunFile = 'plan.json' | 'paused.json' | 'report.json' | 'report.md' | 'report.html';

/** Where a function keeps its runs: `<prefix>/<run>/state.json`, `…/events/000001.ndjson`, `…/report.json`. */
export interface RunStore extends Disposable {
  /** s3://bucket/prefix */
  readonly place: string;
  /** Begins a run by writing its state, unless there is one: then nothing is written, and that one is given. */
  begin(state: RunState): Promise<RunState | undefined>;
  /** Takes a run that is in this state on: false where somebody else has written it since. */
  take(known: RunState, next: RunState): Promise<boolean>;
  /** Writes the state of a run that is ours. */
  write(state: RunState): Promise<void>;
  read(run: string): Promise<RunState | undefined>;
  /** The lines of one piece of progress, each an Event as JSON; pieces are numbered from 1. */
  addEvents(run: string, piece: number, lines: string): Promise<void>;
  /** Undefined while there is no such piece. */
  readEvents(run: string, piece: number): Promise<string | undefined>;
  /** Gives its address, s3://… */
  keep(run: string, file: RunFile, text: string): Promise<string>;
  /** Undefined where there is none. */
  fetch(run: string, file: RunFile): Promise<string | undefined>;
  /** The run that an invocation has begun, by its request id, which every delivery of one event bears; or this one from now on. */
  runOf(requestId: string, run: string): Promise<string>;
  /** What the newest runs that ended well read of the source, newest first; a few. */
  lastRuns(): Promise<readonly LastRun[]>;
  /** In a sentence, that something else than such a list stood there, and has made way; undefined otherwise. */
  addLastRun(last: LastRun): Promise<string | undefined>;
}

const contentTypes: { readonly [File in RunFile]: string } = {
  'plan.json': 'application/json',
  'paused.json': 'application/json',
  'report.json': 'application/json',
  'report.md': 'text/markdown; charset=utf-8',
  'report.html': 'text/html; charset=utf-8',
};

/** A state as it stands in the store. */
interface Held {
  readonly text: string;
  readonly etag: string;
}

/**
 * The place of `target.lambda.runs`, in the target's account. Throws `config-invalid` for what is no place. Its methods throw
 * `bucket-missing`, `bucket-denied` with the action and the ARN that are lacking, `credentials-failed`, `aws-unreachable`;
 * `report-invalid` where something else than a store has written there; `write` throws `run-in-progress` where the run has been taken
 * on by another invocation since.
 */
export function openRunStore(account: Account, place: string): RunStore {
  const { bucket, folder, text: address } = runPlaceOf(place);
  let opened: Promise<TextFiles> | undefined;
  // An HTTP client is loaded where it is used.
  const open = () =>
    (opened ??= import('../s3/text-files.ts').then(({ textFiles }) =>
      textFiles({ bucket: bucketOf(account, bucket), asker: account.arn ?? account.name, folder }),
    ));
  /** What was read last, and what we have written last, by run: only the latter may be written over without asking. */
  const seen = new Map<string, Held>();
  const ours = new Map<string, Held>();
  /** What was being written when a write failed: it may stand there all the same. */
  const unsure = new Map<string, string>();
  const inTurn = turns();

  const stateKey = (run: string) => `${folder}${run}/state.json`;
  const eventsKey = (run: string, piece: number) => `${folder}${run}/events/${String(piece).padStart(6, '0')}.ndjson`;
  const readText = async (key: string) => (await (await open()).read(key))?.text;
  const writeState = async (state: RunState, over: string | undefined): Promise<boolean> => {
    const text = JSON.stringify(state);
    const files = await open();
    unsure.set(state.run, text);
    const etag = await files.writeIf(stateKey(state.run), text, 'application/json', over);
    unsure.delete(state.run);
    if (etag === undefined) return false;
    for (const held of [ours, seen]) held.set(state.run, { text, etag });
    return true;
  };
  const read = async (run: string): Promise<RunState | undefined> => {
    const found = await (await open()).read(stateKey(run));
    if (!found) return undefined;
    const state = readState(found.text, `${address}/${run}/state.json`);
    seen.set(run, { text: JSON.stringify(state), etag: found.etag });
    return state;
  };
  const begin = async (state: RunState): Promise<RunState | undefined> => {
    for (let attempt = 1; ; attempt++) {
      if (await writeState(state, undefined)) return undefined;
      const there = await read(state.run);
      if (there) return there;
      // Deleted in this moment.
      if (attempt === mostAttempts) throw busy(stateKey(state.run));
    }
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
    const before = unsure.get(state.run);
    if (await writeState(state, held.etag)) return;
    const there = before === undefined ? undefined : await (await open()).read(stateKey(state.run));
    if (there && there.text === before && (await writeState(state, there.etag))) return;
    throw new RestageError('run-in-progress', `the run ${state.run} has been taken on by another invocation`, {
      hint: `restage status --on lambda says how far it is; it is kept in ${address}/${state.run}/`,
    });
  };

  return {
    place: address,
    begin: (state) => inTurn(() => begin(state)),
    take: (known, next) => inTurn(() => take(known, next)),
    write: (state) => inTurn(() => write(state)),
    read: (run) => inTurn(() => read(run)),
    addEvents: async (run, piece, lines) => (await open()).write(eventsKey(run, piece), lines, 'application/x-ndjson'),
    readEvents: (run, piece) => readText(eventsKey(run, piece)),
    keep: async (run, file, text) => {
      await (await open()).write(`${folder}${run}/${file}`, text, contentTypes[file]);
      return `${address}/${run}/${file}`;
    },
    fetch: (run, file) => readText(`${folder}${run}/${file}`),
    runOf: async (requestId, run) => {
      const name = `requests/${requestId}.json`;
      for (let attempt = 1; attempt <= mostAttempts; attempt++) {
        const files = await open();
        if ((await files.writeIf(folder + name, JSON.stringify({ run }), 'application/json', undefined)) !== undefined)
          return run;
        const there = await files.read(folder + name);
        if (!there) continue;
        return readBegun(there.text, `${address}/${name}`);
      }
      throw busy(folder + name);
    },
    lastRuns: async () => {
      const text = await readText(`${folder}last-runs.json`);
      return text === undefined ? [] : readLastRuns(text, `${address}/last-runs.json`);
    },
    addLastRun: async (last) => {
      const key = `${folder}last-runs.json`;
      const files = await open();
      for (let attempt = 1; attempt <= mostAttempts; attempt++) {
        const there = await files.read(key);
        const { runs, problem } = there
          ? lastRunsIn(there.text, `${address}/last-runs.json`)
          : { runs: [], problem: undefined };
        const text = JSON.stringify(withLastRun(runs, last));
        if ((await files.writeIf(key, text, 'application/json', there?.etag)) !== undefined) return problem;
      }
      throw busy(key);
    },
    [Symbol.dispose]: () => {
      opened?.then(
        (files) => files[Symbol.dispose](),
        () => undefined,
      );
    },
  };
}

/** A list that cannot be read would otherwise leave every later run without one. */
function lastRunsIn(
  text: string,
  place: string,
): { readonly runs: readonly LastRun[]; readonly problem: string | undefined } {
  try {
    return { runs: readLastRuns(text, place), problem: undefined };
  } catch (error) {
    return { runs: [], problem: `${failureOf(error).message}: it was written anew, with this run alone` };
  }
}

/** How often something is tried that others may be doing at the same time. */
const mostAttempts = 10;

function busy(key: string): RestageError {
  return new RestageError('run-in-progress', `${key} is written by others again and again`, {
    hint: 'Try again in a minute.',
  });
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
