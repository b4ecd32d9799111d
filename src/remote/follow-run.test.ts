import { expect, test } from 'vitest';
import { RestageError } from '../errors.ts';
import type { Event } from '../event.ts';
import { followRun, type FollowOptions } from './follow-run.ts';
import type { InvocationResponse } from './invocation.ts';
import type { RunState } from './run-state.ts';
import type { RunStore } from './run-store.ts';

const run = '20261123-031500-4f2a';

const begun: RunState = {
  run,
  phase: 'running',
  part: 1,
  function: { name: 'books-sync', requestId: 'a-request', memoryBytes: 512 * 1024 * 1024 },
  startedAt: '2026-11-23T03:15:00.000Z',
  updatedAt: '2026-11-23T03:15:00.000Z',
  deadline: '2026-11-23T03:30:00.000Z',
  pieces: 0,
};

type Seen = RunState | Error | undefined;

/** What a function leaves of a run: a script of states, one for each look, or what it is at each. */
function runsOf(states: readonly Seen[] | (() => Seen), files: Readonly<Record<string, string>> = {}): RunStore {
  let looks = 0;
  const unused = () => Promise.reject(new Error('only the function writes'));
  return {
    place: 's3://runs/books',
    states: {
      read: async () => {
        const state = typeof states === 'function' ? states() : states[Math.min(looks, states.length - 1)];
        looks += 1;
        if (state instanceof Error) throw state;
        return state;
      },
      begin: unused,
      take: unused,
      write: unused,
      ids: unused,
    },
    events: { read: async (_run, piece) => files[`events/${piece}`], add: unused },
    files: { fetch: async (_run, file) => files[file], keep: unused },
    lastRuns: { read: unused, add: unused },
    tryOut: unused,
    runOf: unused,
    [Symbol.dispose]: () => {},
  };
}

const report = { run, steps: [], outcome: 'done' };
const ended: RunState = {
  ...begun,
  phase: 'ended',
  outcome: 'done',
  exitCode: 0,
  updatedAt: '2026-11-23T03:20:00.000Z',
};

async function follow(runs: RunStore, options: Partial<FollowOptions> = {}) {
  const heard: Event[] = [];
  const told: string[] = [];
  const asked: string[] = [];
  const followed = await followRun(runs, run, {
    listen: (event) => void heard.push(event),
    tell: (line) => void told.push(line),
    everyMs: 2,
    silentMs: 60_000,
    ...options,
    ask: async (how) => {
      asked.push(how);
      return options.ask?.(how);
    },
  });
  return { followed, heard, told, asked };
}

const line = (id: string) => JSON.stringify({ kind: 'recovering', reason: id });

test('what the function writes of a run is heard once and in order, and ends with its report', async () => {
  const files = {
    'events/1': `${line('one')}\n${line('two')}\n`,
    'events/2': `${line('three')}\n`,
    'report.json': JSON.stringify(report),
  };
  const states = [undefined, begun, { ...begun, pieces: 1 }, { ...begun, pieces: 1 }, { ...ended, pieces: 2 }];
  const { followed, heard, asked } = await follow(runsOf(states, files));
  expect(heard.map((event) => (event.kind === 'recovering' ? event.reason : ''))).toEqual(['one', 'two', 'three']);
  expect(followed).toEqual({ report });
  expect(asked).toEqual([]);
});

test('a line that cannot be read is left out, and the others are heard', async () => {
  const files = { 'events/1': `${line('one')}\n{"kind": "rec\n${line('two')}`, 'report.json': JSON.stringify(report) };
  const { heard } = await follow(runsOf([{ ...ended, pieces: 1 }], files));
  expect(heard).toHaveLength(2);
});

test('a run that ended without a report says why, and what the target holds', async () => {
  const failure = { code: 'time-short', message: 'it cannot fit', hint: 'more time' } as const;
  const state: RunState = { ...ended, outcome: 'failed', exitCode: 3, failure, holds: 'staging is as it was' };
  const { followed } = await follow(runsOf([state]));
  expect(followed).toEqual({ failure, holds: 'staging is as it was', state });
});

test('a run that falls silent is asked for, and what is answered is how it ended', async () => {
  const failure = { code: 'function-failed', message: 'the function was killed' } as const;
  const state: RunState = { ...ended, failure, holds: 'staging is as it was' };
  const answer: InvocationResponse = { statusCode: 500, exitCode: 1, state, error: failure };
  const { followed, asked, told } = await follow(runsOf([begun]), { silentMs: 30, ask: async () => answer });
  expect(followed).toEqual({ failure, holds: 'staging is as it was', state });
  expect(asked).toEqual(['wait']);
  expect(told).toEqual([
    `the run ${run} says nothing any more, the last 2026-11-23 03:15:00 UTC: the function is asked`,
  ]);
});

