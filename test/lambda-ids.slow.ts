import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { newRunId } from '../src/index.ts';
import { type Invoked, type LambdaFunction, type LambdaScene, startLambdaScene } from './lambda-scene.ts';
import { holdLock } from './lambda-states.ts';

// The same event twice, where the function has no place for its runs: what the target alone remembers.

let scene: LambdaScene;
let lambda: LambdaFunction;
let earlier: string;
let later: string;

const words = (part: string) => expect.stringContaining(part) as string;

beforeAll(async () => {
  scene = await startLambdaScene();
  lambda = await scene.startFunction({ configure: (config) => void config.deleteIn(['target', 'lambda', 'runs']) });
});
afterAll(() => scene?.[Symbol.asyncDispose]());

describe('a run that has an id', () => {
  let first: Invoked;

  beforeAll(async () => {
    earlier = newRunId();
    first = await lambda.invoke({ runId: earlier });
  });

  test('is made under it', () => {
    expect(first.response).toMatchObject({
      statusCode: 200,
      runId: earlier,
      report: { run: earlier },
    });
  });

  test('is not made again: the target says that it has ended', async () => {
    const before = await scene.staging();
    const { response } = await lambda.invoke({ runId: earlier });
    expect(response).toMatchObject({
      statusCode: 200,
      exitCode: 0,
      state: { phase: 'ended', outcome: 'done', holds: words('is the new database, verified') },
    });
    expect(response).not.toHaveProperty('report');
    expect(await scene.staging()).toEqual(before);
  });

  test('is not made again once a later one has replaced it', async () => {
    later = newRunId(new Date(Date.now() + 1000));
    await lambda.invoke({ runId: later });
    const before = await scene.staging();
    const { response } = await lambda.invoke({ runId: earlier });
    expect(response.state).toMatchObject({ phase: 'ended', outcome: 'done', holds: words('replaced since') });
    expect(await scene.staging()).toEqual(before);
  });

  test('is not made beside itself while it goes on', async () => {
    const run = '20261123-010205-cccc';
    await using _holder = await holdLock(scene, run);
    const { response } = await lambda.invoke({ runId: run });
    expect(response).toMatchObject({ statusCode: 202, exitCode: 0, state: { run, phase: 'running' } });
    const other = await lambda.invoke({ runId: '20261123-010205-dddd' });
    expect(other.response).toMatchObject({ statusCode: 409, error: { code: 'run-in-progress', message: words(run) } });
  });
});

describe('a rollback', () => {
  test('without a place to remember it by wants to be told which run is undone', async () => {
    const before = await scene.staging();
    const { response } = await lambda.invoke({ action: 'rollback' });
    expect(response).toMatchObject({
      statusCode: 400,
      error: { code: 'event-invalid', hint: words(`"to": "${later}"`) },
    });
    expect(await scene.staging()).toEqual(before);
  });

  test('says what it would do, and does nothing', async () => {
    const before = await scene.staging();
    const { response } = await lambda.invoke({ action: 'rollback', dryRun: true });
    expect(response).toMatchObject({
      statusCode: 200,
      report: { kind: 'rollback', back: { run: later } },
    });
    expect(await scene.staging()).toEqual(before);
  });

  test('puts back what the run replaced, once', async () => {
    const event = { action: 'rollback', to: later, runId: newRunId(new Date(Date.now() + 2000)) };
    const done = await lambda.invoke(event);
    expect(done.response).toMatchObject({
      statusCode: 200,
      runId: event.runId,
      report: { outcome: 'done', run: event.runId },
    });
    expect(done.log.at(-1)).toMatchObject({ Succeeded: 1, Failed: 0 });
    const before = await scene.staging();
    const again = await lambda.invoke(event);
    expect(again.response.statusCode).not.toBe(200);
    expect(await scene.staging()).toEqual(before);
  });
});
