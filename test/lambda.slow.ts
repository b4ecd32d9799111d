import { execFileSync, spawnSync } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { printOfConfig, type Finding, type Plan, type Report, type Status, type Verification } from '../src/index.ts';
import { type Invoked, type LambdaFunction, type LambdaScene, startLambdaScene } from './lambda-scene.ts';
import { startSmallApp } from './small-app.ts';
import { openSession } from './sql.ts';

// The function without a place for its runs: what an answer alone can tell.

let scene: LambdaScene;
let lambda: LambdaFunction;

const words = (part: string) => expect.stringContaining(part) as string;

beforeAll(async () => {
  scene = await startLambdaScene();
  lambda = await scene.startFunction({ configure: (config) => void config.deleteIn(['target', 'lambda', 'runs']) });
});
afterAll(() => scene?.[Symbol.asyncDispose]());

/** The line of the metrics, by its figures. */
function metricsOf({ log }: Invoked): Readonly<Record<string, unknown>> {
  return log.at(-1) ?? {};
}

describe('{}', () => {
  let done: Invoked;
  let before: string;

  beforeAll(async () => {
    before = JSON.stringify(await scene.staging());
    done = await lambda.invoke({});
  });

  test('refreshes the database', async () => {
    expect(done.response).toMatchObject({ statusCode: 200, exitCode: 0, action: 'sync' });
    const report = done.response.report as Report;
    expect(report).toMatchObject({ outcome: 'done', only: 'database', run: done.response.runId });
    expect(JSON.stringify(await scene.staging())).not.toBe(before);
    const [books] = await scene.onTarget('select count(*) as count from books', scene.environment.target.database);
    expect(books).toEqual({ count: '153' });
  });

  test('answers with what was synced, of how many rows, what is equal, and which sequences were fixed', () => {
    const { result } = done.response;
    expect(result?.synced).toContainEqual({ table: 'books', rows: 153 });
    expect(result?.failed).toEqual([]);
    expect(result).toMatchObject({
      totalRows: result?.synced.reduce((sum, { rows }) => sum + rows, 0),
      validation: { different: [] },
      sequencesFixed: 10,
    });
  });

  test('answers in the form that the page about the function shows', async () => {
    const [, text = ''] = /```json\n([\s\S]*?)```/.exec(await readFile('docs/lambda.md', 'utf8')) ?? [];
    expect(Object.keys(done.response.result ?? {})).toEqual(Object.keys(JSON.parse(text) as object));
  });

  test.skipIf(spawnSync('jq', ['--version']).status !== 0)(
    "makes a review's table with the page's line of jq",
    async () => {
      const [, line = ''] = /```sh\n(jq .*? answer\.json)\n```/.exec(await readFile('docs/lambda.md', 'utf8')) ?? [];
      await writeFile(join(lambda.folder, 'answer.json'), JSON.stringify(done.response));
      const table = execFileSync('sh', ['-c', line], { cwd: lambda.folder, encoding: 'utf8' });
      expect(table).toMatch(/^\| Synced \(\d+\) \| admin_config, alembic_version, .*books, .*users \|$/m);
      expect(table).toContain('| Failed (0) |  |');
      expect(table).toContain(`**Total rows synced:** ${done.response.result?.totalRows}`);
    },
  );

  test('tells of the function that it ran in', () => {
    const report = done.response.report as Report;
    expect(report.function).toMatchObject({
      name: 'bluemoxon-staging-db-sync',
      requestIds: [expect.any(String)],
      memoryBytes: 512 * 1024 * 1024,
      timeoutSeconds: 300,
      logGroup: '/aws/lambda/bluemoxon-staging-db-sync',
    });
    expect(report.function?.peakBytes).toBeGreaterThan(50e6);
    expect(report.notes).toContainEqual(words('the function bluemoxon-staging-db-sync has 4 min'));
  });

  test('writes a JSON line for each event, with the run and the request, and without the whole plan', () => {
    const { runId } = done.response;
    const kinds = done.log.map(({ kind }) => kind);
    expect(kinds.slice(0, 2)).toEqual(['invoked', 'run-started']);
    expect(kinds.slice(-3)).toEqual(['run-ended', 'answered', undefined]);
    const steps = (done.response.report as Report).steps.length;
    expect(kinds.filter((kind) => kind === 'step-ended')).toHaveLength(steps);
    expect(done.log.slice(1).every(({ run, requestId }) => run === runId && typeof requestId === 'string')).toBe(true);
    const started = done.log.find(({ kind }) => kind === 'run-started');
    expect(started).toMatchObject({ tables: 14, source: { name: 'production' } });
    expect(JSON.stringify(started).length).toBeLessThan(5000);
    expect(done.log.find(({ kind }) => kind === 'run-ended')).toMatchObject({ outcome: 'done', figures: {} });
  });

  test('is counted for CloudWatch, by target and function', () => {
    expect(metricsOf(done)).toMatchObject({
      _aws: { CloudWatchMetrics: [{ Namespace: 'restage', Dimensions: [['target', 'function'], ['function']] }] },
      target: 'staging',
      function: 'bluemoxon-staging-db-sync',
      Succeeded: 1,
      Failed: 0,
      TablesCopied: 14,
      RowsCopied: (done.response.report as Report).figures.tables.rows,
    });
    for (const name of ['DurationMs', 'RemainingMs', 'PeakMemoryBytes', 'BytesCopied'])
      expect(metricsOf(done)[name]).toBeGreaterThan(0);
  });

  test('leaves no session behind for the next invocation', async () => {
    for (const [url, database] of [
      [scene.environment.source.postgres.adminUrl(), 'source'],
      [scene.environment.target.postgres.adminUrl(), 'target'],
    ] as const) {
      await using session = await openSession(url);
      const left = await session.query(
        `select application_name from pg_stat_activity where application_name like 'restage%'`,
      );
      expect([database, left]).toEqual([database, []]);
    }
  });
});

