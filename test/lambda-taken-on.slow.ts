import { setTimeout as sleep } from 'node:timers/promises';
import type { Document } from 'yaml';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { newRunId, type InvocationInput, type Report, type RunStore } from '../src/index.ts';
import { type LambdaFunction, type LambdaScene, startLambdaScene } from './lambda-scene.ts';

// A part of a run whose function is killed while rows come, or is taken for dead: the same part is made once more, and once only.

let scene: LambdaScene;
let store: RunStore;
const words = (part: string) => expect.stringContaining(part) as string;

beforeAll(async () => {
  scene = await startLambdaScene();
  await scene.onSource('create table slow (seconds int); insert into slow values (0)');
  store = await scene.openRuns();
});
afterAll(async () => {
  store?.[Symbol.dispose]();
  await scene?.[Symbol.asyncDispose]();
});
afterEach(() => scene.environment.aws.clearFaults());

const configure = (config: Document) =>
  config.setIn(
    ['database', 'tables', 'authors', 'where'],
    `case when current_setting('application_name') like 'restage 2%'
          then pg_sleep((select seconds from slow)) is not null else true end`,
  );

/** A run that has paused after its first part; the event of its next one. */
async function paused(): Promise<{ readonly run: string; readonly next: InvocationInput }> {
  await using first = await scene.startFunction({ configure });
  await scene.environment.aws.inject({
    match: { service: 'lambda', operation: 'Invoke' },
    kind: 'error',
    status: 403,
    code: 'AccessDeniedException',
    message: 'not authorized to perform: lambda:InvokeFunction',
  });
  await scene.onSource('update slow set seconds = 2');
  const run = newRunId(new Date(Date.now() + 1000));
  const { response } = await first.invoke({ runId: run, notify: false }, { timeoutSeconds: 40 });
  expect(response).toMatchObject({ statusCode: 202, state: { phase: 'paused', part: 1 } });
  const [, event = '{}'] = /--payload '(.+?)'/.exec(response.error?.hint ?? '') ?? [];
  return { run, next: JSON.parse(event) as InvocationInput };
}

/** A function that makes the next part, and reads a table that holds it up. */
async function begun(run: string, next: InvocationInput) {
  // The server takes a while to notice that nobody waits for a session of the part before.
  const before = await heldUp(run);
  const lambda = await scene.startFunction({ configure });
  const made = lambda.invoke(next, { timeoutSeconds: 200 });
  made.catch(() => undefined); // it may be killed
  await reading(run, before);
  return { lambda, made };
}

async function heldUp(run: string): Promise<readonly string[]> {
  const found = await scene.onSource(
    `select pid from pg_stat_activity where application_name = 'restage ${run}' and wait_event = 'PgSleep'`,
  );
  return found.flatMap(({ pid }) => pid ?? []);
}

/** Waits until others than these read the table that holds a run up. */
async function reading(run: string, before: readonly string[]): Promise<void> {
  const end = Date.now() + 60_000;
  for (; (await heldUp(run)).every((pid) => before.includes(pid)); await sleep(50))
    expect(Date.now()).toBeLessThan(end);
}

/** Asks until the run is not taken for one that goes on elsewhere; how long that took. */
async function asked(lambda: LambdaFunction, next: InvocationInput) {
  const began = Date.now();
  for (;;) {
    const { response, log } = await lambda.invoke(next);
    if (response.statusCode !== 202) return { response, log, tookMs: Date.now() - began };
    expect(response).toMatchObject({ exitCode: 0, state: { phase: 'running', part: 2 } });
    await sleep(1000);
  }
}

const incoming = () => scene.onTarget(`select datname from pg_database where datname ~ '__incoming_'`);

test('a part that is killed twice while rows come has failed, and nothing of staging is changed', async () => {
  const { run, next } = await paused();
  const before = await scene.staging();
  const first = await begun(run, next);
  const readers = await heldUp(run);
  first.lambda.kill();
  // Known within seconds, for nobody has the lock.
  await using again = await scene.startFunction({ configure });
  const soon = Date.now();
  const made = asked(again, next).catch(() => undefined);
  for (; (await store.states.read(run))?.killed !== 2; await sleep(200)) expect(Date.now() - soon).toBeLessThan(30_000);
  await reading(run, readers);
  expect(await store.states.read(run)).toMatchObject({ phase: 'running', part: 2, killed: 2, locks: true });
  again.kill();
  await made;
  await using last = await scene.startFunction({ configure });
  const { response, log, tookMs } = await asked(last, next);
  expect(tookMs).toBeLessThan(30_000);
  expect(response).toMatchObject({
    statusCode: 500,
    error: { code: 'function-failed', message: words('has written nothing of the run') },
    state: { phase: 'ended', part: 2, outcome: 'failed', holds: words('still beside it') },
  });
  expect(log.at(-1)).toMatchObject({ Failed: 1 });
  expect((await scene.staging()).tables).toEqual(before.tables);
});

test('a function that was only held up finds its run made by another one, and gives its answer', async () => {
  const { run, next } = await paused();
  const slow = await begun(run, next);
  slow.lambda.freeze();
  await scene.onTarget(`
    select pg_terminate_backend(pid) from pg_locks join pg_stat_activity a using (pid)
     where locktype = 'advisory' and a.application_name = 'restage ${run}'`);
  await scene.onSource('update slow set seconds = 0');
  await using other = await scene.startFunction({ configure });
  const { response, log, tookMs } = await asked(other, next);
  expect(tookMs).toBeLessThan(45_000);
  expect(log).toContainEqual(expect.objectContaining({ kind: 'part-again', part: 2 }));
  expect(response).toMatchObject({
    statusCode: 200,
    state: { phase: 'ended', part: 2, killed: 2, outcome: 'done' },
    report: { outcome: 'done', parts: [{}, { loaded: 1 }] },
  });
  const after = await scene.staging();
  slow.lambda.thaw();
  const late = await slow.made;
  expect(late.response).toEqual(response);
  expect(late.log).toContainEqual(expect.objectContaining({ kind: 'taken-on' }));
  expect(late.log.at(-1)).not.toHaveProperty('Failed');
  expect(await scene.staging()).toEqual(after);
  expect(await incoming()).toEqual([]);
  const kept = JSON.parse((await store.files.fetch(run, 'report.json')) ?? '{}') as Report;
  expect(kept.outcome).toBe('done');
  await slow.lambda[Symbol.asyncDispose]();
});
