import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { Document } from 'yaml';
import {
  lastRunOf,
  newRunId,
  type Finding,
  type InvocationInput,
  type InvocationResponse,
  type Plan,
  type Report,
  type RunStore,
} from '../src/index.ts';
import { type Invoked, type LambdaFunction, type LambdaScene, startLambdaScene } from './lambda-scene.ts';
import { databases, holdLock, stateOf } from './lambda-states.ts';

// The function with a place for its runs: what it keeps there, and what a second delivery is told from it.

let scene: LambdaScene;
let lambda: LambdaFunction;
let store: RunStore;

const words = (part: string) => expect.stringContaining(part) as string;
const reportOf = ({ report }: InvocationResponse) => report as Report;

beforeAll(async () => {
  scene = await startLambdaScene();
  lambda = await scene.startFunction();
  store = await scene.openRuns();
});
afterAll(async () => {
  store?.[Symbol.dispose]();
  await scene?.[Symbol.asyncDispose]();
});
afterEach(() => scene.environment.aws.clearFaults());

describe('a run that has ended', () => {
  const requestId = 'a1b2c3d4-0000-4000-8000-000000000001';
  let first: Invoked;
  let run: string;

  beforeAll(async () => {
    first = await lambda.invoke({}, { requestId });
    run = first.response.runId ?? '';
  });

  test('is kept with its report in three forms, and its plan', async () => {
    expect(first.response).toMatchObject({ statusCode: 200, reportAt: `${scene.runs}/${run}/report.json` });
    expect(JSON.parse((await store.files.fetch(run, 'report.json')) ?? '')).toMatchObject({
      run,
      outcome: 'done',
      function: {},
    });
    expect(await store.files.fetch(run, 'report.md')).toContain('# ');
    expect(await store.files.fetch(run, 'report.html')).toContain('<!doctype html>');
    expect(JSON.parse((await store.files.fetch(run, 'plan.json')) ?? '')).toMatchObject({
      version: 1,
      steps: expect.any(Array) as [],
    });
  });

  test('has left its state, and each of its events in order', async () => {
    const state = await store.states.read(run);
    expect(state).toMatchObject({ phase: 'ended', part: 1, outcome: 'done', exitCode: 0, holds: words('staging') });
    expect(first.response.state).toEqual(state);
    let kinds: string[] = [];
    for (let piece = 1; piece <= (state?.pieces ?? 0); piece++) {
      const lines = (await store.events.read(run, piece))?.trimEnd().split('\n') ?? [];
      kinds = [...kinds, ...lines.map((line) => (JSON.parse(line) as { kind: string }).kind)];
    }
    expect(kinds[0]).toBe('run-started');
    expect(kinds.at(-1)).toBe('run-ended');
    expect(kinds.filter((kind) => kind === 'step-ended')).toHaveLength(reportOf(first.response).steps.length);
    expect(await store.events.read(run, (state?.pieces ?? 0) + 1)).toBeUndefined();
  });

  test('gives the same answer to every delivery of the same event, and is not made again', async () => {
    const before = await databases(scene);
    const again = await lambda.invoke({}, { requestId });
    expect(again.response).toEqual(first.response);
    expect(again.log.at(-1)).not.toHaveProperty('Succeeded');
    const byName = await lambda.invoke({ runId: run });
    expect(byName.response).toEqual(first.response);
    expect(await databases(scene)).toBe(before);
  });

  test('is what the next plan is estimated by', async () => {
    const { response } = await lambda.invoke({ action: 'plan' });
    expect((response.report as Plan).notes).toContainEqual(words('the last run took'));
  });

  test('that took far too long makes the next one refuse for its time, before anything is made', async () => {
    const last = lastRunOf(reportOf(first.response), 'a test');
    if (!last?.database?.took) throw new Error('nothing is known of the last run');
    const { took } = last.database;
    const slow = { ...took, durationMs: took.durationMs + 3_600_000, afterMs: 3_600_000 };
    const endedAt = new Date().toISOString();
    await store.lastRuns.add({ ...last, run: newRunId(), endedAt, database: { ...last.database, took: slow } });
    const before = await databases(scene);
    const { response, log } = await lambda.invoke({});
    expect(response).toMatchObject({
      statusCode: 409,
      exitCode: 3,
      error: { code: 'time-short', message: words('what comes after the rows, about 1 h 0 min') },
      state: { phase: 'ended', outcome: 'failed' },
    });
    expect(log.at(-1)).toMatchObject({ Failed: 1, code: 'time-short' });
    expect(await databases(scene)).toBe(before);
    const later = new Date(Date.now() + 1000);
    await store.lastRuns.add({ ...last, run: newRunId(later), endedAt: later.toISOString() });
  });
});

