import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { staging } from '../demo/sample.ts';
import { syncFunction } from '../demo/sync-function.ts';
import type { Finding, Plan, Report, RollbackReport, Status, Verification } from '../src/index.ts';
import { summary } from '../src/report/summary.ts';
import type { Contents } from './contents.ts';
import { type Ended, type Scene, startScene } from './scene.ts';
import { type } from './store/command-line.ts';

// The reference user's refresh, typed on a laptop that reaches no database, through the bundle behind the local AWS's Lambda.
let scene: Scene;

beforeAll(async () => {
  scene = await startScene();
  await scene.environment.deployFunction();
});
afterAll(() => scene[Symbol.asyncDispose]());

/** A configuration whose run takes long enough to be met in its midst; the function has it too. */
async function slowly(): Promise<string> {
  const config = await scene.configure((file) =>
    file.setIn(['database', 'afterLoad'], [{ sql: 'select pg_sleep(15)' }]),
  );
  await scene.environment.deployFunction({ configFile: config });
  return config;
}

/** What a program would read. */
// oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- a test names what it reads
function parsed<T>({ stdout, stderr }: Ended): T {
  try {
    return JSON.parse(stdout) as T; // each test looks at the fields that it uses
  } catch {
    throw new Error(`stdout is no JSON document:\n${stdout}\n${stderr}`);
  }
}

interface Refused {
  readonly error: { readonly code: string; readonly message: string; readonly hint?: string };
}

const there = ['--on', 'lambda'] as const;

/** Facts of a summary that both routes must tell alike: not where and when it was, and not how objects were split in passes. */
function toldOf(report: Report): readonly string[] {
  const lines = summary(report, (_tone, text) => text).split('\n');
  const from = lines.findIndex((line) => line.trimStart().startsWith('tables '));
  return lines
    .slice(from)
    .filter((line) => !/^ {2}function |^ +(request|log) /.test(line))
    .map((line) => line.trim().replaceAll(report.run, 'RUN').replaceAll(/ {2,}/g, '  '))
    .map((line) => (report.function ? line.replace('restage rollback --on lambda', 'restage rollback') : line)); // the way back is the way there
}

function rowsOf({ tables, sequences, schema }: Contents) {
  return { tables, sequences, schema };
}

test('both routes end with equal contents of staging, the same steps and the same summary', async () => {
  const first = await scene.sync(...there);
  expect(first.code).toBe(0);
  const invoked = await scene.environment.aws.invocations(syncFunction.name);
  expect(invoked.map(({ type: how }) => how)).toEqual(['RequestResponse', 'Event', 'RequestResponse']); // plan, sync, verify
  const byFunction = await scene.staging();
  const local = await scene.sync();
  expect(local.code).toBe(0);
  const here = await scene.staging();
  const again = await scene.sync(...there);
  expect(again.code).toBe(0);
  expect(rowsOf(here)).toEqual(rowsOf(byFunction));
  expect(rowsOf(await scene.staging())).toEqual(rowsOf(byFunction));
  expect(toldOf(again.report)).toEqual(toldOf(local.report));
  const ids = (report: Report) => new Set(report.steps.map(({ id }) => id));
  expect(ids(first.report)).toEqual(new Set([...ids(local.report), 'copy-objects images again']));
  expect(first.report.function).toMatchObject({ name: syncFunction.name, memoryBytes: 512 * 1024 * 1024 });
  expect(first.report.figures.objects).toMatchObject({ source: 4709, equal: 4709, copied: 478 });
  const page = await readFile(join(scene.folder, '.restage', 'runs', first.report.run, 'report.md'), 'utf8');
  expect(page).toContain(syncFunction.name);
  expect(first.stderr).toContain('✓ verify-references');
});

test('a laptop needs no variable of the databases, and the plan says what is made where', async () => {
  const { configFile, variables } = scene.environment;
  const { AWS_SHARED_CREDENTIALS_FILE = '', AWS_CONFIG_FILE = '' } = variables;
  const args = ['plan', ...there, '--config', configFile];
  const plan = await type(args, scene.folder, { AWS_SHARED_CREDENTIALS_FILE, AWS_CONFIG_FILE }).ended;
  expect(plan.stderr).toBe('');
  expect(plan.code).toBe(0);
  expect(plan.stdout).toContain(`in the function ${syncFunction.name}: 512 MiB, time-out 5 min`);
  expect(plan.stdout).toMatch(/objects +from here/);
});

test('a plan that was saved is what the function does, or nothing is done', async () => {
  const file = join(scene.folder, 'there.json');
  expect((await scene.restage('plan', ...there, '--out', file)).code).toBe(0);
  const saved = await scene.restage('sync', ...there, '--yes', '--quiet', '--plan', file);
  expect(saved.code).toBe(0);
  expect(saved.stdout).toMatch(/^✓ staging is refreshed from production/);
  await scene.onTarget(`alter table authors add column added_since text`, 'bluemoxon_staging');
  const before = await scene.staging();
  const outdated = await scene.restage('sync', ...there, '--yes', '--json', '--plan', file);
  expect(parsed<Refused>(outdated).error.code).toBe('plan-outdated');
  expect(outdated.code).toBe(3);
  expect(await scene.staging()).toEqual(before);
});

