import type { Ends } from '../connect.ts';
import { failureOf, RestageError, type Failure } from '../errors.ts';
import type { Event, Listener } from '../event.ts';
import type { Plan } from '../plan.ts';
import type { Report } from '../report/report.ts';
import { run } from '../run.ts';
import type { Verification } from '../verify.ts';
import { answerOf, askFunction, errorOf, sendToFunction } from './ask-function.ts';
import { ended, followRun, type Followed } from './follow-run.ts';
import type { InvocationInput } from './invocation.ts';
import { joinReports, type Passes } from './join-reports.ts';
import { firstPass, secondPass } from './join.ts';
import type { LambdaPlan } from './plan-on-lambda.ts';
import { logCommand, type RemoteFunction } from './remote-function.ts';
import type { RunState } from './run-state.ts';
import { seeSteps, type StepsSeen } from './steps-seen.ts';

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
  const within: Listener = (event) => {
    // The whole begins and ends once.
    if (event.kind !== 'run-started' && event.kind !== 'run-ended') listen(event);
  };
  const finish = (report: Report): Report => {
    listen({ kind: 'run-ended', report });
    return report;
  };
  const begin = () => listen({ kind: 'run-started', run: id, plan });
  if (!objects && database) {
    onPart?.('function');
    const followed = await databasePart(planned, database, remote, { ...options, listen: within, begin, alone: true });
    return finish({ ...followed, notes: plan.notes });
  }
  if (!ends || !objects) throw new RestageError('internal', 'a plan of objects has no ends');
  const pass = (part: Plan) => run(part, ends, { id, listen: within, signal });
  onPart?.('objects');
  begin();
  if (!database) return finish({ ...(await pass(objects)), notes: plan.notes });
  const passes: { -readonly [K in keyof Passes]: Passes[K] } = { run: id, startedAt };
  const told = () => finish(joinReports(plan, passes));
  const early = firstPass(objects);
  if (early.steps.length > 0) passes.first = await pass(early);
  if (passes.first && passes.first.outcome !== 'done') return told();
  onPart?.('function');
  passes.database = await databasePart(planned, database, remote, { ...options, listen: within, begin: () => {} });
  onPart?.('objects');
  if (passes.database.outcome !== 'done') return told();
  passes.second = await pass(secondPass(objects));
  if (passes.second.outcome !== 'done') return told();
  await lookAtReferences(plan, passes, remote, { listen: within, signal });
  return told();
}

interface DatabasePart extends LambdaRunOptions {
  readonly listen: Listener;
  /** Called once it has begun. */
  readonly begin: () => void;
  /** Nothing else has been done in this run: what the function refuses is thrown, as it would be here. */
  readonly alone?: boolean;
}

/** The database's part, with a report in any case but two: an interrupt, and a refusal where nothing else was done. */
async function databasePart(
  { run: id }: LambdaPlan,
  database: Plan,
  remote: RemoteFunction,
  { listen, begin, alone = false, tell, tolerancePercent = 10, signal }: DatabasePart,
): Promise<Report> {
  const { runs, name } = remote;
  const startedAt = new Date().toISOString();
  const seen = seeSteps(database);
  const event: InvocationInput = {
    action: 'sync',
    only: 'database',
    runId: id,
    notify: false, // whoever started it tells how it ended
    ...(runs ? { asPlanned: tolerancePercent } : {}),
  };
  let began = !alone;
  const start = () => {
    if (!began) begin();
    began = true;
  };
  const heard: Listener = (one: Event) => {
    start();
    seen.listen(one);
    listen(one);
  };
  let followed: Followed;
  try {
    if (runs) {
      await sendToFunction(remote, event, signal);
      followed = await followRun(runs, id, {
        listen: heard,
        ask: async (how) =>
          how === 'wait' ? answerOf(remote, event, signal) : void (await sendToFunction(remote, event, signal)),
        tell,
        signal,
      });
    } else followed = await waitedFor(remote, event, signal);
  } catch (error) {
    const failure = failureOf(error);
    if (signal?.aborted || (alone && !began)) throw error;
    followed = { failure };
  }
  if ('report' in followed) {
    start();
    return followed.report;
  }
  const { failure, holds, state } = followed;
  if (alone && !began && failure.code !== 'function-failed') throw errorOf(name, failure);
  start();
  return unreported(seen, { run: id, startedAt, failure, holds, state }, database, remote);
}

/** The whole answer of a function whose runs nobody can follow. */
async function waitedFor(
  remote: RemoteFunction,
  event: InvocationInput,
  signal: AbortSignal | undefined,
): Promise<Followed> {
  const answer = await answerOf(remote, event, signal);
  const end = ended(answer);
  if (end) return end;
  const failure: Failure = {
    code: 'function-failed',
    message: `the function ${remote.name} says that the run goes on elsewhere, and without target.lambda.runs it cannot be followed`,
  };
  return { failure, holds: answer.state?.holds, state: answer.state };
}

/** The report of a run whose function wrote none: as far as it was heard of, with where its log is. */
function unreported(
  seen: StepsSeen,
  known: {
    readonly run: string;
    readonly startedAt: string;
    readonly failure: Failure;
    readonly holds: string | undefined;
    readonly state: RunState | undefined;
  },
  database: Plan,
  remote: RemoteFunction,
): Report {
  const { run: id, startedAt, failure, state } = known;
  const { name, facts } = remote;
  const wasBegun = state !== undefined || failure.code === 'function-failed';
  const holds =
    known.holds ??
    (wasBegun
      ? `what ${database.target.name} holds is not known: restage status --on lambda asks`
      : `${database.target.name}'s database was not touched`);
  const request = state === undefined ? '' : `, request ${state.function.requestId}`;
  const logGroup = state?.function.logGroup;
  const log = `The log of the function ${name}${request}: ${logCommand(remote, logGroup)}`;
  const hints = [failure.hint, ...(wasBegun ? [log] : [])].filter((hint) => hint !== undefined);
  return seen.report({
    run: id,
    startedAt,
    failure: { ...failure, ...(hints.length === 0 ? {} : { hint: hints.join('\n  ') }) },
    holds,
    ...(state
      ? {
          function: {
            name: state.function.name,
            requestIds: [state.function.requestId],
            memoryBytes: state.function.memoryBytes,
            ...(facts.timeoutSeconds === undefined ? {} : { timeoutSeconds: facts.timeoutSeconds }),
            ...(logGroup === undefined ? {} : { logGroup }),
            ...(state.function.logStream === undefined ? {} : { logStream: state.function.logStream }),
          },
        }
      : {}),
  });
}

/** Whether what rows name is there, by the function, which alone can read them. What came of it goes into the passes. */
async function lookAtReferences(
  plan: Plan,
  passes: { references?: Verification | undefined; failure?: Passes['failure'] },
  remote: RemoteFunction,
  { listen, signal }: { readonly listen: Listener; readonly signal: AbortSignal | undefined },
): Promise<void> {
  const steps = plan.steps.filter((step) => step.kind === 'verify-references');
  const [first] = steps;
  if (!first) return;
  for (const step of steps) listen({ kind: 'step-started', step });
  try {
    const answer = await askFunction(remote, { action: 'verify', only: 'references' }, signal);
    passes.references = answer.report as Verification; // the function's own
  } catch (error) {
    passes.failure = { ...failureOf(error), step: first.id };
  }
  const told = joinReports(plan, passes as Passes).steps;
  for (const step of told) if (step.kind === 'verify-references') listen({ kind: 'step-ended', step });
}