describe('a plan that was agreed to', () => {
  test('is kept under its id, and holds', async () => {
    const runId = newRunId();
    const plan = await lambda.invoke({ action: 'plan', runId });
    expect(plan.response).toMatchObject({ statusCode: 200, runId, reportAt: `${scene.runs}/${runId}/plan.json` });
    expect(await store.states.read(runId)).toBeUndefined();
    const { response } = await lambda.invoke({ runId, asPlanned: 10 });
    expect(response).toMatchObject({ statusCode: 200, report: { run: runId } });
  });

  test('is refused where it does not hold any more', async () => {
    const runId = newRunId();
    await lambda.invoke({ action: 'plan', runId });
    await scene.onSource('create table came_since (id int primary key)');
    const { response } = await lambda.invoke({ runId, asPlanned: 10 });
    expect(response).toMatchObject({ statusCode: 409, error: { code: 'plan-outdated', message: words('came_since') } });
    await scene.onSource('drop table came_since');
  });

  test('is not asked for under the id of a run that has begun, whose own stays', async () => {
    const runId = newRunId();
    await store.states.begin(stateOf(runId));
    await store.files.keep(runId, 'plan.json', 'its own');
    for (const event of [{ action: 'plan' }, { dryRun: true }] as const) {
      const { response } = await lambda.invoke({ ...event, runId });
      expect(response).toMatchObject({
        statusCode: 400,
        error: { code: 'event-invalid', message: words('has begun') },
      });
    }
    expect(await store.files.fetch(runId, 'plan.json')).toBe('its own');
  });

  test('must be there', async () => {
    const { response } = await lambda.invoke({ runId: newRunId(), asPlanned: 10 });
    expect(response).toMatchObject({
      statusCode: 400,
      error: { code: 'plan-invalid', hint: words('"action": "plan"') },
    });
  });
});

describe('a place for runs', () => {
  test('that does not take the report loses no success', async () => {
    const run = newRunId();
    await scene.environment.aws.inject({
      match: { service: 's3', operation: 'PutObject', key: `runs/${run}/report.json` },
      kind: 'error',
      status: 403,
      code: 'AccessDenied',
      message: 'Access Denied',
    });
    const { response } = await lambda.invoke({ runId: run });
    expect(response).toMatchObject({
      statusCode: 200,
      exitCode: 0,
      result: { failed: [] },
      state: { outcome: 'done' },
    });
    expect(response).not.toHaveProperty('reportAt');
    expect(reportOf(response).remarks).toContainEqual(words('the report could not be kept'));
  });

  test('that does not take the figures for the next run loses no report', async () => {
    await scene.environment.aws.inject({
      match: { service: 's3', operation: 'PutObject', key: 'runs/last-runs.json' },
      kind: 'error',
      status: 403,
      code: 'AccessDenied',
      message: 'Access Denied',
    });
    const { response } = await lambda.invoke({});
    expect(response).toMatchObject({ statusCode: 200, reportAt: words('report.json') });
    expect(reportOf(response).remarks).toContainEqual(words('its figures, by which the next run measures'));
  });

  test('that does not take its progress does not break the run, and is told', async () => {
    const run = newRunId();
    await scene.environment.aws.inject({
      match: { service: 's3', operation: 'PutObject', key: `runs/${run}/events/000001.ndjson` },
      kind: 'error',
      status: 403,
      code: 'AccessDenied',
      message: 'Access Denied',
    });
    const { response } = await lambda.invoke({ runId: run });
    expect(response).toMatchObject({ statusCode: 200, reportAt: words(run) });
    expect(reportOf(response).remarks).toContainEqual(words('its progress could not be written'));
  });

  test('is tried by a check of the function: written, read and listed', async () => {
    const look = async () => {
      const { response } = await lambda.invoke({ action: 'check' });
      const { findings } = response.report as { readonly findings: readonly Finding[] };
      const row = findings.find(({ setting }) => setting === 'target.lambda.runs');
      return { exitCode: response.exitCode, verdict: row?.verdict, told: `${row?.found} ${row?.fix}` };
    };
    expect(await look()).toMatchObject({ exitCode: 0, verdict: 'right', told: words('write, read and list') });
    expect(await look()).toMatchObject({ verdict: 'right' });
    for (const [operation, key, action] of [
      ['PutObject', 'runs/check.json', 's3:PutObject'],
      ['GetObject', 'runs/check.json', 's3:GetObject'],
      ['ListObjectsV2', undefined, 's3:ListBucket'],
    ] as const) {
      await scene.environment.aws.inject({
        match: { service: 's3', operation, ...(key === undefined ? {} : { key }) },
        kind: 'error',
        status: 403,
        code: 'AccessDenied',
        message: 'Access Denied',
      });
      expect(await look()).toMatchObject({ exitCode: 1, verdict: 'wrong', told: words(action) });
      await scene.environment.aws.clearFaults();
    }
  });

  test('that is not there is told before anything is made', async () => {
    await using elsewhere = await scene.startFunction({
      configure: (config) => config.setIn(['target', 'lambda', 'runs'], 's3://bluemoxon-staging-nowhere/runs'),
    });
    const before = await databases(scene);
    const { response, log } = await elsewhere.invoke({});
    expect(response).toMatchObject({ statusCode: 400, error: { code: 'bucket-missing' } });
    expect(log.at(-1)).toMatchObject({ Failed: 1 });
    expect(await databases(scene)).toBe(before);
  });
});

