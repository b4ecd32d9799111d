import type { Ends } from '../connect.ts';
import type { Failure } from '../errors.ts';
import type { KeySet } from '../s3/key-set.ts';
import type { ObjectOutcome } from '../s3/transfer.ts';
import type { Facts } from '../facts.ts';
import type { Kind, Step, StepProgress } from '../step.ts';
import type { DatabaseRun } from './database-run.ts';

/** What a step may use. */
export interface Context {
  /** The id of the run. */
  readonly run: string;
  readonly ends: Ends;
  readonly signal: AbortSignal;
  /** What programs that a run starts find in theirs. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** The database's side of this run; absent in a run of objects only. */
  readonly database: DatabaseRun | undefined;
  /** What rows name, by pair of buckets, once it is read. */
  readonly keys: Map<string, KeySet>;
  /** The facts of every step of that kind that is done. */
  facts<K extends Kind>(kind: K): readonly Facts[K][];
  /** What became of one object. */
  object(step: Step, object: ObjectOutcome): void;
  progress(step: Step, done: StepProgress): void;
  /** A line of what a program writes, or of what is waited for. */
  tell(step: Step, line: string): void;
}

/** What a step gives back: its facts, and a failure where the facts are to be kept in spite of it. */
export interface Performed<K extends Kind> {
  readonly facts: Facts[K];
  readonly failure?: Failure;
}

/** One function for each kind of step. */
export type Perform<Kinds extends Kind = Kind> = {
  readonly [K in Kinds]: (step: Extract<Step, { kind: K }>, context: Context) => Promise<Performed<K>>;
};
