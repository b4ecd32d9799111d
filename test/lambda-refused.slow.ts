import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { syncFunction } from '../demo/sync-function.ts';
import { type Scene, startScene } from './scene.ts';
import { startSilentServer } from './silent-server.ts';

// A function that cannot begin, or an answer of it that is lost: what a person is told who refreshes with it, and what staging has then.

let scene: Scene;

beforeAll(async () => {
  scene = await startScene();
});
afterAll(() => scene?.[Symbol.asyncDispose]());
afterEach(() => scene.environment.aws.clearFaults());

const refresh = (...args: readonly string[]) =>
  scene.restage('sync', '--yes', '--only', 'database', '--on', 'lambda', ...args);

test.each([
  ['import', `import 'nothing-here';`, [/cannot start: .*Cannot find package 'nothing-here'/, /Deploy its code again/]],
  ['throws', `export const handler = () => { throw new Error('oh no'); };`, [/has failed: oh no/, /restage status/]],
  [
    'other',
    `export const handler = () => ({ hello: 1 });`,
    [/none of restage's/, /Is target.lambda.function the right/],
  ],
] as const)('code that cannot do it is told in its own words, and what to do: %s', async (name, text, told) => {
  const before = await scene.staging();
  const code = join(scene.folder, name);
  await mkdir(code);
  await writeFile(join(code, 'index.mjs'), text);
  await scene.environment.deployFunction({ code });
  const ended = await refresh();
  expect([ended.code, ended.stdout]).toEqual([1, '']);
  for (const words of told) expect(ended.stderr).toMatch(words);
  expect(await scene.staging()).toEqual(before);
});

test('too little memory is told as such, with the setting to raise', async () => {
  await scene.environment.deployFunction({ memoryMebibytes: 64 });
  const { code, stderr } = await refresh();
  expect(code).toBe(1);
  expect(stderr).toContain('was killed for its memory: 64 MB were not enough');
  expect(stderr).toMatch(/aws lambda update-function-configuration --function-name \S+ .*--memory-size 1024/);
});

test('another configuration than the function’s is refused with both prints, and what to do', async () => {
  await scene.environment.deployFunction();
  const before = await scene.staging();
  const other = await scene.configure((config) => config.setIn(['database', 'keepPrevious'], 2));
  const { code, stderr } = await refresh('--config', other);
  expect(code).toBe(3);
  expect(stderr).toMatch(/another than the caller's: print [0-9a-f]{16}, and not [0-9a-f]{16}; nothing was changed/);
  expect(stderr).toMatch(/aws s3 cp FILE s3:\S+/);
  expect(await scene.staging()).toEqual(before);
});

test.each([
  ['the secret of the target', ['target', 'aws', 'endpoints', 'secretsManager'], 'aws.endpoints.secretsManager'],
  ['the role of the source', ['source', 'aws', 'endpoints', 'sts'], 'aws.endpoints.sts'],
])('a service that never answers is named within half a minute: %s', async (_what, path, hint) => {
  await using silent = await startSilentServer();
  const url = `http://127.0.0.1:${silent.port}`;
  const configFile = await scene.configure((config) => config.setIn(path, url));
  await scene.environment.deployFunction({ configFile });
  const began = Date.now();
  const { code, stderr } = await refresh('--config', configFile);
  expect(Date.now() - began).toBeLessThan(35_000);
  expect(code).toBe(1);
  expect(stderr).toContain(`the function ${syncFunction.name}: cannot reach ${url}`);
  expect(stderr).toContain(hint);
});

test('one that nobody listens for is told at once', async () => {
  const path = ['target', 'aws', 'endpoints', 'secretsManager'];
  const configFile = await scene.configure((config) => config.setIn(path, 'http://127.0.0.1:1'));
  await scene.environment.deployFunction({ configFile });
  const { code, stderr } = await refresh('--config', configFile);
  expect(code).toBe(1);
  expect(stderr).toContain('cannot reach http://127.0.0.1:1: connect ECONNREFUSED');
});

test('an event whose answer was lost is not sent again: its run is followed, and ends as it ends', async () => {
  const { aws } = scene.environment;
  await scene.environment.deployFunction();
  const earlier = (await aws.invocations(syncFunction.name)).length;
  // The first is for the plan.
  await aws.inject({
    match: { service: 'lambda', operation: 'Invoke' },
    skip: 1,
    times: 1,
    kind: 'lose-answer',
  });
  const { code, stdout, stderr } = await refresh();
  expect(stderr).toContain('the event may have been taken all the same, and its run is looked for');
  expect([code, stdout]).toEqual([0, expect.stringContaining('staging holds the new database') as unknown]);
  const made = (await aws.invocations(syncFunction.name)).slice(earlier);
  expect(made.map(({ type }) => type)).toEqual(['RequestResponse', 'Event']);
});
