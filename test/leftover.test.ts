import { afterAll, beforeAll, expect, test } from 'vitest';
import { type CloneScene, startCloneScene } from './clone-scene.ts';
import { openSession, until } from './sql.ts';

const left = 'staging__incoming_20260101-000000-abcd';
let scene: CloneScene;
beforeAll(async () => {
  scene = await startCloneScene(
    {},
    {
      autovacuum: 'on',
      autovacuum_naptime: '1s',
      autovacuum_vacuum_cost_delay: '100ms',
      autovacuum_vacuum_cost_limit: '1',
    },
  );
});
afterAll(() => scene[Symbol.asyncDispose]());

test('what a dead run left is dropped while autovacuum is at work in it, by a role that may not end autovacuum', async () => {
  await scene.arrange('create table books (id integer)');
  await scene.onTarget(
    `create role refresher login createdb password 'refreshing'; alter database staging owner to refresher`,
    'postgres',
  );
  await scene.onTarget(`create database "${left}" owner refresher`, 'postgres');
  await scene.onTarget(`create table big as select id, md5(id::text) from generate_series(1, 300000) id`, left);
  {
    await using session = await openSession(scene.target.adminUrl());
    await until(
      session,
      `select from pg_stat_activity where datname = '${left}' and backend_type = 'autovacuum worker' and query like '%big%'`,
    );
  }
  const url = new URL(scene.target.adminUrl('staging'));
  url.username = 'refresher';
  url.password = 'refreshing';
  const { code, report } = await scene.sync(await scene.configure({ target: url.href }));
  expect([code, report.failure]).toEqual([0, undefined]);
  expect(report.steps.find(({ kind }) => kind === 'create-database')?.outcome).toMatchObject({
    facts: { reclaimed: [left] },
  });
});
