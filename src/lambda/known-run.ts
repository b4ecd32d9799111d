import {
  exitCodes,
  RestageError,
  resultOf,
  type InvocationResponse,
  type Report,
  type RunState,
  type RunStore,
} from '../index.ts';
import { lookAt, readReport } from './known-state.ts';
import { holdsAfter, madeBy, statusOf } from './on-target.ts';
import { answered } from './response.ts';
import type { Task } from './task.ts';

// One event may be delivered twice, retried, or come hours late: what is known of its run decides what becomes of it.

/** `ours`: nobody has begun it. `next`: its next part is ours. `answer`: another invocation makes it, or has made it. */
export type Known =
  | { readonly kind: 'ours'; readonly state: RunState }
  | { readonly kind: 'next'; readonly state: RunState; readonly paused: Report }
  | { readonly kind: 'answer'; readonly response: InvocationResponse };

/** Begins a run in its store, or says what is known of it there. */
export async function beginRun(task: Task, store: RunStore, state: RunState): Promise<Known> {
  for (let known = await store.states.begin(state); known;) {
    requireSame(known, state, store);
    const told = await lookAt(task, store, known);
    if (told.phase !== 'paused' || task.invocation.action !== 'sync')
      return { kind: 'answer', response: await answerOf(task, store, told) };
    requireSameConfig(told, state, task);
    const { begunBy, startedAt, pieces, killed } = told;
    const { begunBy: _, ...ours } = state;
    const part = told.part + 1;
    const next: RunState = {
      ...ours,
      ...(begunBy === undefined ? {} : { begunBy }),
      ...(killed === undefined ? {} : { killed }),
      part,
      startedAt,
      pieces,
    };
    const paused = await readReport(store, told.run, 'paused.json');
    if (!paused)
      throw new RestageError(
        'pause-lost',
        `the run ${told.run} has paused, and ${store.place} has no paused.json of it`,
        {
          hint: 'Begin a new run: leave runId out, or name another one.',
        },
      );
    if (await store.states.take(told, next)) {
      if (killed === part) task.log.write({ kind: 'part-again', part });
      return { kind: 'next', state: next, paused: paused as Report };
    }
    // Another delivery was quicker.
    const now = await store.states.read(told.run);
    if (!now) throw new RestageError('run-missing', `the state of the run ${told.run} has gone from ${store.place}`);
    known = now;
  }
  return { kind: 'ours', state };
}

/** The answer about another run would be taken for that about this one. Throws `event-invalid`. */
function requireSame(known: RunState, asked: RunState, { place }: RunStore): void {
  if ((known.action ?? asked.action) === asked.action && (known.target ?? asked.target) === asked.target) return;
  const { run } = known;
  const undoes = asked.action === 'rollback' && known.action === 'sync';
  throw new RestageError(
    'event-invalid',
    `runId: ${run} is ${wordsOf(known)} already, in ${place}, and cannot be ${wordsOf(asked)}; nothing was changed`,
    { hint: undoes ? `To undo it: {"action": "rollback", "to": "${run}"}` : 'Name an id of its own, or none.' },
  );
}

function wordsOf({ action = 'sync', target }: RunState): string {
  return `a ${action}${target === undefined ? '' : ` of ${target}`}`;
}

/** What has paused goes on by its own plan, which another configuration might not make: by other masks, say. Throws `config-differs`. */
function requireSameConfig(known: RunState, now: RunState, { settings: { reference } }: Task): void {
  if ((known.configPrint ?? now.configPrint) === now.configPrint) return;
  throw new RestageError(
    'config-differs',
    `the run ${known.run} has paused, and was begun with another configuration: its print was ${known.configPrint}, and that of ${reference} is ${now.configPrint}; nothing was changed`,
    { hint: 'Begin a new run, which drops what this one has loaded; or bring that configuration back.' },
  );
}

/** The answer about a run that another invocation makes, or has made. */
export async function answerOf(
  { invocation: { action } }: Pick<Task, 'invocation'>,
  store: RunStore,
  state: RunState,
): Promise<InvocationResponse> {
  const { run: runId, phase, exitCode = 1, failure } = state;
  if (phase !== 'ended') return answered({ exitCode: 0, action, runId, state }, true);
  const report = await readReport(store, runId, 'report.json');
  return answered({
    exitCode,
    action,
    runId,
    ...(report ? { report, reportAt: `${store.place}/${runId}/report.json` } : {}),
    ...(report && 'steps' in report ? { result: resultOf(report as Report) } : {}),
    state,
    ...(failure ? { error: failure } : {}),
  });
}

/**
 * What the target alone knows of a run, where there is no store: that it goes on, that it has put a database in place, or that it left
 * a half-built one behind. Undefined where it knows nothing.
 */
export async function knownByTarget(task: Task, state: RunState): Promise<InvocationResponse | undefined> {
  const { run } = state;
  const { action } = task.invocation;
  const found = await statusOf(task);
  if (!found) return undefined;
  const known = { action, runId: run };
  if (found.runInProgress === run)
    return answered({ ...known, exitCode: 0, state: { ...state, phase: 'running' } }, true);
  const made = madeBy(found, run);
  const holds = holdsAfter(found, run);
  if (made?.state === 'accepted')
    return answered({
      ...known,
      exitCode: 0,
      state: {
        ...state,
        phase: 'ended',
        outcome: 'done',
        exitCode: 0,
        holds,
      },
    });
  if (!made && !found.incoming.some((one) => one.run === run)) return undefined;
  const failure = {
    code: 'function-failed' as const,
    message: `the run ${run} was begun by an earlier invocation, and did not end well${made?.made?.failed === undefined ? '' : `: ${made.made.failed} failed`}`,
    hint: 'It is not made again under this id: begin another one. The log of the function says how it ended.',
  };
  return answered({
    ...known,
    exitCode: exitCodes[failure.code],
    state: { ...state, phase: 'ended', outcome: 'failed', exitCode: exitCodes[failure.code], failure, holds },
    error: failure,
  });
}
