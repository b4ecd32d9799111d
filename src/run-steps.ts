import type { Ends } from './connect.ts';
import type { Deadline } from './deadline.ts';
import { failureOf, redact, RestageError, type Failure } from './errors.ts';
import type { Listener } from './event.ts';
import type { Facts } from './facts.ts';
import { canPause, enoughToComplete, isLoading, timeOver } from './pause.ts';
import type { Context, Perform, Performed } from './perform/context.ts';
import type { DatabaseRun } from './perform/database-run.ts';
import type { Plan } from './plan.ts';
import type { Kind, Outcome, Step, StepProgress, StepReport } from './step.ts';

export type StepFailure = Failure & { readonly step: string };

export interface StepsOptions {
  readonly id: string;
  readonly perform: Perform;
  readonly database: DatabaseRun | undefined;
  readonly environment?: Context['environment'] | undefined;
  readonly listen: Listener;
  readonly deadline: Deadline;
  readonly mayPause?: boolean | undefined;
  /** Ids of the tables' steps that were done in earlier parts of the run. */
  readonly loadedBefore: ReadonlySet<string>;
  /** Called once, before the first step that brings more than rows into the new database. */
  readonly beginCompleting: () => Promise<void>;
  readonly signal?: AbortSignal | undefined;
}

/** How the steps ended. `pauses`: the time was over, or nearly, at a point from which another part can go on. */
export interface StepsEnded {
  readonly steps: readonly StepReport[];
  readonly failure: StepFailure | undefined;
  readonly pauses: boolean;
}

/** The only loop: starts every step whose predecessors are done, until all are, or one fails, or the time is over. */
export async function runSteps(
  { steps, jobs }: Plan,
  ends: Ends,
  {
    id: runId,
    perform,
    database,
    environment = {},
    listen,
    deadline,
    mayPause = false,
    loadedBefore,
    beginCompleting,
    signal: outer,
  }: StepsOptions,
): Promise<StepsEnded> {
  /** How many steps of a kind go on side by side; any number where not named. */
  const atOnce: Partial<Record<Kind, number>> = { 'copy-table': jobs };
  const stop = new AbortController();
  const signal = AbortSignal.any([stop.signal, deadline.signal, ...(outer ? [outer] : [])]);
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
  const told = () => steps.map((step) => withOutcome(step, outcomes.get(step.id) ?? { status: 'not-run' }));
  let completing: Promise<void> | undefined;
  /** Whether more than rows has begun to come: of what goes on there is no outcome yet. */
  const completes = () => completing !== undefined;
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
      if (!isLoading(step.kind)) await (completing ??= beginCompleting());
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
  const isNew = (step: Step) => step.kind === 'copy-table' && !loadedBefore.has(step.id);
  // What no part has loaded yet goes first: only that takes a run further which has to pause again.
  const unstarted = new Set(steps.toSorted((a, b) => Number(isNew(b)) - Number(isNew(a))));
  /** What is copied in each part anew, and would be in vain in one that pauses, waits for what is not. */
  const waits = (step: Step) =>
    mayPause && step.kind === 'copy-large-objects' && [...unstarted].some((other) => isNew(other));
  let rests = false;
  for (;;) {
    const counts = new Map<Kind, number>();
    for (const { kind } of running.values()) counts.set(kind, (counts.get(kind) ?? 0) + 1);
    for (const step of signal.aborted ? [] : unstarted) {
      const busy = (counts.get(step.kind) ?? 0) >= (atOnce[step.kind] ?? Number.POSITIVE_INFINITY);
      if (busy || !step.after.every((id) => finished.has(id)) || waits(step)) continue;
      rests ||=
        mayPause &&
        !isLoading(step.kind) &&
        deadline.left() < enoughToComplete &&
        !completes() &&
        canPause(told(), loadedBefore);
      if (rests) break;
      unstarted.delete(step);
      counts.set(step.kind, (counts.get(step.kind) ?? 0) + 1);
      running.set(step.id, { kind: step.kind, ended: start(step).finally(() => running.delete(step.id)) });
    }
    if (running.size === 0) break;
    await Promise.race([...running.values()].map(({ ended }) => ended));
  }
  const all = told();
  if (!failure && outer?.aborted) {
    const at =
      all.find(({ outcome }) => outcome.status === 'stopped') ??
      all.find(({ outcome }) => outcome.status === 'not-run');
    // An interrupt that came when everything was done has interrupted nothing.
    if (at) failure = { ...reasonOf(outer), step: at.id };
    return { steps: all, failure, pauses: false };
  }
  const late = failure || !(rests || deadline.signal.aborted) ? undefined : timeOver(all);
  const pauses = late !== undefined && mayPause && canPause(all, loadedBefore);
  return { steps: all, failure: failure ?? (pauses ? undefined : late), pauses };
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
