import { afterAll, beforeAll, expect, test } from 'vitest';
import { productionRevision, stagingRevision } from '../examples/bluemoxon/migrations.ts';
import type { Contents } from './contents.ts';
import { obstacles, withObstacle } from './obstacles.ts';
import { type Running, type Scene, startScene } from './scene.ts';
import { openSession, query, type Session, until } from './sql.ts';

// kill -9 leaves restage no last word: what it leaves behind is what it had at every moment. The tests follow one another.
let scene: Scene;
let before: Contents;
let target: Session;

beforeAll(async () => {
  scene = await startScene();
  before = await scene.staging();
  target = await openSession(scene.environment.target.postgres.adminUrl());
});
afterAll(async () => {
  await target[Symbol.asyncDispose]();
  await scene[Symbol.asyncDispose]();
});

async function kill(running: Running): Promise<void> {
  running.signal('SIGKILL');
  expect((await running.ended).code).toBe(null);
}

/** Staging's name and content as before, beside one unfinished database. Its name. */
async function requireOnlyLeftover(): Promise<string> {
  const now = await scene.staging();
  const left = now.databases.filter(({ name }) => name?.includes('__incoming_'));
  expect(left).toHaveLength(1);
  expect({ ...now, databases: now.databases.filter((one) => !left.includes(one)) }).toEqual(before);
  const health = await fetch(`${scene.environment.target.app.url}/health/deep`);
  expect(await health.json()).toMatchObject({ status: 'healthy', checks: { database: { book_count: 121 } } });
  return left[0]?.['name'] ?? '';
}

test('killed while it makes the schema, it leaves staging whole and one unfinished database', async () => {
  const running = scene.begin('sync', '--yes', '--only', 'database');
  await Promise.all([running.said('✓ take-snapshot'), running.said('✓ create-database')]);
  await kill(running);
  expect((await running.ended).stdout).not.toContain('✓ copy-schema');
  await requireOnlyLeftover();
});

test('killed while it copies a table, it has reclaimed what the first left and leaves staging whole', async () => {
  const [first] = await target.query(`select datname as name from pg_database where datname like '%incoming%'`);
  await withObstacle(scene, obstacles.slowTable, async () => {
    const running = scene.begin('sync', '--yes', '--only', 'database');
    await until(
      target,
      `select from pg_stat_activity where state = 'active' and application_name like 'restage %' and query like '%copy "public"."shelf"%'`,
    );
    await kill(running);
    expect((await running.ended).stdout).toContain(`dropped what a dead run had left: ${first?.['name'] ?? 'nothing'}`);
    expect(await requireOnlyLeftover()).not.toBe(first?.['name']);
  });
});

test('killed after the swap, it leaves a staging that is all new', async () => {
  await withObstacle(scene, obstacles.slowMigration, async () => {
    const running = scene.begin('sync', '--yes', '--only', 'database');
    await running.said('✓ swap');
    await kill(running);
  });
  await target.query(
    `select pg_terminate_backend(pid) from pg_stat_activity where query like '%alembic_version%' and pid <> pg_backend_pid()`,
  );
  const [production, now] = [await scene.production(), await scene.staging()];
  const names = now.databases.map(({ name }) => name);
  expect(names).toEqual(['bluemoxon_staging', expect.stringContaining('__previous_'), 'postgres']);
  const revision = (await query(scene.environment.target.databaseUrl, `select version_num from alembic_version`))[0];
  expect([productionRevision, stagingRevision]).toContain(revision?.['version_num']);
  // Rules and migrations are about the others.
  const same = ['admin_config', 'binders', 'book_images', 'books', 'eval_price_history', 'eval_runbooks', 'publishers'];
  for (const table of same) expect([table, now.tables[table]]).toEqual([table, production.tables[table]]);
  expect(now.sequences).toEqual({ ...production.sequences, users_id_seq: '901 t', api_keys_id_seq: '901 t' });
  const books = await fetch(`${scene.environment.target.app.url}/books?limit=5`);
  expect(await books.json()).toMatchObject({ total: 153 });
});

test('the next refresh reclaims what a killed one left, says so, and ends well', async () => {
  await withObstacle(scene, obstacles.slowTable, async () => {
    const running = scene.begin('sync', '--yes', '--only', 'database');
    await until(
      target,
      `select from pg_stat_activity where state = 'active' and application_name like 'restage %' and query like '%copy "public"."shelf"%'`,
    );
    await kill(running);
  });
  const [left] = await target.query(`select datname as name from pg_database where datname like '%incoming%'`);
  const { code, report } = await scene.sync();
  expect(code).toBe(0);
  expect(report.steps.find(({ kind }) => kind === 'create-database')?.outcome).toMatchObject({
    facts: { reclaimed: [left?.['name']] },
  });
  expect(report.figures).toMatchObject({ tables: { equal: 14 }, objects: { equal: 4709 }, health: 'healthy' });
  // The killed run's database was never accepted: the one that it replaced is still the one to go back to.
  const [present, previous, ...others] = (await scene.staging()).databases;
  expect([present?.['name'], others.map(({ name }) => name)]).toEqual(['bluemoxon_staging', ['postgres']]);
  expect(previous?.['oid']).toBe(before.databases.find(({ name }) => name === 'bluemoxon_staging')?.['oid']);
});