test('objects alone go from here, without the function', async () => {
  const before = await scene.environment.aws.requests();
  const invoked = (counts: typeof before) => counts.find(({ operation }) => operation === 'Invoke')?.count ?? 0;
  const ended = await scene.restage('plan', ...there, '--only', 'objects');
  expect(ended.stdout).toContain('the function has no part in this run');
  // Nobody else looks whether the application is staging's.
  expect(ended.stdout).toContain(scene.environment.target.app.url);
  expect(invoked(await scene.environment.aws.requests())).toBe(invoked(before));
});

test('the database alone goes by the function, and no bucket is compared', async () => {
  const { code, report } = await scene.sync(...there, '--only', 'database');
  expect(code).toBe(0);
  expect(report.only).toBe('database');
  expect(report.objects).toEqual([]);
  expect(report.figures.tables).toMatchObject({ planned: 14, copied: 14 });
});

test('another configuration than the function has is refused, and nothing is changed', async () => {
  const config = await scene.configure((file) => file.setIn(['database', 'keepPrevious'], 2));
  const before = await scene.staging();
  const ended = await scene.restage('sync', ...there, '--yes', '--json', '--config', config);
  expect(ended.code).toBe(3);
  expect(parsed<Refused>(ended).error).toMatchObject({
    code: 'config-differs',
    message: expect.stringContaining('is another than the caller') as string,
  });
  expect(await scene.staging()).toEqual(before);
});

test('a function that is not there is told with the one that is', async () => {
  const config = await scene.configure((file) =>
    file.setIn(['target', 'lambda', 'function'], 'bluemoxon-staging-db-sinc'),
  );
  const ended = await scene.restage('plan', ...there, '--json', '--config', config);
  expect(ended.code).toBe(2);
  expect(parsed<Refused>(ended).error).toMatchObject({
    code: 'lambda-missing',
    hint: expect.stringContaining(syncFunction.name) as string,
  });
});

test('who may not invoke it is told which permission is lacking', async () => {
  const role = 'restage-onlooker';
  const user = `arn:aws:iam::${staging.account}:user/${staging.profile}`;
  await scene.environment.aws.putRole({
    account: staging.account,
    name: role,
    trusts: [user],
    allows: [{ actions: ['lambda:GetFunctionConfiguration', 'lambda:ListFunctions', 's3:*'], resources: ['*'] }],
  });
  const config = await scene.configure((file) =>
    file.setIn(['target', 'aws', 'assumeRole'], { role: `arn:aws:iam::${staging.account}:role/${role}` }),
  );
  const ended = await scene.restage('plan', ...there, '--only', 'database', '--json', '--config', config);
  expect(parsed<Refused>(ended).error).toMatchObject({
    code: 'lambda-denied',
    hint: expect.stringContaining('lambda:InvokeFunction') as string,
  });
});

test('a configuration without a function is told so before anything is asked', async () => {
  const config = await scene.configure((file) => file.deleteIn(['target', 'lambda']));
  for (const command of ['plan', 'check', 'verify', 'status', 'rollback']) {
    const ended = await scene.restage(command, ...there, '--json', '--config', config);
    expect(ended.code).toBe(2);
    expect(parsed<Refused>(ended).error).toMatchObject({
      code: 'usage',
      hint: expect.stringContaining('target: { lambda:') as string,
    });
  }
  const strange = await scene.restage('sync', '--on', 'fargate');
  expect(strange.code).toBe(2);
  expect(strange.stderr).toContain('It is local or lambda');
});

test('verify compares both parts, and finds what differs in either', async () => {
  expect((await scene.sync(...there)).code).toBe(0);
  const equal = await scene.restage('verify', ...there, '--json');
  expect(equal.code).toBe(0);
  const found = parsed<Verification>(equal);
  expect(found.database?.tables.length).toBeGreaterThan(5);
  expect(found).toMatchObject({ objects: [{ bucket: 'images' }], references: [{ bucket: 'images' }], differences: [] });
  expect(found.totals).toHaveLength(2);
  await scene.onTarget(
    `update books set title = 'another' where id = (select min(id) from books)`,
    'bluemoxon_staging',
  );
  const differs = await scene.restage('verify', ...there, '--json');
  expect(differs.code).toBe(4);
  expect(parsed<Verification>(differs).differences.join('\n')).toContain('books');
});

test('check shows what the function finds and what is found from here', async () => {
  const ended = await scene.restage('check', ...there, '--json');
  const { findings, function: answer } = parsed<{
    readonly findings: readonly Finding[];
    readonly function: { readonly name: string; readonly findings: readonly Finding[] };
  }>(ended);
  const wrong = [...findings, ...answer.findings].filter(({ verdict }) => verdict !== 'right' && verdict !== 'note');
  expect(wrong).toEqual([]);
  expect(ended.code).toBe(0);
  expect(findings.map(({ setting }) => setting)).toEqual(
    expect.arrayContaining([
      'target.lambda.function',
      'target.lambda.function invoke',
      'target.lambda.function answer',
      'target.lambda.runs',
    ]),
  );
  expect(findings.some(({ setting }) => setting.startsWith('source.database'))).toBe(false);
  expect(answer.findings.some(({ setting }) => setting.startsWith('source.database'))).toBe(true);
});

