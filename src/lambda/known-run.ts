import {
  connectTarget,
  exitCodes,
  moment,
  parseKept,
  RestageError,
  resultOf,
  status,
  type DatabaseStatus,
  type InvocationResponse,
  type Report,
  type RunState,
  type RunStore,
} from '../index.ts';
import { answered } from './response.ts';
import type { Task } from './task.ts';

// One event may be delivered twice, retried, or come hours late: what is known of its run decides what becomes of it.

/** `ours`: nobody has begun it. `next`: its next part is ours. `answer`: another invocation makes it, or has made it. */
export type Known =
  | { readonly kind: 'ours'; readonly state: RunState }
  | { readonly kind: 'next'; readonly state: RunState; readonly paused: Report }
  | { readonly kind: 'answer'; readonly response: InvocationResponse };

/** A run that writes nothing for so long is dead, if nobody has the target's lock: it writes every few seconds. */
const silentMs = 60_000;

/** Begins a run in its store, or says what is known of it there. */
export async function beginRun(task: Task, store: RunStore, state: RunState): Promise<Known> {
  for (let known = await store.states.begin(state); known;) {
    requireSame(known, state, store);
    const told = await lookAt(task, store, known);
    if (told.phase !== 'paused' || task.invocation.action !== 'sync')
      return { kind: 'answer', response: await answerOf(task, store, told) };
    requireSameConfig(told, state, task);
    const { begunBy: _, ...ours } = state;
    const next: RunState = {
      ...ours,
      ...(told.begunBy === undefined ? {} : { begunBy: told.begunBy }),
      part: told.part + 1,
      startedAt: told.startedAt,
      pieces: told.pieces,
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
    if (await store.states.take(told, next)) return { kind: 'next', state: next, paused: paused as Report };
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

/** A run's state as it really is: one whose function was killed has ended, which it could not write itself. */
export async function lookAt(task: Task, store: RunStore, known: RunState): Promise<RunState> {
  if (known.phase === 'ended' || known.phase === 'paused') return known;
  const now = Date.now();
  const isOver = now > Date.parse(known.deadline);
  if (!isOver && now - Date.parse(known.updatedAt) < silentMs) return known;
  // Its last words may have been lost on the way, and its report not.
  const report = await readReport(store, known.run, 'report.json');
  const ended = report ? endedBy(known, report) : await killed(task, known, isOver);
  if (!ended) return known;
  const state = { ...ended, updatedAt: new Date().toISOString() };
  if (await store.states.take(known, state)) {
    // Who was killed could not count it.
    if (!report) task.count({ Succeeded: 0, Failed: 1 });
    return state;
  }
  return (await store.states.read(known.run)) ?? known;
}

function endedBy(known: RunState, report: Partial<Report>): RunState | undefined {
  const { outcome, failure, holds } = report;
  if (outcome === undefined || outcome === 'paused') return undefined;
  return {
    ...known,
    phase: 'ended',
    outcome,
    exitCode: outcome === 'done' ? 0 : outcome === 'failed' ? 1 : 130,
    ...(failure ? { failure } : {}),
    ...(holds === undefined ? {} : { holds }),
  };
}

/** Undefined while the run has the target's lock: its function lives, or the server has not noticed yet that it does not. */
async function killed(task: Task, known: RunState, isOver: boolean): Promise<RunState | undefined> {
  const found = await statusOf(task);
  if (found && isHeldBy(found, known.run)) return undefined;
  const { name, logGroup, logStream } = known.function;
  const log = logStream === undefined ? '' : `: ${logGroup ?? ''} ${logStream}`;
  return {
    ...known,
    phase: 'ended',
    outcome: 'failed',
    exitCode: exitCodes['function-failed'],
    failure: {
      code: 'function-failed',
      message: isOver
        ? `the function ${name} was killed at its time-out, at ${moment(known.deadline)}, and could not end the run ${known.run}`
        : `the function ${name} has written nothing of the run ${known.run} since ${moment(known.updatedAt)}: it was killed, or ran out of memory`,
      hint: `Its log says how it ended${log}. The run is not made again under this id: begin another one.`,
    },
    ...(found ? { holds: holdsAfter(found, known.run) } : {}),
  };
}

/** What the target's own server says; undefined where the config names no database. */
async function statusOf({ settings: { config }, deadline }: Task): Promise<DatabaseStatus | undefined> {
  using target = await connectTarget(config, { signal: deadline.signal });
  return (await status(config, target, { signal: deadline.signal })).database;
}

/** The lock's holder is told by the name of its session first. */
function isHeldBy({ running }: Pick<DatabaseStatus, 'running'>, run: string): boolean {
  return running?.startsWith(`restage ${run} `) ?? false;
}

/** What the target holds after a run that nobody has told the end of, in a sentence. */
function holdsAfter(found: DatabaseStatus, run: string): string {
  const { origin, present, previous, incoming } = found;
  const where = `${origin.database} at ${origin.host}:${origin.port}`;
  if (present?.made?.run === run) {
    const back = previous.find((one) => one.run === run);
    const undo = back ? `; what it replaced is kept as ${back.name}, and restage rollback ${run} puts it back` : '';
    return present.state === 'accepted'
      ? `${where} is the new database, verified${undo}`
      : `${where} is the new database, whole, and nothing after its swap was verified${undo}`;
  }
  const left = incoming.find((one) => one.run === run);
  const beside = left ? `; what was being built is still beside it as ${left.name}, and the next run drops it` : '';
  const of = present?.made ? `, of the run ${present.made.run}` : '';
  return `${where} is as it was before the run${of}${beside}`;
}

/** The answer about a run that another invocation makes, or has made. */
async function answerOf(
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

/** Undefined where there is none. */
async function readReport(
  store: RunStore,
  run: string,
  file: 'paused.json' | 'report.json',
): Promise<Partial<Report> | undefined> {
  const text = await store.files.fetch(run, file);
  return text === undefined ? undefined : parseKept(text, `${store.place}/${run}/${file}`); // a function has written it
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
  if (isHeldBy(found, run)) return answered({ ...known, exitCode: 0, state: { ...state, phase: 'running' } }, true);
  const made = [found.present, ...found.previous].find((one) => one?.made?.run === run);
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
        holds: made === found.present ? holds : replaced(run),
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

function replaced(run: string): string {
  return `the database that the run ${run} made has been replaced since by a later one`;
}
