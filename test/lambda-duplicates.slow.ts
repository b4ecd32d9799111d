import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import type { FunctionInvocation } from '../demo/local-aws/local-aws.ts';
import { syncFunction } from '../demo/sync-function.ts';
import { invokeFunction, newRunId, type InvocationResponse } from '../src/index.ts';
import { type PartsScene, startPartsScene } from './parts-scene.ts';

// The bundle behind Lambda's own interface, where one event comes more than once: one run is made, and every answer says which.

const { name } = syncFunction;
const words = (part: string) => expect.stringContaining(part) as string;
let scene: PartsScene;
let configFile: string;

beforeAll(async () => {
  scene = await startPartsScene();
  await scene.onSource('create table slow (id integer primary key); insert into slow values (1)');
  configFile = await scene.gated(['slow']);
  await scene.open('slow');
});
afterAll(() => scene?.[Symbol.asyncDispose]());
afterEach(async () => {
  await scene.environment.aws.clearFaults();
  await scene.environment.aws.setClock(0);
  await scene.open('slow');
});

const deploy = (change: { readonly timeoutSeconds?: number; readonly maximumRetryAttempts?: number } = {}) =>
  scene.environment.deployFunction({ configFile, ...change });

/** How many databases of staging's server a run has made: what it replaced bears its id in its name too. */
async function madeBy(run: string): Promise<number> {
  const rows = await scene.onTarget(`
    select from pg_database where datname ~ '__incoming_${run}' or shobj_description(oid, 'pg_database') ~ '"run": ?"${run}"'`);
  return rows.length;
}

async function answers(from: number): Promise<readonly (InvocationResponse & Pick<FunctionInvocation, 'type'>)[]> {
  const found = (await scene.idle()).slice(from);
  return found.map(({ answer, type }) => ({ ...(JSON.parse(answer ?? '{}') as InvocationResponse), type }));
}

const count = async () => (await scene.environment.aws.invocations(name)).length;

test('an event that is delivered again while it runs, and after it has ended, is one run', async () => {
  await deploy();
  const from = await count();
  const requestId = await scene.send({});
  for (let tries = 0; (await count()) === from && tries < 200; tries += 1) await sleep(20);
  await scene.environment.aws.deliverAgain(requestId);
  const [first, second] = await answers(from);
  expect(first).toMatchObject({ statusCode: 200, exitCode: 0, report: { outcome: 'done' } });
  expect(second).toEqual(first);
  const databases = await scene.databases();
  await scene.environment.aws.deliverAgain(requestId);
  const [, , third] = await answers(from);
  expect(third).toEqual(first);
  expect(await scene.databases()).toBe(databases);
  expect(await madeBy(first?.runId ?? '')).toBe(1);
});

test('a run that is killed is not made again by the retries of its event, nor by a late delivery', async () => {
  await deploy({ timeoutSeconds: 36, maximumRetryAttempts: 2 });
  await scene.close('slow');
  const from = await count();
  const databases = await scene.databases();
  const requestId = await scene.send({});
  const [run = ''] = await begun();
  await scene.reading(run, 1);
  await scene.environment.aws.killFunction(name);
  const [killed, retried, ...more] = await answers(from);
  expect(killed).not.toHaveProperty('statusCode');
  // It may live yet, for all that the retry can know.
  expect(retried).toMatchObject({ statusCode: 202, exitCode: 0, runId: run, state: { phase: 'running' } });
  expect(more).toEqual([]);
  const { deadline } = (await scene.store.states.read(run)) ?? {};
  await sleep(Date.parse(deadline ?? '') - Date.now() + 200);
  await scene.open('slow');
  for (const times of [3, 4]) {
    await scene.environment.aws.deliverAgain(requestId);
    const told = await answers(from);
    expect(told).toHaveLength(times);
    expect(told.at(-1)).toMatchObject({
      statusCode: 500,
      runId: run,
      error: { code: 'function-failed', message: words('killed at its time-out') },
      state: { phase: 'ended', outcome: 'failed', holds: words('is as it was before the run') },
    });
  }
  // Nothing was made since but what the killed one had begun, which the next run drops.
  expect(JSON.parse(await scene.databases())).toHaveLength((JSON.parse(databases) as unknown[]).length + 1);
  expect(await madeBy(run)).toBe(1);
  await scene.wait({});
  expect(await madeBy(run)).toBe(0);
});

