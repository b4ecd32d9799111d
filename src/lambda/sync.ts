import {
  connect,
  newRunId,
  requireUnattended,
  resume,
  run,
  startDumper,
  type InvocationResponse,
  type Report,
  type RunState,
  type RunStore,
} from '../index.ts';
import { finish, pause, refuse, standBack } from './ending.ts';
import { eventLogger } from './event-log.ts';
import { beginRun, knownByTarget } from './known-run.ts';
import { openStore } from './open-store.ts';
import { agreedPlan } from './planning.ts';
import { openRecord } from './record.ts';
import { firstState, functionOf, partOf, type Task } from './task.ts';

/** One refresh, or a part of it: begun or gone on with, recorded, kept, told. Failures are answers. */
export async function sync(task: Task): Promise<InvocationResponse> {
  const { invocation, context, log } = task;
  using store = await openStore(task);
  const wanted = invocation.runId ?? newRunId();
  const id = invocation.runId ?? (await store?.runOf(context.awsRequestId, wanted)) ?? wanted;
  log.run = id;
  const state = firstState(task, id);
  const known = store ? await beginRun(task, store, state) : await knownWithoutStore(task, state);
  if (known.kind === 'answer') {
    log.write({ kind: 'known-already', state: known.response.state });
    return known.response;
  }
  await using record = openRecord(store, known.state);
  const listen = eventLogger(log);
  try {
    const report = await refresh(task, store, id, {
      paused: known.kind === 'next' ? known.paused : undefined,
      listen: (event) => {
        if (event.kind === 'run-ended') return; // it is told with what the function knows of itself
        listen(event);
        record.listen(event);
      },
      onPlanned: (locks) => record.mark({ phase: 'running', ...(locks ? { locks } : {}) }),
      taken: record.signal,
    });
    const isDone = report.outcome === 'done';
    if (store && !isDone && (report.recovery?.takenOn || !(await record.isOurs())))
      return await standBack(task, store, record);
    listen({ kind: 'run-ended', report });
    record.listen({ kind: 'run-ended', report });
    return report.outcome === 'paused'
      ? await pause(task, store, record, report)
      : await finish(task, store, record, report);
  } catch (error) {
    return await refuse(task, record, error);
  }
}

/** An id that nobody else can know needs no looking for. */
async function knownWithoutStore(task: Task, state: RunState): ReturnType<typeof beginRun> {
  const response = task.invocation.runId === undefined ? undefined : await knownByTarget(task, state);
  return response ? { kind: 'answer', response } : { kind: 'ours', state };
}

interface Refreshing {
  /** What the run's earlier parts came to. */
  readonly paused: Report | undefined;
  readonly listen: ReturnType<typeof eventLogger>;
  /** `locks`: the target's database is worked on from here. */
  readonly onPlanned: (locks: boolean) => Promise<void>;
  /** Aborted where the run is not ours any more. */
  readonly taken: AbortSignal;
}

/** Plans and runs, or goes on with what has paused. The report, with the function in it. Throws what stops it from starting. */
async function refresh(
  task: Task,
  store: RunStore | undefined,
  id: string,
  { paused, listen, onPlanned, taken }: Refreshing,
): Promise<Report> {
  const { invocation, settings, context, deadline } = task;
  const { config, variables: environment } = settings;
  const { until } = deadline;
  const signal = AbortSignal.any([deadline.signal, taken]);
  const only = paused ? paused.only : partOf(invocation);
  requireUnattended(config, { only, by: 'function' });
  using ends = await connect(config, { only, signal });
  requireUnattended(config, { ends, only, by: 'function' });
  await using dumper = ends.source.database && only !== 'objects' ? await startDumper() : undefined;
  const stop = context.signal ? AbortSignal.any([taken, context.signal]) : taken;
  const options = { until, mayPause: store !== undefined, signal: stop, listen, dumper, environment };
  const fresh = paused ? undefined : await agreedPlan(task, ends, store, { id, signal });
  await onPlanned(only !== 'objects' && ends.target.database !== undefined);
  taken.throwIfAborted();
  const report = fresh
    ? await run(fresh, ends, { ...options, id })
    : await resume(paused as Report, ends, { ...options, config }); // either is there
  return { ...report, function: functionOf(task, paused?.function) };
}
