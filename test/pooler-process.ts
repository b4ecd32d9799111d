import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { findFreePort } from '../demo/free-port.ts';
import { serverUser } from '../demo/postgres-binaries.ts';
import type { PostgresServer } from '../demo/postgres-server.ts';
import { connects } from './machine.ts';

const program = '/usr/sbin/pgbouncer';

/** Why the tests of a pooler are skipped, where they are. */
export const poolerMissing = existsSync(program) ? undefined : `there is no ${program}`;

export interface Pooler extends AsyncDisposable {
  /** Of the source's database, through it. */
  readonly url: string;
}

let started = 0;

/** PgBouncer in front of a server's database `production`. */
export async function startPooler(
  { folder, source }: { readonly folder: string; readonly source: PostgresServer },
  mode: 'transaction' | 'session',
  settings: Readonly<Record<string, string>>,
): Promise<Pooler> {
  const user = await serverUser(); // it refuses to run as root
  const place = join(folder, `pooler-${(started += 1)}`);
  await mkdir(place);
  await chmod(place, 0o777);
  const port = await findFreePort('127.0.0.1');
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
