import { expect, test } from 'vitest';
import { keepSecret } from '../src/errors.ts';
import { html, type Report } from '../src/index.ts';
import { checksOf } from '../src/report/html/checks.ts';
import { exampleReport } from './example-report.ts';

test('no secret is on the page, wherever a report holds one', () => {
  const secret = keepSecret('p4ss<word>&"quoted"');
  const report = exampleReport(3, 'failed');
  const page = html({
    ...report,
    notes: [`a note with ${secret}`],
    holds: `staging holds ${secret}`,
    failure: { code: 'internal', message: `it said ${secret}`, hint: `say ${secret}`, step: 'swap' },
    migrations: [{ ...(report.migrations?.[0] as NonNullable<Report['migrations']>[number]), readFrom: secret }],
  });
  expect(page).toContain('a note with ***');
  expect(page).toContain('say ***');
  expect(page.match(/p4ss/g)).toBeNull();
  expect(html({ ...report, notes: ['postgres://me:hidden-word@host/db'] })).not.toContain('hidden-word');
});

test('the page names no address to be loaded, and no style or handler in an element', () => {
  const page = html(exampleReport(30));
  expect(page.match(/<(?:link|img|iframe|object|embed|base|form)\b/g)).toBeNull();
  expect(page.match(/<[^>]*\s(?:src|style|on[a-z]+)=/g)).toBeNull();
  expect(page.match(/url\(|@import/g)).toBeNull();
  expect([...page.matchAll(/href="([^"]*)"/g)].every(([, address]) => address?.startsWith('#'))).toBe(true);
});

test('it says by which version it was made, and which version a report has', () => {
  expect(html(exampleReport(1))).toContain('Made by restage 0.1.0; report of version 1.');
});

test('what objects have become is named where a list stands beside the page', () => {
  expect(html(exampleReport(1), { list: 'objects.ndjson' })).toContain('<code>objects.ndjson</code> beside this page');
  expect(html(exampleReport(1))).not.toContain('objects.ndjson');
});

type Writable = { -readonly [K in keyof Report['objects'][number]]: Report['objects'][number][K] };

test('objects that come and those that only the target had are told by what their keys begin with', () => {
  const report = exampleReport(1);
  const table = (page: string, caption: RegExp) =>
    new RegExp(`<caption>[^<]*${caption.source}(.*?)</table>`, 's').exec(page)?.[1]?.replaceAll(/<[^>]+>/g, ' ') ?? '';
  expect(table(html(report), /was to get, by prefix/)).toMatch(/books\/ +36 .*\(no slash\) +3 .*other prefixes +1 /s);
  expect(table(html(report), /had, by prefix/)).toMatch(/tmp\/ +40 /);
  const objects = structuredClone(report.objects) as Writable[];
  for (const bucket of objects) for (const part of ['toCopy', 'deletion'] as const) delete bucket[part];
  expect(html({ ...report, objects })).not.toContain('by prefix');
});

const result = (report: Report, what: RegExp) => checksOf(report).find((check) => what.test(check.what));

/** The same report with one step's outcome changed. */
function withOutcome(kind: string, outcome: object): Report {
  const report = exampleReport(4);
  const steps = report.steps.map((step) =>
    step.kind === kind ? ({ ...step, outcome: { ...step.outcome, ...outcome } } as typeof step) : step,
  );
  return { ...report, steps };
}

test('every check of a run has its row, with both ends and a result', () => {
  const checks = checksOf(exampleReport(4));
  expect(checks.map(({ what, result: told }) => [what, told])).toEqual([
    ['No real value of a masked column has arrived', 'right'],
    ['Rows and content of every table', 'right'],
    ['Constraints, indexes and sequences', 'right'],
    ['Keys that rows name exist in images', 'noted'],
    ['Health of the application, /health/deep', 'right'],
    ['Check database of /health/deep', 'right'],
    ['Check s3 of /health/deep', 'right'],
    ['Versions of both applications', 'right'],
    ['total of GET /books?limit=5', 'right'],
    ['mail.enabled of GET /settings', 'right'],
  ]);
  expect(result(exampleReport(4), /total/)).toMatchObject({ source: '153', target: '153', words: 'equal' });
});

test('a check that failed is wrong, with what it found where it found something', () => {
  const failure = { code: 'data-differs', message: 'total of GET /books is 153 at the source and 150 at the target' };
  const found = withOutcome('compare-total', { status: 'failed', failure, facts: { source: 153, target: 150 } });
  expect(result(found, /total/)).toMatchObject({ source: '153', target: '150', result: 'wrong', words: 'different' });
  const silent = withOutcome('check-health', { status: 'failed', failure, facts: undefined });
  expect(result(silent, /Health/)).toMatchObject({ result: 'wrong', words: 'failed', details: [failure.message] });
});

test('what a run did not come to is not said to be right', () => {
  const checks = checksOf(exampleReport(6, 'failed'));
  expect(new Set(checks.map((check) => check.result))).toEqual(new Set(['unchecked']));
  expect(html(exampleReport(6, 'failed'))).toContain('The run ended before anything was verified.');
});
