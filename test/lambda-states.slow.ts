import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { newRunId, type RunStore, type Status } from '../src/index.ts';
import { type LambdaFunction, type LambdaScene, startLambdaScene } from './lambda-scene.ts';
import { databases, holdLock, stateOf } from './lambda-states.ts';

// What the function answers of a run that another invocation has begun, by its state and by the target's lock.

let scene: LambdaScene;
let lambda: LambdaFunction;
let store: RunStore;

const words = (part: string) => expect.stringContaining(part) as string;

beforeAll(async () => {
  scene = await startLambdaScene();
  lambda = await scene.startFunction();
  store = await scene.openRuns();
});
afterAll(async () => {
  store?.[Symbol.dispose]();
  await scene?.[Symbol.asyncDispose]();
});

describe('a run that another invocation makes', () => {
  test('goes on elsewhere while it writes', async () => {
    const run = newRunId();
    await store.states.begin(stateOf(run));
    const before = await databases(scene);
    const { response } = await lambda.invoke({ runId: run });
    expect(response).toMatchObject({ statusCode: 202, exitCode: 0, state: { run, phase: 'running' } });
    expect(response.error).toBeUndefined();
    expect(await databases(scene)).toBe(before);
  });

  test.each([
    [
      'has written nothing for a minute',
      { updatedAt: new Date(Date.now() - 61_000).toISOString() },
      'has written nothing',
    ],
    ['is past its deadline', { deadline: new Date(Date.now() - 1000).toISOString() }, 'was killed at its time-out'],
  ])('and %s has been killed, if nobody has the lock', async (_what, more, told) => {
    const run = newRunId();
    await store.states.begin(stateOf(run, more));
    const before = await databases(scene);
    const { response, log } = await lambda.invoke({ runId: run });
    expect(response).toMatchObject({
      statusCode: 500,
      exitCode: 1,
      error: { code: 'function-failed', message: words(told), hint: words('/aws/lambda/another a-stream') },
      state: { phase: 'ended', outcome: 'failed', holds: words('is as it was before the run') },
    });
    expect(await store.states.read(run)).toEqual(response.state);
    expect((await lambda.invoke({ runId: run })).response).toEqual(response);
    expect(await databases(scene)).toBe(before);
    expect(log.at(-1)).toMatchObject({ Failed: 1, code: 'function-failed' });
  });

  test('and is silent goes on for as long as it has the lock', async () => {
    const run = newRunId();
    await store.states.begin(stateOf(run, { deadline: new Date(Date.now() - 1000).toISOString() }));
    await using _holder = await holdLock(scene, run);
    const { response } = await lambda.invoke({ runId: run });
    expect(response).toMatchObject({ statusCode: 202, state: { phase: 'running' } });
    const status = await lambda.invoke({ action: 'status', runId: run });
    expect(status.response).toMatchObject({ statusCode: 200, state: { run, phase: 'running' } });
    expect((status.response.report as Status).database?.running).toContain(run);
  });
});

describe('a run that has the lock', () => {
  test('and no state goes on, and its state says so', async () => {
    const run = newRunId();
    await using _holder = await holdLock(scene, run);
    const { response } = await lambda.invoke({ runId: run });
    expect(response).toMatchObject({ statusCode: 202, exitCode: 0, state: { run, phase: 'running' } });
    expect(await store.states.read(run)).toEqual(response.state);
  });
});

describe('a run under whose id something else is asked for', () => {
  test('is not taken for a rollback that was never made', async () => {
    const run = newRunId();
    await store.states.begin(
      stateOf(run, { action: 'sync', target: 'staging', phase: 'ended', outcome: 'done', exitCode: 0 }),
    );
    const before = await databases(scene);
    const { response } = await lambda.invoke({ action: 'rollback', runId: run });
    expect(response).toMatchObject({
      statusCode: 400,
      error: { code: 'event-invalid', message: words('a sync of staging already'), hint: words(`"to": "${run}"`) },
    });
    expect(await databases(scene)).toBe(before);
  });

  test('is not taken for the refresh of another target, whose function has the same place', async () => {
    const run = newRunId();
    await store.states.begin(
      stateOf(run, { action: 'sync', target: 'preview', phase: 'ended', outcome: 'done', exitCode: 0 }),
    );
    const { response } = await lambda.invoke({ runId: run });
    expect(response).toMatchObject({ statusCode: 400, error: { code: 'event-invalid', message: words('of preview') } });
  });

  test('is not judged by the lock of another target', async () => {
    const run = newRunId();
    const silent = stateOf(run, { target: 'preview', deadline: new Date(Date.now() - 1000).toISOString() });
    await store.states.begin(silent);
    const { response } = await lambda.invoke({ action: 'status', runId: run });
    expect(response).toMatchObject({ statusCode: 200, state: { run, phase: 'running' } });
    expect(await store.states.read(run)).toEqual(silent);
  });
});
