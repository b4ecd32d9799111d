import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { PutBucketTaggingCommand } from '@aws-sdk/client-s3';
import { beforeAll, describe, expect, test } from 'vitest';
import { look as lookWith, type Looked } from './finding-of.ts';
import { folder, local, production, s3, staging, useLocalAws } from './local-aws-fixture.ts';

// What check says of accounts, secrets, buckets and functions: for each row the wrong value and its fix.
useLocalAws();

const files = () => ({ credentials: join(folder, 'credentials'), config: join(folder, 'config') });
const target = 'of-staging';
let source: string;

beforeAll(async () => {
  const keys = [
    ['bmx-prod', production],
    ['bmx-staging', staging],
    ['bmx-old', { ...staging, secretAccessKey: 'another' }],
  ] as const;
  await writeFile(
    files().credentials,
    keys
      .map(
        ([name, { accessKeyId, secretAccessKey }]) =>
          `[${name}]\naws_access_key_id = ${accessKeyId}\naws_secret_access_key = ${secretAccessKey}\n`,
      )
      .join('\n'),
  );
  const expiring = JSON.stringify({
    Version: 1,
    AccessKeyId: staging.accessKeyId,
    SecretAccessKey: staging.secretAccessKey,
    Expiration: new Date(Date.now() + 7 * 60_000).toISOString(),
  });
  await writeFile(join(folder, 'keys.json'), expiring);
  await writeFile(
    files().config,
    `[profile bmx-short]\nregion = us-west-2\ncredential_process = cat ${join(folder, 'keys.json')}\n`,
  );
  source = 'of-production';
  await local.createBucket({ name: source, account: production.id });
  await local.seedObjects(source, [{ key: 'a/1', body: 'content', tags: { a: 'b' } }]);
  await local.createBucket({ name: target, account: staging.id });
});

type Changes = Readonly<Record<string, unknown>>;

/** Both ends with a pair of buckets; `changes` are put into the target. */
function configured(changes: { source?: Changes; target?: Changes; aws?: Changes; objects?: Changes } = {}): object {
  const { endpoint } = local;
  const endpoints = { s3: endpoint, sts: endpoint, secretsManager: endpoint, rds: endpoint, lambda: endpoint };
  const aws = (profile: string, account: string) => ({ profile, account, region: 'us-west-2', endpoints });
  return {
    version: 1,
    source: {
      name: 'production',
      aws: aws('bmx-prod', production.id),
      buckets: { images: source },
      ...changes.source,
    },
    target: {
      name: 'staging',
      aws: { ...aws('bmx-staging', staging.id), ...changes.aws },
      buckets: { images: target },
      ...changes.target,
    },
    ...(changes.objects ? { objects: { images: changes.objects } } : {}),
  };
}

const look = (changes?: Parameters<typeof configured>[0], mayWrite = true): Promise<Looked> =>
  lookWith(configured(changes), { profileFiles: files(), mayWrite });

const writes = async () =>
  (await local.requests()).filter(({ service, operation }) => service === 's3' && !/^(Get|Head|List)/.test(operation));

