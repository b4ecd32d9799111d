import { describe, expect, test } from 'vitest';
import { estimateNote, estimateOf, timeShort } from './estimate.ts';
import { lastRunOf, type LastRun } from './last-run.ts';
import type { Plan } from './plan.ts';

const second = 1000;
const source = { host: 'db.prod', port: 5432, database: 'shop' };
const target = { host: 'db.staging', port: 5432, database: 'shop' };
const whose = 'the function shop-sync';

/** Seconds after the run began. */
const took = (start: number, seconds: number) => ({
  status: 'done',
  startedAt: new Date(Date.UTC(2026, 10, 22, 3) + start * second).toISOString(),
  durationMs: seconds * second,
});

const copied = (name: string, bytes: number, start: number, seconds: number) => ({
  kind: 'copy-table',
  table: { schema: 'public', name },
  bytes,
  outcome: { ...took(start, seconds), facts: { source: { rows: 10 } } },
});

function last(more: readonly object[] = []): LastRun[] {
  const report = {
    run: '20261122-030000-ab12',
    startedAt: '2026-11-22T03:00:00.000Z',
    durationMs: 500 * second,
    outcome: 'done',
    source: { database: { origin: source } },
    target: { database: { origin: target } },
    objects: [],
    steps: [
      { kind: 'take-snapshot', outcome: took(0, 10) },
      copied('orders', 1_600_000_000, 10, 160),
      copied('books', 400_000_000, 10, 100),
      copied('users', 100_000_000, 110, 60),
      { kind: 'add-keys', outcome: took(170, 50) },
      { kind: 'swap', outcome: took(220, 10) },
      { kind: 'migrate', outcome: took(230, 20) },
      ...more,
    ],
  };
  const found = lastRunOf(report, 'a place');
  return found ? [found] : [];
}

function plan(tables: Readonly<Record<string, number>>): Plan {
  const steps = Object.entries(tables).map(([name, bytes]) => ({
    kind: 'copy-table',
    id: `copy-table ${name}`,
    table: { schema: 'public', name },
    bytes,
  }));
  return { source: { database: { origin: source } }, target: { database: { origin: target } }, steps } as never; // as much as is read
}

const same = { orders: 1_600_000_000, books: 400_000_000, users: 100_000_000 };
const twice = { orders: 3_200_000_000, books: 800_000_000, users: 200_000_000 };

describe('what is known of the last run', () => {
  test('is how long its database took, and what came after the last table', () => {
    expect(last()[0]?.database?.took).toEqual({
      durationMs: 250 * second,
      copyMs: 160 * second,
      afterMs: 80 * second,
      bytes: 2_100_000_000,
    });
  });

  test('leaves out what objects took, and the waiting for them', () => {
    const more = [
      { kind: 'copy-objects', outcome: took(10, 400) },
      { kind: 'check-health', outcome: took(410, 5) },
    ];
    expect(last(more)[0]?.database?.took).toMatchObject({ durationMs: 255 * second, afterMs: 85 * second });
  });

  test('leaves out the time between the parts of a run that paused', () => {
    const later = [copied('late', 1, 1000, 30), { kind: 'analyze', outcome: took(1030, 5) }];
    expect(last(later)[0]?.database?.took).toMatchObject({
      durationMs: 285 * second,
      copyMs: 190 * second,
      afterMs: 5 * second,
    });
  });

  test('is nothing where a report tells neither sizes nor times', () => {
    const old = { kind: 'copy-table', table: { schema: 'a', name: 'b' }, outcome: { facts: { source: { rows: 1 } } } };
    expect(last([old])[0]?.database).not.toHaveProperty('took');
  });
});

