import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import type { Report } from '../src/index.ts';
import type { Contents } from './contents.ts';
import { type Obstacle, obstacles, withObstacle } from './obstacles.ts';
import { type Ended, type Scene, startScene } from './scene.ts';
import { openSession, until } from './sql.ts';

let scene: Scene;
let before: Contents;

beforeAll(async () => {
  scene = await startScene();
  before = await scene.staging();
});
beforeEach(() => scene.environment.aws.clearFaults());
afterAll(() => scene[Symbol.asyncDispose]());

type Synced = Ended & { readonly report: Report };

/** What every failed refresh owes: staging as it was and said to be, exit 1, the step named in what is printed and kept. */
async function requireFailed({ code, report }: Synced, step: string): Promise<string> {
  expect([code, report.outcome, report.failure?.step]).toEqual([1, 'failed', step]);
  expect(await scene.staging()).toEqual(before);
  expect(report.holds).toMatch(/as it was before the run|was not touched/);
  expect(report.recovery?.failure).toBeUndefined();
  const files = [...(await scene.runFiles())].filter(([file]) => file.includes(report.run));
  expect(files.find(([file]) => file.endsWith('report.json'))?.[1]).toContain(`"step": "${step}"`);
  expect(files.find(([file]) => file.endsWith('report.md'))?.[1]).toContain(step);
  return `${report.failure?.message ?? ''}\n${report.failure?.hint ?? ''}`;
}

async function syncDespite(obstacle: Obstacle): Promise<Synced> {
  return withObstacle(scene, obstacle, () => scene.sync('--only', 'database'));
}

const statusOf = (report: Report, step: string) => report.steps.find(({ id }) => id === step)?.outcome.status;

test('rows that staging refuses fail the copy of their table, by its name and that of the constraint', async () => {
  const synced = await syncDespite(obstacles.refusedRows);
  const said = await requireFailed(synced, 'copy-table binders');
  expect(said).toMatch(/"binders" violates check constraint "binders_old_server".*SQLSTATE 23514/);
  expect(statusOf(synced.report, 'swap')).toBe('not-run');
  expect(statusOf(synced.report, 'copy-schema')).toBe('done');
});

test('a unique index that cannot be built fails the copy of its table', async () => {
  const said = await requireFailed(await syncDespite(obstacles.uniqueIndex), 'copy-table binders');
  expect(said).toMatch(/index public.binders_seal could not be made.*SQLSTATE 23505/);
});

test('rows that arrive otherwise than they were sent stop the run before the swap', async () => {
  const synced = await syncDespite(obstacles.drift);
  const said = await requireFailed(synced, 'verify-tables');
  expect(said).toContain('binders: the same 18 rows by number, but not by content');
  expect(synced.report.figures.tables).toMatchObject({ copied: 14, equal: 13 });
  expect(statusOf(synced.report, 'swap')).toBe('not-run');
});

test('a migration that answers partial with HTTP 200 puts the previous database back', async () => {
  const synced = await syncDespite(obstacles.migratedByHand);
  const said = await requireFailed(synced, 'migrate');
  expect(said).toMatch(
    /answered HTTP 200, but status is "partial", .*42701 column "tier" of relation "authors" already exists/,
  );
  expect(synced.report).toMatchObject({
    recovery: { swappedBack: true },
    holds: 'staging holds its previous database again, as it was before the run',
    figures: { revision: { targetBefore: 's2345678klmn', targetAfter: 's2345678klmn' } },
  });
});

test('a health body that is not healthy puts the previous database back, HTTP 200 or not', async () => {
  const config = await scene.configure((document) => document.setIn(['verify', 'health', 'withinSeconds'], 1));
  const synced = await withObstacle(scene, obstacles.wrongRevision, () =>
    scene.sync('--only', 'database', '--config', config),
  );
  const said = await requireFailed(synced, 'check-health');
  expect(said).toMatch(/status is "unhealthy", "healthy" expected.*authors\.tier/);
  expect(synced.report).toMatchObject({ recovery: { swappedBack: true } });
  expect(statusOf(synced.report, 'migrate')).toBe('done');
});

