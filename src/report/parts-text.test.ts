import { expect, test } from 'vitest';
import { joinedPlan } from '../../test/example-passes.ts';
import { pausedReport, reportInParts } from '../../test/example-parts.ts';
import { exampleReport } from '../../test/example-report.ts';
import { fit } from './fit.ts';
import { eventLine } from './event-line.ts';
import { html } from './html/page.ts';
import { json } from './json.ts';
import { markdown } from './markdown/document.ts';
import { functionFacts, partText } from './parts-text.ts';
import { planText } from './plan-text.ts';
import { readReport } from './read-report.ts';
import type { Report } from './report.ts';
import { hasDone } from './step-words.ts';
import { plain } from './style.ts';
import { summary } from './summary.ts';
import { verdictOf } from './verdict.ts';

const paused = pausedReport();
const inParts = reportInParts();

test('a pause is told calmly: what is loaded, what staging holds, what comes next', () => {
  const text = summary(paused, plain);
  expect(text).toMatch(/^… staging is not refreshed yet: the run has paused/);
  expect(text).toContain('8 of 12 loaded; 221,732 rows');
  expect(text).toContain('staging holds its database as it was before the run.');
  expect(text).toContain('The next part compares the 8 tables with the source as it is then, loads the other 4,');
  expect(text).not.toMatch(/[✓✗]|failed|error/);
});

test('a pause is no success and no failure in any form of the report', () => {
  expect(verdictOf(paused)).not.toContain('is refreshed');
  expect(markdown(paused)).toContain('**Outcome:** Paused. Staging holds its database as it was');
  expect(markdown(paused)).toContain('| Loaded (8) |');
  expect(markdown(paused)).not.toContain('Total rows synced');
  expect(html(paused)).toContain('class="verdict warn"');
  expect(html(paused)).toContain('8 of 12 loaded');
  expect(readReport(json(paused), 'paused.json')).toEqual(JSON.parse(json(paused)));
});

test('lines of a log say that a run has paused, and how far it is', () => {
  expect(eventLine({ kind: 'run-ended', report: paused }, plain)).toBe(
    '… paused after 14 min 40 s: 8 of 12 tables loaded',
  );
  expect(eventLine({ kind: 'run-ended', report: inParts }, plain)).toBeUndefined();
});

test('a run in three parts says when each was, what it did, and the one moment of its data', () => {
  const text = summary(inParts, plain);
  expect(text).toContain('1: 2026-11-23 15:00:00 UTC, 14 min 40 s: 8 tables loaded');
  expect(text).toContain(
    '3: 2026-11-23 15:29:28 UTC, 6 min 50 s: 1 table loaded; of the 11 before it: 9 the same, 2 copied again',
  );
  expect(text).toContain('all of it is of 2026-11-23 15:29:30 UTC, the moment of the last part');
  expect(markdown(inParts)).toContain('| 2 | 2026-11-23 15:14:44 UTC | 14 min 40 s | 2026-11-23 15:14:45 UTC |');
  expect(html(inParts)).toContain('36 min 18 s, in 3 parts');
});

test('a part tells only what there was', () => {
  const part = { startedAt: '', durationMs: 1, loaded: 1 };
  expect(partText(part)).toBe('1 table loaded');
  expect(partText({ ...part, same: 0, again: 0 })).toBe('1 table loaded');
  expect(partText({ ...part, same: 0, again: 3 })).toBe('1 table loaded; of the 3 before it: 3 copied again');
  expect(partText({ ...part, same: 612, again: 0 })).toBe('1 table loaded; of the 612 before it: 612 the same');
});

test('data that is not in place has no moment', () => {
  const recovery = { swappedBack: true, dropped: [] };
  expect(summary({ ...inParts, outcome: 'failed', recovery }, plain)).not.toContain('moment of the last part');
  expect(summary(paused, plain)).not.toContain('moment of the last part');
});

test('the function is told with its memory, its time-out, the request and the log', () => {
  const text = summary(inParts, plain);
  expect(text).toContain('books-staging-refresh: at most 312 MiB of 512 MiB used, time-out 15 min');
  expect(text).toContain('request e07c9b55-2d19-4d8e-b6a3-5b0f4c2d7e91, of the last part');
  expect(text).toContain('log /aws/lambda/books-staging-refresh, stream 2026/11/23/[$LATEST]4f2ab1c09d8e4b7f');
  for (const page of [markdown(inParts), html(inParts)])
    for (const request of inParts.function?.requestIds ?? []) expect(page).toContain(request);
});

test('memory that was nearly all used is said to be too little', () => {
  const known = inParts.function;
  if (!known) throw new Error('the example has a function');
  const near: Report = { ...inParts, function: { ...known, peakBytes: known.memoryBytes * 0.95 } };
  expect(functionFacts(near, plain)[0]?.[1]).toContain('486 MiB of 512 MiB used: give it more memory');
  expect(functionFacts(inParts, plain)[0]?.[1]).not.toContain('more memory');
});

test('a table says whether it was compared or copied again in the last part', () => {
  const told = inParts.steps.flatMap((step) => (step.kind === 'copy-table' ? [hasDone(step) ?? ''] : []));
  expect(told[0]).toContain('; loaded before, copied again as it had changed, compared in 1.2 s');
  expect(told[1]).toContain('; loaded before, the same, compared in 1.2 s');
  expect(told[11]).not.toContain('loaded before');
  expect(markdown(inParts)).toContain('equal, copied again in a later part');
});

test('a run of one part that no function made says nothing of either', () => {
  const report = exampleReport(3);
  expect(summary(report, plain)).not.toMatch(/^ {2}(parts|function)/m);
  expect(markdown(report)).not.toMatch(/## (Parts|Function)/);
  expect(html(report)).not.toContain('id="parts"');
});

test('a plan that goes from two places says what is made where', () => {
  const text = planText(joinedPlan, plain);
  expect(text).toContain('database  in the function books-staging-refresh: 512 MiB, time-out 15 min');
  expect(text).toContain("objects   from here: before the database's snapshot, and what came since");
  expect(text).toContain('images: both listed once more, and what came since');
  expect(planText({ ...joinedPlan, onLambda: undefined as never }, plain)).not.toContain('where it is made');
});

test('nothing of a run in parts is wider than a terminal, but for addresses', () => {
  const lines = fit(summary(inParts, plain), 80).split('\n');
  expect(lines.filter((line) => line.length > 80)).toEqual([]);
});
