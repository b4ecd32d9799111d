import {
  exitCodes,
  moment,
  parseKept,
  type DatabaseStatus,
  type Report,
  type RunState,
  type RunStore,
} from '../index.ts';
import { holdsAfter, isDone, isOnlyLoaded, statusOf } from './on-target.ts';
import type { Task } from './task.ts';

/**
 * A run that writes nothing for so long is dead, if nobody has the target's lock: it writes every few seconds. Sooner where it has had
 * the lock, whose loss tells the same.
 */
const silentMs = { withLock: 15_000, without: 60_000 } as const;

/**
 * A run's state as it really is: one whose function was killed has ended, which it could not write itself; or it has paused again, where
 * the killed part can be made once more.
 */
export async function lookAt(task: Task, store: RunStore, known: RunState): Promise<RunState> {
  if (known.phase === 'ended' || known.phase === 'paused') return known;
  // Functions of several targets may have one place, and another's lock is not seen from here.
  const { name: target } = task.settings.config.target;
  if ((known.target ?? target) !== target) return known;
  const now = Date.now();
  const isOver = now > Date.parse(known.deadline);
  const patienceMs = known.locks ? silentMs.withLock : silentMs.without;
  if (!isOver && now - Date.parse(known.updatedAt) < patienceMs) return known;
  // Its last words may have been lost on the way, and its report not.
  const report = await readReport(store, known.run, 'report.json');
  const real = report ? endedBy(known, report) : await killed(task, known, isOver);
  if (!real) return known;
  const state = { ...real, updatedAt: new Date().toISOString() };
  if (await store.states.take(known, state)) {
    // Who was killed could not count it.
    if (!report && state.outcome === 'failed') task.count({ Succeeded: 0, Failed: 1 });
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
  const { run, part } = known;
  if (found?.runInProgress === run) return undefined;
  const holds = found ? { holds: holdsAfter(found, run) } : {};
  // It came to its end, and could not write so.
  if (found && isDone(found, run)) return { ...known, phase: 'ended', outcome: 'done', exitCode: 0, ...holds };
  if (found && mayBeMadeAgain(known, found)) return { ...known, phase: 'paused', part: part - 1, killed: part };
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
        ? `the function ${name} was killed at its time-out, at ${moment(known.deadline)}, and could not end the run ${run}`
        : `the function ${name} has written nothing of the run ${run} since ${moment(known.updatedAt)}: it was killed, or ran out of memory`,
      hint: `Its log says how it ended${log}. The run is not made again under this id: begin another one.`,
    },
    ...holds,
  };
}

/** Whether a killed part did nothing but load rows into what the parts before it had left; of each part that is believed once. */
function mayBeMadeAgain({ run, part, killed: before }: RunState, found: DatabaseStatus): boolean {
  return part > 1 && before !== part && isOnlyLoaded(found, run);
}

/** Undefined where there is none. */
export async function readReport(
  store: RunStore,
  run: string,
  file: 'paused.json' | 'report.json',
): Promise<Partial<Report> | undefined> {
  const text = await store.files.fetch(run, file);
  return text === undefined ? undefined : parseKept(text, `${store.place}/${run}/${file}`); // a function has written it
}
