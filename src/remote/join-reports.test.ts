import { expect, test } from 'vitest';
import { databaseReport, firstReport, joinedPlan, secondReport } from '../../test/example-passes.ts';
import type { Verification } from '../verify.ts';
import { readReport } from '../report/read-report.ts';
import { copiedOf } from '../report/bucket-copies.ts';
import { json } from '../report/json.ts';
import { markdown } from '../report/markdown/document.ts';
import { plain } from '../report/style.ts';
import { summary } from '../report/summary.ts';
import { joinReports } from './join-reports.ts';

const none = { keys: 0, examples: [] };
const references = (missing = none): Verification =>
  ({
    version: 1,
    madeAt: '2026-11-23T15:01:10.000Z',
    durationMs: 700,
    source: 'production',
    target: 'staging',
    objects: [],
    references: [
      { bucket: 'images', columns: ['book_images.s3_key'], named: 4711, missing, absent: none, unnamed: none },
    ],
    applications: [],
    differences: [],
  }) as unknown as Verification;
const begun = { run: firstReport.run, startedAt: '2026-11-23T15:00:00.000Z' };
const all = { ...begun, first: firstReport, database: databaseReport, second: secondReport, references: references() };

test('a refresh from two places is one report, with the figures of both', () => {
  const report = joinReports(joinedPlan, all);
  expect(report.outcome).toBe('done');
  expect(report.failure).toBeUndefined();
  expect(report.steps.map(({ id }) => id)).toEqual(joinedPlan.steps.map(({ id }) => id));
  expect(report.figures.objects).toMatchObject({ copied: 41, equal: 4711, deleted: 61 });
  expect(report.figures.tables).toEqual(databaseReport.figures.tables);
  expect(report.holds).toBe('staging holds the new database');
  expect(report.function).toEqual(databaseReport.function);
  expect(report.durationMs).toBe(70_700); // from the beginning to the end of the references
  expect(readReport(json(report), 'report.json')).toEqual(JSON.parse(json(report)));
});

test('what was not come to has not been run', () => {
  const failure = { code: 'database-lost' as const, message: 'gone', step: 'copy-table x' };
  const database = { ...databaseReport, outcome: 'failed' as const, failure, holds: 'staging is as it was' };
  const report = joinReports(joinedPlan, { ...begun, first: firstReport, database });
  expect(report.outcome).toBe('failed');
  expect(report.failure).toEqual(failure);
  expect(report.holds).toBe('staging is as it was');
  const statuses = new Map(report.steps.map(({ id, outcome }) => [id, outcome.status]));
  expect(statuses.get('copy-objects images')).toBe('done');
  expect(statuses.get('copy-objects images again')).toBe('not-run');
  expect(statuses.get('verify-references images')).toBe('not-run');
  expect(report.figures.objects.copied).toBe(39);
});

test('a part that went well does not hide one that did not', () => {
  const failure = { code: 'objects-failed' as const, message: '1 object failed', step: 'copy-objects images again' };
  const second = { ...secondReport, outcome: 'failed' as const, failure };
  const report = joinReports(joinedPlan, { ...all, second, references: undefined });
  expect(report.outcome).toBe('failed');
  expect(report.failure).toEqual(failure);
  expect(report.holds).toBe('staging holds the new database; that its buckets have all that it names is not known');
});

test('a key that rows name and no object has makes the whole a failure', () => {
  const report = joinReports(joinedPlan, { ...all, references: references({ keys: 1, examples: ['a.jpg'] } as never) });
  expect(report.outcome).toBe('failed');
  expect(report.failure).toMatchObject({ code: 'data-differs', step: 'verify-references images' });
});

test('a function that was killed is told as its part, with what the target holds', () => {
  const failure = { code: 'function-failed' as const, message: 'out of memory', step: 'take-snapshot' };
  const report = joinReports(joinedPlan, { ...begun, first: firstReport, failure, holds: 'staging is as it was' });
  expect(report.outcome).toBe('failed');
  expect(report.failure).toEqual(failure);
  expect(report.holds).toBe('staging is as it was');
});

test('a pause is neither a failure nor a success', () => {
  const database = { ...databaseReport, outcome: 'paused' as const };
  const report = joinReports(joinedPlan, { ...begun, first: firstReport, database });
  expect(report.outcome).toBe('paused');
  expect(report.failure).toBeUndefined();
});

test('an interrupt is told as one', () => {
  const failure = { code: 'interrupted' as const, message: 'the run was interrupted', step: 'copy-objects images' };
  const first = { ...firstReport, outcome: 'interrupted' as const, failure };
  const report = joinReports(joinedPlan, { ...begun, first });
  expect(report.outcome).toBe('interrupted');
  expect(report.holds).toBe("staging's database was not touched");
});

test('a part that is missing without a reason is no success', () => {
  const report = joinReports(joinedPlan, { ...all, second: undefined, references: undefined });
  expect(report.outcome).toBe('failed');
  expect(report.failure).toMatchObject({ code: 'internal', step: 'copy-objects images again' });
});

test('a run whose database was made in parts ends with the last of them', () => {
  const part = { startedAt: '2026-11-23T15:20:00.000Z', durationMs: 60_000, loaded: 3 };
  const report = joinReports(joinedPlan, {
    ...all,
    second: undefined,
    references: undefined,
    database: { ...databaseReport, parts: [part] },
  });
  expect(report.durationMs).toBe(21 * 60_000);
});

test('what both passes copied is one amount, and what the first one brought was not there before', () => {
  const report = joinReports(joinedPlan, all);
  expect(copiedOf(report, 'images')).toMatchObject({
    copied: { objects: 41, bytes: 41_000_000 },
    overwritten: { objects: 2 },
    unchanged: { objects: 4707 - 39 },
  });
  expect(markdown(report)).toContain('| 41 (41.0 MB) | 4,668 |');
  expect(summary(report, plain)).toContain('what came since: 2 objects copied');
});
