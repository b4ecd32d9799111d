import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Report } from '../src/index.ts';
import { moment, requireNoSessions } from './clone-faults.ts';
import type { Contents } from './contents.ts';
import { obstacles, withObstacle } from './obstacles.ts';
import { type Running, type Scene, startScene } from './scene.ts';
import { openSession, query, type Session } from './sql.ts';

// Signals that come more than once, and where they hurt most: around the swap. The tests follow one another.
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

const begin = () => scene.begin('sync', '--yes', '--json', '--only', 'database');

/** Waits for as long as a busy machine takes. */
const comes = (what: string) =>
  moment(
    scene.environment.target.postgres,
    `select from pg_stat_activity where state = 'active' and pid <> pg_backend_pid() and ${what}`,
  );
const migrating = `query like 'UPDATE public.alembic_version%'`;
const renaming = `query like '%rename to%'`;
const copying = `query like '%copy "public"."shelf"%'`;
const swappedIn = `select from pg_database where datname like 'bluemoxon\\_staging\\_\\_previous%'`;
const putBack = `select from pg_database where datname like 'bluemoxon\\_staging\\_\\_incoming%'`;

/** Ended with 130 and a report, printed and kept, and staging as it was. */
async function requireInterrupted(running: Running): Promise<{ readonly report: Report; readonly stderr: string }> {
  const { code, stdout, stderr } = await running.ended;
  expect(code, stderr).toBe(130);
  const report = JSON.parse(stdout) as Report; // its fields are looked at one by one
  expect(report).toMatchObject({ outcome: 'interrupted', failure: { code: 'interrupted' } });
  expect(report.recovery?.failure).toBeUndefined();
  const kept = (await scene.runFiles()).get(`${scene.folder}/.restage/runs/${report.run}/report.json`);
  expect(JSON.parse(kept ?? '')).toEqual(report);
  expect(await scene.staging()).toEqual(before);
  const { source, target: staging } = scene.environment;
  await requireNoSessions(source.postgres, staging.postgres);
  return { report, stderr };
}

/** Somebody's session, which may not be ended and so holds up a rename of staging for as long as it lasts. */
const holdUp = () => openSession(scene.environment.target.postgres.adminUrl('bluemoxon_staging'), 'in the way');

test.each(['SIGINT', 'SIGTERM'] as const)(
  'a second %s while things are put back does not keep them from it',
  async (name) => {
    await withObstacle(scene, obstacles.slowMigration, async () => {
      const running = begin();
      await comes(migrating);
      const inTheWay = await holdUp();
      running.signal(name);
      await comes(renaming);
      running.signal(name);
      await running.said('still putting things back');
      await inTheWay[Symbol.asyncDispose]();
      const { report } = await requireInterrupted(running);
      expect(report.recovery).toMatchObject({ swappedBack: true });
      expect(report.holds).toBe('staging holds its previous database again, as it was before the run');
    });
  },
);

test('a terminal that is closed again and again while things are put back does not keep them from it', async () => {
  await withObstacle(scene, obstacles.slowMigration, async () => {
    const running = begin();
    await comes(migrating);
    const inTheWay = await holdUp();
    running.signal('SIGINT');
    await comes(renaming);
    for (let times = 0; times < 4; times++) running.signal('SIGHUP');
    await inTheWay[Symbol.asyncDispose]();
    expect((await requireInterrupted(running)).report.recovery).toMatchObject({ swappedBack: true });
  });
});

test('a terminal that is closed while the swap waits has the swap taken back', async () => {
  const inTheWay = await holdUp();
  const running = begin();
  await comes(renaming);
  running.signal('SIGHUP');
  await running.said('interrupted: stopping');
  await inTheWay[Symbol.asyncDispose]();
  const { report } = await requireInterrupted(running);
  expect(report.recovery).toMatchObject({ swappedBack: true });
});

test('a third signal while a table is copied ends at once, and says what is left', async () => {
  await withObstacle(scene, obstacles.slowTable, async () => {
    const running = begin();
    await comes(copying);
    // In one go, so that nothing is put back in between.
    for (let times = 0; times < 3; times++)
      running.signal((['SIGINT', 'SIGTERM', 'SIGINT'] as const)[times] ?? 'SIGINT');
    const { code, stdout, stderr } = await running.ended;
    if (stdout === '') {
      expect([code, stderr]).toEqual([
        130,
        expect.stringMatching(/ended at once; .* staging holds its database as it was/),
      ]);
    } else expect(code).toBe(130); // signals of one kind can come together as one
  });
  const now = await scene.staging();
  const left = now.databases.filter(({ name }) => name?.includes('__incoming_'));
  expect({ ...now, databases: now.databases.filter((one) => !left.includes(one)) }).toEqual(before);
});

test('a third signal in the middle of putting back ends at once, and staging is whole and can be refreshed', async () => {
  let stderr = '';
  await withObstacle(scene, obstacles.slowMigration, async () => {
    const running = begin();
    await comes(migrating);
    const inTheWay = await holdUp();
    running.signal('SIGINT');
    await comes(renaming);
    running.signal('SIGINT');
    await running.said('still putting things back');
    running.signal('SIGINT');
    const ended = await running.ended;
    stderr = ended.stderr;
    expect([ended.code, ended.stdout]).toEqual([130, '']);
    await inTheWay[Symbol.asyncDispose]();
  });
  expect(stderr).toContain('ended at once, while things were put back');
  const { postgres } = scene.environment.target;
  await query(
    postgres.adminUrl(),
    `select pg_terminate_backend(pid) from pg_stat_activity where application_name like 'restage%'`,
  );
  const [isNew] = await target.query(swappedIn);
  const [isOld] = await target.query(putBack);
  expect(Boolean(isNew) !== Boolean(isOld)).toBe(true);
  const books = await fetch(`${scene.environment.target.app.url}/books?limit=5`);
  expect(await books.json()).toMatchObject({ total: isNew ? 153 : 121 });
  const { code, report } = await scene.sync('--only', 'database');
  expect([code, report.failure]).toEqual([0, undefined]);
  expect(await target.query(putBack)).toEqual([]);
});
