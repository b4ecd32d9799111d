import { createServer } from 'node:http';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { stringify } from 'yaml';
import type { Report } from '../src/index.ts';
import { moment, ofRestage, requireNoSessions, slowCheck, stagingOf } from './clone-faults.ts';
import { startCloneScene, type CloneScene } from './clone-scene.ts';
import type { Contents } from './contents.ts';
import { openNetwork, type Network } from './network.ts';

// What a network does to a run, on the way to each end. Side by side, for they do little but wait.

interface Wired extends AsyncDisposable {
  readonly scene: CloneScene;
  readonly config: string;
  /** Restage's only way to each server. */
  readonly ways: { readonly source: Network; readonly target: Network };
  readonly before: Contents;
  /** What the application of staging says of its health; undefined: nothing yet. */
  health: string | undefined;
  /** Has been asked for it. */
  readonly asked: Promise<unknown>;
}

const rows = 200;

async function wire(): Promise<Wired> {
  const scene = await startCloneScene();
  await scene.arrange(
    `create table scans (id integer, scan text ${slowCheck(0.02)});
     alter table scans alter column scan set storage external;
     insert into scans select id, repeat('x', 100000) from generate_series(1, ${rows}) id`,
    `create table kept (id integer); insert into kept values (1)`,
  );
  const ways = { source: await openNetwork(scene.source.port), target: await openNetwork(scene.target.port) };
  const { promise: asked, resolve } = Promise.withResolvers<undefined>();
  const wired = { health: undefined as string | undefined };
  const app = createServer((request, response) => {
    const isHealth = request.url === '/health';
    if (isHealth) resolve(undefined);
    const say = () => {
      if (isHealth && wired.health === undefined) setTimeout(say, 50);
      else response.end(JSON.stringify({ status: wired.health ?? '', version: '1', environment: 'staging' }));
    };
    say();
  });
  app.listen(0, '127.0.0.1');
  await once(app, 'listening');
  const end = (side: 'source' | 'target') => {
    const url = new URL(scene[side].adminUrl({ source: 'production', target: 'staging' }[side]));
    url.port = String(ways[side].port);
    return { name: { source: 'production', target: 'staging' }[side], database: { url: url.href } };
  };
  const config = join(scene.folder, 'wired.yaml');
  const url = `http://127.0.0.1:${(app.address() as AddressInfo).port}`;
  await writeFile(
    config,
    stringify({
      version: 1,
      source: end('source'),
      target: { ...end('target'), app: { url } },
      verify: { health: { path: '/health', expect: { status: 'well' }, withinSeconds: 5 } },
    }),
  );
  return Object.assign(wired, {
    scene,
    config,
    ways,
    asked,
    before: await stagingOf(scene),
    [Symbol.asyncDispose]: async () => {
      app.closeAllConnections();
      app.close();
      await Promise.all(Object.values(ways).map((way) => way[Symbol.asyncDispose]()));
      await scene[Symbol.asyncDispose]();
    },
  });
}

/** Waits until the large table is half-way between the servers. */
const copying = (scene: CloneScene) =>
  moment(
    scene.target,
    `select from pg_stat_activity where ${ofRestage} and state = 'active' and query ~ 'copy .*scans'`,
  );

interface Told {
  readonly code: number | null;
  readonly report: Report;
  readonly tookMs: number;
}

