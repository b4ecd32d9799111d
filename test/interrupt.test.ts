import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import type { Report } from '../src/index.ts';
import type { Contents } from './contents.ts';
import { obstacles, withObstacle } from './obstacles.ts';
import { type Scene, startScene } from './scene.ts';
import { openSession, type Session, until } from './sql.ts';

let scene: Scene;
let before: Contents;
let source: Session;
let target: Session;

beforeAll(async () => {
  scene = await startScene();
  before = await scene.staging();
  source = await openSession(scene.environment.source.postgres.adminUrl());
  target = await openSession(scene.environment.target.postgres.adminUrl());
});
afterEach(() => scene.environment.aws.clearFaults());
afterAll(async () => {
  await source[Symbol.asyncDispose]();
  await target[Symbol.asyncDispose]();
  await scene[Symbol.asyncDispose]();
});

interface Interrupted {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
  /** From the signal to the end of the process. */
  readonly tookMs: number;
}

/** Begins a refresh, waits for the moment, and interrupts it. */
async function interruptAt(
  moment: () => Promise<unknown>,
  args: readonly string[],
  signal: NodeJS.Signals = 'SIGINT',
): Promise<Interrupted> {
  const running = scene.begin('sync', '--yes', '--json', ...args);
  await moment();
  const clock = performance.now();
  running.signal(signal);
  const ended = await running.ended;
  return { ...ended, tookMs: performance.now() - clock };
}

async function requireInterrupted({ code, stdout, stderr, tookMs }: Interrupted, step: RegExp): Promise<Report> {
  expect(code).toBe(130);
  expect(tookMs).toBeLessThan(2000);
  expect(stderr).toContain('interrupted: stopping');
  const report = JSON.parse(stdout) as Report; // its fields are looked at one by one
  expect(report).toMatchObject({ outcome: 'interrupted', failure: { code: 'interrupted' } });
  expect(report.failure?.step).toMatch(step);
  expect(report.steps.some(({ outcome }) => outcome.status === 'failed')).toBe(false);
  expect(report.recovery?.failure).toBeUndefined();
  expect(await scene.staging()).toEqual(before);
  expect((await scene.runFiles()).get(`${scene.folder}/.restage/runs/${report.run}/report.json`)).toContain(
    '"outcome": "interrupted"',
  );
  expect(await target.query(`select from pg_stat_activity where application_name like 'restage%'`)).toEqual([]);
  expect(await source.query(`select from pg_stat_activity where application_name like 'restage%'`)).toEqual([]);
  return report;
}

test('an interrupt while it plans ends it at once, nothing being changed', async () => {
  const { aws } = scene.environment;
  await aws.inject({ match: { operation: 'ListObjectsV2' }, kind: 'delay', delayMs: 5000 });
  const started = () => until(source, `select from pg_stat_activity where application_name like 'restage plan%'`);
  const { code, stdout, tookMs } = await interruptAt(started, []);
  expect([code, JSON.parse(stdout)]).toMatchObject([130, { error: { code: 'interrupted' } }]);
  expect(tookMs).toBeLessThan(2000);
  expect(await scene.staging()).toEqual(before);
  expect((await scene.runFiles()).size).toBe(0);
});

test('an interrupt while a table is copied leaves staging as it was', async () => {
  const copying = `select from pg_stat_activity where wait_event = 'ClientWrite' and application_name like 'restage %' and query like '%copy "public"."shelf"%'`;
  await withObstacle(scene, obstacles.slowTable, async () => {
    const interrupted = await interruptAt(() => until(source, copying), ['--only', 'database']);
    const report = await requireInterrupted(interrupted, /^copy-table shelf$/);
    expect(report.recovery).toMatchObject({ swappedBack: false, dropped: [expect.stringContaining('__incoming_')] });
    expect(report.holds).toBe('staging holds its database as it was before the run');
  });
});

test('an interrupt while objects are copied stops it, and what was copied need not be copied again', async () => {
  const { aws, source: production } = scene.environment;
  const match = { operation: 'GetObject', bucket: production.bucket };
  await aws.inject({ match, kind: 'delay', delayMs: 0, times: 100 });
  await aws.inject({ match, kind: 'delay', delayMs: 5000 });
  const plan = async () =>
    JSON.parse((await scene.restage('plan', '--json', '--only', 'objects')).stdout) as Pick<Report, 'objects'>;
  const planned = await plan();
  const toCopy = ({ objects }: Pick<Report, 'objects'>) =>
    objects.reduce((sum, { totals: { missing, changed } }) => sum + missing.objects + changed.objects, 0);
  const halfWay = async () => {
    while ((await scene.writes()) < 100) await new Promise((resolve) => setTimeout(resolve, 5));
  };
  const report = await requireInterrupted(await interruptAt(halfWay, [], 'SIGTERM'), /./);
  expect(report.steps.find(({ id }) => id === 'copy-objects images')?.outcome.status).toBe('stopped');
  expect(toCopy(report)).toBe(toCopy(planned));
  await aws.clearFaults();
  // A hundred at least: what was delayed may have come on a slow machine.
  const left = toCopy(await plan());
  expect(left).toBeLessThanOrEqual(toCopy(planned) - 100);
  const { report: next } = await scene.sync('--only', 'objects');
  expect(next.outcome).toBe('done');
  expect(next.figures.objects.copied).toBe(left);
});

test('an interrupt while staging migrates puts the previous database back', async () => {
  const migrating = `select from pg_stat_activity where query like 'UPDATE public.alembic_version%' and state = 'active'`;
  await withObstacle(scene, obstacles.slowMigration, async () => {
    const interrupted = await interruptAt(() => until(target, migrating), ['--only', 'database']);
    const report = await requireInterrupted(interrupted, /^migrate$/);
    expect(report.recovery).toMatchObject({ swappedBack: true });
    expect(report.holds).toBe('staging holds its previous database again, as it was before the run');
    const health = await fetch(`${scene.environment.target.app.url}/health/deep`);
    expect(await health.json()).toMatchObject({ status: 'healthy', checks: { database: { book_count: 121 } } });
  });
});

test('an interrupt while the swap waits for a session takes the swap back', async () => {
  const { postgres, database } = scene.environment.target;
  const superuser = await openSession(postgres.adminUrl(database), 'about to leave');
  const swapping = `select from pg_stat_activity where query like '%rename to%' and state = 'active' and pid <> pg_backend_pid()`;
  const running = scene.begin('sync', '--yes', '--json', '--only', 'database');
  await running.said('✓ verify-tables');
  await until(target, swapping);
  running.signal('SIGINT');
  await running.said('interrupted: stopping');
  const clock = performance.now();
  await superuser[Symbol.asyncDispose]();
  const ended = await running.ended;
  const report = await requireInterrupted({ ...ended, tookMs: performance.now() - clock }, /^migrate$/);
  expect(report.recovery).toMatchObject({ swappedBack: true });
});
