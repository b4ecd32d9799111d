import { afterAll, beforeAll, expect, test } from 'vitest';
import { deployApp, staging } from '../demo/sample.ts';
import type { Report } from '../src/index.ts';
import type { Contents } from './contents.ts';
import { obstacles, withObstacle } from './obstacles.ts';
import { type Scene, startScene } from './scene.ts';
import { openSession, query, until } from './sql.ts';

// Failures around the swap, which others cause: applications, sessions, a second refresh.
let scene: Scene;
let before: Contents;

beforeAll(async () => {
  scene = await startScene();
  before = await scene.staging();
});
afterAll(() => scene[Symbol.asyncDispose]());

const swapped = `select from pg_database where datname like 'bluemoxon\\_staging\\_\\_previous%'`;

test('an application that dies after the swap puts the previous database back', async () => {
  const { databaseUrl, postgres } = scene.environment.target;
  const app = await deployApp(staging, databaseUrl, scene.environment.variables['STAGING_API_KEY']);
  const config = await scene.configure((document) => {
    document.setIn(['target', 'app', 'url'], app.url);
    document.setIn(['verify', 'withinSeconds'], 1);
    document.setIn(['verify', 'health', 'withinSeconds'], 1);
  });
  await using admin = await openSession(postgres.adminUrl());
  const { code, report } = await withObstacle(scene, obstacles.slowMigration, async () => {
    const syncing = scene.sync('--only', 'database', '--config', config);
    await until(admin, swapped);
    await until(admin, `select from pg_stat_activity where query like 'UPDATE public.alembic_version%'`);
    await app[Symbol.asyncDispose]();
    return await syncing;
  });
  // What it had begun is done, as the revision in the database tells; then nobody says that all is well.
  const migrated = report.steps.find(({ kind }) => kind === 'migrate');
  expect(migrated?.outcome).toMatchObject({
    facts: { polled: { reason: expect.stringContaining('was cut off') as string } },
  });
  expect([code, report.failure]).toMatchObject([1, { step: 'check-health', code: 'app-unreachable' }]);
  expect(report.failure?.message).toContain(`${app.url}/health/deep cannot be reached`);
  expect(report.recovery).toMatchObject({ swappedBack: true });
  // The application is gone with the previous database too.
  expect(report.holds).toMatch(
    /^staging was given its previous database back, but not all is well with it: .*health: /,
  );
  expect(await scene.staging()).toEqual(before);
});

test('a session that may not be ended keeps the swap from happening, and is named', async () => {
  const { postgres, database } = scene.environment.target;
  await using _superuser = await openSession(postgres.adminUrl(database), 'a long report');
  const { code, report } = await scene.sync('--only', 'database');
  expect([code, report.failure]).toMatchObject([1, { step: 'swap', code: 'swap-failed' }]);
  expect(report.failure?.message).toMatch(/bluemoxon_staging is in use .*pid \d+, user postgres, a long report/);
  expect(report.failure?.hint).toContain('pg_signal_backend');
  expect(report.holds).toBe('staging holds its database as it was before the run');
  expect(await scene.staging()).toEqual(before);
});

test('of two refreshes at once the second is refused, naming the first', async () => {
  const { source } = scene.environment;
  await using admin = await openSession(source.postgres.adminUrl());
  await withObstacle(scene, obstacles.slowTable, async () => {
    const first = scene.begin('sync', '--yes', '--json', '--only', 'database');
    await until(
      admin,
      `select from pg_stat_activity where application_name like 'restage %' and query like '%copy "public"."shelf"%'`,
    );
    const second = await scene.restage('sync', '--yes', '--json', '--only', 'database');
    first.signal('SIGINT');
    const { stdout } = await first.ended;
    const { run } = JSON.parse(stdout) as Report;
    expect([second.code, JSON.parse(second.stdout)]).toMatchObject([3, { error: { code: 'run-in-progress' } }]);
    expect(second.stderr).toMatch(
      new RegExp(
        `bluemoxon_staging at 127.0.0.1.* is being refreshed already, by restage ${run} \\(user bluemoxon_staging`,
      ),
    );
  });
  expect(await scene.staging()).toEqual(before);
});

test('what cannot be put back is said, with the statements that put it back', async () => {
  const { postgres, database } = scene.environment.target;
  await using admin = await openSession(postgres.adminUrl());
  const { code, report } = await withObstacle(scene, obstacles.migratedByHand, () =>
    withObstacle(scene, obstacles.slowMigration, async () => {
      const syncing = scene.sync('--only', 'database');
      await until(admin, swapped);
      await using _superuser = await openSession(postgres.adminUrl(database), 'too early');
      return await syncing;
    }),
  );
  expect([code, report.failure?.step, report.recovery]).toMatchObject([1, 'migrate', { swappedBack: false }]);
  expect(report.holds).toMatch(/staging could not be put back completely: .*user postgres, too early/);
  const statements = [...report.holds.matchAll(/alter database "[^"]+" rename to "[^"]+"/g)].map(([sql]) => sql);
  expect(statements).toHaveLength(2);
  for (const statement of statements)
    await query(
      postgres.adminUrl(),
      `select pg_terminate_backend(pid) from pg_stat_activity where datname like 'bluemoxon%'; ${statement}`,
    );
  const mended = await scene.staging();
  const left = `bluemoxon_staging__incoming_${report.run}`;
  expect(mended).toEqual({
    ...before,
    databases: expect.arrayContaining([...before.databases, expect.objectContaining({ name: left })]) as unknown,
  });
  const { report: next } = await scene.sync('--only', 'database');
  expect(next.outcome).toBe('done');
  expect(next.steps.find(({ kind }) => kind === 'create-database')?.outcome).toMatchObject({
    facts: { reclaimed: [left] },
  });
});
