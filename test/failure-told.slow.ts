import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { RollbackReport } from '../src/index.ts';
import { type BackScene, production, startBackScene } from './back-scene.ts';
import { moment, ofRestage, requireNoSessions, requireWhole, stagingOf } from './clone-faults.ts';
import type { Contents } from './contents.ts';
import { hasPython, openScreen } from './pseudo-terminal.ts';
import { faults } from './schema-faults.ts';
import { openSession } from './sql.ts';
import { startSmallApp, type SmallApp } from './small-app.ts';

// Requests that migrate where nothing, or only the application, tells how they ended; and a rollback at a terminal.
let scene: BackScene;
let app: SmallApp;
let before: Contents;

beforeAll(async () => {
  scene = await startBackScene();
  app = await startSmallApp();
});
beforeEach(async () => {
  scene.app.says = undefined;
  app.asked.length = 0;
  app.answer = () => ({ body: { status: 'success' } });
  // Without a version table: no revision tells anything.
  const none = 'drop table alembic_version';
  await scene.arrange([production('new', 'healthy'), none], `${production('old', 'healthy')}; ${none}`);
  before = await stagingOf(scene);
});
afterAll(async () => {
  await app?.[Symbol.asyncDispose]();
  await scene?.[Symbol.asyncDispose]();
});

async function refresh(http: Readonly<Record<string, unknown>> = {}, database = {}) {
  const config = await scene.withApp(database, {
    'target.app': { url: app.url, version: false },
    verify: {},
    migrate: [{ http: { path: '/migrate', expect: { status: 'success' }, ...http } }],
  });
  const ended = await scene.sync(config);
  expect(app.asked.filter(({ method }) => method === 'POST')).toHaveLength(1);
  return { config, ...ended };
}

const gateway = { status: 504, body: '<h1>Gateway Time-out</h1>', headers: { 'Content-Type': 'text/html' } };

test('a gateway that gives up where nothing tells: the previous database is back, and what would tell is said', async () => {
  app.answer = () => gateway;
  const ended = await refresh();
  const { step, code, said } = await requireWhole(scene, before, ended);
  expect([step, code]).toEqual(['migrate', 'migrate-failed']);
  expect(said).toMatch(
    /answered HTTP 504 after \d s, and nothing tells whether it has migrated; it was not asked a second time\nSet poll beside the path/,
  );
  expect(app.asked).toHaveLength(1);
});

test('a gateway that gives up, and an application that then tells of a failure: its errors are in the report', async () => {
  app.answer = ({ method }, times) => {
    if (method === 'POST') return gateway;
    return { body: times < 2 ? { status: 'running' } : { status: 'failed', errors: ['no such column: tier'] } };
  };
  const ended = await refresh({ poll: { path: '/migrate/last', expect: { status: 'success' } } });
  const { step, code, said } = await requireWhole(scene, before, ended);
  expect([step, code]).toEqual(['migrate', 'migrate-failed']);
  expect(faults('report', ended.report)).toEqual([]);
  expect(said).toMatch(/answered HTTP 504 after \d s; then GET .*status is "failed".*: no such column: tier/);
  expect(app.asked.length).toBeGreaterThan(2);
});

test('an answer of failed with HTTP 200: kept where the config says so, and the run has failed all the same', async () => {
  app.answer = () => ({ body: { status: 'failed', error: 'relation is locked' } });
  const { code, report } = await refresh({}, { onFailure: 'keep' });
  expect([code, report.outcome, report.failure]).toMatchObject([
    1,
    'failed',
    { step: 'migrate', code: 'migrate-failed', message: expect.stringContaining('relation is locked') as string },
  ]);
  expect(report.recovery).toMatchObject({ swappedBack: false, kept: { database: 'staging' } });
  expect(report.holds).toContain('which was not accepted: migrate failed');
  expect(faults('report', report)).toEqual([]);
  expect((await stagingOf(scene)).tables).not.toEqual(before.tables);
});

describe.skipIf(!hasPython)('a rollback at a terminal', () => {
  let config: string;
  let run: string;
  let refreshed: Contents;
  beforeEach(async () => {
    config = await scene.withApp();
    const { report } = await scene.sync(config);
    expect(report.failure).toBeUndefined();
    ({ run } = report);
    refreshed = await stagingOf(scene);
  });

  const open = (...args: readonly string[]) =>
    openScreen(['rollback', ...args, '--config', config], { folder: scene.folder, variables: {} });
  const rows = ({ tables }: Contents) => tables;

  test("wants the target's name typed: another is refused, Ctrl-C calls it off, the name goes on", async () => {
    const wrong = open();
    await wrong.shows(`the run ${run} replaced`);
    wrong.type('production\r');
    expect((await wrong.ended).code).toBe(3);
    const called = open();
    await called.shows(`the run ${run} replaced`);
    called.type('\u0003');
    expect([3, 130]).toContain((await called.ended).code);
    expect(await stagingOf(scene)).toEqual(refreshed);

    const screen = open();
    await screen.shows(`the run ${run} replaced`);
    screen.type('staging\r');
    const { code, text } = await screen.ended;
    expect([code, text]).toEqual([0, expect.stringContaining('✓ staging is back on its previous database')]);
    expect(rows(await stagingOf(scene))).toEqual(rows(before));
  });

  test('that is interrupted while it renames ends what it has begun, and says what staging holds', async () => {
    await scene.onTarget(
      `drop role if exists keeper; create role keeper login createdb password 'keeper-password'`,
      'postgres',
    );
    await scene.onTarget(
      `alter database staging owner to keeper; alter database "staging__previous_${run}" owner to keeper`,
      'postgres',
    );
    refreshed = await stagingOf(scene);
    const url = new URL(scene.target.adminUrl('staging'));
    [url.username, url.password] = ['keeper', 'keeper-password'];
    config = await scene.withApp({}, { 'target.database.url': url.href });
    await using _superuser = await openSession(scene.target.adminUrl('staging'), 'a long report');
    const screen = open('--yes');
    await moment(
      scene.target,
      `select from pg_stat_activity where ${ofRestage} and query ~* 'rename to' and state = 'active'`,
    );
    screen.type('\u0003');
    const { code, text } = await screen.ended;
    expect([1, 130]).toContain(code);
    expect(text).toContain('interrupted: what has begun is ended first …');
    expect(text).toContain('staging holds its database as it was.');
    expect(await stagingOf(scene)).toEqual(refreshed);
    await requireNoSessions(scene.target);
  });

  test('that is interrupted while the application is asked has happened, and is told as interrupted', async () => {
    const slow = await startSmallApp(async () => {
      await sleep(200);
      return { body: { status: 'unhealthy' } };
    });
    await using _slow = slow;
    config = await scene.withApp(
      {},
      { 'target.app': { url: slow.url, version: false }, 'verify.health.withinSeconds': 60 },
    );
    const running = scene.begin(config, 'rollback', '--yes', '--json');
    while (slow.asked.length < 2) await sleep(20);
    running.signal('SIGINT');
    const { code, stdout } = await running.ended;
    const report = JSON.parse(stdout) as RollbackReport; // its fields are looked at one by one
    expect([code, report.outcome, report.swapped]).toEqual([130, 'interrupted', true]);
    expect(report.holds).toContain(`to undo this: restage rollback ${report.run}`);
    expect(faults('rollback', report)).toEqual([]);
    expect(rows(await stagingOf(scene))).toEqual(rows(before));
  });
});
