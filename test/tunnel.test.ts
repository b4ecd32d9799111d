import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import type { Finding, Report } from '../src/index.ts';
import { openSession } from '../src/postgres/session.ts';
import { openTunnel } from '../src/postgres/tunnel.ts';
import { forwarder, groupIsAlive, hosts, startTunnelScene, type TunnelScene } from './tunnel-scene.ts';

// Both ends behind a forwarder, and TLS that is verified by the hosts' own names.
let scene: TunnelScene;

beforeAll(async () => {
  scene = await startTunnelScene();
  await scene.on(
    'production',
    'set role ann; create table notes (id integer primary key); insert into notes values (1)',
  );
});
afterAll(() => scene[Symbol.asyncDispose]());

async function requireEnded(count: number): Promise<void> {
  const forwarders = await scene.forwarders();
  expect(forwarders).toHaveLength(count);
  await vi.waitFor(() => expect(forwarders.filter(({ pid }) => groupIsAlive(pid))).toEqual([]), 5000);
}

test('a refresh goes through a tunnel at each end, names the real hosts, and ends both', async () => {
  const config = await scene.configure('forward', 'forward');
  const { code, stdout, stderr } = await scene.begin('sync', '--yes', '--json', '--config', config).ended;
  expect([code, stderr]).toEqual([0, expect.stringContaining('✓ swap')]);
  const report = JSON.parse(stdout) as Report; // the fields are looked at one by one
  expect(report.figures.tables).toMatchObject({ copied: 1, equal: 1 });
  for (const host of Object.values(hosts)) expect(stdout).toContain(`"host": "${host}"`);
  expect(await scene.on('staging', 'select id::text from notes')).toEqual([{ id: '1' }]);
  expect((await scene.forwarders()).map(({ to }) => to.replace(/:\d+$/, '')).toSorted()).toEqual(Object.values(hosts));
  await requireEnded(2);
});

test('a check ends the tunnels that it began', async () => {
  const config = await scene.configure('forward', 'forward');
  const { code, stdout } = await scene.begin('check', '--json', '--config', config).ended;
  const { findings } = JSON.parse(stdout) as { readonly findings: readonly Finding[] }; // as check prints it
  expect([code, findings.filter(({ verdict }) => verdict === 'wrong' || verdict === 'not-tried')]).toEqual([0, []]);
  await requireEnded(2);
});

/** A session by such a forwarder, and its refusal. */
async function refusedBy(how: string): Promise<unknown> {
  using tunnel = openTunnel(
    { command: [process.execPath, forwarder, how, '{localPort}', '{host}', '{port}'], withinSeconds: 10 },
    { host: hosts.production, port: 5432 },
  );
  const database = { host: hosts.production, port: 5432, database: 'production', user: 'ann', password: 'any' };
  return await openSession({ ...database, tls: 'verify-full', tunnel }, { access: 'read-only', label: 'tunnel' }).catch(
    (error: unknown) => error,
  );
}

test('a tunnel that gets nowhere is named beside the real host, with its own words', async () => {
  expect(await refusedBy('blocked')).toMatchObject({
    code: 'database-unreachable',
    message: expect.stringMatching(
      /^cannot reach production at prod\.db\.example:5432 as ann, by way of node: the connection was taken, and ended/,
    ),
    hint: expect.stringMatching(/reach prod\.db\.example:5432\? It says: channel 1: open failed/),
  });
});

test('a tunnel that does not come about is the reason that there is no session', async () => {
  expect(await refusedBy('broken')).toMatchObject({
    code: 'tunnel-failed',
    message: expect.stringMatching(/^the tunnel to prod\.db\.example:5432 by node ended .*Permission denied/),
  });
});
