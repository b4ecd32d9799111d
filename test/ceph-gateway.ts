import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { Socket } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ListBucketsCommand, S3Client } from '@aws-sdk/client-s3';
import { allOf } from '../src/all-of.ts';
import { findFreePort } from '../demo/free-port.ts';

/** A throw-away Ceph cluster in memory with its S3 gateway on loopback. Disposing it stops all of it and removes its folder. */
export interface CephGateway extends AsyncDisposable {
  /** http://127.0.0.1:PORT, path style, any region. */
  readonly endpoint: string;
  readonly production: CephUser;
  readonly staging: CephUser;
  /** Of its processes, by name: resident bytes now. */
  memory(): Promise<Readonly<Record<string, number>>>;
}

/** Owns what it creates; a bucket policy names it `arn:aws:iam:::user/NAME`. */
export interface CephUser {
  readonly name: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

const host = '127.0.0.1';
const startLimitMs = 60_000;
const startAttempts = 3;

/** What Debian calls the packages with the programs that are started here. */
const cephPackages = ['radosgw', 'ceph-mon', 'ceph-osd', 'ceph-common', 'ceph-base'];

/**
 * Starts a monitor, one store of objects in memory and a gateway on a free port. When the start fails, the error holds
 * the last lines of the log of what did not start, nothing is left running, and the folder is gone.
 * @param folder made if missing, and the cluster's own: removed at the end
 * @param port of the gateway; a free one where not given
 */
export async function startCephGateway(folder: string, port?: number): Promise<CephGateway> {
  for (let attempt = 1; ; attempt += 1)
    try {
      return await startOnce(folder, port ?? (await findFreePort(host)));
    } catch (error) {
      // Somebody else may have taken a port between its choice and its use.
      const portTaken = error instanceof Error && /address (already )?in use/i.test(error.message);
      if (port !== undefined || !portTaken || attempt === startAttempts) throw error;
    }
}

async function startOnce(folder: string, port: number): Promise<CephGateway> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const cluster = openCluster(folder);
  try {
    const uuid = randomUUID();
    const monitorPort = await findFreePort(host);
    for (const part of ['log', 'run', 'mon/a', 'osd/0', 'rgw']) await mkdir(join(folder, part), { recursive: true });
    const id = randomUUID();
    const monitor = `v2:${host}:${monitorPort}/0`;
    const map = join(folder, 'monmap');
    await writeFile(cluster.config, configuration(folder, id, monitor, port));
    await cluster.run('monmaptool', '--create', '--addv', 'a', `[${monitor}]`, '--fsid', id, map);
    await cluster.run('ceph-mon', '--mkfs', '-i', 'a', '--monmap', map);
    cluster.start('ceph-mon', '-i', 'a');
    await allOf([
      cluster.run('ceph', '--connect-timeout', '30', 'osd', 'new', uuid, '0'),
      cluster.run('ceph-osd', '-i', '0', '--mkfs', '--osd-uuid', uuid, '--no-mon-config'),
    ]);
    cluster.start('ceph-osd', '-i', '0');
    cluster.start('radosgw', '-n', 'client.rgw');
    const endpoint = `http://${host}:${port}`;
    await cluster.until('radosgw', () => answers(endpoint));
    const [production, staging] = await allOf([createUser(cluster, 'production'), createUser(cluster, 'staging')]);
    // What knows these keys is ours: somebody else may have had the port before.
    await cluster.until('radosgw', () => knows(endpoint, production));
    return {
      endpoint,
      production,
      staging,
      memory: () => cluster.memory(),
      [Symbol.asyncDispose]: () => cluster.stop(),
    };
  } catch (error) {
    await cluster.stop();
    throw error;
  }
}

