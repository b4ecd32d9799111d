import { spawn, execFileSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { stringify } from 'yaml';
import { makeAuthority } from './certificates.ts';
import { query, type Row } from './sql.ts';
import { startTlsServer } from './tls-server.ts';

/** Two databases of hosts that only a tunnel leads to, and a person at a shell. */
export interface TunnelScene extends AsyncDisposable {
  /** As the superuser. */
  on(database: string, sql: string): Promise<Row[]>;
  superuserUrl(database: string): string;
  /** A configuration whose ends are reached by such forwarders. Its path. */
  configure(source: string, target: string): Promise<string>;
  /** Types `restage …`, in a process group of its own as a terminal's. */
  begin(...args: readonly string[]): Typed;
  /** The forwarders that have been started, and what for. */
  forwarders(): Promise<readonly { readonly pid: number; readonly to: string }[]>;
}

export interface Typed {
  readonly ended: Promise<{ readonly code: number | null; readonly stdout: string; readonly stderr: string }>;
  said(text: string): Promise<void>;
  /** To it alone. */
  kill(): void;
  /** To the whole group, as a terminal does. */
  pressCtrlC(): void;
}

export const hosts = { production: 'prod.db.example', staging: 'staging.db.example' };

const node = fileURLToPath(new URL('../node_modules/.bin/node', import.meta.url));
const main = fileURLToPath(new URL('../src/cli/main.ts', import.meta.url));
/** Its arguments: HOW LOCAL_PORT HOST PORT [FILE]. */
export const forwarder = fileURLToPath(new URL('forwarder.ts', import.meta.url));

export async function startTunnelScene(): Promise<TunnelScene> {
  const folder = join(tmpdir(), `restage-tunnels-${randomUUID()}`);
  const authority = makeAuthority('An authority of a test');
  const certificate = authority.issue({ names: Object.values(hosts) });
  const server = await startTlsServer(folder, certificate);
  const { port } = server.postgres;
  const url = (database?: string) => server.postgres.adminUrl(database);
  await query(url(), `create role ann login createdb password 'password of ann'`);
  for (const name of Object.keys(hosts)) await query(url(), `create database ${name} owner ann`);
  const shell = join(folder, 'shell');
  await mkdir(shell);
  await writeFile(join(shell, 'authority.pem'), authority.certificate);
  const file = join(shell, 'forwarders');
  const end = (name: keyof typeof hosts, how: string) => ({
    name,
    expect: { host: hosts[name] }, // without it --yes is refused
    database: {
      url: `postgres://ann:password%20of%20ann@${hosts[name]}:${port}/${name}`,
      ca: 'authority.pem',
      via: { command: [node, forwarder, how, '{localPort}', '{host}', '{port}', file] },
    },
  });
  const running = new Set<ReturnType<typeof spawn>>();
  let configs = 0;
  return {
    on: (database, sql) => query(url(database), sql),
    superuserUrl: url,
    configure: async (source, target) => {
      const config = join(shell, `restage-${(configs += 1)}.yaml`);
      await writeFile(
        config,
        stringify({ version: 1, source: end('production', source), target: end('staging', target) }),
      );
      await rm(file, { force: true });
      return config;
    },
    begin: (...args) => {
      const child = spawn(node, [main, ...args], {
        cwd: shell,
        env: { PATH: process.env['PATH'] ?? '', HOME: shell },
        stdio: ['ignore', 'pipe', 'pipe'],
        detached: true,
      });
      running.add(child);
      const printed = { stdout: '', stderr: '' };
      for (const stream of ['stdout', 'stderr'] as const)
        child[stream].setEncoding('utf8').on('data', (text: string) => {
          printed[stream] += text;
          child.emit('said');
        });
      const ended = once(child, 'close').then(([code]) => {
        running.delete(child);
        return { code: code as number | null, ...printed };
      });
      return {
        ended,
        said: async (text) => {
          while (!(printed.stdout + printed.stderr).includes(text)) {
            await Promise.race([ended, once(child, 'said')]);
            if (!running.has(child) && !(printed.stdout + printed.stderr).includes(text))
              throw new Error(`it ended without saying ${text}:\n${printed.stdout}\n${printed.stderr}`);
          }
        },
        kill: () => void child.kill('SIGKILL'),
        pressCtrlC: () => void process.kill(-(child.pid ?? 0), 'SIGINT'),
      };
    },
    forwarders: async () => {
      const lines = (await readFile(file, 'utf8').catch(() => '')).split('\n').filter(Boolean);
      return lines.map((line) => ({ pid: Number.parseInt(line, 10), to: line.split(' ')[1] ?? '' }));
    },
    [Symbol.asyncDispose]: async () => {
      for (const child of running) child.kill('SIGKILL');
      await server[Symbol.asyncDispose]();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Whether any process of its group is there, the shell beside it too; a dead one that nobody has waited for is not. */
export function groupIsAlive(pid: number): boolean {
  const lines = execFileSync('ps', ['-A', '-o', 'pgid=,stat='], { encoding: 'utf8' }).split('\n');
  return lines.some((line) => new RegExp(`^ *${pid} +[^Z ]`).test(line));
}
