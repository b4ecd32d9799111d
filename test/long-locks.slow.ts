import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { stagingRevision } from '../examples/bluemoxon/migrations.ts';
import { connect, loadConfig, plan, run } from '../src/index.ts';
import { obstacles, withObstacle } from './obstacles.ts';
import { type Scene, startScene } from './scene.ts';
import { openSession, query } from './sql.ts';

// What others hold at either end, and how long anybody waits for it.
let scene: Scene;

beforeAll(async () => {
  scene = await startScene();
});
afterAll(() => scene[Symbol.asyncDispose]());

test('a refresh whose old database cannot be dropped says that staging is refreshed', async () => {
  const { target } = scene.environment;
  const { report: first } = await scene.sync('--only', 'database');
  await using _holder = await openSession(target.postgres.adminUrl(`bluemoxon_staging__previous_${first.run}`));
  const { code, stdout } = await scene.restage('sync', '--yes', '--only', 'database');
  expect(code).toBe(1);
  expect(stdout).toContain('failed drop-previous');
  expect(stdout).toContain('staging holds the new database');
  expect(stdout).not.toContain('was not refreshed');
  expect(await query(target.databaseUrl, `select version_num from alembic_version`)).toEqual([
    { version_num: stagingRevision },
  ]);
});

test('a plan leaves no lock on the tables that it has counted', async () => {
  const { configFile, variables } = scene.environment;
  const config = loadConfig(await readFile(configFile, 'utf8'), { variables });
  const { AWS_SHARED_CREDENTIALS_FILE: credentials, AWS_CONFIG_FILE: profiles } = variables;
  using ends = await connect(config, { profileFiles: { credentials, config: profiles } });
  await withObstacle(scene, obstacles.slowTable, async () => {
    const planned = await plan(config, ends, { only: 'database' });
    const running = run(planned, ends, {});
    // While the large table is still being copied, production's own may alter those that are done.
    let altered = false;
    const listening = scene.onSource(`
      do $$ begin
        set local lock_timeout = '4s';
        perform pg_sleep(3);
        alter table users add column passing integer;
        alter table users drop column passing;
      end $$`);
    await listening.then(() => (altered = true));
    expect(altered).toBe(true);
    await running;
  });
});
