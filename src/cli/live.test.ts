import { Writable } from 'node:stream';
import { styleText, stripVTControlCharacters } from 'node:util';
import { expect, test } from 'vitest';
import { plain, type Event, type Plan, type Step, type StepReport } from '../index.ts';
import { advance, frame, idle, liveDisplay, type LiveState } from './live.ts';

const table = (name: string, bytes: number): Step => ({
  id: `copy-table ${name}`,
  after: [],
  kind: 'copy-table',
  table: { schema: 'public', name },
  rows: 1,
  rowsAreEstimated: false,
  parts: 1,
  partsReason: 'small',
  verify: 'content',
  mayBeEmpty: false,
  bytes,
});
const books = table('books', 3_000_000);
const authors = table('authors', 1_000_000);
const images: Step = {
  id: 'copy-objects images',
  after: [],
  kind: 'copy-objects',
  bucket: 'images',
  objects: 100,
  bytes: 1e9,
  selection: { include: [], exclude: [], renames: {} },
  keeping: {},
  route: 'stream',
  routeReason: 'as the config says',
  forced: false,
};
const swap: Step = { id: 'swap', after: [], kind: 'swap', database: 'shop', sessions: 0 };

const plan: Plan = {
  version: 1,
  madeAt: '2026-11-22T23:15:00.000Z',
  source: { name: 'production' },
  target: { name: 'staging' },
  objects: [],
  jobs: 4,
  steps: [books, authors, images, swap],
  notes: [],
};

const started = (step: Step): Event => ({ kind: 'step-started', step });
const progress = (step: Step, bytes: number, objects = 0, failed = 0): Event => ({
  kind: 'step-progress',
  step,
  bytes,
  objects,
  failed,
});
const ended = (step: Step, status: 'done' | 'stopped' = 'done'): Event => ({
  kind: 'step-ended',
  // The display looks at the status only, so no facts are made up.
  step: { ...step, outcome: { status, startedAt: '', durationMs: 0 } } as unknown as StepReport,
});

/** The state after these events, the first of them at 1 s of the clock and each at its own moment. */
function after(...events: readonly (readonly [atMs: number, event: Event])[]): LiveState {
  const begun = advance(idle, { kind: 'run-started', run: 'r', plan }, 1000);
  return events.reduce((state, [atMs, event]) => advance(state, event, atMs), begun);
}

test('nothing is drawn while nothing is under way', () => {
  expect(frame(idle, 5000, 80, plain)).toBe('');
  expect(frame(after([1000, started(swap)], [2000, ended(swap)]), 5000, 80, plain)).toBe('');
});

test('tables under way show how many, how much, how fast and how long still', () => {
  const state = after(
    [1000, started(books)],
    [1000, started(authors)],
    [2000, progress(authors, 1_000_000)],
    [2000, ended(authors)],
    [3000, progress(books, 500_000)],
    [5000, progress(books, 1_000_000)],
  );
  const [line, names] = frame(state, 5000, 120, plain).split('\n');
  expect(line).toContain('tables  █████░░░░░ 1 of 2  2.0 MB of 4.0 MB  4.0 s left  500 kB/s');
  expect(names).toBe('    books 1.0 MB');
});

test('objects go by what is further behind, bytes or number, and tell what failed', () => {
  const state = after([1000, started(images)], [11_000, progress(images, 900_000_000, 20, 3)]);
  const line = frame(state, 11_000, 120, plain);
  expect(line).toContain('██░░░░░░░░ 20 of 100  900 MB of 1.0 GB  40 s left  3 failed  90.0 MB/s  2 objects/s');
});

test('80 columns show how long still, also of millions of objects', () => {
  const many: Step = { ...images, kind: 'copy-objects', bucket: 'images', objects: 5_000_000, bytes: 999e9 };
  const begun = advance(idle, { kind: 'run-started', run: 'r', plan: { ...plan, steps: [many] } }, 0);
  const state = [started(many), progress(many, 499e9, 2_450_000)].reduce((at, event) => advance(at, event, 0), begun);
  expect(frame(state, 3_700_000, 80, plain)).toMatch(/2,450,000 of 5,000,000 {2}499 GB of 999 GB {2}1 h 4 min left/);
});

test('a step of another kind shows its name and for how long it has been going on', () => {
  expect(frame(after([1000, started(swap)]), 3500, 80, plain)).toMatch(/^\S swap {2}2\.5 s$/);
});

test('a deletion shows how many of how many', () => {
  const extras: Step = {
    id: 'delete-objects images',
    after: [],
    kind: 'delete-objects',
    bucket: 'images',
    selection: { include: [], exclude: [], renames: {} },
    guard: { maxCount: 5000, maxPercent: 50 },
    objects: 2000,
    bytes: 1,
    sourceObjects: 9,
    plannedAt: '2026-11-22T23:15:00.000Z',
    versioned: false,
  };
  expect(frame(after([1000, started(extras)]), 3500, 80, plain)).toMatch(/2\.5 s, 0 of 2,000 objects$/);
  const state = after([1000, started(extras)], [2000, progress(extras, 0, 1000, 2)]);
  expect(frame(state, 3500, 80, plain)).toMatch(/2\.5 s, 1,000 of 2,000 objects, 2 failed$/);
});