/** One copy of everything, in memory, without passwords: nothing but this machine can reach it, and it holds nothing. */
function configuration(folder: string, id: string, monitor: string, port: number): string {
  return `[global]
fsid = ${id}
mon host = ${monitor}
ms bind msgr1 = false
public addr = ${host}
auth cluster required = none
auth service required = none
auth client required = none
ms mon client mode = crc
keyring = /dev/null
run dir = ${folder}/run
admin socket =
log file = ${folder}/log/$name.log
# Making its twenty-odd pools is most of a start: each is agreed upon by the monitors, who wait for more to agree upon.
paxos propose interval = 0.02
paxos min wait = 0.01
# What was asked for before the store of objects had joined is asked for again at the next tick.
mon tick interval = 1
objecter tick interval = 0.2
osd pool default size = 1
osd pool default min size = 1
osd pool default pg num = 4
osd pool default pgp num = 4
osd pool default pg autoscale mode = off
osd crush chooseleaf type = 0
mon allow pool size one = true
mon max pg per osd = 1000
mon data avail warn = 1
mon data avail crit = 1
debug ms = 0/0
debug mon = 0/0
debug paxos = 0/0
debug osd = 0/0
debug rgw = 0/0
debug rocksdb = 0/0
[mon]
mon data = ${folder}/mon/$id
[osd]
osd data = ${folder}/osd/$id
osd objectstore = memstore
memstore device bytes = ${8 * 1024 ** 3}
[client.rgw]
rgw frontends = beast endpoint=${host}:${port} tcp_nodelay=1
rgw data = ${folder}/rgw
rgw enable usage log = false
`;
}

async function createUser(cluster: Cluster, name: string): Promise<CephUser> {
  const accessKeyId = `AKIA${randomBytes(8).toString('hex').toUpperCase()}`;
  const secretAccessKey = randomBytes(30).toString('base64url');
  const keys = ['--access-key', accessKeyId, '--secret-key', secretAccessKey];
  await cluster.run('radosgw-admin', 'user', 'create', '--uid', name, '--display-name', name, ...keys);
  return { name, accessKeyId, secretAccessKey };
}

async function answers(endpoint: string): Promise<boolean> {
  try {
    return (await fetch(endpoint, { signal: AbortSignal.timeout(1000) })).ok;
  } catch {
    return false;
  }
}

async function knows(endpoint: string, { accessKeyId, secretAccessKey }: CephUser): Promise<boolean> {
  const credentials = { accessKeyId, secretAccessKey };
  const client = new S3Client({ endpoint, region: 'us-east-1', forcePathStyle: true, credentials, maxAttempts: 1 });
  try {
    await client.send(new ListBucketsCommand());
    return true;
  } catch {
    return false;
  } finally {
    client.destroy();
  }
}

/** The processes of one cluster: those that serve, and those that run to their end. */
interface Cluster {
  readonly config: string;
  start(program: string, ...args: readonly string[]): void;
  /** Rejects with what it printed where it does not end with 0. */
  run(program: string, ...args: readonly string[]): Promise<void>;
  /** Waits for a condition, for as long as everything started is alive. */
  until(what: string, holds: () => Promise<boolean>): Promise<void>;
  memory(): Promise<Readonly<Record<string, number>>>;
  stop(): Promise<void>;
}

