import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Document, parseDocument } from 'yaml';
import { type Environment, startEnvironment } from '../demo/environment.ts';
import type { Report } from '../src/index.ts';
import { type Contents, contentsOf } from './contents.ts';
import { query, type Row } from './sql.ts';
import { type Ended, left, type Running, synced, type } from './store/command-line.ts';

export type { Ended, Running };

/** The reference user's environment, and a person at a shell in an empty folder. */
export interface Scene extends AsyncDisposable {
  readonly environment: Environment;
  /** Where the commands are typed, and .restage/ lands. */
  readonly folder: string;
  /** Types `restage …`, with the configuration unless one is named; what it printed when it has ended. */
  restage(...args: readonly string[]): Promise<Ended>;
  /** The same, not waited for. */
  begin(...args: readonly string[]): Running;
  /** `restage sync --yes --json …` and the report that it printed. */
  sync(...args: readonly string[]): Promise<Ended & { readonly report: Report }>;
  /** A configuration of its own: the environment's, changed. Its path. */
  configure(change: (config: Document) => void): Promise<string>;
  /** As production's owner. */
  onSource(sql: string): Promise<Row[]>;
  /** As the superuser of staging's server; in the database `postgres` where none is named. */
  onTarget(sql: string, database?: string): Promise<Row[]>;
  /** What staging holds, and every database of its server. */
  staging(): Promise<Contents>;
  production(): Promise<Contents>;
  /** Requests to S3 that were no reads. */
  writes(): Promise<number>;
  /** Every text under .restage/, by path. */
  runFiles(): Promise<ReadonlyMap<string, string>>;
  /** Passwords and keys, none of which may ever be printed or written. */
  readonly secrets: readonly string[];
}

export async function startScene(): Promise<Scene> {
  const folder = await mkdtemp(join(tmpdir(), 'restage-scene-'));
  const environment = await startEnvironment().catch(async (error: unknown) => {
    await rm(folder, { recursive: true, force: true });
    throw error;
  });
  const { source, target, aws, configFile, variables } = environment;
  const secrets = await secretsOf(environment);
  const running = new Set<Running>();
  let configs = 0;
  const begin = (...args: readonly string[]): Running => {
    const full = args.includes('--config') ? args : [...args, '--config', configFile];
    const started = type(full, folder, variables);
    running.add(started);
    const ended = started.ended.then((result) => {
      running.delete(started);
      requireNoSecret(secrets, result.stdout + result.stderr, `restage ${args.join(' ')}`);
      return result;
    });
    return { ...started, ended: left(ended) };
  };
  const restage = (...args: readonly string[]) => begin(...args).ended;
  return {
    environment,
    folder,
    begin,
    restage,
    sync: (...args) => synced(restage('sync', '--yes', '--json', ...args)),
    configure: async (change) => {
      const config = parseDocument(await readFile(configFile, 'utf8'));
      change(config);
      const file = join(folder, `restage-${(configs += 1)}.yaml`);
      await writeFile(file, config.toString({ lineWidth: 0 }));
      return file;
    },
    onSource: (sql) => query(source.databaseUrl, sql),
    onTarget: (sql, database) => query(target.postgres.adminUrl(database), sql),
    staging: () => contentsOf(target.postgres, target.database),
    production: () => contentsOf(source.postgres, source.database),
    writes: async () => {
      const counts = (await aws.requests()).filter(
        ({ service, operation }) => service === 's3' && !/^(Get|Head|List)/.test(operation),
      );
      return counts.reduce((sum, { count }) => sum + count, 0);
    },
    runFiles: () => readAll(join(folder, '.restage')),
    secrets,
    [Symbol.asyncDispose]: async () => {
      for (const one of running) one.signal('SIGKILL');
      await environment[Symbol.asyncDispose]();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function secretsOf({ source, target, variables }: Environment): Promise<readonly string[]> {
  const passwords = [source, target].map(({ databaseUrl }) => new URL(databaseUrl).password);
  const credentials = await readFile(variables['AWS_SHARED_CREDENTIALS_FILE'] ?? '', 'utf8');
  const keys = [...credentials.matchAll(/aws_secret_access_key = (.+)/g)].flatMap(([, key]) => key ?? []);
  return [...passwords, ...keys, variables['STAGING_API_KEY'] ?? '', variables['RESTAGE_MASK_KEY'] ?? ''];
}

export function requireNoSecret(secrets: readonly string[], text: string, where: string): void {
  const shown = secrets.find((secret) => text.includes(secret));
  if (shown !== undefined)
    throw new Error(`${where} shows a secret: ${text.slice(Math.max(0, text.indexOf(shown) - 80)).slice(0, 200)}`);
}

async function readAll(folder: string): Promise<ReadonlyMap<string, string>> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  return new Map(await Promise.all(files.map(async (file) => [file, await readFile(file, 'utf8')] as const)));
}
