import { setTimeout as delay } from 'node:timers/promises';
import { failureOf, RestageError, type Failure } from '../errors.ts';
import type { Event, Listener } from '../event.ts';
import { moment } from '../report/format.ts';
import type { Report } from '../report/report.ts';
import type { InvocationResponse } from './invocation.ts';
import type { RunState } from './run-state.ts';
import type { RunStore } from './run-store.ts';

/** How a run in a function ended: with its report, or without one, and why. */
export type Followed =
  | { readonly report: Report }
  | {
      readonly failure: Failure;
      /** What the target holds, in a sentence; absent where nobody could tell. */
      readonly holds?: string | undefined;
      readonly state?: RunState | undefined;
    };

export interface FollowOptions {
  readonly listen: Listener;
  /**
   * Asks the function again with the same event, which never makes a run twice: `wait` for its answer, or only hands it over. Undefined
   * where it gave none.
   */
  readonly ask: (how: 'wait' | 'event') => Promise<InvocationResponse | undefined>;
  /** What is worth telling beside the events, in a line. */
  readonly tell?: ((line: string) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
  /** How often it is looked; a second, when not given. */
  readonly everyMs?: number | undefined;
  /** How long nothing may be heard before the function is asked; a minute, when not given. */
  readonly silentMs?: number | undefined;
}

/** A pause's next part follows within seconds, where the function may ask for it itself; who is gone is known by the target's lock. */
const soonShare = 0.25;

/** So many times a function is asked that says nothing of use. */
const mostAsked = 3;

/**
 * Follows a run by what the function writes of it, to its end; the listener is told what happens as if it happened here. A run that
 * says nothing for too long, or is past its deadline, is asked for. Throws `interrupted`: the run goes on; and what the place of the
 * runs throws, where that lasts.
 */
export async function followRun(runs: RunStore, run: string, options: FollowOptions): Promise<Followed> {
  const { listen, ask, tell, signal, everyMs = 1000, silentMs = 60_000 } = options;
  let piece = 0;
  let known: RunState | undefined;
  let heardAt = performance.now();
  let newsAt = heardAt;
  let asked = 0;
  let asking = false;
  let answered: Followed | undefined;
  let lastFailure: Failure | undefined;
  const isSilent = () => {
    const silence = performance.now() - heardAt;
    if (!known) return silence > silentMs;
    if (known.phase === 'paused') return silence > silentMs * soonShare;
    const mostMs = known.locks ? silentMs * soonShare : silentMs;
    return silence > Math.max(Math.min(mostMs, timeLeft(known)), everyMs);
  };
  const askAgain = async () => {
    // An event that the function refuses says nothing of why: what nothing has come of is waited for at last.
    const how = known?.phase === 'paused' && asked < mostAsked ? 'event' : 'wait';
    tell?.(askedText(run, known));
    let goesOn = false;
    try {
      const answer = await ask(how);
      answered = answer && ended(answer);
      goesOn = answer?.statusCode === 202;
    } catch (error) {
      lastFailure = failureOf(error);
      goesOn = lastFailure.code === 'run-in-progress'; // all that may run at once do: that is the run itself
    }
    // Until its deadline it is believed.
    if (goesOn && known && performance.now() - newsAt < timeLeft(known) + silentMs) asked -= 1;
    asking = false;
    heardAt = performance.now();
  };
  for (;;) {
    if (signal?.aborted) throw new RestageError('interrupted', `the run ${run} is no longer followed; it goes on`);
    const state = await patiently(() => runs.states.read(run), heardAt, silentMs);
    if (state && isNews(known, state)) {
      known = state;
      heardAt = performance.now();
      newsAt = heardAt;
      asked = 0;
    }
    const pieces = known?.pieces ?? 0;
    while (piece < pieces) {
      const lines = await patiently(() => runs.events.read(run, piece + 1), heardAt, silentMs);
      if (lines === undefined) break; // it is on its way
      piece += 1;
      for (const event of eventsOf(lines)) listen(event);
    }
    if (known?.phase === 'ended') return endOf(runs, run, known);
    if (answered) return answered;
    if (!asking && isSilent()) {
      if (asked >= mostAsked) return { failure: lastFailure ?? silentFailure(run, known), state: known };
      asked += 1;
      asking = true;
      void askAgain();
    }
    await delay(everyMs, undefined, signal ? { signal } : {}).catch(() => {});
  }
}

/** How long a run had left when it was heard of last, in milliseconds: by the function's own clock, for this machine's may be another. */
function timeLeft({ deadline, updatedAt }: RunState): number {
  return Date.parse(deadline) - Date.parse(updatedAt);
}

/** What an answer says of the end of a run; undefined where it goes on. */
export function ended(answer: InvocationResponse): Followed | undefined {
  const { report, error, state, statusCode } = answer;
  if (statusCode === 202) return undefined;
  if (isReport(report)) return { report };
  if (report !== undefined) return { failure: tooLarge(report), holds: (report as Partial<Report>).holds, state };
  const failure = error ?? state?.failure;
  if (!failure) return undefined; // its state tells the rest
  return { failure: plainFailure(failure), holds: state?.holds, state };
}

/** One that was too large for an answer has no steps. */
function isReport(report: unknown): report is Report {
  return typeof report === 'object' && report !== null && 'steps' in report;
}

function tooLarge(report: unknown): Failure {
  const { outcome = 'unknown', failure } = report as Partial<Report>; // what matters of one
  return {
    code: 'function-failed',
    message: `the run has ended in the function as ${outcome}${failure ? `: ${failure.message}` : ''}, and its report was too large for an answer`,
    hint: 'Name a place for the reports: target.lambda.runs: s3://bucket/prefix',
  };
}

async function endOf(runs: RunStore, run: string, state: RunState): Promise<Followed> {
  const text = await runs.files.fetch(run, 'report.json');
  if (text !== undefined) return { report: JSON.parse(text) as Report }; // as the function wrote it
  const failure: Failure = state.failure
    ? plainFailure(state.failure)
    : {
        code: 'function-failed',
        message: `the run ${run} has ended in the function ${state.function.name}, and there is no report of it`,
      };
  return { failure, holds: state.holds, state };
}

function plainFailure({ code, message, hint }: Failure): Failure {
  return { code, message, ...(hint === undefined ? {} : { hint }) };
}

function isNews(known: RunState | undefined, state: RunState): boolean {
  return (
    !known ||
    known.updatedAt !== state.updatedAt ||
    known.phase !== state.phase ||
    known.part !== state.part ||
    known.pieces !== state.pieces
  );
}

/** A line that cannot be read is left out: the report has everything. */
function eventsOf(lines: string): readonly Event[] {
  return lines.split('\n').flatMap((line) => {
    if (line.trim() === '') return [];
    try {
      return [JSON.parse(line) as Event]; // as the function's run gave it
    } catch {
      return [];
    }
  });
}

/** Whoever looks once a second must not be ended by one look that failed. */
async function patiently<T>(look: () => Promise<T>, heardAt: number, silentMs: number): Promise<T | undefined> {
  try {
    return await look();
  } catch (error) {
    if (failureOf(error).code !== 'aws-unreachable' || performance.now() - heardAt > silentMs) throw error;
    return undefined;
  }
}

function askedText(run: string, known: RunState | undefined): string {
  if (!known) return `the run ${run} has not begun yet: the function is asked`;
  if (known.phase === 'paused') return `the run ${run} has paused: its next part is asked for`;
  return `the run ${run} says nothing any more, the last ${moment(known.updatedAt)}: the function is asked`;
}

function silentFailure(run: string, known: RunState | undefined): Failure {
  return {
    code: 'function-failed',
    message: known
      ? `the run ${run} has said nothing since ${moment(known.updatedAt)}, and the function does not say what became of it`
      : `the run ${run} has not begun: the function took the event and does nothing`,
  };
}