test('totals that differ put the previous database back', async () => {
  const config = await scene.configure((document) => document.setIn(['verify', 'withinSeconds'], 1));
  const { target } = scene.environment;
  await using admin = await openSession(target.postgres.adminUrl());
  const synced = await withObstacle(scene, obstacles.slowMigration, async () => {
    const syncing = scene.sync('--only', 'database', '--config', config);
    await until(admin, `select from pg_database where datname like '%previous%'`);
    await scene.onSource(`insert into books (id, title) overriding system value values (9999, 'bought meanwhile')`);
    const ended = await syncing;
    await scene.onSource(`delete from books where id = 9999`);
    return ended;
  });
  const said = await requireFailed(synced, 'compare-total /books?limit=5 total');
  expect(said).toContain('is 154 at the source and 153 at the target');
});

test('an object that cannot be read is named and the others are copied', async () => {
  const { aws, source } = scene.environment;
  const own = { key: 'books/1/own.jpg', body: 'secret' };
  await aws.seedObjects(source.bucket, [own]);
  const match = { operation: 'GetObject', bucket: source.bucket, key: own.key };
  await aws.inject({ match, kind: 'error', status: 403, code: 'AccessDenied', message: 'Access Denied' });
  const synced = await scene.sync();
  const said = await requireFailed(synced, 'copy-objects images');
  expect(said).toMatch(
    /1 of \d+ objects could not be copied .*\n.*"books\/1\/own\.jpg": Access Denied \(AccessDenied, GET of bluemoxon-images\)/,
  );
  const planned = synced.report.objects.reduce(
    (sum, { totals: { missing, changed } }) => sum + missing.objects + changed.objects,
    0,
  );
  expect(synced.report.figures.objects).toMatchObject({ copied: planned - 1, failed: 1 });
  expect(planned).toBeGreaterThan(400);
});

test('a listing that fails on its second page is no shorter listing', async () => {
  const { aws, source } = scene.environment;
  const match = { operation: 'ListObjectsV2', bucket: source.bucket };
  // Nothing happens to the five pages of the plan and to the first one of the run.
  await aws.inject({ match, kind: 'delay', delayMs: 0, times: 6 });
  await aws.inject({
    match,
    kind: 'error',
    status: 500,
    code: 'InternalError',
    message: 'We encountered an internal error.',
  });
  const synced = await scene.sync();
  expect(await requireFailed(synced, 'copy-objects images')).toMatch(
    /cannot list bluemoxon-images .*internal error\. \(InternalError\)/,
  );
  expect(statusOf(synced.report, 'verify-objects images')).toBe('not-run');
});

test('a plan whose listing fails on its second page is no plan', async () => {
  const { aws, target } = scene.environment;
  const match = { operation: 'ListObjectsV2', bucket: target.bucket };
  await aws.inject({ match, kind: 'delay', delayMs: 0, times: 1 });
  await aws.inject({ match, kind: 'error', status: 403, code: 'AccessDenied', message: 'Access Denied' });
  const { code, stdout, stderr } = await scene.restage('sync', '--yes', '--json');
  expect([code, JSON.parse(stdout)]).toMatchObject([1, { error: { code: 'bucket-denied' } }]);
  expect(stderr).toContain('bluemoxon-images-staging');
  expect(await scene.staging()).toEqual(before);
});

test('sessions that production ends in the middle of a copy fail the run, naming its server', async () => {
  const { source } = scene.environment;
  await using admin = await openSession(source.postgres.adminUrl());
  const synced = await withObstacle(scene, obstacles.slowTable, async () => {
    const syncing = scene.sync('--only', 'database');
    await until(
      admin,
      `
      select pg_terminate_backend(pid) from pg_stat_activity
       where state = 'active' and wait_event = 'ClientWrite' and application_name like 'restage %' and query like '%copy "public"."shelf"%'`,
    );
    return await syncing;
  });
  const said = await requireFailed(synced, 'copy-table shelf');
  expect(said).toContain(`bluemoxon at 127.0.0.1:${source.postgres.port}`);
  // The server's last words arrive, or the connection is gone before them.
  expect(said).toMatch(/was lost|terminating connection due to administrator command/);
});

test('a refresh of a source that keeps the identity of its server to itself ends well', async () => {
  const { postgres, database } = scene.environment.source;
  await using admin = await openSession(postgres.adminUrl(database));
  await admin.query(`revoke execute on function pg_control_system() from public`);
  const { code, stderr } = await scene.restage('plan', '--quiet', '--only', 'database');
  await admin.query(`grant execute on function pg_control_system() to public`);
  expect([code, stderr]).toEqual([0, '']);
});
