import {
  areRight,
  check,
  connect,
  connectTarget,
  exitCodes,
  json,
  newRunId,
  RestageError,
  status,
  verify,
  type InvocationResponse,
  type RunStore,
} from '../index.ts';
import { planFigures } from './event-log.ts';
import { lookAt } from './known-state.ts';
import { differenceFigures } from './metrics.ts';
import { openStore } from './open-store.ts';
import { planWithin } from './planning.ts';
import { answered, mostBytes } from './response.ts';
import { partOf, type Task } from './task.ts';

// What only looks: nothing of the target's database is changed.

/** What a sync would do; under `runId` it is kept. Throws `event-invalid` where that run has begun, and what `plan` throws. */
export async function showPlan(task: Task): Promise<InvocationResponse> {
  const { invocation, settings, deadline, log } = task;
  const { action, runId } = invocation;
  using store = await openStore(task);
  if (runId !== undefined && (await store?.states.read(runId)))
    throw new RestageError(
      'event-invalid',
      `runId: the run ${runId} has begun already, and its plan, in ${store?.place}, is kept as it was; nothing was planned`,
      { hint: 'Name an id of its own, or none.' },
    );
  using ends = await connect(settings.config, { only: partOf(invocation), signal: deadline.signal });
  const report = await planWithin(task, ends, store, deadline.signal);
  log.write({ kind: 'planned', ...planFigures(report) });
  // A sync under this id may ask that it still holds.
  const reportAt = runId === undefined ? undefined : await store?.files.keep(runId, 'plan.json', `${json(report)}\n`);
  const [refusal] = report.refusals ?? [];
  return answered({
    exitCode: refusal ? exitCodes[refusal.code] : 0,
    action,
    ...(runId === undefined ? {} : { runId }),
    report,
    ...(reportAt === undefined ? {} : { reportAt }),
    ...(refusal ? { error: refusal } : {}),
  });
}

/** What the function finds right and wrong from where it stands. */
export async function showCheck(task: Task): Promise<InvocationResponse> {
  const { invocation, settings, deadline } = task;
  const { config, variables: environment } = settings;
  const findings = await check(config, {
    only: partOf(invocation),
    inFunction: true,
    environment,
    signal: deadline.signal,
  });
  const ok = areRight(findings);
  return kept(task, { exitCode: ok ? 0 : 1, action: invocation.action, report: { ok, findings } });
}

/** Both ends as they are now; exit code 4 where they differ. */
export async function showVerification(task: Task): Promise<InvocationResponse> {
  const { invocation, settings, deadline, count } = task;
  const { only, sample, action } = invocation;
  const { config } = settings;
  const { signal } = deadline;
  using ends = await connect(config, { only: partOf(invocation), signal });
  const report = await verify(config, ends, {
    only: only === 'references' ? only : partOf(invocation),
    sample,
    signal,
  });
  const exitCode = report.differences.length === 0 ? 0 : 4;
  count({ ...differenceFigures(report), Succeeded: 1, Failed: 0 });
  return await kept(task, { exitCode, action, report });
}

/** What the target holds; with a run's id also how far that is. */
export async function showStatus(task: Task): Promise<InvocationResponse> {
  const { invocation, settings, deadline } = task;
  const { action, runId } = invocation;
  const { config } = settings;
  using store = runId === undefined ? undefined : await openStore(task);
  const known = runId === undefined ? undefined : await store?.states.read(runId);
  const state = known && store ? await lookAt(task, store, known) : undefined;
  using target = await connectTarget(config, { signal: deadline.signal });
  const report = await status(config, target, { signal: deadline.signal });
  return answered({
    exitCode: 0,
    action,
    ...(runId === undefined ? {} : { runId }),
    report,
    ...(state ? { state } : {}),
  });
}

/** An answer whose report is kept where it is too large to be part of it, and there is a place. */
async function kept(
  task: Task,
  answer: Omit<InvocationResponse, 'statusCode' | 'reportAt'>,
): Promise<InvocationResponse> {
  const text = json(answer.report);
  if (Buffer.byteLength(text) < mostBytes / 2) return answered(answer);
  using store = await openStore(task);
  // An id of its own: a run's report is not written over by what was looked at afterwards.
  const reportAt = await keptAt(store, newRunId(), text);
  return answered({ ...answer, ...(reportAt === undefined ? {} : { reportAt }) });
}

async function keptAt(store: RunStore | undefined, run: string, text: string): Promise<string | undefined> {
  try {
    return await store?.files.keep(run, 'report.json', `${text}\n`);
  } catch {
    return undefined; // the answer says that the report is kept nowhere
  }
}
