import { setTimeout as sleep } from 'node:timers/promises';
import { failureOf, RestageError, type Event, type RunState, type RunStore } from '../index.ts';
import { compact } from './log.ts';

/** How often what has happened is written. */
const pieceEachMs = 1000;
/** How often at least the state is: whoever waits takes a run that has not written for a minute for dead. */
const stateEachMs = 5000;
/** Of what could not be written so much waits for the next try; more is let go. */
const mostWaiting = 8 * 1024 * 1024;
/** How long the last of it may take: the rest of the margin is for the report and the answer. */
const lastMs = 5000;

/** What whoever follows a run from elsewhere reads: its state, and its events in pieces. Nothing of it can break the run. */
export interface RunRecord extends AsyncDisposable {
  readonly state: RunState;
  listen(event: Event): void;
  /** Changes the state and writes it, after all events so far. Never throws. */
  mark(change: Partial<RunState>): Promise<void>;
  /** The same as the last that is written. Whether it stands there. */
  end(change: Partial<RunState>): Promise<boolean>;
  /** Aborted, with `taken-on`, where another invocation has taken the run for dead: it is not ours to end now. */
  readonly signal: AbortSignal;
  /** Whether the run is ours still, as far as can be known: asked of the store where that has not been written to lately. */
  isOurs(): Promise<boolean>;
  /** What could not be written, in sentences. */
  readonly problems: readonly string[];
}

interface Line {
  /** The step whose progress it is: a later one takes its place. */
  readonly progress?: string;
  readonly text: string;
}

/** Begins to keep up a run that is in this state in the store; without a store nothing is written. */
export function openRecord(store: RunStore | undefined, begun: RunState): RunRecord {
  let state = begun;
  let lines: Line[] = [];
  let writtenAt = performance.now();
  let lost = false;
  let stands = false;
  let stoodAt = Date.now(); // which goes on while a process is held up, as others see it
  const taken = new AbortController();
  const problems = new Set<string>();
  const running = new Set<string>();
  let last: Promise<void> = Promise.resolve();
  let pending = 0;
  let closed = false;
  let ended = false;

  const writePieces = async () => {
    const waiting = lines;
    if (!store || waiting.length === 0) return;
    lines = [];
    try {
      await store.events.add(state.run, state.pieces + 1, `${waiting.map(({ text }) => text).join('\n')}\n`);
      state = { ...state, pieces: state.pieces + 1 };
    } catch (error) {
      problems.add(`its progress could not be written to ${store.place}: ${failureOf(error).message}`);
      lines = [...waiting, ...lines];
      if (lines.reduce((sum, { text }) => sum + text.length, 0) > mostWaiting) {
        lines = [];
        lost = true;
      }
    }
  };
  const writeState = async () => {
    if (!store) return;
    state = { ...state, steps: [...running], updatedAt: new Date().toISOString() };
    writtenAt = performance.now();
    try {
      await store.states.write(state);
      stands = true;
      stoodAt = Date.now();
    } catch (error) {
      if (error instanceof RestageError && error.code === 'run-in-progress')
        taken.abort(new RestageError('taken-on', error.message, { hint: error.hint, run: state.run, cause: error }));
      problems.add(`its state could not be written to ${store.place}: ${failureOf(error).message}`);
    }
  };
  /** One after the other, so that no older state stands above a newer one. */
  const next = (work: () => Promise<void>): Promise<void> => {
    pending += 1;
    last = last.then(work).finally(() => void (pending -= 1));
    return last;
  };
  const timer = setInterval(() => {
    if (pending > 0) return;
    void next(async () => {
      await writePieces();
      if (performance.now() - writtenAt >= stateEachMs) await writeState();
    });
  }, pieceEachMs);
  const mark = (change: Partial<RunState>) =>
    next(async () => {
      await writePieces();
      state = { ...state, ...change };
      await writeState();
    });
  return {
    get state() {
      return state;
    },
    signal: taken.signal,
    isOurs: async () => {
      if (store && Date.now() - stoodAt > lastMs * 2)
        await Promise.race([mark({}), sleep(lastMs, undefined, { ref: false })]);
      return !taken.signal.aborted;
    },
    get problems() {
      return [...problems, ...(lost ? ['some of its progress was let go, as too much of it waited'] : [])];
    },
    listen: (event) => {
      if (event.kind === 'step-started') running.add(event.step.id);
      if (event.kind === 'step-ended') running.delete(event.step.id);
      if (!store || closed) return;
      // There may be millions, and a follower shows those that failed.
      if (event.kind === 'object' && event.object.outcome !== 'failed' && event.object.outcome !== 'different') return;
      const progress = event.kind === 'step-progress' ? { progress: event.step.id } : {};
      const line = { ...progress, text: compact(event) };
      const at = line.progress === undefined ? -1 : lines.findLastIndex((one) => one.progress === line.progress);
      if (at >= 0) lines[at] = line;
      else lines.push(line);
    },
    mark,
    end: async (change) => {
      closed = true;
      clearInterval(timer);
      running.clear();
      stands = false;
      let isLate = true;
      await Promise.race([mark(change).finally(() => (isLate = false)), sleep(lastMs, undefined, { ref: false })]);
      if (isLate && store) problems.add(`its end could not be written to ${store.place}, which does not answer`);
      ended = true;
      return stands;
    },
    [Symbol.asyncDispose]: async () => {
      closed = true;
      clearInterval(timer);
      if (ended) return;
      await Promise.race([last, sleep(lastMs, undefined, { ref: false })]);
    },
  };
}
