import { stripVTControlCharacters } from 'node:util';
import { createLogUpdate } from 'log-update';
import sliceAnsi from 'slice-ansi';
import { bytes, count, duration, eventLine, fit, type Event, type Listener, type Step, type Style } from '../index.ts';

/** What the live display knows: everything a frame is drawn from. */
export interface LiveState {
  readonly startedAt: number;
  /** What is waited for elsewhere, and since when. */
  readonly waited?: { readonly what: string; readonly since: number } | undefined;
  readonly tables: Progress;
  readonly objects: Progress;
  /** Ids of tables that are done: in a later part of a run they are looked at once more. */
  readonly loaded: ReadonlySet<string>;
  /** The steps under way, oldest first. */
  readonly running: readonly {
    readonly step: Step;
    readonly since: number;
    readonly bytes: number;
    readonly objects: number;
    readonly failed: number;
    /** The last line that it told. */
    readonly line: string;
  }[];
}

interface Progress {
  readonly total: number;
  readonly totalBytes: number;
  readonly done: number;
  readonly bytes: number;
  readonly failed: number;
  readonly since: number | undefined;
}

const none: Progress = { total: 0, totalBytes: 0, done: 0, bytes: 0, failed: 0, since: undefined };

/** The state after an event. */
export function advance(state: LiveState, event: Event, now: number): LiveState {
  switch (event.kind) {
    case 'run-started': {
      const tables = event.plan.steps.filter((step) => step.kind === 'copy-table');
      const objects = event.plan.steps.filter((step) => step.kind === 'copy-objects');
      return {
        ...state,
        startedAt: now,
        loaded: new Set(),
        running: [],
        tables: { ...none, total: tables.length, totalBytes: tables.reduce((sum, step) => sum + step.bytes, 0) },
        objects: {
          ...none,
          total: objects.reduce((sum, step) => sum + step.objects, 0),
          totalBytes: objects.reduce((sum, step) => sum + step.bytes, 0),
        },
      };
    }
    case 'step-started': {
      const running = [...state.running, { step: event.step, since: now, bytes: 0, objects: 0, failed: 0, line: '' }];
      if (event.step.kind === 'copy-table')
        return { ...state, running, tables: { ...state.tables, since: state.tables.since ?? now } };
      if (event.step.kind === 'copy-objects')
        return { ...state, running, objects: { ...state.objects, since: state.objects.since ?? now } };
      return { ...state, running };
    }
    case 'step-progress': {
      const before = state.running.find(({ step }) => step.id === event.step.id);
      if (!before) return state;
      const { bytes: size, objects = 0, failed = 0 } = event;
      const running = state.running.map((one) => (one === before ? { ...one, bytes: size, objects, failed } : one));
      if (event.step.kind === 'copy-table')
        return { ...state, running, tables: { ...state.tables, bytes: state.tables.bytes + size - before.bytes } };
      if (event.step.kind !== 'copy-objects') return { ...state, running };
      const { objects: all } = state;
      return {
        ...state,
        running,
        objects: {
          ...all,
          done: all.done + objects - before.objects,
          bytes: all.bytes + size - before.bytes,
          failed: all.failed + failed - before.failed,
        },
      };
    }
    case 'step-ended': {
      const running = state.running.filter(({ step }) => step.id !== event.step.id);
      if (event.step.kind !== 'copy-table') return { ...state, running };
      const { tables } = state;
      if (event.step.outcome.status !== 'done') return { ...state, running };
      const loaded = new Set([...state.loaded, event.step.id]);
      return { ...state, running, loaded, tables: { ...tables, done: loaded.size } };
    }
    case 'step-output':
      return {
        ...state,
        running: state.running.map((one) => (one.step.id === event.step.id ? { ...one, line: event.line } : one)),
      };
    // What its step has begun ended with the invocation.
    case 'part-started':
      return { ...state, running: [] };
    case 'object':
    case 'recovering':
    case 'part-ended':
    case 'run-ended':
      return state;
  }
}

export const idle: LiveState = { startedAt: 0, loaded: new Set(), running: [], tables: none, objects: none };

const spinner = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'];

function spinnerAt(now: number): string {
  return spinner[Math.floor(now / 80) % spinner.length] ?? '';
}

/** The moving part of the display: what is under way, how far, how fast, how long still. */
export function frame(state: LiveState, now: number, width: number, style: Style): string {
  const turn = spinnerAt(now);
  const steps = state.running
    .filter(({ step }) => step.kind !== 'copy-table' && step.kind !== 'copy-objects')
    .map(({ step, since, ...done }) => {
      const planned = step.kind === 'delete-objects' ? step.objects : undefined;
      const told = done.line === '' ? '' : `  ${done.line}`;
      return `${turn} ${step.id}  ${style('dim', `${doneText(now - since, done, planned)}${told}`)}`;
    });
  const tables = state.running.flatMap(({ step, bytes: size }) =>
    step.kind === 'copy-table' ? [`${step.id.slice('copy-table '.length)} ${bytes(size)}`] : [],
  );
  const lines = [...steps];
  if (tables.length > 0)
    lines.push(progressLine('tables', state.tables, now, turn, style), style('dim', `    ${tables.join(', ')}`));
  if (state.running.some(({ step }) => step.kind === 'copy-objects'))
    lines.push(progressLine('objects', state.objects, now, turn, style));
  if (state.waited) lines.push(waitedLine(state.waited, now, style));
  return lines.map((line) => clip(line, width)).join('\n');
}

