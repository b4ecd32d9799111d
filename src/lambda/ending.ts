import {
  exitCodes,
  failureOf,
  html,
  json,
  lastRunOf,
  markdown,
  newsOf,
  newsOfRefusal,
  RestageError,
  resultOf,
  traceOf,
  type Failure,
  type InvocationResponse,
  type Report,
  type RunStore,
} from '../index.ts';
import { askForNext } from './continuation.ts';
import { answerOf } from './known-run.ts';
import { copiedFigures } from './metrics.ts';
import { tell } from './notice.ts';
import type { RunRecord } from './record.ts';
import { answered, refused } from './response.ts';
import type { Task } from './task.ts';

/** Keeps the report, says that it has ended, tells whoever is to hear of it. */
export async function finish(
  task: Task,
  store: RunStore | undefined,
  record: RunRecord,
  made: Report,
): Promise<InvocationResponse> {
  const { invocation, log, count } = task;
  const kept = await keep(store, made);
  const exitCode = { done: 0, failed: 1, interrupted: 130, paused: 1 }[made.outcome];
  const { failure, holds, run: runId } = made;
  const outcome = made.outcome === 'paused' ? 'failed' : made.outcome;
  await record.end({ phase: 'ended', outcome, exitCode, ...(failure ? { failure } : {}), holds });
  const problems = [...record.problems, ...kept.problems];
  for (const problem of problems) log.write({ kind: 'remark', problem });
  const report = problems.length === 0 ? made : { ...made, remarks: [...made.remarks, ...problems] };
  count({ ...copiedFigures(report), Succeeded: exitCode === 0 ? 1 : 0, Failed: exitCode === 0 ? 0 : 1 });
  await tell(task, newsOf(report));
  return answered({
    exitCode,
    action: invocation.action,
    runId,
    report,
    ...(kept.at === undefined ? {} : { reportAt: kept.at }),
    result: resultOf(report),
    ...(store ? { state: record.state } : {}),
    ...(failure ? { error: failure } : {}),
  });
}

interface Kept {
  /** The report's address; undefined where it could not be kept. */
  readonly at: string | undefined;
  readonly problems: readonly string[];
}

/** A success must not be lost because its report could not be kept, nor the report because its figures could not. */
async function keep(store: RunStore | undefined, report: Report): Promise<Kept> {
  if (!store) return { at: undefined, problems: [] };
  const { run: id } = report;
  let at: string;
  try {
    [at] = await Promise.all([
      store.files.keep(id, 'report.json', `${json(report)}\n`),
      store.files.keep(id, 'report.md', markdown(report)),
      store.files.keep(id, 'report.html', html(report)),
    ]);
  } catch (error) {
    const problem = `the report could not be kept under ${store.place}/${id}: ${failureOf(error).message}`;
    return { at: undefined, problems: [problem] };
  }
  const last = lastRunOf(report, at);
  if (!last) return { at, problems: [] };
  try {
    const anew = await store.lastRuns.add(last);
    return { at, problems: anew === undefined ? [] : [anew] };
  } catch (error) {
    const problem = `its figures, by which the next run measures the source, could not be kept in ${store.place}/last-runs.json: ${failureOf(error).message}`;
    return { at, problems: [problem] };
  }
}

/** Keeps what the next part goes on with, and asks for it. */
export async function pause(
  task: Task,
  store: RunStore | undefined,
  record: RunRecord,
  report: Report,
): Promise<InvocationResponse> {
  const { invocation, log, settings, count } = task;
  const { run: runId, holds } = report;
  const known = { action: invocation.action, runId, report };
  try {
    if (!store) throw new RestageError('pause-lost', `the run ${runId} has paused without a place to keep that`);
    const reportAt = await store.files.keep(runId, 'paused.json', `${json(report)}\n`);
    const stands = await record.end({ phase: 'paused', holds });
    for (const problem of record.problems) log.write({ kind: 'remark', problem });
    if (!stands) throw new Error(record.problems.at(-1) ?? `${store.place} does not answer`);
    const failure = await askForNext(task, runId);
    const state = record.state;
    if (!failure) return answered({ ...known, exitCode: 0, reportAt, state }, true);
    log.write({ kind: 'waits', failure });
    count({ Succeeded: 0, Failed: 1 });
    await tell(task, { ...newsOfRefusal('sync', settings.config, failure), run: runId, holds });
    return answered({ ...known, exitCode: 1, reportAt, state, error: failure }, true);
  } catch (error) {
    // Without what it has come to nothing can go on with it; the next run drops what was being built.
    const failure = {
      ...failureOf(error),
      code: 'pause-lost' as const,
      message: `the run ${runId} has paused, and what the next part needs could not be kept: ${failureOf(error).message}`,
    };
    return refuse(task, record, new RestageError(failure.code, failure.message, { hint: failure.hint, cause: error }));
  }
}

/** Another invocation has taken the run on: its state, its report and its end are that one's, and so is the answer. */
export async function standBack(
  task: Task,
  store: RunStore,
  { state: { run } }: RunRecord,
): Promise<InvocationResponse> {
  task.log.write({ kind: 'taken-on' });
  const state = await store.states.read(run);
  if (!state) throw new RestageError('run-missing', `the state of the run ${run} has gone from ${store.place}`);
  return answerOf(task, store, state);
}

/** It did not begin, or has no report. */
export async function refuse(task: Task, record: RunRecord, thrown: unknown): Promise<InvocationResponse> {
  const { invocation, settings, deadline, log, count } = task;
  const error = deadline.signal.aborted && isOfSignal(thrown) ? (deadline.signal.reason as unknown) : thrown;
  const { run: runId, part } = record.state;
  const other = error instanceof RestageError && error.code === 'run-in-progress' ? error.run : undefined;
  const failure = withOther(failureOf(error), runId, other);
  if (failure.code === 'internal') log.write({ kind: 'fault', trace: traceOf(error) });
  const holds = `${settings.config.target.name} is as it was`;
  if (other === runId) {
    // A run that had paused has its own last part in the way, which the server does not know to be gone: it waits on.
    await record.end(part > 1 ? { phase: 'paused', part: part - 1, holds } : { phase: 'running' });
    for (const problem of record.problems) log.write({ kind: 'remark', problem });
    const known = { action: invocation.action, runId, state: record.state };
    if (part === 1) return answered({ ...known, exitCode: 0 }, true);
    log.write({ kind: 'waits', failure });
    count({ Succeeded: 0, Failed: 1 });
    await tell(task, { ...newsOfRefusal('sync', settings.config, failure), run: runId, holds });
    return answered({ ...known, exitCode: 1, error: failure }, true);
  }
  if (!record.signal.aborted)
    await record.end({ phase: 'ended', outcome: 'failed', exitCode: exitCodes[failure.code], failure, holds });
  for (const problem of record.problems) log.write({ kind: 'remark', problem });
  count({ Succeeded: 0, Failed: 1 });
  await tell(task, newsOfRefusal('sync', settings.config, failure));
  return { ...refused(error, { action: invocation.action, runId, state: record.state }), error: failure };
}

/** Whoever is turned away by another run is told which, and how to hear of it. */
function withOther(failure: Failure, run: string, other: string | undefined): Failure {
  if (other === undefined || other === run) return failure;
  return {
    ...failure,
    message: `the run ${run} was not begun, for the run ${other} goes on: ${failure.message}`,
    hint: `{"action": "status", "runId": "${other}"} says how far that is. Begin another run when it has ended.`,
  };
}

/** What ends because the time is over says that it was interrupted. */
function isOfSignal(error: unknown): boolean {
  return !(error instanceof RestageError) || error.code === 'interrupted';
}