describe('the account', () => {
  test('a profile that there is not is named with the near one, and what relies on it is not tried', async () => {
    const { row, findings } = await look({ aws: { profile: 'staging' } });
    expect(row('target.aws.profile')).toMatchObject({
      verdict: 'wrong',
      configured: 'staging',
      found: 'there is no AWS profile staging',
      fix: expect.stringMatching(/^Did you mean bmx-staging\?/),
    });
    const relying = findings.filter(({ found }) => found === 'not tried: target.aws.profile is wrong');
    expect(relying.map(({ setting }) => setting)).toEqual([
      'target.aws.account',
      'target.aws session',
      'target.buckets.images',
      'target.buckets.images apart',
      'target.buckets.images marker',
      'target.buckets.images write',
      'target.buckets.images settings',
      'objects.images.route',
    ]);
    expect(row('source.buckets.images read').verdict).toBe('right');
  });

  test('keys that AWS does not accept are named with what to do', async () => {
    const { row } = await look({ aws: { profile: 'bmx-old' } });
    expect(row('target.aws.profile')).toMatchObject({
      verdict: 'wrong',
      found: expect.stringContaining('bmx-old'),
      fix: expect.stringContaining('copy both once more'),
    });
    expect(row('target.aws.account').found).toBe('not tried: target.aws.profile is wrong');
  });

  test('another account than the config says is wrong, and its keys are not', async () => {
    const { row } = await look({ aws: { account: '333333333333' } });
    expect(row('target.aws.profile')).toMatchObject({ verdict: 'right', found: 'its keys are accepted' });
    expect(row('target.aws.account')).toMatchObject({
      verdict: 'wrong',
      configured: '333333333333',
      found: expect.stringContaining('222222222222'),
      fix: expect.stringMatching(/Name the other profile, or correct aws.account/),
    });
    expect(row('target.buckets.images').found).toBe('not tried: target.aws.account is wrong');
    expect((await writes()).length).toBe(0);
  });

  test('an account that the config does not name is to know, with the line to add', async () => {
    expect((await look({ aws: { account: undefined } })).row('target.aws.account')).toMatchObject({
      verdict: 'note',
      fix: expect.stringContaining('account: "222222222222"'),
    });
  });

  test('keys that are good for minutes only are to know, with where others come from', async () => {
    const { row } = await look({ aws: { profile: 'bmx-short' } });
    expect(row('target.aws session')).toMatchObject({
      verdict: 'note',
      found: expect.stringMatching(/^the keys are good for [67] min \d+ s, until 20/),
      fix: expect.stringContaining('the credential_process of the profile bmx-short'),
    });
    expect(row('source.aws session')).toMatchObject({ verdict: 'right', found: 'the keys do not expire' });
  });

  test('a role that may not be taken on is laid at its own door, not at that of the keys', async () => {
    await local.putRole({ account: staging.id, name: 'refresher', trusts: ['arn:aws:iam::111111111111:user/nobody'] });
    const role = `arn:aws:iam::${staging.id}:role/refresher`;
    const refused = await look({ aws: { assumeRole: { role } } });
    expect(refused.row('target.aws.profile').verdict).toBe('right');
    expect(refused.row('target.aws.assumeRole')).toMatchObject({
      verdict: 'wrong',
      configured: role,
      fix: expect.stringContaining('trust'),
    });
    expect(refused.row('target.aws.account').found).toBe('not tried: target.aws.assumeRole is wrong');
    expect(refused.row('target.buckets.images').found).toBe('not tried: target.aws.assumeRole is wrong');
    const keyless = await look({ aws: { profile: 'staging', assumeRole: { role } } });
    expect(keyless.row('target.aws.profile')).toMatchObject({ verdict: 'wrong', fix: /bmx-staging/ });
    for (const setting of ['target.aws.assumeRole', 'target.aws.account', 'target.buckets.images'])
      expect(keyless.row(setting).found).toBe('not tried: target.aws.profile is wrong');
  });
});

