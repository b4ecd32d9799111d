import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse } from 'yaml';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { requireNoSecret, type Scene, startScene } from './scene.ts';
import { type Ended, type } from './store/command-line.ts';

// The reference user's team begins: it has accounts, databases and buckets, and no restage.yaml yet.
let scene: Scene;
let folder: string;

beforeAll(async () => {
  scene = await startScene();
});
afterAll(() => scene[Symbol.asyncDispose]());

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'restage-init-'));
  return () => rm(folder, { recursive: true });
});

/** What is said of both ends, but for what is named: the option, or undefined to leave it out. */
function options(change: Readonly<Record<string, string | undefined>> = {}): string[] {
  const { aws, source, target } = scene.environment;
  const all: Readonly<Record<string, string | undefined>> = {
    '--source-profile': 'bmx-prod',
    '--source-endpoint': aws.endpoint,
    '--source-database': 'bluemoxon/db-credentials',
    '--source-bucket': 'images=bluemoxon-images',
    '--source-app': source.app.url,
    '--target-profile': 'bmx-staging',
    '--target-endpoint': aws.endpoint,
    '--target-database': 'bluemoxon-staging/database',
    '--target-bucket': 'images=bluemoxon-images-staging',
    '--target-app': target.app.url,
    ...change,
  };
  return Object.entries(all).flatMap(([name, value]) => (value === undefined ? [] : [name, value]));
}

/** The same without buckets and applications, which takes less time. */
const databasesOnly = {
  '--source-bucket': undefined,
  '--target-bucket': undefined,
  '--source-app': undefined,
  '--target-app': undefined,
};

async function init(args: readonly string[], variables: Readonly<Record<string, string>> = {}): Promise<Ended> {
  // Who begins has no key for the masks yet.
  const { RESTAGE_MASK_KEY: _, ...keyless } = scene.environment.variables;
  const ended = await type(['init', ...args], folder, { ...keyless, ...variables }).ended;
  requireNoSecret(scene.secrets, ended.stdout + ended.stderr, 'restage init');
  return ended;
}

const maskKey = { RESTAGE_MASK_KEY: 'a secret of many characters' };
const written = () => readFile(join(folder, 'restage.yaml'), 'utf8');