/** What is waited for turns too: it may take half a minute until anything is heard of it. */
export function waitedLine({ what, since }: NonNullable<LiveState['waited']>, now: number, style: Style): string {
  return `${spinnerAt(now)} ${what}  ${style('dim', duration(now - since))}`;
}

/** How long a step has been going on, and what it has got done where that can be counted. */
function doneText(
  ms: number,
  done: { readonly objects: number; readonly bytes: number; readonly failed: number },
  planned: number | undefined,
): string {
  const objects =
    planned === undefined
      ? done.objects > 0 && `${count(done.objects)} objects`
      : `${count(done.objects)} of ${count(planned)} objects`;
  const parts = [
    duration(ms),
    ...(objects === false ? [] : [objects]),
    ...(done.bytes > 0 ? [bytes(done.bytes)] : []),
    ...(done.failed > 0 ? [`${count(done.failed)} failed`] : []),
  ];
  return parts.join(', ');
}

function progressLine(name: string, progress: Progress, now: number, turn: string, style: Style): string {
  const { done, total, bytes: size, totalBytes, failed, since = now } = progress;
  const seconds = Math.max(0.001, (now - since) / 1000);
  const parts = [`${count(done)} of ${count(total)}`, `${bytes(size)} of ${bytes(totalBytes)}`];
  // By bytes, or where most objects are small by their number: whichever is further behind.
  const share = Math.min(totalBytes > 0 ? size / totalBytes : 1, name === 'objects' && total > 0 ? done / total : 1);
  // The rates come last: a narrow terminal cuts them off.
  if (share > 0 && share < 1 && seconds > 1) parts.push(leftText(((1 - share) / share) * seconds * 1000));
  if (failed > 0) parts.push(style('bad', `${count(failed)} failed`));
  parts.push(`${bytes(size / seconds)}/s`);
  if (name === 'objects') parts.push(`${count(done / seconds)} objects/s`);
  return `${turn} ${name.padEnd(7)} ${bar(share)} ${parts.join('  ')}`;
}

/** From ten seconds on a tenth of one is no knowledge. */
function leftText(ms: number): string {
  const seconds = Math.round(ms / 1000);
  if (ms < 9950) return `${duration(ms)} left`;
  return `${seconds < 60 ? `${seconds} s` : duration(seconds * 1000)} left`;
}

function bar(share: number): string {
  const width = 10;
  const full = Math.round(Math.min(1, share) * width);
  return `${'█'.repeat(full)}${'░'.repeat(width - full)}`;
}

function clip(line: string, width: number): string {
  return stripVTControlCharacters(line).length <= width ? line : `${sliceAnsi(line, 0, Math.max(0, width - 1))}…`;
}

/** A display that moves on a terminal. */
export interface Display extends Disposable {
  readonly listen: Listener;
  /** A line that stays, above what moves. */
  write(text: string): void;
  wait(what: string | undefined): void;
}

/** Shows a run on a terminal: what is done stays as a line, what is under way moves below it. */
export function liveDisplay(stream: NodeJS.WriteStream, style: Style): Display {
  const update = createLogUpdate(stream);
  let state = idle;
  // A terminal that was closed takes nothing more; the run goes on to its end without it.
  const onScreen = (work: () => void) => {
    if (stream.writable) work();
  };
  const draw = () => onScreen(() => update(frame(state, performance.now(), stream.columns || 80, style)));
  const write = (text: string) => {
    onScreen(() => {
      update.clear();
      stream.write(`${fit(text, stream.columns || undefined)}\n`);
    });
    draw();
  };
  const timer = setInterval(draw, 80);
  const end = () => {
    clearInterval(timer);
    onScreen(() => {
      update.clear();
      update.done();
    });
  };
  process.once('exit', end); // a third Ctrl-C ends the process where it is
  return {
    listen: (event) => {
      state = advance(state, event, performance.now());
      // What a program writes moves too: the whole of it is kept with the run.
      const line = event.kind === 'step-output' ? undefined : eventLine(event, style);
      if (line !== undefined) write(line);
    },
    write,
    wait: (what) => {
      state = { ...state, waited: what === undefined ? undefined : { what, since: performance.now() } };
    },
    [Symbol.dispose]: () => {
      process.off('exit', end);
      end();
    },
  };
}
