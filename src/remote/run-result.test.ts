import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { exampleReport } from '../../test/example-report.ts';
import { figuresOf, type Report } from '../report/report.ts';
import type { StepReport } from '../step.ts';
import { resultOf } from './run-result.ts';

function retold(report: Report, steps: readonly StepReport[], more: Partial<Report> = {}): Report {
  const told = { ...report, steps, ...more };
  return { ...told, figures: figuresOf(told) };
}

/** The example with some of its tables changed, by their place. */
function withCopies(
  report: Report,
  change: (step: Extract<StepReport, { kind: 'copy-table' }>, index: number) => StepReport,
): Report {
  let index = -1;
  return retold(
    report,
    report.steps.map((step) => (step.kind === 'copy-table' ? change(step, (index += 1)) : step)),
  );
}

const timed = { startedAt: '2026-11-23T15:00:00.000Z', durationMs: 1 };
const sequences: StepReport = {
  id: 'set-sequences',
  after: [],
  kind: 'set-sequences',
  sequences: 12,
  outcome: { status: 'done', ...timed, facts: { sequences: 12 } },
};
const done = (tables: number): Report => {
  const report = exampleReport(tables);
  return retold(report, [...report.steps, sequences]);
};

test('a refresh that ended well has synced its tables, with their rows', () => {
  const result = resultOf(done(12));
  expect(result.synced).toHaveLength(12);
  expect(result.synced).toContainEqual({ table: 'table_00009', rows: (9 * 7919) % 100_003 });
  expect(result).toMatchObject({ failed: [], validation: { equal: 12, different: [] }, sequencesFixed: 12 });
});

test('names are told as people read them', () => {
  const report = withCopies(done(1), (step) => ({ ...step, table: { schema: 'Odd schema', name: 'books' } }));
  expect(resultOf(report).synced.map(({ table }) => table)).toEqual(['"Odd schema".books']);
});

test('a run that was put back has synced nothing, and what failed is named', () => {
  const { synced, failed, totalRows, validation, sequencesFixed } = resultOf(exampleReport(12, 'failed'));
  expect(synced).toEqual([]);
  expect(totalRows).toBe(0);
  expect(sequencesFixed).toBe(0);
  expect(validation).toEqual({ equal: 0, different: ['"\u202egnp.exe"'] });
  expect(failed).toHaveLength(2);
  expect(failed.find(({ error }) => error === 'different')).toBeDefined();
  expect(failed.find(({ error }) => error.includes('SQLSTATE 22021'))).toBeDefined();
});

test('a run that was put back after all was verified has synced nothing either', () => {
  const report = retold(done(4), done(4).steps, { outcome: 'failed', recovery: { swappedBack: true, dropped: [] } });
  expect(resultOf(report)).toMatchObject({ synced: [], totalRows: 0, validation: { equal: 0 }, sequencesFixed: 0 });
});

test('what has not been swapped in yet is not synced, though it is loaded', () => {
  const report = done(4);
  const paused = retold(
    report,
    report.steps.filter(({ kind }) => kind !== 'swap' && kind !== 'verify-tables'),
    { outcome: 'paused' },
  );
  expect(resultOf(paused)).toMatchObject({ synced: [], failed: [], totalRows: 0, sequencesFixed: 0 });
});

test('new data that stays though it was not accepted is there', () => {
  const kept = { database: 'books_staging', previous: 'books_staging__previous_x' };
  const report = retold(done(4), done(4).steps, {
    outcome: 'failed',
    recovery: { swappedBack: false, dropped: [], kept },
  });
  expect(resultOf(report).synced).toHaveLength(4);
});

test('a table of which no row was wanted is not among those that were synced', () => {
  const report = withCopies(
    done(2),
    (step, index) => (index === 1 ? { ...step, rule: { ...step.rule, rows: 'keep', columns: {} } as never } : step), // of a rule what counts here
  );
  expect(resultOf(report).synced).toHaveLength(1);
});

test('a table whose own rows could not be kept has failed', () => {
  const report = done(1);
  const keep: StepReport = {
    id: 'keep-rows users',
    after: [],
    kind: 'keep-rows',
    table: { schema: 'public', name: 'users' },
    rule: { rows: 'keep', onCollision: 'fail', onOrphan: 'fail', columns: {}, rewrite: [], allow: [] },
    casts: [],
    outcome: { status: 'failed', ...timed, failure: { code: 'rows-collide', message: '2 rows collide' } },
  };
  const failed = retold(report, [...report.steps, keep]);
  expect(resultOf(failed).failed).toEqual([{ table: 'users', error: '2 rows collide' }]);
});

test('the total is the sum of what is synced, and no table is both synced and failed', () => {
  const what = fc.constantFrom('good', 'failed', 'different', 'stopped', 'not-run');
  fc.assert(
    fc.property(fc.array(what, { minLength: 1, maxLength: 20 }), fc.boolean(), (kinds, isPutBack) => {
      const whole = done(kinds.length);
      const mixed = withCopies(whole, (step, index): StepReport => {
        const kind = kinds[index];
        if (kind === 'not-run') return { ...step, outcome: { status: 'not-run' } };
        if (kind === 'stopped') return { ...step, outcome: { status: 'stopped', ...timed } };
        if (kind === 'failed')
          return { ...step, outcome: { status: 'failed', ...timed, failure: { code: 'internal', message: 'no' } } };
        if (kind === 'good' || step.outcome.status !== 'done') return step;
        const { facts } = step.outcome;
        return {
          ...step,
          outcome: { ...step.outcome, facts: { ...facts, target: { ...facts.target, content: 'other' } } },
        };
      });
      const report = isPutBack ? { ...mixed, recovery: { swappedBack: true, dropped: [] } } : mixed;
      const { synced, failed, totalRows, validation } = resultOf(report);
      const names = new Set(failed.map(({ table }) => table));
      expect(totalRows).toBe(synced.reduce((sum, { rows }) => sum + rows, 0));
      expect(synced.filter(({ table }) => names.has(table))).toEqual([]);
      expect(synced).toHaveLength(isPutBack ? 0 : kinds.filter((kind) => kind === 'good').length);
      expect(failed).toHaveLength(kinds.filter((kind) => kind === 'failed' || kind === 'different').length);
      expect(validation.different).toHaveLength(kinds.filter((kind) => kind === 'different').length);
    }),
  );
});