describe('an estimate', () => {
  test('of the same bytes is what the last run took', () => {
    expect(estimateOf(plan(same), last())).toMatchObject({
      ms: 250 * second,
      afterMs: 80 * second,
      longest: { table: { name: 'orders' }, ms: 160 * second },
      bytes: 2_100_000_000,
      last: { run: '20261122-030000-ab12', durationMs: 250 * second },
    });
  });

  test('grows with the bytes', () => {
    expect(estimateOf(plan(twice), last())).toMatchObject({
      ms: (10 + 320 + 160) * second,
      longest: { ms: 320 * second },
    });
  });

  test('does not let migrations and checks shrink with the bytes', () => {
    expect(estimateOf(plan({ books: 210_000_000 }), last())).toMatchObject({ afterMs: 80 * second });
  });

  test('of a table that is new goes by what bytes took on the average', () => {
    expect(estimateOf(plan({ ...same, fresh: 2_100_000_000 }), last())).toMatchObject({
      longest: { table: { name: 'orders' } },
    });
    expect(estimateOf(plan({ ...same, fresh: 4_200_000_000 }), last())).toMatchObject({
      longest: { table: { name: 'fresh' }, ms: 320 * second },
    });
  });

  test('takes a run between other databases for none', () => {
    const elsewhere = last().map((one) => ({
      ...one,
      database: one.database && { ...one.database, source: { ...source, host: 'other' } },
    })) as LastRun[]; // the same with another host
    expect(estimateOf(plan(same), elsewhere)).toBeUndefined();
    expect(estimateOf(plan(same), [...elsewhere, ...last()])).toBeDefined();
  });

  test('of empty tables is no division by nothing', () => {
    const ms = estimateOf(plan({ orders: 0 }), last())?.ms;
    expect(ms).toBeGreaterThan(0);
    expect(Number.isFinite(ms)).toBe(true);
  });
});

describe('its note', () => {
  test('tells the last run, this one, and the time that there is', () => {
    const note = estimateNote(estimateOf(plan(same), last()), { ms: 880 * second, mayPause: true, whose });
    expect(note).toBe(
      'the last run took 4 min 10 s for 2.1 GB; this one has 2.1 GB: about 4 min 10 s; the function shop-sync has 14 min 40 s',
    );
  });

  test('says what happens where that may not be enough', () => {
    const estimate = estimateOf(plan(same), last());
    expect(estimateNote(estimate, { ms: 200 * second, mayPause: true, whose })).toContain('goes on in a next part');
    expect(estimateNote(estimate, { ms: 200 * second, mayPause: false, whose })).toContain('may not be enough');
  });

  test('says that nothing is known where there was no run', () => {
    expect(estimateNote(undefined, { ms: 60 * second, mayPause: true, whose })).toBe(
      'how long it takes is not known: no earlier run between these databases is kept; the function shop-sync has 1 min 0 s',
    );
  });
});

describe('a run is refused for its time', () => {
  const estimate = estimateOf(plan(same), last());

  test('only where it clearly does not fit', () => {
    expect(timeShort(estimate, { ms: 170 * second, mayPause: false, whose })).toBeUndefined();
    expect(timeShort(estimate, { ms: 160 * second, mayPause: false, whose })).toMatchObject({
      code: 'time-short',
      message: expect.stringContaining('about 4 min 10 s') as string,
      hint: expect.stringContaining('target.lambda.runs') as string,
    });
  });

  test('that may pause only for a table, or what comes after the rows', () => {
    expect(timeShort(estimate, { ms: 107 * second, mayPause: true, whose })).toBeUndefined();
    expect(timeShort(estimate, { ms: 106 * second, mayPause: true, whose })?.message).toContain(
      'the table orders alone',
    );
    const { longest, ...rest } = estimate ?? ({} as never);
    const small = { ...rest, longest: { ...longest, ms: 1 } };
    expect(timeShort(small, { ms: 53 * second, mayPause: true, whose })?.message).toContain(
      'what comes after the rows',
    );
    expect(timeShort(small, { ms: 54 * second, mayPause: true, whose })).toBeUndefined();
  });

  test('never where nothing is known', () => {
    expect(timeShort(undefined, { ms: 1, mayPause: false, whose })).toBeUndefined();
  });
});
