import { afterAll, beforeAll, expect, test } from 'vitest';
import { staging } from '../demo/sample.ts';
import { syncFunction } from '../demo/sync-function.ts';
import {
  invokeFunction,
  newRunId,
  openAccount,
  type Account,
  type InvocationResponse,
  type RunStore,
} from '../src/index.ts';
import { type LambdaScene, startLambdaScene } from './lambda-scene.ts';

// The bundle as it is deployed, behind Lambda's own interface: its configuration is an object of S3, its variables are a secret.

let scene: LambdaScene;
let store: RunStore;
let account: Account;

beforeAll(async () => {
  scene = await startLambdaScene();
  await scene.environment.deployFunction();
  store = await scene.openRuns();
  const { AWS_SHARED_CREDENTIALS_FILE: credentials, AWS_CONFIG_FILE: config } = scene.environment.variables;
  const { endpoints } = scene.environment.aws;
  account = await openAccount({ profile: staging.profile, endpoints }, { credentials, config });
});
afterAll(async () => {
  store?.[Symbol.dispose]();
  await scene?.[Symbol.asyncDispose]();
});

test('{} refreshes the database, and is answered', async () => {
  const { answer, log } = await invokeFunction(account, syncFunction.name, {}, { kind: 'wait', timeoutMs: 120_000 });
  const response = answer as InvocationResponse;
  expect(response).toMatchObject({
    statusCode: 200,
    exitCode: 0,
    report: { outcome: 'done' },
    state: { phase: 'ended' },
  });
  expect(log).toContain('"Namespace":"restage"');
  expect(await store.read(response.runId ?? '')).toEqual(response.state);
});

test('a run that does not fit asks itself for its next part, and ends', async () => {
  const run = newRunId(new Date(Date.now() + 1000));
  await scene.onSource('create table slow (seconds int); insert into slow values (1)');
  const configFile = await scene.configure((config) =>
    config.setIn(
      ['database', 'tables', 'authors', 'where'],
      `case when current_setting('application_name') like 'restage 2%'
            then pg_sleep((select seconds from slow)) is not null else true end`,
    ),
  );
  await scene.environment.deployFunction({ configFile, timeoutSeconds: 37 });
  const { answer } = await invokeFunction(
    account,
    syncFunction.name,
    { runId: run },
    { kind: 'wait', timeoutMs: 120_000 },
  );
  expect(answer).toMatchObject({ statusCode: 202, exitCode: 0, state: { phase: 'paused' } });
  await scene.onSource('update slow set seconds = 0');
  for (let tries = 0; (await store.read(run))?.phase !== 'ended' && tries < 400; tries++)
    await new Promise((resolve) => setTimeout(resolve, 100));
  expect(await store.read(run)).toMatchObject({ phase: 'ended', outcome: 'done' });
  const report = JSON.parse((await store.fetch(run, 'report.json')) ?? '{}') as { readonly parts?: readonly unknown[] };
  expect(report.parts?.length).toBeGreaterThan(1);
});
