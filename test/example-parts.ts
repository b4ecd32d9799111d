import type { Report } from '../src/index.ts';
import { figuresOf } from '../src/report/report.ts';
import type { StepReport } from '../src/step.ts';
import { exampleReport } from './example-report.ts';

const mebibyte = 1024 * 1024;
const ranIn = {
  name: 'books-staging-refresh',
  memoryBytes: 512 * mebibyte,
  peakBytes: 312 * mebibyte,
  timeoutSeconds: 900,
  logGroup: '/aws/lambda/books-staging-refresh',
  logStream: '2026/11/23/[$LATEST]4f2ab1c09d8e4b7f',
} as const;
const requests = [
  '8f5ae2b1-4c1d-4f6a-9b0e-1f2a3b4c5d6e',
  '1c9d40aa-77f2-4a50-8a0b-93b1d27e6a10',
  'e07c9b55-2d19-4d8e-b6a3-5b0f4c2d7e91',
];
const parts = [
  { startedAt: '2026-11-23T15:00:00.000Z', durationMs: 880_000, takenAt: '2026-11-23T15:00:02.114Z', loaded: 8 },
  {
    startedAt: '2026-11-23T15:14:44.000Z',
    durationMs: 880_000,
    takenAt: '2026-11-23T15:14:45.900Z',
    loaded: 3,
    same: 7,
    again: 1,
  },
  {
    startedAt: '2026-11-23T15:29:28.000Z',
    durationMs: 410_000,
    takenAt: '2026-11-23T15:29:30.007Z',
    loaded: 1,
    same: 9,
    again: 2,
  },
] as const;

function retold(report: Report, more: Partial<Report>): Report {
  const told = { ...report, ...more };
  return { ...told, figures: figuresOf(told) };
}

/** A run of twelve tables that a function has made in three parts. */
export function reportInParts(): Report {
  const report = exampleReport(12);
  let index = -1;
  const steps = report.steps.map((step): StepReport => {
    if (step.kind !== 'copy-table' || step.outcome.status !== 'done') return step;
    index += 1;
    const since =
      index === 11 ? {} : { since: index % 5 === 0 ? ('again' as const) : ('same' as const), compareMs: 1200 };
    return { ...step, outcome: { ...step.outcome, facts: { ...step.outcome.facts, ...since } } };
  });
  return retold(report, { steps, parts, function: { ...ranIn, requestIds: requests }, durationMs: 2_178_000 });
}

/** The same when its first part was over. */
export function pausedReport(): Report {
  const report = exampleReport(12);
  let index = -1;
  const steps = report.steps.map((step): StepReport => {
    if (step.kind === 'take-snapshot' || step.kind === 'create-database' || step.kind === 'copy-schema') return step;
    if (step.kind !== 'copy-table') return { ...step, outcome: { status: 'not-run' } };
    index += 1;
    if (index < 8) return step;
    return {
      ...step,
      outcome:
        index < 10 ? { status: 'stopped', startedAt: parts[0].startedAt, durationMs: 9000 } : { status: 'not-run' },
    };
  });
  return retold(report, {
    steps,
    outcome: 'paused',
    parts: parts.slice(0, 1),
    function: { ...ranIn, requestIds: requests.slice(0, 1) },
    durationMs: 880_000,
    holds:
      'staging holds its database as it was before the run. What is loaded stands beside it as books_staging__incoming_20261123-150000-abcd',
  });
}