test('a rollback by the function puts the previous database back', async () => {
  const { report } = await scene.sync(...there, '--only', 'database');
  const before = parsed<Status>(await scene.restage('status', ...there, '--json'));
  expect(before.database?.present?.made?.run).toBe(report.run);
  const shown = await scene.restage('status', ...there);
  expect(shown.stdout).toContain('restage rollback --on lambda puts that of');
  const dry = await scene.restage('rollback', ...there, '--dry-run');
  expect(dry.code).toBe(0);
  expect(dry.stdout).toContain(report.run);
  const ended = await scene.restage('rollback', ...there, '--yes', '--json');
  expect(ended.code).toBe(0);
  expect(parsed<RollbackReport>(ended)).toMatchObject({ outcome: 'done', swapped: true });
  const after = parsed<Status>(await scene.restage('status', ...there, '--json'));
  expect(after.database?.present?.made?.run).not.toBe(report.run);
});

test('Ctrl-C while the function works ends the watching; status tells how it goes on, and fetches its report', async () => {
  const config = await slowly();
  const running = scene.begin('sync', ...there, '--yes', '--only', 'database', '--config', config);
  await running.said('✓ take-snapshot');
  running.signal('SIGINT');
  const stopped = await running.ended;
  expect(stopped.code).toBe(130);
  expect(stopped.stderr).toContain(`goes on in the function ${syncFunction.name}`);
  expect(stopped.stderr).toContain('restage status --on lambda');
  const run = /the run (\S+) goes on/.exec(stopped.stderr)?.[1] ?? '';
  await expect
    .poll(async () => (await scene.restage('status', ...there, '--config', config)).stdout, {
      timeout: 120_000,
      interval: 2000,
    })
    .toContain(`restage report ${run} shows it`);
  const shown = await type(['report', run], scene.folder, {}).ended;
  expect(shown.stdout).toContain('staging is refreshed from production');
  await scene.environment.deployFunction();
});

test('a function that is killed: the report says so, where its log is, and what staging holds', async () => {
  const config = await slowly();
  const before = await scene.staging();
  const running = scene.begin('sync', ...there, '--yes', '--json', '--config', config);
  await running.said('✓ create-database');
  await scene.environment.aws.killFunction(syncFunction.name);
  const ended = await running.ended;
  expect(ended.code).toBe(1);
  const report = parsed<Report>(ended);
  expect(report.failure).toMatchObject({
    code: 'function-failed',
    hint: expect.stringContaining(
      `aws logs tail /aws/lambda/${syncFunction.name} --since 1h --profile ${staging.profile}`,
    ) as string,
  });
  expect(report.holds).toContain('as it was before the run');
  expect(report.function?.requestIds[0]).toMatch(/^[0-9a-f-]{36}$/);
  expect(report.steps.find(({ id }) => id === 'take-snapshot')?.outcome.status).toBe('done');
  expect(report.steps.find(({ id }) => id === 'verify-objects images')?.outcome.status).toBe('not-run');
  expect(rowsOf(await scene.staging())).toEqual(rowsOf(before));
  await scene.environment.deployFunction();
});

test('where no place of runs is named the function is waited for', async () => {
  const config = await scene.configure((file) => file.deleteIn(['target', 'lambda', 'runs']));
  await scene.environment.deployFunction({ configFile: config });
  const plan = parsed<Plan>(await scene.restage('plan', ...there, '--json', '--config', config));
  expect(plan.notes.join('\n')).toContain('target.lambda.runs is not set');
  const { code, report, stderr } = await scene.sync(...there, '--config', config);
  expect(code).toBe(0);
  expect(stderr).toContain('without target.lambda.runs nothing is heard of it before it ends');
  expect(report.figures.tables).toMatchObject({ planned: 14, copied: 14 });
  await scene.environment.deployFunction();
});

test('a database that fails leaves staging as it was, and no object is deleted', async () => {
  const config = await scene.configure((file) => {
    file.setIn(['objects', 'images', 'delete'], { maxCount: 1000, maxPercent: 50 });
    file.setIn(['database', 'afterLoad'], [{ sql: 'update books set title = 1 / 0' }]);
  });
  await scene.environment.deployFunction({ configFile: config });
  const before = await scene.staging();
  const { code, report } = await scene.sync(...there, '--config', config);
  expect(code).toBe(1);
  expect(report.failure?.step).toBe('after-load afterLoad 1');
  expect(report.steps.find(({ id }) => id === 'delete-objects images')?.outcome.status).toBe('not-run');
  expect(report.figures.objects.deleted).toBe(0);
  expect(rowsOf(await scene.staging())).toEqual(rowsOf(before));
  await scene.environment.deployFunction();
});