test.each([
  [9.94, '9.9 s left'],
  [9.96, '10 s left'],
  [39.4, '39 s left'],
  [59.6, '1 min 0 s left'],
])('%d s that are left are told as %s', (seconds, words) => {
  const half = 2_000_000; // of four: as long again as it took
  const state = after([1000, started(books)], [1000, progress(books, half)]);
  expect(frame(state, 1000 + seconds * 1000, 120, plain)).toContain(`  ${words}  `);
});

test('a rate is told in whole bytes', () => {
  const state = after([1000, started(books)], [2000, progress(books, 100)]);
  expect(frame(state, 4000, 120, plain)).toContain(' 33 bytes/s');
});

test('a table that was stopped does not count as copied', () => {
  const state = after([1000, started(authors)], [1000, started(books)], [2000, ended(books, 'stopped')]);
  expect(frame(state, 3000, 120, plain)).toContain('0 of 2');
});

test('progress that comes after the end of its step changes nothing', () => {
  const state = after([1000, started(books)], [2000, ended(books)]);
  expect(advance(state, progress(books, 5), 3000)).toEqual(state);
});

test('no line is wider than the terminal', () => {
  const state = after([1000, started(books)], [1000, started(images)], [2000, progress(books, 1_000_000)]);
  const lines = frame(state, 3000, 30, plain).split('\n');
  expect(lines).toHaveLength(3);
  for (const line of lines) expect(line.length).toBeLessThanOrEqual(30);
  expect(lines[0]).toMatch(/…$/);
});

test('colours take no room, and end where the line is cut', () => {
  const coloured = (_tone: string, text: string) => styleText('red', text, { validateStream: false });
  const state = after([1000, started(swap)]);
  expect(stripVTControlCharacters(frame(state, 3500, 13, coloured))).toMatch(/^\S swap {2}2\.5 s$/);
  const cut = frame(state, 3500, 11, coloured);
  expect(stripVTControlCharacters(cut)).toMatch(/^\S swap {2}2\.…$/);
  expect(cut).toContain('\u001b[39m');
});

/** A terminal of 80 columns that remembers what was written to it. */
function screen(): { readonly stream: NodeJS.WriteStream; readonly text: () => string; close(): void } {
  let text = '';
  const stream = new Writable({
    write: (chunk, _encoding, done) => {
      text += String(chunk);
      done();
    },
  });
  const close = () => void stream.on('error', () => {}).destroy(new Error('EIO'));
  return {
    stream: Object.assign(stream, { columns: 80, rows: 24 }) as unknown as NodeJS.WriteStream,
    text: () => text,
    close,
  }; // as much of a terminal as the display uses
}

test('a line that is written while something moves stays above it', () => {
  const { stream, text } = screen();
  using display = liveDisplay(stream, plain);
  display.listen({ kind: 'run-started', run: 'r', plan });
  display.listen(started(swap));
  display.write('interrupted: stopping …');
  const shown = stripVTControlCharacters(text());
  expect(shown).toMatch(/^interrupted: stopping …$/m);
  expect(shown.lastIndexOf('swap')).toBeGreaterThan(shown.lastIndexOf('interrupted'));
});

test('a terminal that was closed ends the display, and nothing else', () => {
  const { stream, text, close } = screen();
  using display = liveDisplay(stream, plain);
  display.listen({ kind: 'run-started', run: 'r', plan });
  close();
  const before = text();
  display.listen(started(swap));
  display.write('interrupted: stopping …');
  expect(text()).toBe(before);
});

test('a table that a later part of a run looks at once more is counted once', () => {
  const again: Event = {
    kind: 'step-ended',
    step: { ...books, outcome: { status: 'done', startedAt: '', durationMs: 1, facts: {} } } as unknown as StepReport, // facts are not read
  };
  const begun: Event = { kind: 'step-started', step: books };
  const state = [begun, again, begun, again].reduce(
    (before, event) => advance(before, event, 0),
    advance(idle, { kind: 'run-started', run: 'x', plan }, 0),
  );
  expect(state.tables.done).toBe(1);
});

test('what is waited for elsewhere moves below what is under way, until nothing is waited for', async () => {
  const written: string[] = [];
  const stream = new Writable({
    write: (chunk: Buffer, _encoding, done) => {
      written.push(stripVTControlCharacters(chunk.toString()));
      done();
    },
  });
  const display = liveDisplay(Object.assign(stream, { columns: 80, rows: 24, isTTY: true }) as never, plain); // what is used of one
  display.wait('in the function staging-refresh');
  await expect.poll(() => written.join('')).toMatch(/in the function staging-refresh {2}\d+ ms/);
  display.wait(undefined);
  await expect.poll(() => written.length).toBeGreaterThan(1);
  written.length = 0;
  display.listen({ kind: 'step-started', step: swap });
  await expect.poll(() => written.join('')).toContain('swap');
  display[Symbol.dispose]();
  expect(written.join('')).not.toContain('staging-refresh');
});
