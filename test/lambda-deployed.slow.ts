import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
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
import { requireNoSecret } from './scene.ts';
import { startSmallApp } from './small-app.ts';

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
  expect(await store.states.read(response.runId ?? '')).toEqual(response.state);
});

describe('a configuration', () => {
  const place = 'ssm:/restage/staging';

  /** What an invocation answered, and its whole log. */
  async function invoke(event: object): Promise<{ readonly response: InvocationResponse; readonly log: string }> {
    const { answer } = await invokeFunction(account, syncFunction.name, event, { kind: 'wait', timeoutMs: 120_000 });
    const [last] = (await scene.environment.aws.invocations(syncFunction.name)).slice(-1);
    const log = last?.log ?? '';
    requireNoSecret(scene.secrets, JSON.stringify(answer) + log, 'the function');
    return { response: answer as InvocationResponse, log };
  }

  test('is read from the parameter that the function or the event names, or from a file of the bundle', async () => {
    const { environment } = scene;
    const text = await readFile(environment.configFile, 'utf8');
    // A parameter has 8 kB at most.
    await environment.aws.putParameter({
      account: staging.account,
      name: '/restage/staging',
      type: 'SecureString',
      value: text.replaceAll(/^\s*#.*\n/gm, ''),
    });
    await environment.deployFunction({ environment: { RESTAGE_CONFIG: place } });
    expect((await invoke({ action: 'plan' })).response).toMatchObject({ statusCode: 200, exitCode: 0 });
    await environment.deployFunction({ environment: { RESTAGE_CONFIG: 'ssm:/restage/other' } });
    const missing = await invoke({ action: 'plan' });
    expect(missing.response).toMatchObject({ statusCode: 400, error: { code: 'config-missing' } });
    expect((await invoke({ config: place })).response).toMatchObject({ statusCode: 200, report: { outcome: 'done' } });
    const beside = await invoke({ action: 'plan', config: 'file:restage.yaml' });
    expect(beside.response).toMatchObject({ statusCode: 400, error: { code: 'config-missing' } });
    await environment.deployFunction();
  });

  test('has its variables from the secret, wherever it names one, and those of the function above them', async () => {
    const { aws, source, target, deployFunction, variables } = scene.environment;
    await using app = await startSmallApp();
    const configFile = await scene.configure((config) => {
      for (const [end, { databaseUrl }] of Object.entries({ source, target })) {
        const { hostname: host, port, username } = new URL(databaseUrl);
        const name = end.toUpperCase();
        config.setIn([end, 'database'], {
          host,
          port: Number(port),
          database: `\${${name}_DATABASE}`,
          user: username,
          passwordEnv: `${name}_PASSWORD`,
          tls: 'disable',
        });
      }
      config.setIn(['notify'], [{ webhook: '${HOOK}', on: 'always' }]);
    });
    const { STAGING_API_KEY, RESTAGE_MASK_KEY } = variables;
    const secret = {
      STAGING_API_KEY,
      RESTAGE_MASK_KEY,
      SOURCE_DATABASE: source.database,
      TARGET_DATABASE: 'a_database_that_is_not_there',
      SOURCE_PASSWORD: passwordOf(source),
      TARGET_PASSWORD: passwordOf(target),
      HOOK: `${app.url}/path-of-the-hook`,
    };
    await deployFunction({ configFile, environment: { TARGET_DATABASE: target.database } });
    await aws.putSecret({ name: 'bluemoxon-staging/restage', account: staging.account, value: JSON.stringify(secret) });
    const { response, log } = await invoke({});
    expect(response.error).toBeUndefined();
    expect(response).toMatchObject({ statusCode: 200, report: { outcome: 'done' } });
    expect(app.asked.map(({ path }) => path)).toEqual(['/api/path-of-the-hook']);
    expect(log + JSON.stringify(response)).not.toContain('path-of-the-hook');
    await scene.environment.deployFunction();
  });
});

test('a report that does not fit into an answer is where the answer says, and the result stands in it', async () => {
  const { target } = scene.environment;
  // The drift names each of them.
  await scene.onTarget(
    `do $$ begin
       for i in 1..20000 loop
         execute format('create function of_staging_alone_%s() returns text language sql as %L', i, 'select ' || quote_literal(repeat('a text ', 50)));
       end loop;
     end $$`,
    target.database,
  );
  const { answer } = await invokeFunction(account, syncFunction.name, {}, { kind: 'wait', timeoutMs: 120_000 });
  const response = answer as InvocationResponse;
  expect(response).toMatchObject({
    statusCode: 200,
    exitCode: 0,
    result: { failed: [], validation: { different: [] } },
    reportAt: `${scene.runs}/${response.runId}/report.json`,
  });
  expect(response).not.toHaveProperty('report');
  const kept = (await store.files.fetch(response.runId ?? '', 'report.json')) ?? '';
  expect(kept.length).toBeGreaterThan(6_291_556);
  expect(JSON.parse(kept)).toMatchObject({ outcome: 'done', run: response.runId });
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
  await scene.environment.deployFunction({ configFile, timeoutSeconds: 45 });
  const { answer } = await invokeFunction(
    account,
    syncFunction.name,
    { runId: run },
    { kind: 'wait', timeoutMs: 120_000 },
  );
  expect(answer).toMatchObject({ statusCode: 202, exitCode: 0, state: { phase: 'paused' } });
  await scene.onSource('update slow set seconds = 0');
  for (let tries = 0; (await store.states.read(run))?.phase !== 'ended' && tries < 1200; tries++)
    await new Promise((resolve) => setTimeout(resolve, 100));
  expect(await store.states.read(run)).toMatchObject({ phase: 'ended', outcome: 'done' });
  const report = JSON.parse((await store.files.fetch(run, 'report.json')) ?? '{}') as {
    readonly parts?: readonly unknown[];
  };
  expect(report.parts?.length).toBeGreaterThan(1);
});

function passwordOf({ databaseUrl }: { readonly databaseUrl: string }): string {
  return decodeURIComponent(new URL(databaseUrl).password);
}
