import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Report } from '../src/index.ts';
import { type LambdaFunction, type LambdaScene, startLambdaScene } from './lambda-scene.ts';

let scene: LambdaScene;
let alone: LambdaFunction;

beforeAll(async () => {
  scene = await startLambdaScene();
  alone = await scene.startFunction({ configure: (config) => void config.deleteIn(['target', 'lambda', 'runs']) });
});
afterAll(() => scene?.[Symbol.asyncDispose]());

describe('without a place for its runs', () => {
  test('{} refreshes the database, and the answer holds the result', async () => {
    const { response, log } = await alone.invoke({});
    console.error(JSON.stringify(response).slice(0, 3000), log.slice(-3));
    expect(response).toMatchObject({ statusCode: 200, exitCode: 0, action: 'sync' });
    expect((response.report as Report).outcome).toBe('done');
  });
});
