import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { buildFunction } from '../build-function.ts';
import { ownVersion, type InvocationResponse, type Report } from '../src/index.ts';
import { startScene, type Scene } from './scene.ts';

let scene: Scene;
let folder: string;
let environment: Readonly<Record<string, string>>;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'restage-task-'));
  [scene] = await Promise.all([startScene(), buildFunction(folder)]);
  environment = await place(scene, folder);
});
afterAll(async () => {
  await scene?.[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

test('the bundle refreshes from an empty folder elsewhere, with nothing but a role in its environment', async () => {
  const before = await readdir(folder);
  const { code, answer } = await runTask('{"action":"sync"}');
  expect(answer.error).toBeUndefined();
  const report = answer.report as Report; // of a sync
  expect(report).toMatchObject({ outcome: 'done', figures: { tables: { copied: 14, equal: 14 } } });
  expect(answer).toMatchObject({ statusCode: 200, exitCode: 0, action: 'sync' });
  expect(code).toBe(0);
  expect(JSON.stringify(report)).toContain(ownVersion());
  expect(await readdir(folder)).toEqual(before); // Lambda's folder is read only
});

test('the task takes its event from RESTAGE_EVENT, and ends with the exit code of its answer', async () => {
  const wrong = await runTask(undefined, { RESTAGE_EVENT: '{"action":"sink"}' });
  expect(wrong).toMatchObject({ code: 2, answer: { statusCode: 400, error: { code: 'event-invalid' } } });
  const noJson = await runTask('refresh');
  expect(noJson).toMatchObject({ code: 2, answer: { statusCode: 400, error: { code: 'event-invalid' } } });
  const plan = await runTask(undefined, { RESTAGE_EVENT: '{"action":"plan"}' });
  expect(plan).toMatchObject({ code: 0, answer: { statusCode: 200, action: 'plan' } });
});

test('a task that is stopped puts staging back as it was', async () => {
  const before = await scene.staging();
  const task = spawn(process.execPath, [join(folder, 'task.mjs')], { cwd: tmpdir(), env: environment });
  let said = '';
  task.stdout.setEncoding('utf8').on('data', (text: string) => {
    if (!said.includes('copy-table') && (said + text).includes('copy-table')) task.kill('SIGTERM');
    said += text;
  });
  const [code] = (await once(task, 'close')) as [number | null];
  const answer = JSON.parse(said.trim().split('\n').at(-1) ?? '') as InvocationResponse;
  expect(answer).toMatchObject({ exitCode: 130, report: { outcome: 'interrupted' } });
  expect(code).toBe(130);
  expect(await scene.staging()).toEqual(before);
});

test('a task that cannot load what it is made of ends as no answer does', async () => {
  const broken = await mkdtemp(join(tmpdir(), 'restage-broken-'));
  try {
    await cp(folder, broken, { recursive: true });
    await writeFile(join(broken, 'index.mjs'), `throw new Error('half a file');`);
    const task = spawn(process.execPath, [join(broken, 'task.mjs')], { cwd: tmpdir(), env: environment });
    let said = '';
    task.stderr.setEncoding('utf8').on('data', (text: string) => (said += text));
    const [code] = (await once(task, 'close')) as [number | null];
    expect([code, said]).toEqual([70, expect.stringContaining('half a file')]);
  } finally {
    await rm(broken, { recursive: true, force: true });
  }
});

async function runTask(
  event: string | undefined,
  more: Readonly<Record<string, string>> = {},
): Promise<{ readonly code: number; readonly answer: InvocationResponse }> {
  const args = [join(folder, 'task.mjs'), ...(event === undefined ? [] : [event])];
  return new Promise((resolve, reject) => {
    execFile(process.execPath, args, { cwd: tmpdir(), env: { ...environment, ...more } }, (error, stdout, stderr) => {
      const last = stdout.trim().split('\n').at(-1) ?? '';
      if (!last.startsWith('{"statusCode"')) return reject(new Error(`${stdout}\n${stderr}`));
      for (const secret of scene.secrets) expect(stdout + stderr).not.toContain(secret);
      resolve({
        code: typeof error?.code === 'number' ? error.code : 0,
        answer: JSON.parse(last) as InvocationResponse,
      });
    });
  });
}

/** The configuration beside the bundle, for one role that may read both secrets; its keys. */
async function place(
  { configure, environment: { aws, variables, source, target } }: Scene,
  to: string,
): Promise<Readonly<Record<string, string>>> {
  let account = '';
  const file = await configure((config) => {
    account = String(config.getIn(['target', 'aws', 'account']));
    for (const end of ['source', 'target']) {
      config.setIn([end, 'database', 'secret'], `task/${end}`);
      config.setIn([end, 'aws', 'account'], account);
      config.deleteIn([end, 'aws', 'onLambda']);
      config.deleteIn([end, 'buckets']);
    }
    config.deleteIn(['verify', 'references']);
  });
  for (const [end, { databaseUrl, database }] of Object.entries({ source, target })) {
    const { hostname: host, port, username, password } = new URL(databaseUrl);
    const value = JSON.stringify({ host, port: Number(port), username, password, dbname: database });
    await aws.putSecret({ name: `task/${end}`, account, value });
  }
  await cp(file, join(to, 'restage.yaml'));
  const { AWS_SHARED_CREDENTIALS_FILE: credentials = '', AWS_CONFIG_FILE: _config, ...rest } = variables;
  const keys = await readFile(credentials, 'utf8');
  const last = (name: string) => [...keys.matchAll(new RegExp(`${name} = (.+)`, 'g'))].at(-1)?.[1] ?? '';
  return {
    ...rest,
    AWS_ACCESS_KEY_ID: last('aws_access_key_id'),
    AWS_SECRET_ACCESS_KEY: last('aws_secret_access_key'),
    AWS_REGION: 'us-west-2',
  };
}
