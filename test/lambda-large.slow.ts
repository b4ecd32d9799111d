import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { runsBucket } from '../demo/sync-function.ts';
import { type Scene, startScene } from './scene.ts';

// What a function has to say may be too large for Lambda: its answer names the place then. A function that answers so stands for it.

let scene: Scene;

beforeAll(async () => {
  scene = await startScene();
});
afterAll(() => scene?.[Symbol.asyncDispose]());

let answers = 0;

async function deployAnswer(answer: object): Promise<void> {
  const code = join(scene.folder, `answer-${(answers += 1)}`);
  await mkdir(code);
  await writeFile(join(code, 'index.mjs'), `export const handler = async () => (${JSON.stringify(answer)});`);
  await scene.environment.deployFunction({ code });
}

const at = (name: string) => `s3://${runsBucket}/runs/20261123-010203-abcd/${name}`;

test('a verification that is at another place than the answer is read there, and what differs is told', async () => {
  const difference = 'table books: 153 rows of production, 152 of staging';
  const report = {
    version: 1,
    madeAt: '2026-11-23T01:02:03.000Z',
    durationMs: 1,
    source: 'production',
    target: 'staging',
    objects: [],
    totals: [],
    expectations: [],
    differences: [difference],
  };
  await scene.environment.aws.seedObjects(runsBucket, [
    { key: 'runs/20261123-010203-abcd/report.json', body: JSON.stringify(report) },
  ]);
  await deployAnswer({ statusCode: 422, exitCode: 4, action: 'verify', reportAt: at('report.json') });
  const { code, stdout } = await scene.restage('verify', '--only', 'database', '--on', 'lambda', '--json');
  expect(code).toBe(4);
  expect(JSON.parse(stdout)).toMatchObject({ differences: [difference] });
});

test.each([
  ['verify', { reportAt: at('nothing.json') }, 'name the same place'],
  ['verify', { report: { leftOut: 'the report does not fit into the answer' } }, 'target.lambda.runs: s3://'],
  ['check', { reportAt: at('gone.json') }, 'name the same place'],
  ['plan', { report: { leftOut: 'the report does not fit into the answer' } }, 'target.lambda.runs: s3://'],
])('what of %s is nowhere to be read is no success: %j', async (command, answer, hint) => {
  await deployAnswer({ statusCode: 200, exitCode: 0, action: command, ...answer });
  const { code, stdout, stderr } = await scene.restage(command, '--only', 'database', '--on', 'lambda');
  expect(code).toBe(1);
  expect(stdout + stderr).toContain(`the function bluemoxon-staging-db-sync has ended ${command}, and what came of it`);
  expect((stdout + stderr).replaceAll(/\s+/g, ' ')).toContain(hint);
});