test('an event that is delivered again while its run has paused makes the next part', async () => {
  await deploy({ timeoutSeconds: 38 });
  await scene.close('slow');
  await scene.environment.aws.inject({
    match: { service: 'lambda', operation: 'Invoke' },
    skip: 1,
    kind: 'error',
    status: 403,
    code: 'AccessDeniedException',
    message: 'not authorized to perform: lambda:InvokeFunction',
  });
  const from = await count();
  const requestId = await scene.send({});
  const [run = ''] = await begun();
  await scene.reading(run, 1);
  await scene.open('slow');
  expect(await answers(from)).toMatchObject([{ statusCode: 202, exitCode: 1, state: { phase: 'paused' } }]);
  await scene.environment.aws.deliverAgain(requestId);
  await scene.environment.aws.deliverAgain(requestId);
  const [, next, late] = await answers(from);
  expect(next).toMatchObject({ statusCode: 200, runId: run, state: { part: 2, outcome: 'done' } });
  expect(late).toEqual(next);
  expect(await madeBy(run)).toBe(1);
});

test('of two callers at once one is turned away while it waits, and an event waits for its turn', async () => {
  await deploy();
  const runId = newRunId(new Date(Date.now() + 1000));
  const from = await count();
  const first = scene.wait({ runId });
  for (let tries = 0; (await count()) === from && tries < 200; tries += 1) await sleep(20);
  await expect(scene.wait({ runId })).rejects.toMatchObject({ code: 'run-in-progress' });
  await scene.send({ runId });
  const told = await first;
  expect(told).toMatchObject({ statusCode: 200, runId });
  const [, second, ...more] = await answers(from);
  expect(second).toEqual({ ...told, type: 'Event' });
  expect(more).toEqual([]);
  expect(await madeBy(runId)).toBe(1);
});

test('a caller who did not wait for the answer gets it by asking again with the same id', async () => {
  await deploy();
  const runId = newRunId(new Date(Date.now() + 2000));
  const from = await count();
  // What waits for 15 s at least is cut off by its own signal here.
  const cut = AbortSignal.timeout(800);
  await expect(invokeFunction(scene.account, name, { runId }, { kind: 'wait', signal: cut })).rejects.toMatchObject({
    code: expect.stringMatching(/interrupted|aws-unreachable/) as string,
  });
  await scene.idle();
  const databases = await scene.databases();
  const again = await scene.wait({ runId });
  expect(again).toMatchObject({ statusCode: 200, exitCode: 0, runId, report: { outcome: 'done' } });
  expect(await count()).toBe(from + 2);
  expect(await scene.databases()).toBe(databases);
  expect(await madeBy(runId)).toBe(1);
});

test.each([
  ['ahead', 1],
  ['behind', -1],
])('a store whose clock is minutes %s is written to, and takes no live run for dead', async (_where, sign) => {
  await deploy();
  const from = await count();
  await scene.environment.aws.setClock(sign * 10 * 60_000);
  const runId = newRunId(new Date(Date.now() + sign * 3000 + 10_000));
  const first = scene.send({ runId });
  await scene.until(runId, ({ phase }) => phase === 'running');
  await scene.environment.aws.deliverAgain(await first);
  const [made, second] = await answers(from);
  expect(made).toMatchObject({ statusCode: 200, runId, state: { outcome: 'done' } });
  expect(second).toEqual(made);
  expect(await madeBy(runId)).toBe(1);
});

/** The runs that read production now. */
async function begun(): Promise<readonly string[]> {
  for (let tries = 0; tries < 600; tries += 1, await sleep(50)) {
    const rows = await scene.onSource(
      `select distinct substr(application_name, 9) as run from pg_stat_activity where application_name like 'restage 2%' and wait_event = 'PgSleep'`,
    );
    if (rows.length > 0) return rows.flatMap(({ run }) => run ?? []);
  }
  throw new Error('nothing reads production');
}
