import type { TargetEnd } from './connect-target.ts';
import type { Ends } from './connect.ts';
import { failureOf, RestageError, type Failure } from './errors.ts';
import { failedChecks, type RestoredCheck } from './perform/check-restored.ts';
import type { RollbackPlan } from './plan-rollback.ts';
import { newRunId } from './run-id.ts';

/** A rollback, told: its plan, and what came of it. Plain JSON, no secret in it. */
export interface RollbackReport extends RollbackPlan {
  readonly run: string;
  readonly startedAt: string;
  readonly durationMs: number;
  readonly outcome: 'done' | 'failed' | 'interrupted';
  /** Whether the database came back. */
  readonly swapped: boolean;
  /** What is now called as; absent where nothing was put aside. */
  readonly putAside?: string;
  readonly sessionsEnded: number;
  readonly verified: readonly RestoredCheck[];
  readonly failure?: Failure;
  /** What the target holds now, in a sentence or two. */
  readonly holds: string;
}

export interface RollbackRunOptions {
  /** Its id; absent: a new one. */
  readonly id?: string | undefined;
  /** Who makes it, for what is said of undoing it. */
  readonly by?: 'function' | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Called with the rollback's id when the first thing is about to be changed. */
  readonly onStart?: ((run: string) => void) | undefined;
}

/**
 * Puts the database back that the plan says: both are renamed in one transaction, or neither is. Then it looks whether the target
 * and its application are well with it; where they are not, nothing is put back once more. Failures are told in the report.
 * Throws only for what stops it from starting: `run-in-progress`, `protected`, `plan-outdated`, and what a connection throws.
 */
export async function rollback(
  plan: RollbackPlan,
  end: TargetEnd,
  { id, by, signal, onStart }: RollbackRunOptions = {},
): Promise<RollbackReport> {
  const target = end.database;
  if (!target) throw new RestageError('config-invalid', 'the config names no database of the target');
  const { lockTarget } = await import('./postgres/target.ts');
  const { checkApp, checkDatabase } = await import('./perform/check-restored.ts');
  const { maintenanceOf } = await import('./perform/maintenance.ts');
  const { exchange, requireAsPlanned } = await import('./perform/exchange.ts');
  const run = id ?? newRunId();
  const state = { target, run, lock: await lockTarget(target, run) };
  await using _lock = { [Symbol.asyncDispose]: () => state.lock[Symbol.asyncDispose]() };
  await requireAsPlanned(state.lock.maintenance, plan);
  if (signal?.aborted) throw new RestageError('interrupted', 'interrupted; nothing was changed');
  const startedAt = new Date();
  const clock = performance.now();
  onStart?.(run);
  let failure: Failure | undefined;
  let verified: readonly RestoredCheck[] = [];
  const done = await exchange(state, plan);
  if (done.swapped) {
    const look = new AbortController().signal;
    verified = [
      ...(await checkDatabase(() => maintenanceOf(state, 'toPutBack'), {
        target,
        label: run,
        oid: plan.back.oid,
        revision: plan.back.revision,
      })),
      ...(await checkApp(plan.checks, endsOf(end), run, signal ?? look)),
    ];
    const wrong = failedChecks(verified);
    if (wrong !== undefined) failure = { code: 'data-differs', message: `not all is well with it: ${wrong}` };
  } else failure = failureOf(done.error);
  const interrupted = done.swapped && failure !== undefined && signal?.aborted === true;
  const undo = `to undo this: restage rollback ${run}${by === 'function' ? ' --on lambda' : ''}`;
  const { name } = plan.target;
  const again = `${name} holds the database again that the run ${plan.back.run} had replaced`;
  return {
    ...plan,
    run,
    startedAt: startedAt.toISOString(),
    durationMs: Math.round(performance.now() - clock),
    outcome: failure === undefined ? 'done' : interrupted ? 'interrupted' : 'failed',
    swapped: done.swapped,
    ...(done.swapped ? { putAside: done.aside } : {}),
    sessionsEnded: done.swapped ? done.sessionsEnded : 0,
    verified,
    ...(failure ? { failure } : {}),
    holds: done.swapped
      ? `${again}${failure ? `; ${failure.message}` : ''}. What it held before stands beside it as ${done.aside}; ${undo}`
      : done.unknown
        ? `the server could not be asked what ${name} holds: the database as it was or the one before, whole either way; restage status tells which`
        : `${name} holds its database as it was`,
  };
}

/** The target, for steps that look at the application alone. */
function endsOf(target: TargetEnd): Ends {
  const none = { name: '', account: undefined, database: undefined, buckets: new Map(), app: undefined };
  return { source: none, target, doubts: [], [Symbol.dispose]: () => {} };
}
