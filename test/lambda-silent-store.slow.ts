import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { runsBucket } from '../demo/sync-function.ts';
import { newRunId, type Report, type RunStore } from '../src/index.ts';
import { type LambdaFunction, type LambdaScene, startLambdaScene } from './lambda-scene.ts';
import { openSession } from './sql.ts';

// A place for the runs that takes connections and says nothing, as S3 does in a network without a way to it.

let scene: LambdaScene;
let lambda: LambdaFunction;
let store: RunStore;
const words = (part: string) => expect.stringContaining(part) as string;

beforeAll(async () => {
  scene = await startLambdaScene();
  await scene.onSource('create table slow (seconds int); insert into slow values (0)');
  lambda = await scene.startFunction({
    configure: (config) =>
      config.setIn(
        ['database', 'tables', 'authors', 'where'],
        `case when current_setting('application_name') like 'restage 2%'
              then pg_sleep((select seconds from slow)) is not null else true end`,
      ),
  });
  store = await scene.openRuns();
});
afterAll(async () => {
  store?.[Symbol.dispose]();
  await scene?.[Symbol.asyncDispose]();
});
afterEach(async () => {
  await scene.environment.aws.clearFaults();
  await scene.onSource('update slow set seconds = 0');
});

/** From the so-manieth write of this file on the store says nothing about it. */
const silence = (key: string, skip = 0) =>
  scene.environment.aws.inject({
    match: { service: 's3', operation: 'PutObject', bucket: runsBucket, key },
    kind: 'delay',
    delayMs: 600_000,
    skip,
  });

test.each([{}, { action: 'rollback' }, { action: 'status', runId: '20260131-031500-4f2a' }])(
  'silent from the beginning, it is told with the way there, long before the time is over: %j',
  async (event) => {
    await scene.environment.aws.inject({
      match: { service: 's3', bucket: runsBucket },
      kind: 'delay',
      delayMs: 600_000,
    });
    const before = await scene.staging();
    const began = Date.now();
    const { response, log } = await lambda.invoke(event, { timeoutSeconds: 60 });
    expect(Date.now() - began).toBeLessThan(25_000);
    expect(response).toMatchObject({
      statusCode: 500,
      exitCode: 1,
      error: { code: 'aws-unreachable', message: words(runsBucket), hint: words('Check aws.endpoints.s3') },
    });
    expect(log.at(-1)).toMatchObject({ code: 'aws-unreachable' });
    expect(await scene.staging()).toEqual(before);
  },
);

test('silent to the end of a run, it loses no success: what was not written is told, and who asks later is told the truth', async () => {
  const run = newRunId();
  await silence(`runs/${run}/state.json`, 1);
  for (const file of ['events/000001.ndjson', 'report.json', 'report.md', 'report.html'])
    await silence(`runs/${run}/${file}`);
  const gone = await scene.startFunction();
  const { response } = await gone.invoke({ runId: run }, { timeoutSeconds: 60 });
  gone.kill(); // what is still on its way would come when the store speaks again
  expect(response).toMatchObject({ statusCode: 200, exitCode: 0, result: { failed: [] } });
  expect(response).not.toHaveProperty('reportAt');
  const { outcome, remarks } = response.report as Report;
  expect(outcome).toBe('done');
  for (const lost of ['its state could not be written', 'the report could not be kept', 'its end could not be written'])
    expect(remarks).toContainEqual(words(lost));
  await scene.environment.aws.clearFaults();
  const before = await scene.staging();
  const { deadline, phase } = (await store.states.read(run)) ?? {};
  expect(phase).not.toBe('ended');
  await sleep(Date.parse(deadline ?? '') - Date.now() + 200);
  const again = await lambda.invoke({ runId: run });
  expect(again.response).toMatchObject({
    statusCode: 200,
    exitCode: 0,
    state: { phase: 'ended', outcome: 'done', exitCode: 0, holds: words('is the new database, verified') },
  });
  expect(again.response).not.toHaveProperty('error');
  expect(again.log.at(-1)).not.toHaveProperty('Failed');
  expect(await scene.staging()).toEqual(before);
});

test('silent while rows come, it does not keep the function from its end in time', async () => {
  await scene.onSource('update slow set seconds = 2');
  const run = newRunId(new Date(Date.now() + 1000));
  await silence(`runs/${run}/state.json`, 2);
  for (const file of ['events/000002.ndjson', 'paused.json']) await silence(`runs/${run}/${file}`);
  const before = await scene.staging();
  const began = Date.now();
  const { response } = await lambda.invoke({ runId: run }, { timeoutSeconds: 45 });
  expect(Date.now() - began).toBeLessThan(42_000);
  expect(response).toMatchObject({
    statusCode: 500,
    error: { code: 'pause-lost', message: words('it has not answered for') },
  });
  expect((await scene.staging()).tables).toEqual(before.tables);
});

test('a source that is slow while it is planned ends the run in time, and says so; the next one finds no lock', async () => {
  const { source } = scene.environment;
  const before = await scene.staging();
  const run = newRunId(new Date(Date.now() + 2000));
  {
    await using holder = await openSession(source.postgres.adminUrl(source.database), 'somebody');
    await holder.query('begin; lock table alembic_version in access exclusive mode');
    const began = Date.now();
    const { response, log } = await lambda.invoke({ runId: run }, { timeoutSeconds: 36 });
    expect(Date.now() - began).toBeLessThan(30_000);
    expect(response).toMatchObject({
      statusCode: 500,
      exitCode: 1,
      error: { code: 'time-over', message: words('was over before sync had ended') },
      state: { phase: 'ended', outcome: 'failed', failure: { code: 'time-over' }, holds: 'staging is as it was' },
    });
    expect(log.at(-1)).toMatchObject({ Failed: 1, code: 'time-over' });
    expect(await store.states.read(run)).toEqual(response.state);
  }
  expect(await scene.staging()).toEqual(before);
  expect(await scene.onTarget(`select from pg_locks where locktype = 'advisory'`)).toEqual([]);
  const { response } = await lambda.invoke({});
  expect(response).toMatchObject({ statusCode: 200, report: { outcome: 'done' } });
});
