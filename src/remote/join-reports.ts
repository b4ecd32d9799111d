import { failureOf, type Failure } from '../errors.ts';
import type { Plan } from '../plan.ts';
import { referencesError } from '../references.ts';
import { endOf, figuresOf, type Report, type RunFunction } from '../report/report.ts';
import type { Outcome, Step, StepReport } from '../step.ts';
import type { Verification } from '../verify.ts';
import { passOf, type Pass } from './join.ts';

type StepFailure = Failure & { readonly step: string };

/** What is known of a refresh that was made from two places; what it did not come to is absent. */
export interface Passes {
  /** The one that all its parts are of. */
  readonly run: string;
  /** When it was begun, ISO 8601. */
  readonly startedAt: string;
  /** Of the objects, before the database's snapshot; absent too where there was nothing to copy then. */
  readonly first?: Report | undefined;
  readonly database?: Report | undefined;
  /** Of the objects, when the database is in place. */
  readonly second?: Report | undefined;
  /** Of `verify.references`, last of all. */
  readonly references?: Verification | undefined;
  /** Why one of them has no report: a function that was killed, an invocation that was refused. */
  readonly failure?: StepFailure | undefined;
  /** The function that the database's part was made in, where that part has no report. */
  readonly function?: RunFunction | undefined;
  /** What the target's database holds, where its part has no report. */
  readonly holds?: string | undefined;
}

const inOrder = ['first', 'database', 'second', 'references'] as const satisfies readonly Pass[];
const worstFirst = ['failed', 'interrupted', 'paused', 'done'] as const;

/**
 * The reports of all parts as the one report of the joined plan. What none of them tells has not been run, and where nothing says why,
 * the whole has failed: it is no success.
 */
export function joinReports(plan: Plan, passes: Passes): Report {
  const { first, database, second, references, run, startedAt } = passes;
  const reports = [first, database, second].filter((report) => report !== undefined);
  const steps = stepsOfAll(plan, passes);
  const inPasses = reports.find((report) => report.failure)?.failure;
  const inReferences = references && firstFailure(steps.filter((step) => passOf(step, plan) === 'references'));
  const outcomes = reports.map(({ outcome }) => outcome);
  const isPaused = outcomes.includes('paused');
  const failure = inPasses ?? passes.failure ?? inReferences ?? (isPaused ? undefined : neverBegun(steps));
  const others = inPasses ? undefined : failure;
  const all = [
    ...outcomes,
    ...(others ? [others.code === 'interrupted' ? ('interrupted' as const) : ('failed' as const)] : []),
  ];
  const outcome = worstFirst.find((one) => all.includes(one)) ?? 'done';
  const ends = [...reports, ...(references ? [{ ...references, startedAt: references.madeAt }] : [])].map((part) =>
    endOf(part),
  );
  const ranIn = database?.function ?? passes.function;
  const restage = (second ?? first ?? database)?.restage;
  const told: Omit<Report, 'figures'> = {
    ...plan,
    run,
    ...(restage === undefined ? {} : { restage }),
    startedAt,
    durationMs: Math.max(0, ...ends.map((end) => end - Date.parse(startedAt))),
    outcome,
    ...(database?.parts ? { parts: database.parts } : {}),
    ...(ranIn ? { function: ranIn } : {}),
    steps,
    ...(failure ? { failure } : {}),
    ...(database?.recovery ? { recovery: database.recovery } : {}),
    remarks: [...new Set(reports.flatMap(({ remarks }) => remarks))],
    holds: holdsOf(plan, passes, outcome),
  };
  return { ...told, figures: figuresOf(told) };
}

/** Of each part what its report tells; the plan's steps where it has none. */
function stepsOfAll(plan: Plan, { first, database, second, references }: Passes): StepReport[] {
  const after = new Map(plan.steps.map((step) => [step.id, step.after]));
  const told = { first: first?.steps, database: database?.steps, second: second?.steps };
  const place = new Map(plan.steps.map(({ id }, index) => [id, index]));
  const steps = inOrder.flatMap((pass): readonly StepReport[] => {
    const planned = plan.steps.filter((step) => passOf(step, plan) === pass);
    if (pass === 'references') return planned.map((step) => referencesTold(step, references));
    const ofPass = told[pass] ?? planned.map((step) => withOutcome(step, { status: 'not-run' }));
    return ofPass.map((step) => ({ ...step, after: after.get(step.id) ?? step.after }));
  });
  return steps.toSorted((one, other) => (place.get(one.id) ?? 0) - (place.get(other.id) ?? 0));
}

/** What a verification of the references has found of one bucket, as the outcome of its step. */
function referencesTold(step: Step, verification: Verification | undefined): StepReport {
  const facts =
    step.kind === 'verify-references'
      ? verification?.references?.find(({ bucket }) => bucket === step.bucket)
      : undefined;
  if (!verification || !facts || step.kind !== 'verify-references') return withOutcome(step, { status: 'not-run' });
  const error = referencesError(facts, step.selection);
  const { madeAt: startedAt, durationMs } = verification;
  return withOutcome(
    step,
    error
      ? { status: 'failed', startedAt, durationMs, failure: failureOf(error), facts }
      : { status: 'done', startedAt, durationMs, facts },
  );
}

function withOutcome(step: Step, outcome: Outcome): StepReport {
  return { ...step, outcome } as StepReport; // of the step's own kind
}

function firstFailure(steps: readonly StepReport[]): StepFailure | undefined {
  return steps.flatMap(({ id, outcome }) => (outcome.status === 'failed' ? [{ ...outcome.failure, step: id }] : []))[0];
}

function neverBegun(steps: readonly StepReport[]): StepFailure | undefined {
  const step = steps.find(({ outcome }) => outcome.status === 'not-run');
  return step && { code: 'internal', message: `${step.id} was never begun, and nothing says why`, step: step.id };
}

/** Of the target as a whole: its database's holds, and what is not known of its objects. */
function holdsOf({ target }: Plan, { database, holds }: Passes, outcome: Report['outcome']): string {
  const told = database?.holds ?? holds ?? `${target.name}'s database was not touched`;
  return database?.outcome === 'done' && outcome !== 'done'
    ? `${told.replace(/\.$/, '')}; that its buckets have all that it names is not known`
    : told;
}
