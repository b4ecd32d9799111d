import { readFile } from 'node:fs/promises';
import { GetObjectCommand, paginateListObjectsV2, S3Client } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Document } from 'yaml';
import { staging } from '../demo/sample.ts';
import { runsBucket } from '../demo/sync-function.ts';
import { newRunId } from '../src/index.ts';
import { type Invoked, type LambdaScene, startLambdaScene } from './lambda-scene.ts';
import { requireNoSecret } from './scene.ts';

// Where a function leaves words: answers, log lines, the files of its runs. No secret is in any, and nothing of a row of production.

const own = {
  RUN_TOKEN: 'run-token-5b1f0c77',
  JOB_PASSWORD: 'job-password-8d20',
  HOOK: 'http://127.0.0.1:9/hooks/T0/hook-path-91c4',
  UNUSED: 'unused-variable-3a6e',
};

let scene: LambdaScene;
let people: readonly string[];

beforeAll(async () => {
  scene = await startLambdaScene();
  const value = JSON.stringify(own);
  await scene.environment.aws.putSecret({ name: 'bluemoxon-staging/variables', account: staging.account, value });
  const rows = await scene.onSource('select email from users');
  people = rows.map(({ email }) => String(email));
});
afterAll(() => scene?.[Symbol.asyncDispose]());

function withSecrets(config: Document): void {
  config.setIn(['migrate', 'steps', 0, 'http', 'headers'], { 'X-Run-Token': '${RUN_TOKEN}' });
  config.setIn(['notify'], config.createNode([{ webhook: '${HOOK}' }]));
  config.addIn(
    ['database', 'afterLoad'],
    config.createNode({ sql: "select set_config('app.job', '${JOB_PASSWORD}', false)" }),
  );
}

/** What each of these invocations has said, and everything that lies in the bucket of the runs after them. */
async function wordsOf(events: readonly object[], configure: (config: Document) => void): Promise<string> {
  await using lambda = await scene.startFunction({
    configure: (config) => {
      withSecrets(config);
      configure(config);
    },
    environment: { RESTAGE_VARIABLES: 'bluemoxon-staging/variables' },
  });
  const said: Invoked[] = [];
  for (const event of events) said.push(await lambda.invoke(event));
  return JSON.stringify(said) + (await readRuns());
}

async function readRuns(): Promise<string> {
  const { aws, variables } = scene.environment;
  const text = (await readFile(variables['AWS_SHARED_CREDENTIALS_FILE'] ?? '', 'utf8')).split(
    `[${staging.profile}]`,
  )[1];
  const [, accessKeyId = ''] = /aws_access_key_id = (.+)/.exec(text ?? '') ?? [];
  const [, secretAccessKey = ''] = /aws_secret_access_key = (.+)/.exec(text ?? '') ?? [];
  const client = new S3Client({
    endpoint: aws.endpoint,
    region: 'us-west-2',
    forcePathStyle: true,
    credentials: { accessKeyId, secretAccessKey },
  });
  let all = '';
  for await (const { Contents: contents = [] } of paginateListObjectsV2({ client }, { Bucket: runsBucket }))
    for (const { Key: key = '' } of contents) {
      const { Body: body } = await client.send(new GetObjectCommand({ Bucket: runsBucket, Key: key }));
      all += `\n${key}: ${(await body?.transformToString()) ?? ''}`;
    }
  client.destroy();
  return all;
}

function requireClean(words: string): void {
  const { HOOK: hook, ...others } = own;
  const secrets = [...scene.secrets, ...Object.values(others), hook.slice(hook.indexOf('T0/'))].filter(Boolean);
  requireNoSecret([...secrets, ...people], words, 'the function, or its runs');
}

test('of a refresh, a plan, a check and a verification', async () => {
  const runId = newRunId();
  const words = await wordsOf(
    [
      { action: 'plan', runId },
      { runId, asPlanned: 10 },
      { action: 'check' },
      { action: 'verify' },
      { action: 'status', runId },
    ],
    () => undefined,
  );
  expect(words).toContain(`${runId}/report.html`);
  expect(words).toContain('"outcome":"done"');
  requireClean(words);
});

test.each([
  [
    "production's server quotes it in an error",
    ['database', 'tables', 'users', 'where'],
    'email::int > 0',
    'rule-unfit',
  ],
  [
    "staging's server quotes it in an error",
    ['database', 'afterLoad', 0, 'sql'],
    "insert into users select * from users; select '${JOB_PASSWORD}'",
    'statement-failed',
  ],
  ['a statement is no SQL', ['database', 'afterLoad', 0, 'sql'], "selec '${JOB_PASSWORD}'", 'rule-unfit'],
  ['the configuration is wrong there', ['notify', 0, 'webhok'], '${HOOK}', 'config-invalid'],
  ['no server has that address', ['target', 'app', 'url'], 'http://user:${RUN_TOKEN}@127.0.0.1:9', 'app-unreachable'],
])('of a failure, where %s', async (_where, path, value, code) => {
  const words = await wordsOf([{}, { action: 'check' }], (config) => config.setIn(path, value));
  expect(words).toContain(`"code":"${code}"`);
  requireClean(words);
});

test('a configuration in a bucket that others may write to is not gone by', async () => {
  await using lambda = await scene.startFunction();
  const elsewhere = `s3://${scene.environment.target.bucket}/uploads/restage.yaml`;
  const { response } = await lambda.invoke({ action: 'plan', config: elsewhere });
  expect(response).toMatchObject({ statusCode: 400, error: { code: 'event-invalid' } });
  expect(response.error?.message).toContain(scene.environment.target.bucket);
});
