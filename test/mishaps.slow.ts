import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { connect, loadConfig, plan, run, type Event, type Listener, type Report } from '../src/index.ts';
import type { Contents } from './contents.ts';
import { obstacles, withObstacle } from './obstacles.ts';
import { requireRefusal } from './refusal.ts';
import { type Scene, startScene } from './scene.ts';

// What goes wrong on the way and is got over, or at least told as it is. The tests follow one another.
let scene: Scene;
let before: Contents;

beforeAll(async () => {
  scene = await startScene();
  before = await scene.staging();
});
afterAll(() => scene[Symbol.asyncDispose]());

/** A refresh of the database by the library, watched. */
async function refresh(listen: Listener): Promise<Report> {
  const { configFile, variables } = scene.environment;
  const config = loadConfig(await readFile(configFile, 'utf8'), { variables });
  const { AWS_SHARED_CREDENTIALS_FILE: credentials, AWS_CONFIG_FILE: profiles } = variables;
  using ends = await connect(config, { profileFiles: { credentials, config: profiles } });
  return await run(await plan(config, ends, { only: 'database' }), ends, { listen });
}

/** Does something once, as soon as a step has ended; the run goes on meanwhile. */
function afterStep(kind: string, act: () => Promise<unknown>): { readonly listen: Listener; done(): Promise<unknown> } {
  let acting: Promise<unknown> | undefined;
  const listen = (event: Event) => {
    if (event.kind === 'step-ended' && event.step.kind === kind) acting ??= act();
  };
  return { listen, done: async () => acting };
}

const endMaintenance = () =>
  scene.onTarget(`select pg_terminate_backend(pid) from pg_stat_activity
                   where datname = 'postgres' and application_name like 'restage %' and pid <> pg_backend_pid()`);

test('a lock that is lost while tables are copied is taken anew, and the refresh ends well', async () => {
  const mishap = afterStep('copy-schema', endMaintenance);
  const report = await refresh(mishap.listen);
  expect(await mishap.done()).toHaveLength(1);
  expect(report.failure).toBeUndefined();
  before = await scene.staging();
});

test('a lock that is lost after the swap does not keep the previous database from being put back', async () => {
  const report = await withObstacle(scene, obstacles.migratedByHand, async () => {
    const mishap = afterStep('swap', endMaintenance);
    const told = await refresh(mishap.listen);
    expect(await mishap.done()).toHaveLength(1);
    return told;
  });
  expect(report.failure).toMatchObject({ step: 'migrate' });
  expect(report.recovery).toMatchObject({ swappedBack: true });
  expect(await scene.staging()).toEqual(before);
});

test('a listener that throws ends neither the run nor its safety', async () => {
  const report = await refresh((event) => {
    if (event.kind === 'step-ended' && event.step.kind === 'swap') throw new Error('the screen is gone');
  });
  expect(report).toMatchObject({ outcome: 'done', remarks: [expect.stringContaining('the screen is gone')] });
});

test('ends that are the wrong way round are refused: by name, by environment, by what made the source', async () => {
  const swapped = (config: Parameters<Parameters<Scene['configure']>[0]>[0]) => {
    const [source, target] = [config.get('source'), config.get('target')];
    config.set('source', target);
    config.set('target', source);
    config.deleteIn(['source', 'lambda']); // which is no source's
  };
  const named = await scene.configure(swapped);
  for (const args of [
    ['--config', named],
    ['--config', named, '--only', 'objects'],
  ])
    await requireRefusal(scene, args, { code: 'ends-swapped', says: ['production'], hints: 'wrong way round' });
  const renamed = await scene.configure((config) => {
    swapped(config);
    config.setIn(['source', 'name'], 'one');
    config.setIn(['target', 'name'], 'other');
  });
  await requireRefusal(scene, ['--config', renamed, '--only', 'objects'], {
    code: 'ends-swapped',
    says: ['environment', 'production'],
  });
  const silent = await scene.configure((config) => {
    swapped(config);
    for (const end of ['source', 'target']) config.deleteIn([end, 'app']);
    for (const part of ['migrate', 'verify']) config.delete(part);
    config.setIn(['source', 'name'], 'one');
    config.setIn(['target', 'name'], 'other');
  });
  await requireRefusal(scene, ['--config', silent, '--only', 'database'], {
    code: 'ends-swapped',
    says: ['was itself made from', 'bluemoxon'],
  });
  const alias = await scene.configure((config) => {
    swapped(config);
    for (const end of ['source', 'target']) config.deleteIn([end, 'app']);
    for (const part of ['migrate', 'verify']) config.delete(part);
    config.setIn(['source', 'name'], 'one');
    config.setIn(['target', 'name'], 'other');
    const url = scene.environment.source.databaseUrl.replace('127.0.0.1', 'localhost');
    config.setIn(['target', 'database'], config.createNode({ url }));
  });
  await requireRefusal(scene, ['--config', alias, '--only', 'database'], {
    code: 'ends-swapped',
    says: ['was itself made from', 'localhost'],
    hints: 'restoredFromSource',
  });
});

test('a page of a listing that fails once is asked for again', async () => {
  const { aws } = scene.environment;
  await aws.inject({
    match: { operation: 'ListObjectsV2', bucket: 'bluemoxon-images' },
    times: 1,
    kind: 'error',
    status: 503,
    code: 'SlowDown',
    message: 'Please reduce your request rate.',
  });
  const { code, stdout } = await scene.restage('plan', '--only', 'objects');
  await aws.clearFaults();
  expect([code, stdout]).toEqual([0, expect.stringContaining('4,709 objects')]);
});

test('two tables that read alike are copied and compared apart', async () => {
  await scene.onSource(`
    create schema a;
    create table a.b (id integer); insert into a.b values (1);
    create table public."a.b" (id integer); insert into public."a.b" values (1), (2)`);
  const { report } = await scene.sync('--only', 'database');
  await scene.onSource(`drop schema a cascade; drop table "a.b"`);
  expect([report.failure, report.figures.tables]).toMatchObject([undefined, { planned: 16, copied: 16, equal: 16 }]);
  expect(
    await scene.onTarget(
      `select (select count(*) from a.b) as b, (select count(*) from "a.b") as ab`,
      'bluemoxon_staging',
    ),
  ).toEqual([{ b: '1', ab: '2' }]);
});

test('a materialized view that production holds unfilled stays unfilled', async () => {
  await scene.onSource(`create materialized view tally as select count(*) from books with no data`);
  const { report } = await scene.sync('--only', 'database');
  await scene.onSource(`drop materialized view tally`);
  expect(report.failure).toBeUndefined();
  const views = await scene.onTarget(`select ispopulated::text as filled from pg_matviews`, 'bluemoxon_staging');
  expect(views).toEqual([{ filled: 'false' }]);
});