describe('what only looks', () => {
  test('a dry run is the plan, and changes nothing', async () => {
    const before = await scene.staging();
    const { response, log } = await lambda.invoke({ dryRun: true });
    expect(response).toMatchObject({ statusCode: 200, exitCode: 0, action: 'sync' });
    expect((response.report as Plan).steps.some(({ kind }) => kind === 'swap')).toBe(true);
    expect((response.report as Plan).onLambda).toEqual({
      name: 'bluemoxon-staging-db-sync',
      timeoutSeconds: 300,
      memoryBytes: 512 * 1024 * 1024,
    });
    expect(log.at(-1)).not.toHaveProperty('Succeeded');
    expect(await scene.staging()).toEqual(before);
  });

  test('a plan', async () => {
    const { response } = await lambda.invoke({ action: 'plan' });
    expect(response).toMatchObject({ statusCode: 200, action: 'plan', report: { only: 'database' } });
  });

  test('a check', async () => {
    const { response } = await lambda.invoke({ action: 'check' });
    const { ok, findings } = response.report as { ok: boolean; findings: readonly Finding[] };
    expect(response.exitCode).toBe(ok ? 0 : 1);
    const row = (setting: string) => findings.find((finding) => finding.setting === setting);
    // Its own keys need no advice, the role that it takes on is the source's, and it does not look at itself.
    expect(row('target.aws session')).toMatchObject({ verdict: 'right' });
    expect(row('source.aws.assumeRole')).toMatchObject({ verdict: 'right' });
    expect([row('source.aws.onLambda'), row('target.lambda.function')]).toEqual([undefined, undefined]);
    expect(row('verify.health.path')).toMatchObject({ verdict: 'right' });
  });

  test('a verification that finds nothing different, and one that does', async () => {
    const equal = await lambda.invoke({ action: 'verify' });
    expect(equal.response).toMatchObject({ statusCode: 200, report: { differences: [] } });
    expect(metricsOf(equal)).toMatchObject({ Succeeded: 1, Failed: 0, Differences: 0 });
    await scene.onTarget(
      `update books set title = 'other' where id = (select min(id) from books)`,
      scene.environment.target.database,
    );
    const other = await lambda.invoke({ action: 'verify', sample: true });
    expect(other.response).toMatchObject({ statusCode: 422, exitCode: 4 });
    expect((other.response.report as Verification).differences).toHaveLength(1);
    expect(metricsOf(other)).toMatchObject({ Differences: 1 });
  });

  test('only what rows name', async () => {
    const { response } = await lambda.invoke({ action: 'verify', only: 'references' });
    const { references, objects, database } = response.report as Verification;
    expect(references).toMatchObject([{ bucket: 'images' }]);
    expect([objects, database]).toEqual([[], undefined]);
  });

  test('the status', async () => {
    const { response } = await lambda.invoke({ action: 'status' });
    expect(response).toMatchObject({ statusCode: 200, report: { target: 'staging' } });
    expect((response.report as Status).database?.present?.state).toBe('accepted');
  });
});