test('a run past its deadline is asked for before the time of silence is over', async () => {
  const late: RunState = { ...begun, deadline: '2026-11-23T03:15:00.010Z' };
  const clock = performance.now();
  const answer: InvocationResponse = {
    statusCode: 500,
    exitCode: 1,
    error: { code: 'function-failed', message: 'killed' },
  };
  await follow(runsOf([late]), { ask: async () => answer });
  expect(performance.now() - clock).toBeLessThan(30_000);
});

test('a run that has the lock is asked for in a quarter of the time of silence', async () => {
  const clock = performance.now();
  const failure = { code: 'function-failed', message: 'killed' } as const;
  const answer: InvocationResponse = { statusCode: 500, exitCode: 1, error: failure };
  await follow(runsOf([{ ...begun, locks: true }]), { silentMs: 4000, ask: async () => answer });
  expect(performance.now() - clock).toBeLessThan(3000);
});

/** More often than a function is asked that says nothing of use. */
const often = 5;

test('a run that says that it goes on is followed further', async () => {
  let asks = 0;
  const state = () => (asks > often ? ended : begun);
  const { followed, asked } = await follow(runsOf(state, { 'report.json': JSON.stringify(report) }), {
    silentMs: 5,
    ask: async () => {
      asks += 1;
      return { statusCode: 202, exitCode: 0, state: begun };
    },
  });
  expect(new Set(asked)).toEqual(new Set(['wait']));
  expect(followed).toEqual({ report });
});

test('a pause that nobody goes on with is asked to go on, by an event', async () => {
  const paused: RunState = { ...begun, phase: 'paused' };
  let asks = 0;
  const state = () => (asks > 0 ? ended : paused);
  const { followed, asked } = await follow(runsOf(state, { 'report.json': JSON.stringify(report) }), {
    silentMs: 4,
    ask: async () => void (asks += 1),
  });
  expect(asked).toEqual(['event']);
  expect(followed).toEqual({ report });
});

test('an event that nobody takes up is asked for, and what that throws is why there is no run', async () => {
  const { followed, asked } = await follow(runsOf([undefined]), {
    silentMs: 5,
    ask: () => Promise.reject(new RestageError('function-failed', 'the function ended before it began')),
  });
  expect(asked).toEqual(['wait', 'wait', 'wait']);
  expect(followed).toMatchObject({
    failure: { code: 'function-failed', message: 'the function ended before it began' },
  });
});

test('a function that is busy with the run itself is believed that it goes on', async () => {
  let asks = 0;
  const state = () => (asks > often ? ended : begun);
  const { followed } = await follow(runsOf(state, { 'report.json': JSON.stringify(report) }), {
    silentMs: 5,
    ask: () => {
      asks += 1;
      return Promise.reject(new RestageError('run-in-progress', 'all that may run at once do'));
    },
  });
  expect(followed).toEqual({ report });
});

test('one look that failed does not end the following', async () => {
  const gone = new RestageError('aws-unreachable', 'no route');
  const { followed } = await follow(runsOf([gone, begun, gone, ended], { 'report.json': JSON.stringify(report) }));
  expect(followed).toEqual({ report });
});

test('a place that may not be read ends it at once', async () => {
  const denied = new RestageError('bucket-denied', 'it takes s3:GetObject');
  await expect(follow(runsOf([denied]))).rejects.toThrow('it takes s3:GetObject');
});

test('an interrupt ends the following, and not the run', async () => {
  const controller = new AbortController();
  setTimeout(() => controller.abort(), 10);
  const following = follow(runsOf([begun]), { signal: controller.signal });
  await expect(following).rejects.toMatchObject({ code: 'interrupted' });
});

test('why the next part of a paused run is refused is heard at the last try', async () => {
  const paused: RunState = { ...begun, phase: 'paused' };
  const refusal: InvocationResponse = {
    statusCode: 409,
    exitCode: 3,
    error: { code: 'config-differs', message: "the function's configuration is another one" },
  };
  const { followed, asked } = await follow(runsOf([paused]), {
    silentMs: 4,
    ask: async (how) => (how === 'wait' ? refusal : undefined),
  });
  expect(asked).toEqual(['event', 'event', 'wait']);
  expect(followed).toMatchObject({ failure: { code: 'config-differs' } });
});
