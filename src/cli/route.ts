import {
  plan,
  requireUnattended,
  run,
  startDumper,
  type Config,
  type Ends,
  type LastRun,
  type Plan,
  type PlanOptions,
  type Report,
  type RunOptions,
  type SchemaDumper,
} from '../index.ts';
import type { Only } from './frame.ts';
import { findLastRuns } from './last-runs.ts';

/** How a refresh is made: from here, or its database by a function. Planned once, then perhaps run. */
export interface Route extends AsyncDisposable {
  /** Throws `not-confirmed` where nobody can agree to it beforehand. */
  requireUnattended(only: Only): void;
  lastRuns(): Promise<LastRun[]>;
  /** Begins what a run will need, and what takes a while. */
  prepare(only: Only): Promise<void>;
  plan(options: PlanOptions): Promise<Plan>;
  /** Runs what was planned, as a person has read it. */
  run(planned: Plan, options: Pick<RunOptions, 'listen' | 'signal'>): Promise<Report>;
  /** Whether a process that is ended at once leaves behind what it was doing. */
  readonly isHere: boolean;
}

/** Both ends are reached from here. */
export function localRoute(config: Config, ends: Ends): Route {
  let dumper: SchemaDumper | undefined;
  return {
    isHere: true,
    requireUnattended: (only) => requireUnattended(config, { ends, only }),
    lastRuns: () => findLastRuns(config, ends),
    prepare: async (only) => {
      if (ends.source.database && only !== 'objects') dumper = await startDumper();
    },
    plan: (options) => plan(config, ends, options),
    run: (planned, options) => run(planned, ends, { ...options, dumper, environment: process.env }),
    [Symbol.asyncDispose]: async () => dumper?.[Symbol.asyncDispose](),
  };
}
