import { existsSync } from 'node:fs';
import { readFile, readdir, stat } from 'node:fs/promises';
import { S3Client, type S3ClientConfig, paginateListObjectsV2 } from '@aws-sdk/client-s3';
import {
  GetSecretValueCommand,
  SecretsManagerClient,
  type SecretsManagerClientConfig,
} from '@aws-sdk/client-secrets-manager';
import { fromIni } from '@aws-sdk/credential-providers';
import { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import { parse } from 'yaml';
import { type Environment, type EnvironmentEnd, startEnvironment } from '../demo/environment.ts';
import { type App, startApp } from '../examples/bluemoxon/app.ts';
import { productionRevision, stagingRevision } from '../examples/bluemoxon/migrations.ts';
import { productionObjects } from '../examples/bluemoxon/objects.ts';
import { productionRows } from '../examples/bluemoxon/production-rows.ts';
import { traps } from '../examples/bluemoxon/traps.ts';
import { connects, inTemporaryFolder } from './machine.ts';

let environment: Environment;
const progress: string[] = [];

beforeAll(async () => {
  environment = await startEnvironment({ onProgress: (line) => progress.push(line) });
});
afterAll(async () => {
  await environment[Symbol.asyncDispose]();
});

async function query(url: string, sql: string, values: readonly unknown[] = []): Promise<(string | null)[]> {
  const client = new Client({ connectionString: url, options: '-c TimeZone=UTC' });
  client.on('error', () => undefined); // what is asked of it fails, and that is enough
  await client.connect();
  try {
    const { rows } = await client.query<(string | null)[]>({ text: sql, values: [...values], rowMode: 'array' });
    return rows.map((row) => row[0] ?? null);
  } finally {
    await client.end();
  }
}

async function json(url: string, init?: RequestInit): Promise<{ status: number; body: unknown }> {
  const response = await fetch(url, init);
  return { status: response.status, body: await response.json() };
}

/** An application of staging's code on a copy of production's database, as it is before staging's migrations. */
async function onCopy(name: string, work: (app: App, url: string) => Promise<void>): Promise<void> {
  const { postgres, databaseUrl } = environment.source;
  const admin = postgres.adminUrl();
  await query(admin, `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'bluemoxon'`);
  await query(admin, `CREATE DATABASE ${name} TEMPLATE bluemoxon OWNER bluemoxon`);
  const copyUrl = databaseUrl.replace(/[^/]+$/, name);
  const settings = { environment: 'copy', version: '1', gitSha: 'abc', head: stagingRevision, apiKey: 'key' };
  {
    await using copy = await startApp({ ...settings, databaseUrl: copyUrl });
    await work(copy, copyUrl);
  }
  await query(admin, `DROP DATABASE ${name} WITH (FORCE)`);
}

const withKey = { method: 'POST', headers: { 'X-API-Key': 'key' } };

describe('the sample', () => {
  test('has the tables, rows and objects of the review', async () => {
    const { databaseUrl } = environment.source;
    const tables = await query(databaseUrl, `SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1`);
    const counts = await Promise.all(
      tables.map(
        async (table) => [table, Number((await query(databaseUrl, `SELECT count(*) FROM ${table}`))[0])] as const,
      ),
    );
    const failedThere = ['admin_config', 'eval_runbooks'];
    const synced = counts.filter(([table]) => !failedThere.includes(table ?? ''));
    expect(tables).toHaveLength(14);
    expect(synced.reduce((sum, [, rows]) => sum + rows, 0)).toBe(2452);
    expect(Object.fromEntries(counts)).toMatchObject({ books: 153, admin_config: 14, eval_runbooks: 42 });
    expect(new Set(productionObjects().map(({ key }) => key)).size).toBe(4709);
  });

  test('holds every trap value as it was written', async () => {
    const { databaseUrl } = environment.source;
    const tables = productionRows();
    const checks = traps.flatMap(({ table, row, values }) => {
      const key = Object.entries(tables.find((one) => one.table === table)?.rows[row] ?? {})[0];
      return Object.entries(values).map(([column, value]) => ({ table, column, value, key }));
    });
    for (const { table, column, value, key } of checks) {
      const sql = `SELECT ${column}::text FROM ${table} WHERE ${key?.[0]}::text = $1`;
      expect([table, column, await query(databaseUrl, sql, [key?.[1]])]).toEqual([table, column, [value]]);
    }
  });

  test('gives new rows ids that are free', async () => {
    const sql = `INSERT INTO books (title) VALUES ('new') RETURNING id`;
    await onCopy('ids', async (_app, url) => expect(Number((await query(url, sql))[0])).toBeGreaterThan(680));
  });
});

describe('staging', () => {
  test('is stale, and two migrations ahead', async () => {
    const { source, target } = environment;
    const revision = `SELECT version_num FROM alembic_version`;
    expect(await query(source.databaseUrl, revision)).toEqual([productionRevision]);
    expect(await query(target.databaseUrl, revision)).toEqual([stagingRevision]);
    expect(await query(target.databaseUrl, `SELECT count(*) FROM books`)).toEqual(['121']);
    expect(await query(target.databaseUrl, `SELECT DISTINCT tier FROM authors`)).toEqual(['TIER_3']);
  });

  test('has its own sign-ins and keys', async () => {
    const { source, target } = environment;
    const subs = `SELECT email || cognito_sub FROM users`;
    const production = await query(source.databaseUrl, subs);
    expect((await query(target.databaseUrl, subs)).filter((sub) => production.includes(sub))).toEqual([]);
    const keys = `SELECT key_hash FROM api_keys`;
    const productionKeys = await query(source.databaseUrl, keys);
    expect((await query(target.databaseUrl, keys)).filter((key) => productionKeys.includes(key))).toEqual([]);
  });

  test('is owned by a role that may create databases and nothing else', async () => {
    const { databaseUrl } = environment.target;
    const sql = `SELECT concat_ws(' ', rolsuper, rolcreatedb, rolcreaterole, rolreplication, rolbypassrls)
                 FROM pg_roles WHERE rolname = current_user`;
    expect(await query(databaseUrl, sql)).toEqual(['f t f f f']);
  });
});

describe('the application', () => {
  test('answers as each end has deployed it', async () => {
    const ends: readonly (readonly [EnvironmentEnd, string, string, number])[] = [
      [environment.source, 'production', 'a9fd309', 153],
      [environment.target, 'staging', '6575f61', 121],
    ];
    for (const [{ app }, name, gitSha, books] of ends) {
      const version = await json(`${app.url}/health/version`);
      expect(version.body).toMatchObject({ environment: name, git_sha: gitSha });
      const database = { status: 'healthy', book_count: books, schema_validated: true };
      const deep = await json(`${app.url}/health/deep`);
      expect(deep).toMatchObject({ status: 200, body: { status: 'healthy', checks: { database } } });
      const list = await json(`${app.url}/books?limit=5`);
      expect(list.body).toMatchObject({ total: books, items: [{}, {}, {}, {}, {}] });
    }
    expect(await json(`${environment.source.app.url}/health/live`)).toEqual({ status: 200, body: { status: 'ok' } });
  });

  test('migrates a database of production up to staging', async () => {
    await onCopy('migrated', async (app, url) => {
      expect((await json(`${app.url}/health/deep`)).body).toMatchObject({ status: 'unhealthy' });
      const { status, body } = await json(`${app.url}/health/migrate`, withKey);
      expect(status).toBe(200);
      expect(body).toMatchObject({ status: 'success', previous_version: productionRevision, errors: null });
      expect(body).toMatchObject({ results: [{ revision: 'r1234567ghij' }, { revision: stagingRevision }] });
      expect(await query(url, `SELECT version_num FROM alembic_version`)).toEqual([stagingRevision]);
      expect((await json(`${app.url}/health/deep`)).body).toMatchObject({ status: 'healthy' });
      const again = await json(`${app.url}/health/migrate`, withKey);
      expect(again.body).toMatchObject({ status: 'success', results: [], new_version: stagingRevision });
    });
  });

  test('answers partial, with nothing applied, when a column exists already', async () => {
    await onCopy('blocked', async (app, url) => {
      await query(url, `ALTER TABLE authors ADD COLUMN tier text`);
      const { status, body } = await json(`${app.url}/health/migrate`, withKey);
      expect(status).toBe(200);
      expect(body).toMatchObject({ status: 'partial', new_version: productionRevision });
      expect(body).toMatchObject({ errors: [expect.stringContaining('42701 column "tier" of relation "authors"')] });
      expect(await query(url, `SELECT version_num FROM alembic_version`)).toEqual([productionRevision]);
      const added = `SELECT attname FROM pg_attribute WHERE attname = 'extraction_status'`;
      expect(await query(url, added)).toEqual([]);
    });
  });

  test('fails to migrate from a revision that it does not know', async () => {
    await onCopy('unknown_revision', async (app, url) => {
      await query(url, `UPDATE alembic_version SET version_num = 'z999'`);
      const { body } = await json(`${app.url}/health/migrate`, withKey);
      expect(body).toMatchObject({
        status: 'failed',
        previous_version: 'z999',
        errors: [expect.stringContaining('z999')],
      });
    });
  });

  test('refuses to migrate without the key', async () => {
    const { app } = environment.target;
    expect((await json(`${app.url}/health/migrate`, { method: 'POST' })).status).toBe(401);
    const key = environment.variables['STAGING_API_KEY'] ?? '';
    const migrated = await json(`${app.url}/health/migrate`, { method: 'POST', headers: { 'X-API-Key': key } });
    expect(migrated.body).toMatchObject({ status: 'success', results: [] });
  });

  test('is unhealthy when a column that its code needs is missing', async () => {
    await onCopy('incomplete', async (app, url) => {
      await json(`${app.url}/health/migrate`, withKey);
      await query(url, `ALTER TABLE books DROP COLUMN tracking_status`);
      const { status, body } = await json(`${app.url}/health/deep`);
      const database = { schema_validated: false, error: 'schema validation failed: books.tracking_status' };
      expect({ status, body }).toMatchObject({ status: 200, body: { status: 'unhealthy', checks: { database } } });
    });
  });

  test('survives that its connections are cut and its database is renamed away and back', async () => {
    const { app, postgres } = environment.target;
    const admin = postgres.adminUrl();
    const cut = `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'bluemoxon_staging'`;
    await json(`${app.url}/books?limit=5`);
    await query(admin, cut);
    expect((await json(`${app.url}/books?limit=5`)).status).toBe(200);

    await query(admin, cut);
    await query(admin, `ALTER DATABASE bluemoxon_staging RENAME TO away`);
    const deep = await json(`${app.url}/health/deep`);
    expect(deep).toMatchObject({ status: 200, body: { status: 'unhealthy' } });
    await query(admin, `ALTER DATABASE away RENAME TO bluemoxon_staging`);
    expect((await json(`${app.url}/health/deep`)).body).toMatchObject({ status: 'healthy' });
  });
});

describe('the environment', () => {
  test('writes profile files and a config that only its owner reads', async () => {
    const { variables, configFile, source, aws } = environment;
    expect(variables['RESTAGE_MASK_KEY']).toMatch(/^[0-9a-f]{64}$/);
    const files = [variables['AWS_SHARED_CREDENTIALS_FILE'] ?? '', variables['AWS_CONFIG_FILE'] ?? '', configFile];
    for (const file of files) expect((await stat(file)).mode & 0o777).toBe(0o600);
    const text = await readFile(configFile, 'utf8');
    expect(text).toContain('# a profile that leads anywhere else is refused');
    const endpoints = { s3: aws.endpoint, secretsManager: aws.endpoint, sts: aws.endpoint };
    const config: unknown = parse(text);
    expect(config).toMatchObject({
      source: { aws: { endpoints }, app: { url: source.app.url } },
      target: { aws: { endpoints } },
    });
  });

  test('keeps each login in a secret of its own account, and the objects in its own buckets', async () => {
    const { source, target } = environment;
    const login = { port: source.postgres.port, username: 'bluemoxon', dbname: 'bluemoxon' };
    expect(JSON.parse(await readSecret('bmx-prod', 'bluemoxon/db-credentials'))).toMatchObject(login);
    const own = { port: target.postgres.port, username: 'bluemoxon_staging', database: 'bluemoxon_staging' };
    expect(JSON.parse(await readSecret('bmx-staging', 'bluemoxon-staging/database'))).toMatchObject(own);
    await expect(readSecret('bmx-staging', 'bluemoxon/db-credentials')).rejects.toThrow();
    const keys = productionObjects().map(({ key }) => Buffer.from(key));
    expect(await listKeys('bmx-prod', source.bucket)).toEqual(keys.toSorted((a, b) => a.compare(b)).map(String));
    expect(await listKeys('bmx-staging', target.bucket)).toHaveLength(4534);
    await expect(listKeys('bmx-staging', source.bucket)).rejects.toThrow(/Access ?Denied/);
  });

  test('says what it starts', () => {
    expect(progress).toContainEqual(expect.stringContaining('production: 4,709 objects in bluemoxon-images'));
  });

  test('leaves no server and no folder behind', async () => {
    const second = await startEnvironment();
    await second[Symbol.asyncDispose]();
    const ports = [
      second.source.postgres.port,
      second.target.postgres.port,
      Number(new URL(second.target.app.url).port),
    ];
    expect(await Promise.all(ports.map(connects))).toEqual([false, false, false]);
    expect(existsSync(second.folder)).toBe(false);
  });

  test('leaves nothing behind when its start fails half-way', async () => {
    onTestFinished(() => void vi.unstubAllEnvs());
    await inTemporaryFolder(async (folder) => {
      vi.stubEnv('TMPDIR', folder); // where the environment makes its own folder
      const ports: number[] = [];
      const failing = startEnvironment({
        onProgress: (line) => {
          if (line.includes('PostgreSQL')) ports.push(Number(line.split(':').at(-1)));
          if (line.startsWith('staging: PostgreSQL')) throw new Error('enough');
        },
      });
      await expect(failing).rejects.toThrow('enough');
      expect(ports.length).toBeGreaterThan(0);
      expect(await Promise.all(ports.map(connects))).toEqual(ports.map(() => false));
      expect(await readdir(folder)).toEqual([]);
    });
  });
});

function awsSettings(profile: string): S3ClientConfig & SecretsManagerClientConfig {
  const { variables, aws } = environment;
  const filepath = variables['AWS_SHARED_CREDENTIALS_FILE'] ?? '';
  const configFilepath = variables['AWS_CONFIG_FILE'] ?? '';
  const credentials = fromIni({ profile, filepath, configFilepath, ignoreCache: true });
  return { region: 'us-west-2', endpoint: aws.endpoint, credentials };
}

async function readSecret(profile: string, name: string): Promise<string> {
  const client = new SecretsManagerClient(awsSettings(profile));
  return (await client.send(new GetSecretValueCommand({ SecretId: name }))).SecretString ?? '';
}

async function listKeys(profile: string, bucket: string): Promise<string[]> {
  const client = new S3Client({ ...awsSettings(profile), forcePathStyle: true });
  const keys: string[] = [];
  for await (const page of paginateListObjectsV2({ client }, { Bucket: bucket }))
    keys.push(...(page.Contents ?? []).map(({ Key }) => Key ?? ''));
  return keys;
}
