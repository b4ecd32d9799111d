import { logCommand } from '../aws/function-log.ts';
import { failureOf, type Failure } from '../errors.ts';
import type { Event, Listener } from '../event.ts';
import type { Recovery } from '../perform/recover.ts';
import type { Plan } from '../plan.ts';
import type { Report } from '../report/report.ts';
import { asParts } from './as-parts.ts';
import { answerOf, askFunction, errorOf, sendToFunction } from './ask-function.ts';
import { ended, followRun, type Followed } from './follow-run.ts';
import type { InvocationInput } from './invocation.ts';
import type { RemoteFunction } from './remote-function.ts';
import type { Status } from '../status.ts';
import type { RunState } from './run-state.ts';
import { seeSteps, type StepsSeen } from './steps-seen.ts';

export interface DatabasePart {
  readonly listen: Listener;
  /** What is worth telling beside the events, in a line. */
  readonly tell?: ((line: string) => void) | undefined;
  /** By how many percent the function's counts may be off those of the plan that was agreed to. Default: 10. */
  readonly tolerancePercent?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Nothing else has been done in this run: what the function refuses is thrown, as it would be here. */
  readonly alone?: boolean;
}

/**
 * The database's part of a run, by the function: one event, followed by what the function writes of it, or waited for where it keeps no
 * runs. With a report in any case but two, which are thrown: an interrupt, and a refusal where nothing else was done.
 */
export async function runDatabaseOnLambda(
  id: string,
  database: Plan,
  remote: RemoteFunction,
  { listen, alone = false, tell, tolerancePercent = 10, signal }: DatabasePart,
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
  const heard = asParts((one: Event) => {
    began = true;
    seen.listen(one);
    listen(one);
  });
  let followed: Followed;
  let sent = false;
  try {
    if (runs) {
      await send(remote, event, { tell, signal });
      sent = true;
      followed = await followRun(runs, id, {
        listen: heard,
        ask: async (how) =>
          how === 'wait' ? answerOf(remote, event, signal) : void (await sendToFunction(remote, event, signal)),
        tell,
        signal,
      });
    } else {
      tell?.(`${name} is waited for: without target.lambda.runs nothing is heard of it before it ends`);
      followed = await waitedFor(remote, event, signal);
    }
  } catch (error) {
    if (signal?.aborted) throw error;
    const failure = failureOf(error);
    // A request that was cut off may have been taken.
    sent ||= failure.code === 'function-failed' || failure.code === 'aws-unreachable';
    if (alone && !began && !sent) throw error;
    followed = { failure };
  }
  if ('report' in followed) return followed.report;
  const { failure, state } = followed;
  const isUnknown = failure.code === 'function-failed' || (sent && state === undefined);
  if (alone && !began && !isUnknown) throw errorOf(name, failure);
  const untouched = `${database.target.name}'s database was not touched`;
  const found: Holds =
    followed.holds !== undefined || !isUnknown
      ? { holds: followed.holds ?? untouched }
      : await holdsNow(remote, id, database.target.name, signal);
  return unreported(seen, { run: id, startedAt, failure, ...found, state, isUnknown }, remote);
}

/**
 * Hands the event over, once. Where the connection was cut it may have been taken, and its run is followed as if it had: if it was not,
 * asking for the run, which followers do, begins it under the same id.
 */
async function send(
  remote: RemoteFunction,
  event: InvocationInput,
  { tell, signal }: Pick<DatabasePart, 'tell' | 'signal'>,
): Promise<void> {
  try {
    await sendToFunction(remote, event, signal);
  } catch (error) {
    if (signal?.aborted) throw error;
    // It has the AWS SDK with it, which a start does without.
    const { mayHaveArrived } = await import('../aws/invoke-error.ts');
    if (!mayHaveArrived(error)) throw error;
    tell?.(`${failureOf(error).message}; the event may have been taken all the same, and its run is looked for`);
  }
}

interface Holds {
  readonly holds: string;
  /** The new database is in place, and was not accepted. */
  readonly kept?: Recovery['kept'];
}

/** What the target holds after a run that nobody tells the end of, by its own server. */
async function holdsNow(
  remote: RemoteFunction,
  run: string,
  target: string,
  signal: AbortSignal | undefined,
): Promise<Holds> {
  const { report } = await askFunction(remote, { action: 'status' }, signal).catch(() => ({ report: undefined }));
  const database = (report as Status | undefined)?.database; // the function's own
  if (!database) return { holds: `what ${target} holds is not known: restage status --on lambda asks` };
  const { present, previous, running } = database;
  if (running?.startsWith(`restage ${run} `)) return { holds: `${target} has the run still going on: ${running}` };
  if (present?.made?.run !== run) return { holds: `${target} holds its database as it was before the run` };
  if (present.state === 'accepted') return { holds: `${target} holds the new database` };
  const replaced = previous.find((one) => one.run === run)?.name;
  return {
    holds: `${target} holds the new database, which was not accepted; to go back: restage rollback ${run} --on lambda`,
    ...(replaced === undefined ? {} : { kept: { database: present.name, previous: replaced } }),
  };
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
    readonly holds: string;
    readonly kept?: Recovery['kept'] | undefined;
    readonly state: RunState | undefined;
    /** It may have begun, and its log tells more. */
    readonly isUnknown: boolean;
  },
  remote: RemoteFunction,
): Report {
  const { run: id, startedAt, failure, holds, kept, state, isUnknown } = known;
  const { name, account, facts } = remote;
  const request = state === undefined ? '' : `, request ${state.function.requestId}`;
  const logGroup = state?.function.logGroup ?? facts.logGroup;
  const log = `The log of the function ${name}${request}: ${logCommand(account, name, logGroup)}`;
  const isLogTold = failure.hint?.includes('aws logs tail') ?? false;
  const hints = [failure.hint, ...(isUnknown && !isLogTold ? [log] : [])].filter((hint) => hint !== undefined);
  return seen.report({
    run: id,
    startedAt,
    failure: { ...failure, ...(hints.length === 0 ? {} : { hint: hints.join('\n  ') }) },
    holds,
    ...(kept ? { recovery: { swappedBack: false, dropped: [], kept } } : {}),
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
