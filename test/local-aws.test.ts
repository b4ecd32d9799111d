import * as aws from '@aws-sdk/client-s3';
import { GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { AssumeRoleCommand, GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';
import { expect, test } from 'vitest';
import { startLocalAws } from '../demo/local-aws/local-aws.ts';
import {
  bucket,
  folder,
  get,
  list,
  local,
  production,
  put,
  s3,
  settings,
  staging,
  type Keys,
  useLocalAws,
} from './local-aws-fixture.ts';

useLocalAws();

test('a wrong secret is refused', async () => {
  await expect(list(s3({ ...production, secretAccessKey: 'wrong' }))).rejects.toMatchObject({
    name: 'SignatureDoesNotMatch',
    $metadata: { httpStatusCode: 403 },
  });
});

test('an unknown key is refused', async () => {
  await expect(list(s3({ ...production, accessKeyId: 'AKIANOBODY' }))).rejects.toMatchObject({
    name: 'InvalidAccessKeyId',
  });
});

test('a clock that is 20 minutes off is refused', async () => {
  const client = new aws.S3Client({ ...settings(production), forcePathStyle: true, systemClockOffset: 20 * 60_000 });
  await expect(list(client)).rejects.toMatchObject({ name: 'RequestTimeTooSkewed' });
});

test('a request that was changed after it was signed is refused', async () => {
  const client = s3();
  client.middlewareStack.add(
    (next) => (args) => {
      if (args.request instanceof Object && 'path' in args.request) args.request.path = `/${bucket}/other`;
      return next(args);
    },
    { step: 'finalizeRequest', priority: 'low' },
  );
  await expect(client.send(put('mine', 'x'))).rejects.toMatchObject({ name: 'SignatureDoesNotMatch' });
});

test('another account may neither read nor write nor list', async () => {
  await s3().send(put('a', 'secret'));
  const other = s3(staging);
  await expect(get('a', other)).rejects.toMatchObject({ name: 'AccessDenied' });
  await expect(other.send(put('b', 'x'))).rejects.toMatchObject({ name: 'AccessDenied' });
  await expect(list(other)).rejects.toMatchObject({ name: 'AccessDenied' });
  const { Buckets } = await other.send(new aws.ListBucketsCommand({}));
  expect(Buckets?.map((one) => one.Name)).not.toContain(bucket);
});

test('a bucket policy lets another account read, but not write', async () => {
  await s3().send(put('a', 'shared'));
  const Policy = JSON.stringify({
    Version: '2012-10-17',
    Statement: [
      {
        Effect: 'Allow',
        Principal: { AWS: `arn:aws:iam::${staging.id}:user/${staging.user}` },
        Action: ['s3:Get*', 's3:ListBucket'],
        Resource: [`arn:aws:s3:::${bucket}`, `arn:aws:s3:::${bucket}/*`],
      },
      { Effect: 'Deny', Principal: '*', Action: 's3:*', Resource: `arn:aws:s3:::${bucket}/private/*` },
    ],
  });
  await s3().send(new aws.PutBucketPolicyCommand({ Bucket: bucket, Policy }));
  expect((await get('a', s3(staging))).text).toBe('shared');
  expect((await list(s3(staging))).KeyCount).toBe(1);
  await expect(s3(staging).send(put('b', 'x'))).rejects.toMatchObject({ name: 'AccessDenied' });
  // A deny holds for the owner too.
  await expect(s3().send(put('private/c', 'x'))).rejects.toMatchObject({ name: 'AccessDenied' });
});

test('a statement with a condition grants nothing', async () => {
  const Policy = JSON.stringify({
    Statement: {
      Effect: 'Allow',
      Principal: '*',
      Action: 's3:ListBucket',
      Resource: `arn:aws:s3:::${bucket}`,
      Condition: { Bool: { 'aws:SecureTransport': 'true' } },
    },
  });
  await s3().send(new aws.PutBucketPolicyCommand({ Bucket: bucket, Policy }));
  await expect(list(s3(staging))).rejects.toMatchObject({ name: 'AccessDenied' });
});

test('an unexpected bucket owner is refused', async () => {
  const expect222 = { Bucket: bucket, ExpectedBucketOwner: staging.id };
  await expect(s3().send(new aws.ListObjectsV2Command(expect222))).rejects.toMatchObject({ name: 'AccessDenied' });
  const expect111 = { Bucket: bucket, ExpectedBucketOwner: production.id };
  expect((await s3().send(new aws.ListObjectsV2Command(expect111))).KeyCount).toBe(0);
});
test('a secret is read in its account, and in another one only where it is shared', async () => {
  await local.putSecret({ name: 'db/own', account: production.id, value: 'hunter2' });
  await local.putSecret({
    name: 'db/shared',
    account: production.id,
    value: 's3cret',
    sharedWith: [staging.id],
    kmsKey: 'k',
  });
  const read = (credentials: Keys, SecretId: string | undefined) =>
    new SecretsManagerClient(settings(credentials)).send(new GetSecretValueCommand({ SecretId }));
  const own = await read(production, 'db/own');
  expect(own.SecretString).toBe('hunter2');
  const shared = await read(production, 'db/shared');
  expect((await read(staging, shared.ARN)).SecretString).toBe('s3cret');
  await expect(read(staging, own.ARN)).rejects.toMatchObject({ name: 'AccessDeniedException' });
  await expect(read(staging, 'db/own')).rejects.toMatchObject({ name: 'ResourceNotFoundException' });
  await expect(read({ ...production, secretAccessKey: 'wrong' }, 'db/own')).rejects.toMatchObject({
    name: 'InvalidSignatureException',
  });
});

test('the caller’s identity is told, and an assumed role acts in the role’s account', async () => {
  const identity = (credentials: Keys) => new STSClient(settings(credentials)).send(new GetCallerIdentityCommand({}));
  expect(await identity(staging)).toMatchObject({
    Account: staging.id,
    Arn: `arn:aws:iam::${staging.id}:user/${staging.user}`,
  });
  await s3().send(put('a', 'production only'));
  await local.putRole({ account: production.id, name: 'reader', trusts: [staging.id] });
  const RoleArn = `arn:aws:iam::${production.id}:role/reader`;
  const assume = new AssumeRoleCommand({ RoleArn, RoleSessionName: 'restage' });
  const { Credentials } = await new STSClient(settings(staging)).send(assume);
  const session = {
    accessKeyId: Credentials?.AccessKeyId ?? '',
    secretAccessKey: Credentials?.SecretAccessKey ?? '',
    sessionToken: Credentials?.SessionToken ?? '',
  };
  expect((await identity(session)).Arn).toBe(`arn:aws:sts::${production.id}:assumed-role/reader/restage`);
  expect((await get('a', s3(session))).text).toBe('production only');
  await expect(list(s3({ ...session, sessionToken: 'forged' }))).rejects.toMatchObject({ name: 'InvalidToken' });
  const unknown = new AssumeRoleCommand({ RoleArn: 'arn:aws:iam::333333333333:role/r', RoleSessionName: 'restage' });
  await expect(new STSClient(settings(staging)).send(unknown)).rejects.toMatchObject({ name: 'AccessDenied' });
});

test('an injected fault strikes the requests it names, as often as it says', async () => {
  await s3().send(put('a', 'x'));
  const match = { operation: 'GetObject', bucket, key: 'a' };
  await local.inject({ match, times: 1, kind: 'error', status: 503, code: 'SlowDown', message: 'Slow down.' });
  await s3().send(put('b', 'x'));
  await expect(get('a')).rejects.toMatchObject({ name: 'SlowDown', $metadata: { httpStatusCode: 503 } });
  expect((await get('a')).text).toBe('x');
});

test('an injected reset breaks the connection, before the answer or in the middle of a body', async () => {
  await local.seedObjects(bucket, [{ key: 'big', sizeBytes: 5_000_000, seed: 1 }]);
  await local.inject({ match: { bucket, operation: 'HeadObject' }, kind: 'reset' });
  await expect(s3().send(new aws.HeadObjectCommand({ Bucket: bucket, Key: 'big' }))).rejects.toThrow(
    /ECONNRESET|socket hang up/,
  );
  await local.inject({ match: { bucket }, kind: 'reset-in-body' });
  const { Body } = await s3().send(new aws.GetObjectCommand({ Bucket: bucket, Key: 'big' }));
  await expect(Body?.transformToByteArray()).rejects.toThrow(/aborted|ECONNRESET/);
  await expect(s3().send(put('new', 'x'.repeat(1_000_000)))).rejects.toThrow(/ECONNRESET|EPIPE|socket hang up/);
  await local.clearFaults();
  expect((await list()).Contents?.map((object) => object.Key)).toEqual(['big']);
});

test('requests are counted by operation, bucket, account and status', async () => {
  await s3().send(put('a', 'x'));
  await s3().send(put('b', 'x'));
  await expect(get('a', s3(staging))).rejects.toThrow();
  const counts = await local.requests();
  const shared = { service: 's3', bucket };
  expect(counts).toHaveLength(2);
  expect(counts).toContainEqual({ ...shared, operation: 'PutObject', account: production.id, status: 200, count: 2 });
  expect(counts).toContainEqual({ ...shared, operation: 'GetObject', account: staging.id, status: 403, count: 1 });
  await local.resetRequests();
  expect(await local.requests()).toEqual([]);
});

test.each(['thread', 'process'] as const)(
  'the server can live in a %s of its own, with all its controls',
  async (home) => {
    const started = await startLocalAws({ accounts: [production], folder }, home);
    try {
      const client = new aws.S3Client({ ...settings(production), endpoint: started.endpoint, forcePathStyle: true });
      await started.createBucket({ name: 'apart', account: production.id });
      await started.seedObjects('apart', [{ key: 'a', body: Buffer.from([0, 255]) }]);
      const read = await client.send(new aws.GetObjectCommand({ Bucket: 'apart', Key: 'a' }));
      expect(await read.Body?.transformToByteArray()).toEqual(new Uint8Array([0, 255]));
      await expect(started.createBucket({ name: 'apart', account: production.id })).rejects.toThrow(/exists already/);
      expect(await started.requests()).toMatchObject([{ operation: 'GetObject', count: 1 }]);
    } finally {
      await started[Symbol.asyncDispose]();
    }
    await expect(fetch(started.endpoint)).rejects.toThrow();
    await expect(started.clearFaults()).rejects.toThrow('the local AWS has ended');
  },
);
