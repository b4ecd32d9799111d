import type { Ends } from '../connect.ts';
import { failureOf, RestageError } from '../errors.ts';
import type { Listener } from '../event.ts';
import type { Plan } from '../plan.ts';
import type { Report } from '../report/report.ts';
import { run } from '../run.ts';
import type { Step, StepReport } from '../step.ts';
import type { Verification } from '../verify.ts';
import { askFunction, reportIn } from './ask-function.ts';
import { runDatabaseOnLambda } from './database-on-lambda.ts';
import { joinReports, type Passes } from './join-reports.ts';
import { firstPass, secondPass } from './join.ts';
import type { LambdaPlan } from './plan-on-lambda.ts';
import type { RemoteFunction } from './remote-function.ts';

export interface LambdaRunOptions {
  readonly listen?: Listener | undefined;
  /** What is worth telling beside the events, in a line. */
  readonly tell?: ((line: string) => void) | undefined;
  /** Told which part is about to begin: an interrupt stops the objects' parts, and leaves the function's to itself. */
  readonly onPart?: ((part: 'objects' | 'function') => void) | undefined;
  /** By how many percent the function's counts may be off those of the plan that was agreed to. Default: 10. */
  readonly tolerancePercent?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Carries out a plan of two places: the objects' first pass, without deletion; the database by the function; what came of the objects
 * since, with verification and deletion; the references by the function. Failures are told in the one report of them all.
 * Throws what keeps it from starting, as `run` does, and `interrupted` while the function is followed: its run goes on.
 */
export async function runOnLambda(
  planned: LambdaPlan,
  ends: Ends | undefined,
  remote: RemoteFunction,
  options: LambdaRunOptions = {},
): Promise<Report> {
  const { plan, database, objects } = planned;
  const { listen = () => {}, onPart, signal } = options;
  const [refusal] = plan.refusals ?? [];
  if (refusal) throw new RestageError(refusal.code, refusal.message, { hint: refusal.hint });
  const id = planned.run;
  const startedAt = new Date().toISOString();
  let begun = false;
  const begin = () => {
    if (!begun) listen({ kind: 'run-started', run: id, plan });
    begun = true;
  };
  const within: Listener = (event) => {
    begin();
    // The whole begins and ends once.
    if (event.kind !== 'run-started' && event.kind !== 'run-ended') listen(event);
  };
  const finish = (report: Report): Report => {
    begin();
    listen({ kind: 'run-ended', report });
    return report;
  };
  const byFunction = (part: Plan, alone: boolean) => {
    onPart?.('function');
    return runDatabaseOnLambda(id, part, remote, { ...options, listen: within, alone });
  };
  if (!objects) {
    if (!database) throw new RestageError('internal', 'a plan without any part');
    return finish({ ...(await byFunction(database, true)), notes: plan.notes });
  }
  if (!ends) throw new RestageError('internal', 'a plan of objects has no ends');
  const passes: { -readonly [K in keyof Passes]: Passes[K] } = { run: id, startedAt };
  const told = () => finish(joinReports(plan, passes));
  /** What a run of objects throws keeps the whole from starting, or ends it. */
  const pass = async (part: Plan): Promise<Report | undefined> => {
    onPart?.('objects');
    try {
      return await run(part, ends, { id, listen: within, signal });
    } catch (error) {
      if (!begun) throw error;
      passes.failure = { ...failureOf(error), step: part.steps[0]?.id ?? 'objects' };
      return undefined;
    }
  };
  if (!database) {
    const report = await pass(objects);
    return report ? finish({ ...report, notes: plan.notes }) : told();
  }
  const early = firstPass(objects);
  if (early.steps.length > 0) {
    passes.first = await pass(early);
    if (passes.first?.outcome !== 'done') return told();
  }
  passes.database = await byFunction(database, passes.first === undefined);
  if (passes.database.outcome !== 'done') return told();
  const since = secondPass(objects);
  const deletions = since.steps.filter(isDeletion);
  const compared = await pass({ ...since, steps: since.steps.filter((step) => !isDeletion(step)) });
  if (!compared) return told();
  passes.second = withMore(
    compared,
    deletions.map((step) => ({ ...step, outcome: { status: 'not-run' } })),
  );
  if (compared.outcome !== 'done') return told();
  onPart?.('objects');
  const areThere = await lookAtReferences(plan, passes, remote, { listen: within, signal });
  if (!areThere || deletions.length === 0) return told();
  const deleted = await pass({ ...since, steps: deletions.map((step) => ({ ...step, after: [] })) });
  if (deleted) passes.second = withMore(compared, deleted.steps, deleted);
  return told();
}

function isDeletion({ kind }: Step): boolean {
  return kind === 'delete-objects';
}

/** A report with further steps; `last`: the run that they were made in, when the first had ended well. */
function withMore(report: Report, more: readonly StepReport[], last?: Report): Report {
  const steps = [...report.steps, ...more];
  if (!last) return { ...report, steps };
  const { outcome, failure, startedAt } = last;
  const durationMs = Date.parse(startedAt) + last.durationMs - Date.parse(report.startedAt);
  return { ...report, steps, outcome, durationMs, ...(failure ? { failure } : {}) };
}

/** Whether what rows name is there, by the function, which alone can read them. What came of it goes into the passes. */
async function lookAtReferences(
  plan: Plan,
  passes: Passes & { references?: Verification | undefined; failure?: Passes['failure'] },
  remote: RemoteFunction,
  { listen, signal }: { readonly listen: Listener; readonly signal: AbortSignal | undefined },
): Promise<boolean> {
  const steps = plan.steps.filter((step) => step.kind === 'verify-references');
  const [first] = steps;
  if (!first) return true;
  for (const step of steps) listen({ kind: 'step-started', step });
  try {
    const answer = await askFunction(remote, { action: 'verify', only: 'references' }, signal);
    passes.references = (await reportIn(remote, answer)) as Verification; // the function's own
  } catch (error) {
    passes.failure = { ...failureOf(error), step: first.id };
  }
  const looked = joinReports(plan, passes).steps.filter(({ kind }) => kind === 'verify-references');
  for (const step of looked) listen({ kind: 'step-ended', step });
  return looked.every(({ outcome }) => outcome.status === 'done');
}