describe('a run that does not fit one invocation', () => {
  let slow: LambdaFunction;
  let paused: Invoked;
  let next: InvocationInput;
  const configure = (config: Document) =>
    config.setIn(
      ['database', 'tables', 'authors', 'where'],
      `case when current_setting('application_name') like 'restage 2%'
            then pg_sleep((select seconds from slow)) is not null else true end`,
    );

  beforeAll(async () => {
    // A table of which each row takes a second keeps the run from its end until its time is over.
    await scene.onSource('create table slow (seconds int); insert into slow values (1)');
    slow = await scene.startFunction({ configure });
    await scene.environment.aws.inject({
      match: { service: 'lambda', operation: 'Invoke' },
      kind: 'error',
      status: 403,
      code: 'AccessDeniedException',
      message: 'not authorized to perform: lambda:InvokeFunction',
    });
    paused = await slow.invoke({ notify: false }, { timeoutSeconds: 45 });
    await scene.onSource('update slow set seconds = 0');
    const [, event = '{}'] = /--payload '(.+?)'/.exec(paused.response.error?.hint ?? '') ?? [];
    next = JSON.parse(event) as InvocationInput;
  });

  test('pauses, and says what to send where it could not ask for its next part itself', async () => {
    const { response } = paused;
    expect(response).toMatchObject({
      statusCode: 202,
      exitCode: 1,
      reportAt: words('paused.json'),
      state: { phase: 'paused', part: 1 },
      report: { outcome: 'paused' },
      error: { message: words('its next part could not be asked for') },
    });
    expect(next).toMatchObject({
      action: 'sync',
      runId: response.runId,
      notify: false,
      configPrint: expect.any(String) as string,
    });
    expect(paused.log.at(-1)).toMatchObject({ Failed: 1, Succeeded: 0 });
  });

  test('does not go on with another configuration than it was begun with, whoever asks', async () => {
    await using changed = await scene.startFunction({
      configure: (config) => {
        configure(config);
        config.setIn(['database', 'tables', 'authors', 'mask'], { name: 'firstName' });
      },
    });
    const before = await databases(scene);
    const { response } = await changed.invoke({ runId: paused.response.runId });
    expect(response).toMatchObject({ statusCode: 409, exitCode: 3, error: { code: 'config-differs' } });
    expect(await databases(scene)).toBe(before);
    expect(await store.states.read(paused.response.runId ?? '')).toMatchObject({ phase: 'paused', part: 1 });
  });

  test('waits on where the server does not know yet that its last part is gone', async () => {
    const run = paused.response.runId ?? '';
    await using _holder = await holdLock(scene, run);
    const { response, log } = await slow.invoke(next);
    expect(response).toMatchObject({
      statusCode: 202,
      exitCode: 1,
      state: { phase: 'paused', part: 1 },
      error: { code: 'run-in-progress' },
    });
    expect(await store.states.read(run)).toEqual(response.state);
    expect(log.at(-1)).toMatchObject({ Failed: 1, Succeeded: 0 });
  });

  test('goes on with the next delivery, of two only once', async () => {
    await using second = await scene.startFunction({ configure });
    const both = await Promise.all([slow.invoke(next), second.invoke(next)]);
    const done = both.find(({ response }) => response.statusCode === 200);
    const other = both.find((one) => one !== done);
    // Whoever has asked for its second part: the function itself, by the print of its configuration.
    expect(done?.response).toMatchObject({
      statusCode: 200,
      state: { phase: 'ended', part: 2, outcome: 'done', begunBy: 'event' },
    });
    expect(other?.response).toMatchObject({ statusCode: 202, state: { part: 2 } });
    const report = reportOf(done?.response as InvocationResponse); // there is one
    expect(report.parts).toHaveLength(2);
    expect(report.function?.requestIds).toHaveLength(2);
    const { response } = await slow.invoke({ action: 'verify' });
    expect(response.statusCode).toBe(200);
  });
});

describe('a rollback', () => {
  test('is made once, however often its event is delivered', async () => {
    const requestId = 'a1b2c3d4-0000-4000-8000-000000000002';
    await sleep(1100); // an id is of a second
    const first = await lambda.invoke({ action: 'rollback' }, { requestId });
    expect(first.response).toMatchObject({ statusCode: 200, report: { outcome: 'done' }, state: { phase: 'ended' } });
    const before = await databases(scene);
    const again = await lambda.invoke({ action: 'rollback' }, { requestId });
    expect(again.response).toEqual(first.response);
    expect(await databases(scene)).toBe(before);
  });
});
