import type { Ends } from './connect.ts';
import { failureOf, redact, RestageError, type Failure } from './errors.ts';
import type { Listener } from './event.ts';
import { holding } from './holds.ts';
import { appSteps } from './perform/app.ts';
import type { Context, Perform, Performed } from './perform/context.ts';
import type { DatabaseRun } from './perform/database-run.ts';
import { objectSteps, requireUnmarkedBuckets } from './perform/objects.ts';
import type { Recovery } from './perform/recover.ts';
import { ownVersion } from './own-version.ts';
import type { Plan } from './plan.ts';
import type { SchemaDumper } from './postgres/schema-dump.ts';
import { figuresOf, type Report } from './report/report.ts';
import { newRunId } from './run-id.ts';
import type { Facts } from './facts.ts';
import type { Kind, Outcome, Step, StepProgress, StepReport } from './step.ts';

export interface RunOptions {
  readonly listen?: Listener | undefined;
  /** pg_dump, loaded while somebody read the plan: see `startDumper`. */
  readonly dumper?: SchemaDumper | undefined;
  /** What programs that a run starts find in their environment; the library itself never reads it. */
  readonly environment?: Readonly<Record<string, string | undefined>> | undefined;
  /** Its id; absent: a new one. */
  readonly id?: string | undefined;
  /**
   * When every step must have stopped, in milliseconds since 1970. What is not done then fails with `time-over`, and staging is put
   * back as it was; or the run pauses.
   */
  readonly until?: number | undefined;
  /** At `until` it pauses, if nothing but rows has been loaded and something of them is whole: `resume` goes on with it. */
  readonly mayPause?: boolean | undefined;
  /** Stops the run: staging is put back as it was, and the report says so. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Executes a plan. A step that fails stops the others at once; then the target is put back as it was, unless
 * everything was verified before. Failures are told in the Report.
 * Throws only for what stops it from starting: the plan's own refusals, `run-in-progress`, `protected`, whatever the target's
 * server refuses at once, and `migrate-failed` where a program of a command is not there.
 */
export async function run(plan: Plan, ends: Ends, options: RunOptions = {}): Promise<Report> {
  const [refusal] = plan.refusals ?? [];
  if (refusal) throw new RestageError(refusal.code, refusal.message, { hint: refusal.hint });
  const id = newRunId();
  const { listen, broken } = watched(options.listen);
  const { source, target } = ends;
  const swaps = plan.steps.some((step) => step.kind === 'swap');
  const onDatabases = swaps ? await import('./perform/on-databases.ts') : undefined;
  // A plan without a swap has none of the steps that are left out.
  const perform = { ...onDatabases?.stepsOnDatabases, ...objectSteps, ...appSteps } as Perform;
  await using database =
    onDatabases && source.database && target.database
      ? await onDatabases.openDatabaseRun(source.database, target.database, {
          run: id,
          jobs: plan.jobs,
          skip: plan.steps.flatMap((step) => (step.kind === 'copy-schema' ? step.skip : [])),
          dumper: options.dumper,
        })
      : undefined;
  await requireUnmarkedBuckets(plan.steps, ends, options.signal);
  await onDatabases?.requirePrograms(plan.steps, options.environment);
  const startedAt = new Date();
  const clock = performance.now();
  listen({ kind: 'run-started', run: id, plan });
  const { steps, failure } = await runSteps(id, plan, ends, perform, database, options, listen);
  let recovery: Recovery | undefined;
  if (failure && database && database.stage !== 'untouched' && database.stage !== 'settled') {
    const { message: reason } = failure;
    recovery = await onDatabases?.recover(database, {
      plan,
      ends,
      failure,
      interrupted: options.signal?.aborted ?? false,
      signal: new AbortController().signal, // what is put back is looked at in any case
      onPutBack: () => listen({ kind: 'recovering', reason }),
    });
  }
  const told = {
    ...plan,
    remarks: [...steps.flatMap(refusedBy), ...(database?.remarks ?? []), ...broken],
    run: id,
    restage: ownVersion(),
    startedAt: startedAt.toISOString(),
    durationMs: Math.round(performance.now() - clock),
    outcome:
      failure === undefined
        ? ('done' as const)
        : failure.code === 'interrupted'
          ? ('interrupted' as const)
          : ('failed' as const),
    steps,
    ...(failure ? { failure } : {}),
    ...(recovery ? { recovery } : {}),
    holds: holding(plan, ends, database, recovery, failure?.step),
  };
  const report: Report = { ...told, figures: figuresOf(told) };
  listen({ kind: 'run-ended', report });
  return report;
}

/** Whoever watches a run must not be able to break it: what a listener throws is noted, and it is not told any more. */
function watched(listener: Listener | undefined): { readonly listen: Listener; readonly broken: readonly string[] } {
  const broken: string[] = [];
  return {
    broken,
    listen: (event) => {
      if (broken.length > 0) return;
      try {
        listener?.(event);
      } catch (error) {
        broken.push(`the run was not watched to its end: ${failureOf(error).message}`);
      }
    },
  };
}

type StepFailure = Failure & { readonly step: string };

/** The only loop: starts every step whose predecessors are done, until all are, or one fails. */
async function runSteps(
  runId: string,
  { steps, jobs }: Plan,
  ends: Ends,
  perform: Perform,
  database: DatabaseRun | undefined,
  { signal: outer, environment = {} }: RunOptions,
  listen: Listener,
): Promise<{ steps: StepReport[]; failure: StepFailure | undefined }> {
  /** How many steps of a kind go on side by side; any number where not named. */
  const atOnce: Partial<Record<Kind, number>> = { 'copy-table': jobs };
  const stop = new AbortController();
  const signal = outer ? AbortSignal.any([outer, stop.signal]) : stop.signal;
  const outcomes = new Map<string, Outcome>(steps.map((step) => [step.id, { status: 'not-run' }]));
  const running = new Map<string, { readonly kind: Kind; readonly ended: Promise<void> }>();
  const finished = new Set<string>();
  const progress = new Map<string, StepProgress>();
  let failure: StepFailure | undefined;
  const context: Context = {
    run: runId,
    ends,
    signal,
    environment,
    database,
    keys: new Map(),
    facts: <K extends Kind>(kind: K) =>
      steps.flatMap((step) => {
        const outcome = outcomes.get(step.id);
        return step.kind === kind && outcome?.status === 'done' ? [outcome.facts as Facts[K]] : []; // a step's facts are of its kind
      }),
    object: (step, object) => listen({ kind: 'object', step, object }),
    progress: (step, done) => {
      progress.set(step.id, { ...done });
      listen({ kind: 'step-progress', step, ...done });
    },
    tell: (step, line) => listen({ kind: 'step-output', step, line: redact(line) }),
  };
  const progressOf = ({ id }: Step) => {
    const known = progress.get(id);
    return known ? { progress: known } : {};
  };
  const start = async (step: Step): Promise<void> => {
    const startedAt = new Date().toISOString();
    const clock = performance.now();
    const timed = () => ({ startedAt, durationMs: Math.round(performance.now() - clock) });
    listen({ kind: 'step-started', step });
    let outcome: Outcome;
    try {
      const { facts, failure: failed } = await performStep(perform, step, context);
      outcome = failed
        ? { status: 'failed', ...timed(), failure: failed, facts }
        : { status: 'done', ...timed(), facts };
    } catch (error) {
      // What ends because the run was stopped has not failed itself.
      outcome = signal.aborted
        ? { status: 'stopped', ...timed(), ...progressOf(step) }
        : { status: 'failed', ...timed(), failure: failureOf(error) };
    }
    outcomes.set(step.id, outcome);
    if (outcome.status === 'done') finished.add(step.id);
    if (outcome.status === 'failed') {
      failure ??= { ...outcome.failure, step: step.id };
      // Single objects that failed are told one by one, and the other buckets go on; what waits for this step never starts.
      if (database || outcome.facts === undefined)
        stop.abort(new RestageError('interrupted', `stopped because ${step.id} failed`));
    }
    listen({ kind: 'step-ended', step: withOutcome(step, outcome) });
  };
  const unstarted = new Set(steps);
  for (;;) {
    const counts = new Map<Kind, number>();
    for (const { kind } of running.values()) counts.set(kind, (counts.get(kind) ?? 0) + 1);
    for (const step of signal.aborted ? [] : unstarted) {
      const busy = (counts.get(step.kind) ?? 0) >= (atOnce[step.kind] ?? Number.POSITIVE_INFINITY);
      if (busy || !step.after.every((id) => finished.has(id))) continue;
      unstarted.delete(step);
      counts.set(step.kind, (counts.get(step.kind) ?? 0) + 1);
      running.set(step.id, { kind: step.kind, ended: start(step).finally(() => running.delete(step.id)) });
    }
    if (running.size === 0) break;
    await Promise.race([...running.values()].map(({ ended }) => ended));
  }
  const all = steps.map((step) => withOutcome(step, outcomes.get(step.id) ?? { status: 'not-run' }));
  if (!failure && outer?.aborted) {
    const at =
      all.find(({ outcome }) => outcome.status === 'stopped') ??
      all.find(({ outcome }) => outcome.status === 'not-run');
    // An interrupt that came when everything was done has interrupted nothing.
    if (at) failure = { ...reasonOf(outer), step: at.id };
  }
  return { steps: all, failure };
}

/** Why a run was called off: whoever did may have said more than that. */
function reasonOf({ reason }: AbortSignal): Failure {
  if (reason instanceof RestageError) return failureOf(reason);
  return { code: 'interrupted', message: 'the run was interrupted' };
}

async function performStep<K extends Kind>(
  perform: Perform,
  step: Extract<Step, { kind: K }>,
  context: Context,
): Promise<Performed<Kind>> {
  const act: Perform[K] = perform[step.kind];
  return act(step, context);
}

function withOutcome(step: Step, outcome: Outcome): StepReport {
  return { ...step, outcome } as StepReport; // an outcome is stored under its own step's id
}

/** What the target's server would not make or give, and the run went on without. */
function refusedBy({ outcome }: StepReport): readonly string[] {
  const facts = 'facts' in outcome ? outcome.facts : undefined;
  return facts && 'refused' in facts ? facts.refused : [];
}
