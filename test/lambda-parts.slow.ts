import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { staging } from '../demo/sample.ts';
import { syncFunction } from '../demo/sync-function.ts';
import { newRunId, type InvocationInput, type Report } from '../src/index.ts';
import { type PartsScene, startPartsScene } from './parts-scene.ts';
import type { Ended } from './store/command-line.ts';
import { bank, invariants, readInvariants, startWriters } from './transfers.ts';

// A run in parts through the bundle, behind Lambda's own interface. A part reads a held table until its time is over; which are held
// is settled by its snapshot, so that how many parts there are is no matter of luck.

/** 20 s of work, and the margin. */
const timeoutSeconds = 40;

let scene: PartsScene;
let configFile: string;
const words = (part: string) => expect.stringContaining(part) as string;

beforeAll(async () => {
  scene = await startPartsScene();
  await scene.onSource(bank);
  // What the writers add between plan and run is little beside it.
  await scene.onSource(`
    begin;
    insert into ledger select n, 1 + n % 2000, 1 + n % 2000, 1 from generate_series(1, 200000) n;
    update checking set balance = balance - 100; update savings set balance = balance + 100; update ledger_head set last = 200000;
    commit; analyze`);
  configFile = await scene.gated(['savings', 'child']);
  await scene.environment.deployFunction({ configFile, timeoutSeconds });
});
afterAll(() => scene?.[Symbol.asyncDispose]());
afterEach(() => scene.environment.aws.clearFaults());

