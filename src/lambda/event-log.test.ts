import { expect, test } from 'vitest';
import type { Event } from '../index.ts';
import { eventLogger, fieldsOf } from './event-log.ts';
import { openLog } from './log.ts';

const step = { id: 'copy-table books', kind: 'copy-table', after: [], rows: 3, bytes: 8 };
const event = (one: object) => one as Event; // as much of it as is told

test('a plan and a report are told by their figures', () => {
  const plan = { source: { name: 'a' }, target: { name: 'b' }, steps: [step, { kind: 'swap' }], notes: ['n'] };
  expect(fieldsOf(event({ kind: 'run-started', run: 'r', plan }))).toMatchObject({
    kind: 'run-started',
    tables: 1,
    rows: 3,
    bytes: 8,
    steps: 2,
    notes: ['n'],
  });
  const report = { ...plan, outcome: 'done', figures: {}, holds: 'h', remarks: [] };
  const told = fieldsOf(event({ kind: 'run-ended', report }));
  expect(told).toMatchObject({ outcome: 'done', holds: 'h' });
  expect(told).not.toHaveProperty('steps');
});

test('of objects only those that failed are told', () => {
  const object = (outcome: string) => fieldsOf(event({ kind: 'object', step, object: { key: 'k', outcome } }));
  expect(object('copied')).toBeUndefined();
  expect(object('failed')).toEqual({ kind: 'object', step: step.id, object: { key: 'k', outcome: 'failed' } });
});

test("a step's progress is told every few seconds, that of another one beside it", () => {
  const lines: unknown[] = [];
  const listen = eventLogger(openLog('r', (line) => void lines.push(JSON.parse(line))));
  for (let bytes = 0; bytes < 100; bytes++) listen(event({ kind: 'step-progress', step, bytes }));
  listen(event({ kind: 'step-progress', step: { ...step, id: 'other' }, bytes: 7 }));
  expect(lines).toMatchObject([
    { kind: 'step-progress', step: step.id, bytes: 0 },
    { step: 'other', bytes: 7 },
  ]);
});
