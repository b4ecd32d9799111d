import {
  connectTarget,
  exitCodes,
  failureOf,
  json,
  newRunId,
  newsOfRefusal,
  newsOfRollback,
  planRollback,
  requireUnattended,
  RestageError,
  rollback,
  rollbackMarkdown,
  traceOf,
  type InvocationResponse,
  type RollbackReport,
  type RunStore,
} from '../index.ts';
import { beginRun } from './known-run.ts';
import { tell } from './notice.ts';
import { openStore } from './open-store.ts';
import { openRecord } from './record.ts';
import { answered, refused } from './response.ts';
import { firstState, type Task } from './task.ts';

/** Puts the database back that a run replaced; under a run's id, as a sync: the same event never does it twice. */
export async function rollBack(task: Task): Promise<InvocationResponse> {
  const { invocation, settings, context, deadline, log, count } = task;
  const { action, dryRun, to } = invocation;
  const { config } = settings;
  const { signal } = deadline;
  requireUnattended(config, { only: 'database', by: 'function' });
  using target = await connectTarget(config, { signal });
  requireUnattended(config, { only: 'database', ends: { target }, by: 'function' });
  if (dryRun) return answered({ exitCode: 0, action, report: await planRollback(config, target, { run: to, signal }) });
  using store = await openStore(task);
  const wanted = invocation.runId ?? newRunId();
  const id = invocation.runId ?? (await store?.runOf(context.awsRequestId, wanted)) ?? wanted;
  log.run = id;
  const known = store ? await beginRun(task, store, firstState(task, id)) : undefined;
  if (known?.kind === 'answer') return known.response;
  await using record = openRecord(store, known?.state ?? firstState(task, id));
  try {
    const plan = await planRollback(config, target, { run: to, signal });
    // Without a place to remember it by, a second delivery of the event would undo what the first has done.
    if (!store && to === undefined)
      throw new RestageError(
        'event-invalid',
        'the event of a rollback must say which run is undone where target.lambda.runs names no place; nothing was changed',
        { hint: `The latest: {"action": "rollback", "to": "${plan.back.run}"}` },
      );
    await record.mark({ phase: 'running', locks: true });
    log.write({ kind: 'rollback-started', back: plan.back.run });
    const report = await rollback(plan, target, { id, by: 'function', signal });
    log.write({ kind: 'rollback-ended', outcome: report.outcome, failure: report.failure, holds: report.holds });
    const { outcome, failure, holds } = report;
    const exitCode = { done: 0, failed: 1, interrupted: 130 }[outcome];
    const reportAt = await keep(task, store, id, report);
    await record.end({ phase: 'ended', outcome, exitCode, holds, ...(failure ? { failure } : {}) });
    count({ Succeeded: exitCode === 0 ? 1 : 0, Failed: exitCode === 0 ? 0 : 1 });
    await tell(task, newsOfRollback(report, config.source.name));
    return answered({
      exitCode,
      action,
      runId: id,
      report,
      ...(reportAt === undefined ? {} : { reportAt }),
      ...(store ? { state: record.state } : {}),
      ...(failure ? { error: failure } : {}),
    });
  } catch (thrown) {
    const error = signal.aborted ? (signal.reason as unknown) : thrown;
    const failure = failureOf(error);
    if (failure.code === 'internal') log.write({ kind: 'fault', trace: traceOf(error) });
    const { name } = config.target;
    await record.end({
      phase: 'ended',
      outcome: 'failed',
      exitCode: exitCodes[failure.code],
      failure,
      holds: `${name} is as it was`,
    });
    count({ Succeeded: 0, Failed: 1 });
    await tell(task, newsOfRefusal('rollback', config, failure));
    return refused(error, { action, runId: id, ...(store ? { state: record.state } : {}) });
  }
}

/** What is done must not be lost because its report could not be kept. */
async function keep(
  { log }: Task,
  store: RunStore | undefined,
  run: string,
  report: RollbackReport,
): Promise<string | undefined> {
  if (!store) return undefined;
  try {
    const [at] = await Promise.all([
      store.files.keep(run, 'report.json', `${json(report)}\n`),
      store.files.keep(run, 'report.md', rollbackMarkdown(report)),
    ]);
    return at;
  } catch (error) {
    log.write({
      kind: 'remark',
      problem: `the report could not be kept under ${store.place}: ${failureOf(error).message}`,
    });
    return undefined;
  }
}
