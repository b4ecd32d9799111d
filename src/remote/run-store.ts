import type { Account } from '../aws/account.ts';
import { readBegun } from './kept-files.ts';
import { keptLastRuns, type KeptLastRuns } from './kept-last-runs.ts';
import { openPlace, writeAmongOthers, type OpenPlace, type PlaceOptions } from './open-place.ts';
import { runEvents, type RunEvents } from './run-events.ts';
import { runFiles, type RunFiles } from './run-files.ts';
import { runStates, type RunStates } from './run-states.ts';

/** Where a function keeps its runs, each in a folder of its own: `<prefix>/<run>/`. */
export interface RunStore extends Disposable {
  /** s3://bucket/prefix */
  readonly place: string;
  readonly states: RunStates;
  readonly events: RunEvents;
  readonly files: RunFiles;
  readonly lastRuns: KeptLastRuns;
  /** The run that an invocation has begun, by its request id, which every delivery of one event bears; or this one from now on. */
  runOf(requestId: string, run: string): Promise<string>;
  /** Does what a run needs done there, with a file of its own, check.json: writes as states are written, reads, and lists. */
  tryOut(): Promise<void>;
}

/**
 * The place of `target.lambda.runs`, in the target's account. Throws `config-invalid` for what is no place. What it keeps is reached when
 * it is asked for, which throws `bucket-missing`, `bucket-denied` with the action and the ARN that are lacking, `credentials-failed`,
 * `aws-unreachable`; and `report-invalid` where something else than a store has written there.
 */
export function openRunStore(account: Account, place: string, options: PlaceOptions = {}): RunStore {
  const opened = openPlace(account, place, options);
  return {
    place: opened.address,
    states: runStates(opened),
    events: runEvents(opened),
    files: runFiles(opened),
    lastRuns: keptLastRuns(opened),
    runOf: (requestId, run) => runOf(opened, requestId, run),
    tryOut: () => tryOut(opened),
    [Symbol.dispose]: () => opened[Symbol.dispose](),
  };
}

async function tryOut({ folder, texts }: OpenPlace): Promise<void> {
  const key = `${folder}check.json`;
  const files = await texts();
  const before = await files.read(key);
  // Where another check was quicker, it has shown as much.
  await files.writeIf(key, JSON.stringify({ triedAt: new Date().toISOString() }), 'application/json', before?.etag);
  await files.read(key);
  await files.folders(folder);
}

async function runOf({ address, folder, texts }: OpenPlace, requestId: string, run: string): Promise<string> {
  const name = `requests/${requestId}.json`;
  const key = folder + name;
  const files = await texts();
  return writeAmongOthers(key, async () => {
    if ((await files.writeIf(key, JSON.stringify({ run }), 'application/json', undefined)) !== undefined) return run;
    const there = await files.read(key);
    return there && readBegun(there.text, `${address}/${name}`);
  });
}
