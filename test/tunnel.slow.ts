import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { openTunnel } from '../src/postgres/tunnel.ts';
import type { Report } from '../src/index.ts';
import { connects } from './machine.ts';
import { openSession, type Session, until } from './sql.ts';
import { forwarder, groupIsAlive, startTunnelScene, type Typed, type TunnelScene } from './tunnel-scene.ts';

// What ends in the middle: restage, the forwarder, or the person's patience.
let scene: TunnelScene;

beforeAll(async () => {
  scene = await startTunnelScene();
  await scene.on(
    'production',
    `set role ann;
     create table notes (
       id integer,
       text text check (case when current_database() like 'staging%' then pg_sleep(0.05) is not null else true end)
     );
     alter table notes alter text set storage external;
     insert into notes select id, repeat('x', 100000) from generate_series(1, 100) id`,
  );
  await scene.on('staging', 'set role ann; create table kept (id integer primary key)');
});
afterAll(() => scene[Symbol.asyncDispose]());
beforeEach(requireOnlyStaging);

/** Staging as it was, and nothing beside it. */
async function requireOnlyStaging(): Promise<void> {
  expect(await scene.on('postgres', `select datname as name from pg_database where datname like 'staging%'`)).toEqual([
    { name: 'staging' },
  ]);
  expect(await scene.on('staging', `select to_regclass('public.kept')::text as kept`)).toEqual([{ kept: 'kept' }]);
}

async function requireAllEnded(): Promise<void> {
  const forwarders = await scene.forwarders();
  expect(forwarders.length).toBeGreaterThanOrEqual(2);
  await vi.waitFor(() => expect(forwarders.filter(({ pid }) => groupIsAlive(pid))).toEqual([]), 6000);
}

/** A refresh in the middle of a table that takes five seconds. */
async function inTheMiddle(work: (running: Typed) => Promise<void>): Promise<void> {
  await using admin: Session = await openSession(scene.superuserUrl('postgres'));
  const config = await scene.configure('forward', 'forward');
  const running = scene.begin('sync', '--yes', '--json', '--config', config);
  await Promise.race([
    until(admin, `select from pg_stat_activity where wait_event = 'PgSleep' and datname like 'staging__incoming%'`),
    running.ended.then(({ stdout, stderr }) => Promise.reject(new Error(`it has ended:\n${stdout}\n${stderr}`))),
  ]);
  await work(running);
}

test('a restage that is killed leaves no forwarder behind', async () => {
  await inTheMiddle(async (running) => {
    running.kill();
    expect((await running.ended).code).toBe(null);
    await requireAllEnded();
  });
  // What kill -9 leaves is the next run's to take away.
  for (const { name } of await scene.on(
    'postgres',
    `select datname as name from pg_database where datname like 'staging__incoming%'`,
  ))
    await scene.on('postgres', `drop database "${name}" with (force)`);
});

test('Ctrl-C reaches the forwarders only after staging has been put back through them', async () => {
  await inTheMiddle(async (running) => {
    running.pressCtrlC();
    const { code, stdout } = await running.ended;
    const report = JSON.parse(stdout) as Report; // the fields are looked at one by one
    expect([code, report.outcome]).toEqual([130, 'interrupted']);
    expect(report.recovery?.failure).toBeUndefined();
    expect(report.recovery?.dropped).toEqual([expect.stringContaining('staging__incoming_')]);
    await requireAllEnded();
    expect(await scene.forwarders()).toHaveLength(2);
  });
  await requireOnlyStaging();
});

test('a forwarder that dies in the middle ends the run, and is begun again to put staging back', async () => {
  await inTheMiddle(async (running) => {
    const forwarders = await scene.forwarders();
    const target = forwarders.find(({ to }) => to.startsWith('staging.'));
    process.kill(target?.pid ?? 0, 'SIGKILL');
    const { code, stdout } = await running.ended;
    const report = JSON.parse(stdout) as Report; // the fields are looked at one by one
    expect([code, report.outcome]).toEqual([1, 'failed']);
    expect(report.recovery?.failure).toBeUndefined();
    expect(await scene.forwarders()).toHaveLength(3);
    await requireAllEnded();
  });
  await requireOnlyStaging();
});

test('a forwarder that does not want to end is made to', async () => {
  const tunnel = openTunnel(
    { command: [process.execPath, forwarder, 'stubborn', '{localPort}', '{host}', '{port}'], withinSeconds: 10 },
    { host: 'db.example', port: 5433 },
  );
  const port = await tunnel.port();
  tunnel[Symbol.dispose]();
  await sleep(1000);
  expect(await connects(port)).toBe(true);
  await vi.waitFor(async () => expect(await connects(port)).toBe(false), 6000);
});