describe('an event that is not understood', () => {
  test('is answered with everything that is wrong, and counted as a failure', async () => {
    const before = await scene.staging();
    const done = await lambda.invoke({ action: 'sink', sql: 'drop table books', only: 'tables' });
    expect(done.response).toMatchObject({
      statusCode: 400,
      exitCode: 2,
      error: { code: 'event-invalid', problems: [{ path: 'action' }, { path: 'only' }, { path: 'sql' }] },
    });
    expect(metricsOf(done)).toMatchObject({ Failed: 1, Succeeded: 0, code: 'event-invalid' });
    expect(metricsOf(done)).not.toHaveProperty('target');
    expect(await scene.staging()).toEqual(before);
  });

  test('asPlanned where no plan can have been kept', async () => {
    const { response } = await lambda.invoke({ asPlanned: 10, runId: '20261122-030000-ab12' });
    expect(response).toMatchObject({ statusCode: 400, error: { code: 'event-invalid', message: words('asPlanned') } });
  });
});

describe('a configuration', () => {
  test('that is not the caller’s is refused with both prints, and what to do', async () => {
    const print = await printOfConfig(
      await readFile(join(lambda.folder, 'restage.yaml'), 'utf8'),
      join(lambda.folder, 'restage.yaml'),
    );
    const { response } = await lambda.invoke({ configPrint: '0123456789abcdef' });
    expect(response).toMatchObject({
      statusCode: 409,
      exitCode: 3,
      error: { code: 'config-differs', message: words(print), hint: words('deploy it again') },
    });
    expect(response.error?.message).toContain('0123456789abcdef');
    const same = await lambda.invoke({ action: 'status', configPrint: print });
    expect(same.response.statusCode).toBe(200);
  });

  test('that has problems is told with each of them', async () => {
    await using wrong = await scene.startFunction({
      configure: (config) => {
        config.setIn(['database', 'keepprevious'], 1);
        config.setIn(['target', 'name'], 7);
      },
    });
    const { response } = await wrong.invoke({});
    expect(response).toMatchObject({
      statusCode: 400,
      error: { code: 'config-invalid', problems: [{ path: 'target.name' }, { path: 'database.keepprevious' }] },
    });
  });

  test('that is not there', async () => {
    const { response } = await lambda.invoke({ config: 'file:other.yaml' });
    expect(response).toMatchObject({
      statusCode: 400,
      error: { code: 'config-missing', message: words('other.yaml') },
    });
  });

  test('that does not say what the target is, is not enough for a function that nobody watches', async () => {
    await using unsaid = await scene.startFunction({
      configure: (config) => {
        config.deleteIn(['target', 'aws', 'account']);
        config.deleteIn(['target', 'lambda', 'runs']);
        config.setIn(['target', 'database', 'host'], 'db.example');
      },
    });
    const { response } = await unsaid.invoke({});
    expect(response).toMatchObject({
      statusCode: 409,
      error: { code: 'not-confirmed', message: words('nobody is asked'), hint: words('target: { aws: { account') },
    });
    expect(response.error?.hint).not.toContain('--yes');
  });
});

test('a time-out that leaves no time is refused before anything is asked of anybody', async () => {
  const before = await scene.staging();
  const { response } = await lambda.invoke({}, { timeoutSeconds: 30 });
  expect(response).toMatchObject({
    statusCode: 409,
    exitCode: 3,
    error: { code: 'time-short', message: words('leaves 30 s'), hint: words('--timeout 900') },
  });
  expect(await scene.staging()).toEqual(before);
});

/** Two runs, one after the other. */
describe('whoever is to hear of it', () => {
  test('is told of a refresh, and of one that was refused, unless the event says no', async () => {
    await using app = await startSmallApp();
    await using telling = await scene.startFunction({
      configure: (config) => {
        config.deleteIn(['target', 'lambda', 'runs']);
        config.setIn(['notify'], [{ webhook: `${app.url}/hook`, on: 'always' }]);
      },
    });
    const told = () => app.asked.map(({ body }) => JSON.parse(body) as { event: string; failure?: { code: string } });
    await telling.invoke({ notify: false });
    expect(told()).toEqual([]);
    await telling.invoke({});
    expect(told()).toMatchObject([{ event: 'success', command: 'sync' }]);
    await scene.onTarget(`comment on database ${scene.environment.target.database} is 'restage:protected'`);
    const { response } = await telling.invoke({});
    expect(response).toMatchObject({ statusCode: 409, error: { code: 'protected' } });
    expect(told()[1]).toMatchObject({ event: 'failure', failure: { code: 'protected' } });
  });
});
