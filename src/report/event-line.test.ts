import { expect, test } from 'vitest';
import type { StepReport } from '../step.ts';
import { eventLine } from './event-line.ts';
import { plain } from './style.ts';

function failed(message: string): StepReport {
  return {
    id: 'analyze',
    after: [],
    kind: 'analyze',
    outcome: {
      status: 'failed',
      startedAt: '2026-11-22T23:15:00.000Z',
      durationMs: 1500,
      failure: { code: 'statement-failed', message },
    },
  };
}

test('the time of a failure stands behind its first line', () => {
  expect(eventLine({ kind: 'step-ended', step: failed('gone') }, plain)).toBe('✗ analyze  gone  1.5 s');
  expect(eventLine({ kind: 'step-ended', step: failed('2 failed:\n  "a": no\n  "b": no') }, plain)).toBe(
    '✗ analyze  2 failed:  1.5 s\n  "a": no\n  "b": no',
  );
});
