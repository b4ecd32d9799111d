import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { EventError, readEvent, toldOf } from './read-event.ts';

function problems(event: unknown): readonly { readonly path: string; readonly message: string }[] {
  try {
    readEvent(event);
  } catch (error) {
    if (error instanceof EventError) return error.problems;
    throw error;
  }
  return [];
}

test('an empty event is a sync of the database', () => {
  expect(readEvent({})).toEqual({
    action: 'sync',
    only: 'database',
    dryRun: false,
    sample: false,
    notify: true,
  });
});

test('everything that is wrong is told at once', () => {
  expect(problems({ action: 'synch', runid: 'x', only: 'tables', dryRun: 'yes', asPlanned: 300 })).toEqual([
    { path: 'action', message: 'one of check, plan, sync, verify, rollback, status; did you mean sync?' },
    { path: 'only', message: 'database, objects, references or all' },
    { path: 'dryRun', message: 'true or false' },
    { path: 'asPlanned', message: expect.any(String) as string },
    { path: 'runid', message: 'unknown; did you mean runId?' },
    { path: 'asPlanned', message: 'is read with sync only' },
  ]);
});

test('of an event with very many unknown keys the first are told, and how many more there are', () => {
  const event = { only: 'tables', ...Object.fromEntries(Array.from({ length: 20_000 }, (_, at) => [`key${at}`, 1])) };
  expect(problems(event)).toHaveLength(20);
  expect(() => readEvent(event)).toThrow(/^the event has 20001 problems:\n(?: {2}.*\n){20} {2}and 19981 more$/);
  expect(problems({ ['k'.repeat(1e6)]: 1 })[0]?.path).toHaveLength(100);
});

test.each([['{}'], [null], [undefined], [7], [[]]])('%j is no event', (event) => {
  expect(problems(event)).toEqual([{ path: '', message: 'a JSON object is expected; {} refreshes the database' }]);
});

test.each([['sql'], ['raw_sql'], ['statement'], ['query'], ['afterLoad']])('%s is never taken', (key) => {
  expect(problems({ [key]: 'select 1' })).toMatchObject([{ path: key }]);
});

describe('what belongs to another action is refused, not read past', () => {
  test.each([
    [{ action: 'verify', dryRun: true }, 'dryRun'],
    [{ sample: true }, 'sample'],
    [{ action: 'verify', begunBy: 'schedule' }, 'begunBy'],
    [{ begunBy: 'me' }, 'begunBy'],
    [{ action: 'plan', to: '20261122-030000-ab12' }, 'to'],
    [{ only: 'references' }, 'only'],
    [{ action: 'rollback', only: 'objects' }, 'only'],
    [{ action: 'status', only: 'all' }, 'only'],
    [{ action: 'plan', asPlanned: 10 }, 'asPlanned'],
    [{ asPlanned: 10 }, 'asPlanned'],
  ])('%j', (event, path) => {
    expect(problems(event).map((one) => one.path)).toEqual([path]);
  });
});

test.each([['20261122-030000-ab12; drop table books'], ['20261122-030000-AB12'], ['../20261122-030000-ab12']])(
  '%j is no id of a run',
  (runId) => {
    expect(problems({ runId }).map(({ path }) => path)).toEqual(['runId']);
  },
);

test("an event of EventBridge's own is met with what to do", () => {
  expect(() => readEvent({ version: '0', id: 'x', 'detail-type': 'Scheduled Event', source: 'aws.events' })).toThrow(
    expect.objectContaining({ hint: expect.stringContaining('constant input {}') as string }),
  );
});

test('the log is told an event that is understood, and of another one its keys only', () => {
  expect(toldOf({ action: 'plan' })).toMatchObject({ action: 'plan', only: 'database' });
  const odd = toldOf({ action: 'plan', password: 'correct horse', config: 'postgres://u:hunter2@h/d' });
  expect(odd).toEqual({ keys: ['action', 'password', 'config'] });
  expect(toldOf('correct horse')).toEqual({ keys: [] });
});

test('the events that the page about the function shows are understood', () => {
  const page = readFileSync('docs/lambda.md', 'utf8').replaceAll('…', '20260131-031500-4f2a');
  const events = [...page.matchAll(/[`'](\{(?:"action.*?)?\})[`']/g)].map(
    ([, text = '']) => JSON.parse(text) as unknown,
  );
  expect(events.length).toBeGreaterThan(2);
  for (const event of events) expect(problems(event)).toEqual([]);
});