/** The id of the run that a command has begun, as the source's server sees it. */
async function beganRun({ ended }: { readonly ended: Promise<Ended> }): Promise<string> {
  const over = ended.then(({ stdout, stderr }) => {
    throw new Error(`it ended before it read anything:\n${stdout}\n${stderr}`);
  });
  const seen = (async () => {
    for (;;) {
      const [row] = await scene.onSource(
        `select substr(application_name, 9) as run from pg_stat_activity where application_name like 'restage 2%'`,
      );
      if (row?.['run']) return row['run'];
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  })();
  return await Promise.race([seen, over]);
}

test('three parts that the function asks itself for, among writers, are one moment; the command line follows them as one run', async () => {
  await scene.close('savings', 'child');
  await using writers = await startWriters(
    scene.environment.source.postgres.adminUrl(scene.environment.source.database),
  );
  const typed = scene.begin('sync', '--on', 'lambda', '--yes', '--config', configFile);
  const run = await beganRun(typed);
  await scene.reading(run, 1, 2);
  await scene.open('savings');
  await scene.reading(run, 2);
  await scene.open('child');
  const ended = await typed.ended;
  expect([ended.code, ended.stderr]).toEqual([0, '']);
  // One display, from the first part's beginning to the last one's end.
  expect(ended.stdout.match(/^run 2/gm)).toHaveLength(1);
  expect(ended.stdout.match(/staging is refreshed from production/g)).toHaveLength(1);
  expect(ended.stdout.match(/^… part \d ended after .*: \d+ of \d+ tables loaded|^part \d goes on/gm)).toEqual([
    words('part 1 ended'),
    'part 2 goes on',
    words('part 2 ended'),
    'part 3 goes on',
  ]);
  const report = await reportOf(run);
  expect([report.outcome, report.figures.tables.equal]).toEqual(['done', report.figures.tables.planned]);
  expect(report.parts).toMatchObject([
    { loaded: report.figures.tables.planned - 2 },
    { loaded: 1, again: expect.any(Number) as number },
    { loaded: 1, again: expect.any(Number) as number },
  ]);
  expect(report.parts?.at(-1)?.again).toBeGreaterThan(2);
  const [first, ...asked] = (await scene.environment.aws.invocations(syncFunction.name)).filter(({ answer }) =>
    answer?.includes(`"runId":"${run}"`),
  );
  expect(first?.type).toBe('RequestResponse'); // the plan
  expect(asked.map(({ type }) => type)).toEqual(['Event', 'Event', 'Event']);
  const { target } = scene.environment;
  expect(await readInvariants(target.postgres.adminUrl(target.database))).toEqual(invariants);
  const [from, to] = [Date.parse(report.parts?.[0]?.takenAt ?? ''), Date.parse(report.parts?.[2]?.takenAt ?? '')];
  for (const kind of ['transfer', 'birth', 'death', 'move'] as const)
    expect(writers.committed(kind, from, to)).toBeGreaterThan(100);
});

async function reportOf(run: string): Promise<Report> {
  const files = await scene.runFiles();
  return JSON.parse(files.get(`${scene.folder}/.restage/runs/${run}/report.json`) ?? '{}') as Report;
}

/** A run that has paused after its first part, which could not ask for the next; the event that it says is to be sent. */
async function paused(): Promise<{ readonly run: string; readonly next: InvocationInput }> {
  const run = newRunId(new Date(Date.now() + 1000));
  await scene.environment.aws.putRole({
    account: staging.account,
    name: syncFunction.name,
    trusts: [],
    allows: [{ actions: ['s3:*', 'secretsmanager:*', 'sts:*', 'ssm:*', 'kms:*', 'rds:*'], resources: ['*'] }],
  });
  await scene.close('savings');
  await scene.open('child');
  const waited = scene.wait({ runId: run, notify: false });
  await scene.reading(run, 1);
  await scene.open('savings');
  const { statusCode, exitCode, error, state } = await waited;
  expect([statusCode, exitCode, state?.phase]).toEqual([202, 1, 'paused']);
  expect(error?.hint).toContain('lambda:InvokeFunction');
  const [, event = '{}'] = /--payload '(.+?)'/.exec(error?.hint ?? '') ?? [];
  return { run, next: JSON.parse(event) as InvocationInput };
}

const incoming = async () =>
  (await scene.onTarget(`select datname from pg_database where datname ~ '__incoming_'`)).map(({ datname }) => datname);

test('a function that may not invoke itself says what to send, and what it says goes on with the run', async () => {
  const { run, next } = await paused();
  expect(next).toMatchObject({ action: 'sync', runId: run, notify: false });
  const response = await scene.wait(next);
  expect(response).toMatchObject({
    statusCode: 200,
    state: { phase: 'ended', part: 2, outcome: 'done' },
    report: { parts: [{}, { loaded: 1 }] },
  });
});

test('a schema that has changed between two parts ends the run, and what was loaded is put away', async () => {
  const { next } = await paused();
  const before = await scene.staging();
  await scene.onSource('alter table parent add constraint positive check (children >= 0)');
  const response = await scene.wait(next);
  expect(response).toMatchObject({
    statusCode: 500,
    error: { code: 'pause-lost', message: words('schema has changed'), hint: words('Begin a new run') },
    state: { phase: 'ended', outcome: 'failed' },
  });
  expect((await scene.staging()).tables).toEqual(before.tables);
  expect(await incoming()).toEqual([]);
  expect(await scene.wait(next)).toEqual(response);
});

test('another refresh between two parts takes what the first had loaded, and the next part says so', async () => {
  const { next } = await paused();
  const other = await scene.wait({});
  expect(other).toMatchObject({ statusCode: 200, report: { outcome: 'done' } });
  expect(await incoming()).toEqual([]);
  const before = await scene.staging();
  const response = await scene.wait(next);
  expect(response).toMatchObject({ statusCode: 500, error: { code: 'pause-lost', message: words('another run') } });
  expect(await scene.staging()).toEqual(before);
});

test('a part that is killed while rows come is made once more by whoever asks, as soon as its silence tells', async () => {
  const { run, next } = await paused();
  await scene.close('savings');
  const killed = scene.wait(next).catch((error: unknown) => error);
  await scene.reading(run, 2);
  await scene.environment.aws.killFunction(syncFunction.name);
  expect(await killed).toMatchObject({ code: 'function-failed' });
  expect(await scene.wait(next)).toMatchObject({ statusCode: 202, exitCode: 0, state: { phase: 'running', part: 2 } });
  await scene.open('savings');
  await new Promise((resolve) => setTimeout(resolve, 16_000));
  const response = await scene.wait(next);
  expect(response).toMatchObject({
    statusCode: 200,
    state: { phase: 'ended', part: 2, killed: 2, outcome: 'done' },
    report: { parts: [{}, { loaded: 1 }] },
  });
  expect(await scene.wait(next)).toEqual(response);
  expect(await incoming()).toEqual([]);
});