test('options make a file that is right, and that a plan can be made from', async () => {
  const { code, stdout, stderr } = await init([...options(), '--function', 'bluemoxon-staging-db-sync']);
  expect([code, stderr]).toEqual([0, '']);
  expect(stdout).toMatch(/^restage\.yaml is written\n/);
  expect(stdout).toContain('arn:aws:iam::222222222222:user/bmx-staging');
  expect(stdout).toContain('nothing is wrong');
  expect(stdout).toContain('next: restage plan');
  const text = await written();
  requireNoSecret(scene.secrets, text, 'restage.yaml');
  const { endpoint } = scene.environment.aws;
  const endpoints = { s3: endpoint, secretsManager: endpoint, sts: endpoint, rds: endpoint, lambda: endpoint };
  expect(parse(text)).toEqual({
    version: 1,
    source: {
      name: 'production',
      aws: { profile: 'bmx-prod', region: 'us-west-2', account: '111111111111', endpoints },
      database: { secret: 'bluemoxon/db-credentials' },
      buckets: { images: 'bluemoxon-images' },
      app: { url: scene.environment.source.app.url, environment: 'production' },
    },
    target: {
      name: 'staging',
      aws: { profile: 'bmx-staging', region: 'us-west-2', account: '222222222222', endpoints },
      database: { secret: 'bluemoxon-staging/database' },
      buckets: { images: 'bluemoxon-images-staging' },
      app: { url: scene.environment.target.app.url, environment: 'staging' },
      lambda: { function: 'bluemoxon-staging-db-sync' },
    },
    database: {
      keepPrevious: 1,
      unmasked: 'refuse',
      masks: { key: '${RESTAGE_MASK_KEY}' },
      tables: {
        api_keys: { rows: 'keep', onOrphan: 'drop' },
        users: {
          mask: { email: 'email', first_name: 'firstName', last_name: 'lastName' },
          carry: { match: 'email', columns: ['cognito_sub'] },
        },
      },
    },
  });
  expect(text).toContain('email: email # its name says contact data');
  expect(text).toContain('openssl rand -hex 32');
  expect(text).toMatch(/^ +#analysis_jobs: empty$/m);
  expect(text).toContain(`update analysis_jobs set status = 'cancelled' where status in ('pending', 'running')`);
  expect(stdout).toContain(
    'It reads RESTAGE_MASK_KEY, which is not set: export RESTAGE_MASK_KEY=$(openssl rand -hex 32)',
  );
  expect(stdout).toMatch(/! database\.masks\.key .*RESTAGE_MASK_KEY is not set yet/);
  const planned = await type(['plan', '--json'], folder, { ...scene.environment.variables, ...maskKey }).ended;
  expect(planned.code, planned.stderr).toBe(0);
});

test('the password of a URL is in a variable, and nowhere else', async () => {
  const [source, target] = [scene.environment.source.databaseUrl, scene.environment.target.databaseUrl];
  const { code, stdout } = await init([
    '--source-database',
    source,
    '--target-database',
    target,
    '--target-name',
    'eu: staging',
    '--json',
  ]);
  const answer = JSON.parse(stdout) as { file: string; ok: boolean; exports: string[]; tables: unknown };
  expect(answer).toMatchObject({ file: 'restage.yaml', ok: true });
  expect(answer.exports).toEqual(['SOURCE_DATABASE_PASSWORD', 'TARGET_DATABASE_PASSWORD', 'RESTAGE_MASK_KEY']);
  expect(code).toBe(0);
  const text = await written();
  requireNoSecret(scene.secrets, text, 'restage.yaml');
  expect(parse(text)).toMatchObject({
    source: { database: { host: '127.0.0.1', user: 'bluemoxon', passwordEnv: 'SOURCE_DATABASE_PASSWORD' } },
    target: { name: 'eu: staging', database: { passwordEnv: 'TARGET_DATABASE_PASSWORD' } },
  });
  expect((await readdir(folder)).toSorted()).toEqual(['.cache', 'restage.yaml']);
});

test('a variable that is not set is told, and the file is there all the same', async () => {
  const { username, port } = new URL(scene.environment.source.databaseUrl);
  const url = `postgres://${username}@127.0.0.1:${port}/bluemoxon`;
  const { code, stdout, stderr } = await init(['--source-database', url, '--target-database', '${STAGING_URL}']);
  expect(code).toBe(1);
  expect(stdout).toContain('It reads SOURCE_DATABASE_PASSWORD, which is not set: export SOURCE_DATABASE_PASSWORD=…');
  expect(stdout).toContain('It reads STAGING_URL, which is not set');
  expect(stderr).toMatch(/not checked: restage\.yaml has 2 problems/);
  expect(stderr).toContain('restage.yaml is written; correct it, and try it again with: restage check');
  expect(parse(await written())).toMatchObject({ target: { database: { url: '${STAGING_URL}' } } });
});

test('what is wrong is found by the check, and the file is there all the same', async () => {
  const wrong = { ...databasesOnly, '--target-database': 'bluemoxon-staging/db' };
  const { code, stdout, stderr } = await init(options(wrong));
  expect(code).toBe(1);
  expect(stdout).toMatch(/the secret bluemoxon-staging\/db .*does not exist/);
  expect(stdout).toContain('bluemoxon-staging/database');
  expect(stderr).toContain('restage.yaml is written; correct it');
  expect(parse(await written()).target.database).toEqual({ secret: 'bluemoxon-staging/db' });
});

describe('nothing is written', () => {
  async function requireNothing(args: readonly string[], code: string, says: readonly string[]): Promise<void> {
    const ended = await init([...args, '--json']);
    const { error } = JSON.parse(ended.stdout) as { error: { code: string; message: string; hint: string } };
    expect([ended.code, error.code]).toEqual([2, code]);
    for (const text of says) expect(`${error.message}\n${error.hint}`).toContain(text);
    await expect(stat(join(folder, 'restage.yaml'))).rejects.toThrow('ENOENT');
  }

  test('where nobody can be asked for what is lacking, which is listed', () =>
    requireNothing(['--source-bucket', 'images=a', '--target-database', 'b'], 'usage', [
      '--source-database, beside --target-database',
      '--target-bucket images=BUCKET',
      '--source-profile',
      '--target-profile, which reads the secret b',
    ]));

  test('for a profile that does not exist, and the near one is named', () =>
    requireNothing(options({ ...databasesOnly, '--target-profile': 'staging' }), 'profile-missing', [
      'there is no AWS profile staging',
      'Did you mean bmx-staging?',
    ]));
});

test('a file that is there is left as it is, unless --force is said', async () => {
  await writeFile(join(folder, 'restage.yaml'), 'ours: 1\n');
  const refused = await init(options(databasesOnly));
  expect([refused.code, refused.stdout]).toEqual([2, '']);
  expect(refused.stderr).toContain('restage.yaml is there already; it was left as it is');
  expect(await written()).toBe('ours: 1\n');
  const replaced = await init([...options(databasesOnly), '--force']);
  expect(replaced.code).toBe(0);
  expect(parse(await written())).toMatchObject({ version: 1 });
  expect((await readdir(folder)).filter((name) => !name.startsWith('.'))).toEqual(['restage.yaml']);
});