describe('the secret', () => {
  const database = (secret: string) => ({
    source: { database: { url: 'postgres://a:b@127.0.0.1:1/c' } },
    target: { database: { secret }, buckets: {} },
  });
  const lookAtSecret = async (secret: string) => {
    const { source: from, target: to } = database(secret);
    return look({ source: { ...from, buckets: {} }, target: to });
  };

  test('that does not exist is named with the near one', async () => {
    await local.putSecret({ name: 'bmx/database', account: staging.id, value: '{}' });
    const { row } = await lookAtSecret('bmx/databas');
    expect(row('target.database.secret')).toMatchObject({
      verdict: 'wrong',
      configured: 'bmx/databas',
      fix: expect.stringContaining('bmx/database'),
    });
    expect(row('target.database')).toMatchObject({
      verdict: 'not-tried',
      found: 'not tried: target.database.secret is wrong',
    });
  });

  test('that may not be read is told with the action to allow', async () => {
    await local.putSecret({ name: 'bmx/database', account: staging.id, value: '{}' });
    const match = { operation: 'GetSecretValue' };
    await local.inject({ match, kind: 'error', status: 400, code: 'AccessDeniedException', message: 'not authorized' });
    const { verdict, fix } = (await lookAtSecret('bmx/database')).row('target.database.secret');
    expect([verdict, fix]).toEqual(['wrong', expect.stringContaining('secretsmanager:GetSecretValue')]);
  });

  test('shows which fields it holds, and none of their values', async () => {
    const value = JSON.stringify({ username: 'u-u-u-u', password: 'p-p-p-p-p', host: '127.0.0.1', port: 1 });
    await local.putSecret({ name: 'bmx/shape', account: staging.id, value });
    const { row, findings } = await lookAtSecret('bmx/shape');
    expect(row('target.database.secret')).toMatchObject({
      verdict: 'right',
      found: 'it holds host, port, username, password',
    });
    expect(row('target.database')).toMatchObject({
      verdict: 'wrong',
      found: expect.stringContaining('no database is known'),
      fix: expect.stringContaining('Add database beside secret'),
    });
    expect(JSON.stringify(findings)).not.toContain('p-p-p-p-p');
  });

  test('an identifier that RDS does not know is named with the near one', async () => {
    await local.putDatabaseServer({
      account: staging.id,
      identifier: 'bmx-db',
      kind: 'instance',
      host: '127.0.0.1',
      port: 1,
    });
    const at = async (identifier: string) =>
      look({
        source: { database: { url: 'postgres://a:b@127.0.0.1:1/c' }, buckets: {} },
        target: { database: { identifier, database: 'd', user: 'u', auth: 'iam' }, buckets: {} },
      });
    const wrong = await at('bmx-dc');
    expect(wrong.row('target.database.identifier')).toMatchObject({
      verdict: 'wrong',
      fix: expect.stringContaining('bmx-db'),
    });
    expect(wrong.row('target.database').found).toBe('not tried: target.database.identifier is wrong');
    expect((await at('bmx-db')).row('target.database.identifier')).toMatchObject({
      verdict: 'right',
      found: expect.stringMatching(/^instance 127\.0\.0\.1:1, .*available$/),
    });
  });
});

