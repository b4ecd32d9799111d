import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { serverUser } from '../demo/postgres-binaries.ts';
import type { Failure, Plan } from '../src/index.ts';
import { startCloneScene, type CloneScene } from './clone-scene.ts';
import { connects } from './machine.ts';
import { query } from './sql.ts';

const program = '/usr/sbin/pgbouncer';
const missing = !existsSync(program);
if (missing) console.warn(`skipped, as there is no ${program}: the tests of a pooler in front of the source`);

describe.skipIf(missing)('a connection pooler in front of the source', () => {
  let scene: CloneScene;

  beforeAll(async () => {
    scene = await startCloneScene();
    await scene.arrange('create table books as select id from generate_series(1, 1000) id; analyze books');
  });

  afterAll(() => scene[Symbol.asyncDispose]());

  test.each([
    ['', {}],
    [', also of one that goes round its sessions', { server_round_robin: '1', min_pool_size: '2' }],
  ])(
    'is refused in transaction mode%s, and nothing that restage sets stays behind in its sessions',
    async (_, more) => {
      await using pooler = await startPooler(scene, 'transaction', more);
      const ended = await scene.restage(await scene.configure({ source: pooler.url }), 'plan', '--json');
      const { error } = JSON.parse(ended.stdout) as { readonly error: Failure };
      expect([error.code, ended.code]).toEqual(['database-unfit', 3]);
      expect(error.message).toMatch(/pooler in transaction mode, such as PgBouncer, .* 127\.0\.0\.1:\d+/);
      expect(error.hint).toContain('of the PostgreSQL server itself');
      for (let round = 0; round < 4; round++)
        expect(
          await query(
            pooler.url,
            `select current_setting('search_path') as path, current_setting('default_transaction_read_only') as only`,
          ),
        ).toEqual([{ path: '"$user", public', only: 'off' }]);
    },
  );

  test('is told in the plan in session mode, and the rows come through it', async () => {
    await using pooler = await startPooler(scene, 'session', {});
    const config = await scene.configure({ source: pooler.url });
    const { stdout } = await scene.restage(config, 'plan', '--json');
    expect((JSON.parse(stdout) as Plan).notes).toEqual([
      expect.stringMatching(/^a connection pooler in session mode is between restage and production at/),
    ]);
    const { report } = await scene.sync(config);
    expect(report).toMatchObject({ outcome: 'done' });
    expect(await scene.onTarget('select count(*) as rows from books')).toEqual([{ rows: '1000' }]);
  });

  test('is refused where it has no second session to give', async () => {
    await using pooler = await startPooler(scene, 'session', { default_pool_size: '1' });
    const ended = await scene.restage(await scene.configure({ source: pooler.url }), 'plan', '--json');
    const { error } = JSON.parse(ended.stdout) as { readonly error: Failure };
    expect([error.code, ended.code]).toEqual(['database-unfit', 3]);
    expect(error.message).toMatch(/gave no second session within \d+ seconds/);
  });
});

interface Pooler extends AsyncDisposable {
  /** Of the source's database, through it. */
  readonly url: string;
}

let started = 0;

async function startPooler(
  { folder, source }: CloneScene,
  mode: 'transaction' | 'session',
  settings: Readonly<Record<string, string>>,
): Promise<Pooler> {
  const user = await serverUser(); // it refuses to run as root
  const place = join(folder, `pooler-${(started += 1)}`);
  await mkdir(place);
  await chmod(place, 0o777);
  const port = await freePort();
  const { password } = new URL(source.adminUrl());
  const parameters = {
    listen_addr: '127.0.0.1',
    listen_port: String(port),
    unix_socket_dir: '',
    auth_type: 'any',
    pool_mode: mode,
    ignore_startup_parameters: 'options',
    ...settings,
  };
  const file = join(place, 'pgbouncer.ini');
  await writeFile(
    file,
    [
      '[databases]',
      `production = host=127.0.0.1 port=${source.port} dbname=production user=postgres password=${password}`,
      '[pgbouncer]',
      ...Object.entries(parameters).map(([name, value]) => `${name} = ${value}`),
    ].join('\n'),
  );
  const child = spawn(program, ['-q', file], { cwd: place, stdio: 'ignore', ...user });
  const ended = once(child, 'exit');
  while (!(await connects(port))) {
    if (child.exitCode !== null) throw new Error(`PgBouncer ended with ${child.exitCode}`);
    await sleep(20);
  }
  const url = Object.assign(new URL(source.adminUrl('production')), { port: String(port) }).href;
  const stop = async () => {
    child.kill('SIGKILL');
    await ended;
  };
  return { url, [Symbol.asyncDispose]: stop };
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address ? address.port : 0));
    });
  });
}
