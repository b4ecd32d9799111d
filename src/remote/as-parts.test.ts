import { expect, test } from 'vitest';
import type { Event } from '../event.ts';
import type { Report } from '../report/report.ts';
import { asParts } from './as-parts.ts';

const ended = (parts: number, outcome: Report['outcome']) =>
  ({
    kind: 'run-ended',
    report: {
      outcome,
      durationMs: parts * 1000,
      parts: Array.from({ length: parts }, (_, at) => ({ durationMs: (at + 1) * 10 })),
      steps: [
        { kind: 'copy-table', id: 'copy-table a', outcome: { status: 'done' } },
        { kind: 'copy-table', id: 'copy-table b', outcome: { status: parts === 2 ? 'done' : 'not-run' } },
      ],
    },
  }) as unknown as Event; // what is read of one

test('parts are numbered, and only the first beginning and the last end are those of the run', () => {
  const heard: Event[] = [];
  const listen = asParts((event) => heard.push(event));
  const started = { kind: 'run-started' } as unknown as Event; // nothing of it is read
  for (const event of [started, ended(1, 'paused'), started, ended(2, 'paused'), started, ended(3, 'done')])
    listen(event);
  expect(heard.map((event) => (event.kind === 'run-ended' ? event.report.outcome : event))).toEqual([
    started,
    { kind: 'part-ended', part: 1, durationMs: 10, tables: 1, of: 2 },
    { kind: 'part-started', part: 2 },
    { kind: 'part-ended', part: 2, durationMs: 20, tables: 2, of: 2 },
    { kind: 'part-started', part: 3 },
    'done',
  ]);
});
