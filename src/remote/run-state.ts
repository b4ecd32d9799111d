import type { Failure } from '../errors.ts';

/** How far a run is that goes on in a function: plain JSON, kept beside its progress. */
export interface RunState {
  readonly run: string;
  /** What it does, and of which target. Absent in what earlier versions have written. */
  readonly action?: 'sync' | 'rollback';
  readonly target?: string;
  /** The print of the configuration that it was begun with. */
  readonly configPrint?: string;
  /** Who asked for its first part. Absent in what earlier versions have written. */
  readonly begunBy?: 'command' | 'schedule' | 'event';
  /** `paused`: its next part has been asked for, or waits for somebody to ask. */
  readonly phase: 'planning' | 'running' | 'paused' | 'ended';
  /** From 1; each part is an invocation of its own. */
  readonly part: number;
  readonly function: {
    readonly name: string;
    readonly requestId: string;
    readonly memoryBytes: number;
    readonly logGroup?: string;
    readonly logStream?: string;
  };
  /** It has the target's lock, or is about to. */
  readonly locks?: true;
  /** The part whose function was killed while it loaded rows: it is made once more. */
  readonly killed?: number;
  /** ISO 8601. */
  readonly startedAt: string;
  /** When it was written last: at least every 10 s while it goes on. */
  readonly updatedAt: string;
  /** When this part's invocation is killed at the latest. */
  readonly deadline: string;
  /** How many pieces of progress have been written, from the first part on. */
  readonly pieces: number;
  /** The steps that are under way. */
  readonly steps?: readonly string[];
  /** Once it has ended. */
  readonly outcome?: 'done' | 'failed' | 'interrupted';
  readonly exitCode?: number;
  readonly failure?: Failure & { readonly step?: string };
  /** What the target holds, in a sentence, once it has ended. */
  readonly holds?: string;
}