/** Begins a refresh, and does something at a moment of it. */
async function refresh({ scene, config }: Wired, act: () => Promise<unknown>): Promise<Told> {
  const running = scene.begin(config, 'sync', '--yes', '--json');
  await act();
  const clock = performance.now();
  const { code, stdout, stderr } = await running.ended;
  expect(stdout, stderr).toMatch(/^\{/);
  const report = JSON.parse(stdout) as Report;
  const kept = await readFile(join(scene.folder, '.restage', 'runs', report.run, 'report.json'), 'utf8');
  expect(JSON.parse(kept)).toEqual(report);
  return { code, report, tookMs: performance.now() - clock };
}

/** When the network is back, the servers have no session left, and the next run ends well and leaves nothing behind. */
async function requireNextRunWell(wired: Wired): Promise<Report> {
  const { scene, ways } = wired;
  for (const way of Object.values(ways)) {
    await way.cut();
    await way.mend();
  }
  await requireNoSessions(scene.source, scene.target);
  wired.health = 'well';
  const { code, report } = await scene.sync(wired.config);
  expect([code, report.failure]).toEqual([0, undefined]);
  expect(await scene.onTarget(`select count(*)::text as rows from scans`)).toEqual([{ rows: String(rows) }]);
  expect(await scene.onTarget(`select datname from pg_database where datname like '%incoming%'`)).toEqual([]);
  return report;
}

describe.concurrent('a network that', () => {
  test('stands still for half a minute, to both ends, holds a run up and does it no harm', async () => {
    await using wired = await wire();
    wired.health = 'well';
    const { code, report, tookMs } = await refresh(wired, async () => {
      await copying(wired.scene);
      for (const way of Object.values(wired.ways)) way.freeze();
      await sleep(35_000);
      for (const way of Object.values(wired.ways)) way.thaw();
    });
    expect([code, report.failure]).toEqual([0, undefined]);
    expect(tookMs).toBeLessThan(30_000);
    expect(report.durationMs).toBeGreaterThan(35_000);
    expect(report.figures.tables).toMatchObject({ copied: 1, equal: 1 });
  });

  test('stands still for good on the way to the source ends a run after two minutes', async () => {
    await using wired = await wire();
    const { code, report, tookMs } = await refresh(wired, async () => {
      await copying(wired.scene);
      wired.ways.source.freeze();
    });
    expect([code, report.failure]).toMatchObject([1, { code: 'database-lost', step: 'copy-table scans' }]);
    expect(report.failure?.message).toMatch(/production at 127.0.0.1:\d+ was lost: no byte came for \d+ s/);
    expect(tookMs).toBeLessThan(125_000);
    expect(report.holds).toBe('staging holds its database as it was before the run');
    expect(await stagingOf(wired.scene)).toEqual(wired.before);
    await requireNextRunWell(wired);
  });

  test('is gone for good on the way to the target, while a table is copied, leaves staging as it was', async () => {
    await using wired = await wire();
    const { code, report, tookMs } = await refresh(wired, async () => {
      await copying(wired.scene);
      await wired.ways.target.cut();
    });
    expect([code, report.failure]).toMatchObject([1, { code: 'database-lost', step: 'copy-table scans' }]);
    expect(report.holds).toMatch(/^staging holds its database as it was before the run\. .* for the next run to drop/);
    expect(report.recovery).toMatchObject({ asBefore: true, failure: { code: 'database-unfit' } });
    expect(tookMs).toBeLessThan(80_000);
    const now = await stagingOf(wired.scene);
    const left = now.databases.filter(({ name }) => name?.includes('__incoming_'));
    expect(left).toHaveLength(1);
    expect({ ...now, databases: now.databases.filter((one) => !left.includes(one)) }).toEqual(wired.before);
    const next = await requireNextRunWell(wired);
    expect(next.steps.find(({ kind }) => kind === 'create-database')?.outcome).toMatchObject({
      facts: { reclaimed: [left[0]?.['name']] },
    });
  });

  test('is gone on the way to the target after the swap, and comes back, has the swap taken back', async () => {
    await using wired = await wire();
    const { code, report, tookMs } = await refresh(wired, async () => {
      await wired.asked;
      await wired.ways.target.cut();
      wired.health = 'unwell';
      setTimeout(() => void wired.ways.target.mend(), 30_000);
      await wired.scene.onTarget('select');
    });
    expect([code, report.failure]).toMatchObject([1, { step: 'check-health' }]);
    expect(report.recovery).toMatchObject({ swappedBack: true });
    expect(tookMs).toBeGreaterThan(25_000);
    expect(await stagingOf(wired.scene)).toEqual(wired.before);
  });

  test('is gone for good after the swap leaves staging new, and the report says how the old is put back', async () => {
    await using wired = await wire();
    const { code, report, tookMs } = await refresh(wired, async () => {
      await wired.asked;
      await wired.ways.target.cut();
      wired.health = 'unwell';
    });
    expect([code, report.failure]).toMatchObject([1, { step: 'check-health' }]);
    expect(tookMs).toBeLessThan(80_000);
    expect(report.holds).toContain('could not be put back completely: ');
    expect(report.holds).toContain('staging holds the new data, not verified. To put the old back: ');
    const { database, previous } = { database: 'staging', previous: `staging__previous_${report.run}` };
    expect(await wired.scene.onTarget(`select count(*)::text as rows from scans`, database)).toEqual([
      { rows: String(rows) },
    ]);
    expect(await wired.scene.onTarget(`select id::text from kept`, previous)).toEqual([{ id: '1' }]);
    await requireNextRunWell(wired);
    // What was never verified does not push out the last that was.
    expect(await wired.scene.onTarget(`select id::text from kept`, previous)).toEqual([{ id: '1' }]);
  });
});
