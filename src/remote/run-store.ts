import type { Account } from '../aws/account.ts';
import type { LastRun } from '../last-run.ts';
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
  addLastRun(last: LastRun): Promise<void>;
}

/**
 * The place of `target.lambda.runs`, in the target's account. Throws `bucket-missing`, `bucket-denied` with the action that is
 * lacking, `aws-unreachable`.
 */
export function openRunStore(_account: Account, _place: string): RunStore {
  throw new Error('to be written');
}
