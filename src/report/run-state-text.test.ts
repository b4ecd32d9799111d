import { expect, test } from 'vitest';
import type { RunState } from '../remote/run-state.ts';
import { runStateRows, runStateText } from './run-state-text.ts';

const now = Date.parse('2026-11-23T15:20:00.000Z');
const state: RunState = {
  run: '20261123-150000-abcd',
  phase: 'running',
  part: 2,
  function: {
    name: 'books-staging-refresh',
    requestId: '8f5ae2b1',
    memoryBytes: 512 * 1024 * 1024,
    logGroup: '/aws/lambda/books-staging-refresh',
  },
  startedAt: '2026-11-23T15:14:44.000Z',
  updatedAt: '2026-11-23T15:19:55.000Z',
  deadline: '2026-11-23T15:29:44.000Z',
  pieces: 31,
  steps: ['copy-table books'],
};
const who = 'the run 20261123-150000-abcd in the function books-staging-refresh';

test('a run that goes on says in which part, since when, and what is under way', () => {
  expect(runStateText(state, now)).toBe(`${who} goes on, part 2, since 2026-11-23 15:14:44 UTC: copy-table books`);
  expect(runStateText({ ...state, part: 1, steps: [] }, now)).toBe(`${who} goes on, since 2026-11-23 15:14:44 UTC`);
  expect(runStateText({ ...state, phase: 'planning' }, now)).toContain('15:14:44 UTC, planning');
  expect(runStateText({ ...state, steps: ['a', 'b', 'c', 'd', 'e'] }, now)).toContain(': a, b, c and 2 more');
});

test('a run that has been silent for a while says since when', () => {
  expect(runStateText({ ...state, updatedAt: '2026-11-23T15:18:00.000Z' }, now)).toContain(
    '; last heard of 2 min 0 s ago',
  );
});

test('a run that is silent beyond its deadline is not said to go on', () => {
  const killed = runStateText(state, Date.parse('2026-11-23T15:29:45.000Z'));
  expect(killed).not.toContain('goes on');
  expect(killed).toContain('its invocation was over by 2026-11-23 15:29:44 UTC');
});

test('a pause says how it goes on, however long ago it was', () => {
  expect(runStateText({ ...state, phase: 'paused' }, now + 86_400_000)).toBe(
    `${who} has paused after part 2, 2026-11-23 15:19:55 UTC: it goes on when it is invoked with this run's id`,
  );
});

test('a run that has ended says how', () => {
  const ended = { ...state, phase: 'ended' as const };
  expect(runStateText({ ...ended, outcome: 'done' }, now)).toBe(`${who} has ended well, 2026-11-23 15:19:55 UTC`);
  expect(runStateText({ ...ended, outcome: 'interrupted' }, now)).toContain('was interrupted');
  const failure = { code: 'time-over' as const, message: 'x', step: 'copy-table books' };
  expect(runStateText({ ...ended, outcome: 'failed', failure }, now)).toContain(
    'has failed: copy-table books, time-over',
  );
});

test('beside it stand what staging holds and where the log is', () => {
  expect(runStateRows({ ...state, holds: 'staging holds the new database' }, now).slice(1)).toEqual([
    ['', 'staging holds the new database.'],
    ['', 'log /aws/lambda/books-staging-refresh'],
  ]);
});
