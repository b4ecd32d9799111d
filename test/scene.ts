import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Document, parseDocument } from 'yaml';
import { type Environment, startEnvironment } from '../demo/environment.ts';
import type { Report } from '../src/index.ts';
import { type Contents, contentsOf } from './contents.ts';
import { query, type Row } from './sql.ts';

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

export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Running {
  readonly ended: Promise<Ended>;
  /** Waits until it has printed the text. */
  said(text: string): Promise<void>;
  signal(name: NodeJS.Signals): void;
}

const node = fileURLToPath(new URL('../node_modules/.bin/node', import.meta.url));
const main = fileURLToPath(new URL('../src/cli/main.ts', import.meta.url));

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
    const started = start(full, folder, variables);
    running.add(started);
    const ended = started.ended.then((result) => {
      running.delete(started);
      requireNoSecret(secrets, result.stdout + result.stderr, `restage ${args.join(' ')}`);
      return result;
    });
    ended.catch(() => undefined); // told to whoever waits
    return { ...started, ended };
  };
  const restage = (...args: readonly string[]) => begin(...args).ended;
  return {
    environment,
    folder,
    begin,
    restage,
    sync: async (...args) => {
      const ended = await restage('sync', '--yes', '--json', ...args);
      return { ...ended, report: reportOf(ended) };
    },
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

/** One JSON document, which is all of stdout. */
function reportOf(ended: Ended): Report {
  try {
    return JSON.parse(ended.stdout) as Report; // the tests look at each field that they use
  } catch {
    throw new Error(`stdout is no JSON document:\n${ended.stdout}\n${ended.stderr}`);
  }
}

function start(args: readonly string[], cwd: string, variables: Readonly<Record<string, string>>): Running {
  const env = { PATH: process.env['PATH'] ?? '', HOME: cwd, ...variables };
  const child = spawn(node, [main, ...args], { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] });
  const printed = { stdout: '', stderr: '' };
  for (const stream of ['stdout', 'stderr'] as const)
    child[stream].setEncoding('utf8').on('data', (text: string) => {
      printed[stream] += text;
      child.emit('said');
    });
  const ended = once(child, 'close').then(([code]) => ({ code: code as number | null, ...printed }));
  const has = (text: string) => (printed.stdout + printed.stderr).includes(text);
  return {
    ended,
    said: async (text) => {
      const over = ended.then(() => true);
      while (!has(text)) {
        const isOver = await Promise.race([over, once(child, 'said').then(() => false)]);
        if (isOver && !has(text))
          throw new Error(`it ended without saying ${text}:\n${printed.stdout}\n${printed.stderr}`);
      }
    },
    signal: (name) => void child.kill(name),
  };
}

async function secretsOf({ source, target, variables }: Environment): Promise<readonly string[]> {
  const passwords = [source, target].map(({ databaseUrl }) => new URL(databaseUrl).password);
  const credentials = await readFile(variables['AWS_SHARED_CREDENTIALS_FILE'] ?? '', 'utf8');
  const keys = [...credentials.matchAll(/aws_secret_access_key = (.+)/g)].flatMap(([, key]) => key ?? []);
  return [...passwords, ...keys, variables['STAGING_API_KEY'] ?? ''];
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