function openCluster(folder: string): Cluster {
  const config = join(folder, 'ceph.conf');
  const guard = guardAgainstOurDeath(folder);
  const children = new Map<ChildProcess, { readonly program: string; readonly said: () => string }>();
  const begin = (program: string, args: readonly string[]): { child: ChildProcess; said: () => string } => {
    const child = spawn(program, ['-c', config, ...args], {
      cwd: folder,
      env: { ...process.env, LC_ALL: 'C' },
      stdio: ['ignore', 'pipe', 'pipe'],
      // Their own process group: a Ctrl-C at the terminal is for the caller, who still has buckets to remove here.
      detached: true,
    });
    let said = '';
    children.set(child, { program, said: () => said });
    guard.watch(child);
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (chunk: Buffer) => (said = (said + chunk.toString()).slice(-8000)));
    child.on('error', (error) => (said += `${error.message}\n`));
    return { child, said: () => said };
  };
  const hasEnded = (child: ChildProcess) =>
    child.pid === undefined || child.exitCode !== null || child.signalCode !== null;
  const dead = () => [...children].find(([child]) => hasEnded(child))?.[1];

  return {
    config,
    start: (program, ...args) => void begin(program, ['-f', ...args]),
    run: async (program, ...args) => {
      const { child, said } = begin(program, args);
      try {
        const code = await endOf(child);
        if (code !== 0) throw new Error(`${program} ${args.join(' ')} ended with ${code}:\n${said().slice(0, 2000)}`);
      } finally {
        children.delete(child);
      }
    },
    until: async (what, holds) => {
      const limit = performance.now() + startLimitMs;
      while (!(await holds())) {
        const ended = dead();
        if (ended) throw new Error(`${ended.program} has ended:\n${ended.said()}\n${await logsOf(folder)}`);
        if (performance.now() > limit)
          throw new Error(`${what} is not ready after ${startLimitMs / 1000} s. ${await logsOf(folder)}`);
        await sleep(50);
      }
    },
    memory: async () => {
      const sizes = [...children].map(async ([child, { program }]) => [program, await residentBytes(child)] as const);
      return Object.fromEntries(await Promise.all(sizes));
    },
    stop: async () => {
      // Asked to end it would first write what it has in memory to the disk.
      const ends = [...children.keys()].map(async (child) => {
        if (hasEnded(child)) return;
        const ended = once(child, 'close');
        child.kill('SIGKILL');
        await ended;
      });
      await Promise.all(ends);
      children.clear();
      await rm(folder, { recursive: true, force: true });
      guard.dismiss();
    },
  };
}

/** The exit code or the signal; rejects where the program cannot be run at all. */
async function endOf(child: ChildProcess): Promise<number | NodeJS.Signals | null> {
  const [code, signal] = (await once(child, 'close').catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error;
    throw new Error(`${error.path} is not installed: apt-get install ${cephPackages.join(' ')}`, { cause: error });
  })) as [number | null, NodeJS.Signals | null];
  return code ?? signal;
}

async function logsOf(folder: string): Promise<string> {
  const logs = join(folder, 'log');
  const ends = (await readdir(logs)).toSorted().map(async (name) => {
    const lines = (await readFile(join(logs, name), 'utf8')).trimEnd().split('\n').slice(-5);
    return `The end of ${name}:\n${lines.join('\n')}`;
  });
  return (await Promise.all(ends)).join('\n');
}

async function residentBytes({ pid }: ChildProcess): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]) * 1024;
}

/**
 * A shell that is told every process that starts, and waits for the end of its input, which comes when this process
 * dies in whatever way. Then it kills them and removes the folder: kill -9 leaves nothing running.
 */
function guardAgainstOurDeath(folder: string): { watch(child: ChildProcess): void; dismiss(): void } {
  // A process that ended long ago may have left its number to one that is none of ours.
  const script = `while read -r pid; do pids="$pids $pid"; done
    for pid in $pids; do grep -qaF -- "$1" /proc/$pid/cmdline && kill -KILL $pid; done
    sleep 0.2; rm -rf -- "$1"`;
  const guard = spawn('/bin/sh', ['-c', script, 'restage-guard', folder], {
    cwd: '/',
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
  });
  guard.on('error', () => undefined);
  guard.unref();
  guard.stdin.on('error', () => undefined);
  // Its input must not keep this process alive; Node types every writable child stream as one without unref.
  if (guard.stdin instanceof Socket) guard.stdin.unref();
  return {
    watch: ({ pid }) => void (pid === undefined || guard.stdin.write(`${pid}\n`)),
    dismiss: () => void guard.kill('SIGKILL'),
  };
}