describe('the buckets', () => {
  test('that are right are listed, read, written and left as they were', async () => {
    const { findings, row } = await look({ objects: { delete: {} } });
    expect(findings.filter(({ verdict }) => verdict !== 'right')).toEqual([]);
    expect(row('source.buckets.images').found).toBe('it can be listed, belongs to account 111111111111');
    expect(row('source.buckets.images read').found).toMatch(/^a byte of "a\/1" was read, encrypted with AES256/);
    expect(row('target.buckets.images write').found).toMatch(
      /^\.restage-probe-\w{12} was written and read back, and removed$/,
    );
    expect(row('objects.images.delete').found).toBe('what was written to try it could be removed');
    expect(row('objects.images.route').found).toBe("stream: the target's keys may not read the source (AccessDenied)");
    expect((await look()).row('target.buckets.images').found).toContain('and is empty');
    for (const { bucket, account } of await writes()) expect([bucket, account]).toEqual([target, staging.id]);
  });

  test('that do not exist are named with the near ones', async () => {
    expect((await look({ target: { buckets: { images: 'of-stagin' } } })).row('target.buckets.images')).toMatchObject({
      verdict: 'wrong',
      found: 'there is no bucket of-stagin',
      fix: expect.stringContaining('of-staging'),
    });
  });

  test('of another account are told, and nothing is written to them', async () => {
    await local.createBucket({ name: 'of-nobody', account: production.id });
    const { row } = await look({ target: { buckets: { images: 'of-nobody' } } });
    expect(row('target.buckets.images')).toMatchObject({
      verdict: 'wrong',
      fix: expect.stringContaining('must belong to account 222222222222'),
    });
    expect(row('target.buckets.images write').found).toBe('not tried: target.buckets.images is wrong');
    expect(await writes()).toEqual([]);
  });

  test("one that is the source's is told, and nothing is written to it", async () => {
    const changes = { aws: { profile: 'bmx-prod', account: production.id }, target: { buckets: { images: source } } };
    // The account of the target goes with its end, so that the bucket is there.
    const { row } = await look(changes);
    expect(row('target.buckets.images apart')).toMatchObject({
      verdict: 'wrong',
      found: `target.buckets.images is a bucket of the source: ${source}`,
    });
    expect(row('target.buckets.images write').found).toBe('not tried: target.buckets.images apart is wrong');
    expect(await writes()).toEqual([]);
  });

  test("one that is the source's, of another account, is told with no advice to let the target's keys in", async () => {
    const { row } = await look({ target: { buckets: { images: source } } });
    expect(row('target.buckets.images apart')).toMatchObject({
      verdict: 'wrong',
      fix: expect.stringContaining("a bucket of the target's own"),
    });
    expect(row('target.buckets.images').found).toBe('not tried: target.buckets.images apart is wrong');
  });

  test('that may be listed but not read are told with the right that is lacking', async () => {
    await local.inject({
      match: { operation: 'GetObject', bucket: source },
      kind: 'error',
      status: 403,
      code: 'AccessDenied',
      message: 'Access Denied',
    });
    const { row } = await look();
    expect(row('source.buckets.images read')).toMatchObject({
      verdict: 'wrong',
      found: expect.stringContaining('"a/1" of of-production (account 111111111111) cannot be read: Access Denied'),
      fix: expect.stringMatching(/s3:GetObject .*kms:Decrypt/),
    });
  });

  test('whose tags may not be read are to know', async () => {
    const match = { operation: 'GetObjectTagging', bucket: source };
    await local.inject({ match, kind: 'error', status: 403, code: 'AccessDenied', message: 'Access Denied' });
    expect((await look()).row('source.buckets.images tags')).toMatchObject({
      verdict: 'note',
      fix: expect.stringContaining('s3:GetObjectTagging'),
    });
  });

  test('that may not be written to are told with the rights that are lacking', async () => {
    const match = { operation: 'PutObject', bucket: target };
    await local.inject({ match, kind: 'error', status: 403, code: 'AccessDenied', message: 'Access Denied' });
    const { row } = await look({ objects: { delete: {} } });
    expect(row('target.buckets.images write')).toMatchObject({
      verdict: 'wrong',
      found: expect.stringContaining('Access Denied (AccessDenied'),
      fix: expect.stringContaining('s3:PutObject'),
    });
    expect(row('objects.images.delete').found).toBe('not tried: target.buckets.images write is wrong');
  });

  test('from which nothing may be removed are told with the key that is left', async () => {
    const kept = 'of-staging-for-good';
    const deny = { Effect: 'Deny', Principal: '*', Action: 's3:DeleteObject', Resource: `arn:aws:s3:::${kept}/*` };
    const policy = { Version: '2012-10-17', Statement: [deny] };
    await local.createBucket({ name: kept, account: staging.id, policy });
    const left = /aws s3api delete-object --bucket 'of-staging-for-good' --key '\.restage-probe-\w+'/;
    const { row } = await look({ target: { buckets: { images: kept } }, objects: { delete: {} } });
    expect(row('objects.images.delete')).toMatchObject({
      verdict: 'wrong',
      found: expect.stringMatching(/^\.restage-probe-\w+ could not be removed, and is left: .*AccessDenied/),
      fix: expect.stringMatching(left),
    });
    const match = { operation: 'DeleteObjects', bucket: kept };
    await local.inject({ match, kind: 'error', status: 403, code: 'AccessDenied', message: 'Access Denied' });
    const without = await look({ target: { buckets: { images: kept } } });
    expect(without.row('target.buckets.images write')).toMatchObject({
      verdict: 'note',
      fix: expect.stringMatching(left),
    });
  });

  test('that keep versions keep that of what was tried too, and it is said', async () => {
    await local.createBucket({ name: 'of-staging-kept', account: staging.id, versioned: true });
    const { row } = await look({ target: { buckets: { images: 'of-staging-kept' } } });
    expect(row('target.buckets.images settings').found).toBe('versioning enabled, ACLs off');
    expect(row('target.buckets.images write')).toMatchObject({
      verdict: 'right',
      found: expect.stringMatching(/removed; the bucket keeps its version and a delete marker$/),
    });
  });

  test('that bear the marker are told with the command that takes it off, and are not written to', async () => {
    const bucket = 'of-staging-marked';
    await local.createBucket({ name: bucket, account: staging.id });
    await s3(staging).send(
      new PutBucketTaggingCommand({
        Bucket: bucket,
        Tagging: { TagSet: [{ Key: 'restage:protected', Value: 'yes' }] },
      }),
    );
    await local.resetRequests();
    const { row } = await look({ target: { buckets: { images: bucket } } });
    expect(row('target.buckets.images marker')).toMatchObject({
      verdict: 'wrong',
      found: expect.stringContaining('is protected'),
      fix: expect.stringContaining(`aws s3api delete-bucket-tagging --bucket ${bucket}`),
    });
    expect(row('target.buckets.images write').found).toBe('not tried: target.buckets.images marker is wrong');
    expect((await local.requests()).map(({ operation }) => operation)).not.toContain('PutObject');
  });

  test('whose settings may not be asked for are to know', async () => {
    const match = { operation: 'GetBucketVersioning', bucket: target };
    await local.inject({ match, kind: 'error', status: 403, code: 'AccessDenied', message: 'Access Denied' });
    expect((await look()).row('target.buckets.images settings')).toMatchObject({
      verdict: 'note',
      found: 'versioning unknown, ACLs off',
      fix: expect.stringMatching(/s3:GetBucketVersioning\.$/),
    });
  });

  test('between which the store may not copy, though it is demanded, are told with the policy', async () => {
    expect((await look({ objects: { route: 'server' } })).row('objects.images.route')).toMatchObject({
      verdict: 'wrong',
      configured: 'server',
      fix: expect.stringContaining('bucket policy'),
    });
  });

  test('are not written to where the target calls itself production', async () => {
    const { row } = await look({ target: { name: 'live' } });
    expect(row('target.name')).toMatchObject({ verdict: 'wrong', fix: expect.stringContaining('wrong way round') });
    expect(row('target.buckets.images write').found).toBe('not tried: target.name is wrong');
    expect(await writes()).toEqual([]);
  });

  test('are not written to where nothing may be', async () => {
    const { findings } = await look({}, false);
    expect(findings.filter(({ setting }) => setting.endsWith('write'))).toEqual([]);
    expect(await writes()).toEqual([]);
  });

  test('keep nothing of a check that is interrupted while it tries to write', async () => {
    const empty = 'of-staging-empty';
    await local.createBucket({ name: empty, account: staging.id });
    await local.inject({ match: { operation: 'GetObject', bucket: empty }, kind: 'delay', delayMs: 60_000 });
    const stop = new AbortController();
    const config = configured({ target: { buckets: { images: empty } } });
    const checking = lookWith(config, { profileFiles: files(), signal: stop.signal });
    checking.catch(() => undefined); // looked at below
    const asked = async (name: string) =>
      (await local.requests()).some(({ operation, bucket }) => operation === name && bucket === empty);
    while (!(await asked('PutObject'))) await sleep(10);
    const clock = performance.now();
    stop.abort();
    await expect(checking).rejects.toMatchObject({ code: 'interrupted' });
    expect(performance.now() - clock).toBeLessThan(2000);
    expect(await asked('DeleteObjects')).toBe(true);
    const { row } = await look({ target: { buckets: { images: empty } } }, false);
    expect(row('target.buckets.images').found).toContain('and is empty');
  });
});

describe('the function', () => {
  const at = async (name: string) =>
    (await look({ target: { lambda: { function: name } } })).row('target.lambda.function');

  test('that does not exist is named with the near one', async () => {
    await local.putFunction({ account: staging.id, name: 'bmx-db-sync' });
    expect(await at('bmx-db-sink')).toMatchObject({
      group: 'lambda',
      verdict: 'wrong',
      fix: expect.stringContaining('bmx-db-sync'),
    });
  });

  test('tells its own time-out and memory, and how to give it more time', async () => {
    await local.putFunction({ account: staging.id, name: 'bmx-short', timeoutSeconds: 300, memoryMebibytes: 512 });
    expect(await at('bmx-short')).toMatchObject({
      verdict: 'note',
      found: expect.stringMatching(/^time-out 5 min, memory 512 MiB, /),
      fix: expect.stringMatching(/ --profile bmx-staging --region us-west-2 --function-name bmx-short --timeout 900$/),
    });
  });

  test('that failed is told', async () => {
    await local.putFunction({ account: staging.id, name: 'bmx-bad', timeoutSeconds: 900, state: 'Failed' });
    expect(await at('bmx-bad')).toMatchObject({ verdict: 'wrong', fix: expect.stringContaining('deploy it again') });
  });
});
