import {
  estimateNote,
  estimateOf,
  failureOf,
  json,
  plan,
  readPlan,
  requireAsPlanned,
  RestageError,
  timeShort,
  type Ends,
  type LastRun,
  type Plan,
  type RunStore,
  type SavedPlan,
} from '../index.ts';
import { memoryBytesOf } from './context.ts';
import { partOf, whose, type Task } from './task.ts';

/** The plan that is run: as it was agreed to, where that was, and with what is known of its time. Throws why it may not be run. */
export async function agreedPlan(
  task: Task,
  ends: Ends,
  store: RunStore | undefined,
  { id, signal }: { readonly id: string; readonly signal: AbortSignal },
): Promise<Plan> {
  const { invocation, log } = task;
  const { asPlanned } = invocation;
  const saved = asPlanned === undefined ? undefined : await savedPlan(store, id, asPlanned);
  const found = await planWithin(task, ends, store, signal);
  if (saved) requireAgreed(saved, found);
  const lost = saved ? undefined : await keepPlan(store, id, found);
  const [first, ...more] = found.refusals ?? [];
  if (!first) return lost === undefined ? found : { ...found, notes: [...found.notes, lost] };
  log.write({ kind: 'refused', refusals: found.refusals });
  throw new RestageError(first.code, [first, ...more].map(({ message }) => message).join('\n  '), { hint: first.hint });
}

/** Nothing rests on it that has begun. Why it could not be kept, in a sentence. */
async function keepPlan(store: RunStore | undefined, id: string, found: Plan): Promise<string | undefined> {
  try {
    await store?.files.keep(id, 'plan.json', `${json(found)}\n`);
    return undefined;
  } catch (error) {
    return `the plan could not be kept under ${store?.place}/${id}: ${failureOf(error).message}`;
  }
}

/** A plan, with how long it will take as a note, and a refusal where that clearly cannot fit. */
export async function planWithin(
  task: Task,
  ends: Ends,
  store: RunStore | undefined,
  signal: AbortSignal,
): Promise<Plan> {
  const { invocation, settings, context, deadline } = task;
  const only = partOf(invocation);
  const last = await lastRunsIn(task, store);
  const found = await plan(settings.config, ends, { only, last, signal });
  if (only === 'objects') return found;
  const estimate = estimateOf(found, last);
  // Beside objects a run never loads rows only, and so cannot pause.
  const mayPause = store !== undefined && found.objects.length === 0;
  const allowed = { ms: deadline.leftToChange(), mayPause, whose: whose(task) };
  const short = timeShort(estimate, allowed);
  const refusals = [...(found.refusals ?? []), ...(short ? [short] : [])];
  return {
    ...found,
    onLambda: {
      name: context.functionName,
      timeoutSeconds: deadline.timeoutSeconds,
      memoryBytes: memoryBytesOf(context),
      ...(found.objects.length > 0 ? { objects: 'function' as const } : {}),
    },
    notes: [...found.notes, estimateNote(estimate, allowed)],
    ...(refusals.length > 0 ? { refusals } : {}),
  };
}

/** What cannot be read says nothing of the source, and must not stop a run. */
async function lastRunsIn({ log }: Task, store: RunStore | undefined): Promise<readonly LastRun[]> {
  try {
    return (await store?.lastRuns.read()) ?? [];
  } catch (error) {
    log.write({
      kind: 'remark',
      problem: `the last runs could not be read from ${store?.place}: ${failureOf(error).message}`,
    });
    return [];
  }
}

async function savedPlan(store: RunStore | undefined, id: string, tolerancePercent: number): Promise<SavedPlan> {
  if (!store)
    throw new RestageError(
      'event-invalid',
      'asPlanned: no plan can have been kept, for target.lambda.runs names no place',
      {
        hint: 'Add target.lambda.runs: s3://bucket/prefix; or leave asPlanned out.',
      },
    );
  const file = `${store.place}/${id}/plan.json`;
  const text = await store.files.fetch(id, 'plan.json');
  if (text === undefined)
    throw new RestageError('plan-invalid', `there is no ${file}: no plan was looked at under this id`, {
      hint: `Make it first: {"action": "plan", "runId": "${id}"}`,
    });
  return { plan: readPlan(text, file), file, tolerancePercent };
}

function requireAgreed(saved: SavedPlan, fresh: Plan): void {
  try {
    requireAsPlanned(saved, fresh);
  } catch (error) {
    if (!(error instanceof RestageError)) throw error;
    throw new RestageError(error.code, error.message, {
      cause: error,
      hint: 'Look at the plan anew, and agree to that one.',
    });
  }
}
