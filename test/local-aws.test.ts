import { createHash } from 'node:crypto';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import * as aws from '@aws-sdk/client-s3';
import { GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { AssumeRoleCommand, GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { startLocalAws, type Account, type LocalAws } from '../demo/local-aws/local-aws.ts';

const production: Account = { id: '111111111111', accessKeyId: 'AKIAPRODUCTION', secretAccessKey: 'p', user: 'reader' };
const staging: Account = { id: '222222222222', accessKeyId: 'AKIASTAGING', secretAccessKey: 's', user: 'writer' };

let folder: string;
let local: LocalAws;
let bucket: string;
let buckets = 0;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'restage-local-aws-'));
  local = await startLocalAws({ accounts: [production, staging], folder });
});

afterAll(async () => {
  await local[Symbol.asyncDispose]();
  await rm(folder, { recursive: true });
});

beforeEach(async () => {
  bucket = `bucket-${(buckets += 1)}`;
  await local.createBucket({ name: bucket, account: production.id });
  await local.clearFaults();
  await local.resetRequests();
});

type Keys = Pick<Account, 'accessKeyId' | 'secretAccessKey'> & { readonly sessionToken?: string };

const settings = (credentials: Keys) => ({
  endpoint: local.endpoint,
  region: 'us-west-2',
  credentials,
  maxAttempts: 1,
});

function s3(credentials: Keys = production): aws.S3Client {
  return new aws.S3Client({ ...settings(credentials), forcePathStyle: true });
}

function put(key: string, body: string, more: Partial<aws.PutObjectCommandInput> = {}): aws.PutObjectCommand {
  return new aws.PutObjectCommand({ Bucket: bucket, Key: key, Body: body, ...more });
}

async function get(
  key: string,
  client = s3(),
  more: Partial<aws.GetObjectCommandInput> = {},
): Promise<{ readonly text: string; readonly output: aws.GetObjectCommandOutput }> {
  const output = await client.send(new aws.GetObjectCommand({ Bucket: bucket, Key: key, ...more }));
  return { output, text: (await output.Body?.transformToString()) ?? '' };
}

const list = (client = s3()) => client.send(new aws.ListObjectsV2Command({ Bucket: bucket }));
const md5 = (data: string | Uint8Array): string => createHash('md5').update(data).digest('hex');

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

test('keys are listed in the order of their UTF-8 bytes, in pages', async () => {
  // U+FFFD comes before U+1F389 in UTF-8, after it in UTF-16.
  const keys = ['a/b', 'A', 'a', 'a!', '\u{1F389}', '\uFFFD', 'z', 'é', 'a0'];
  await local.seedObjects(
    bucket,
    keys.map((key) => ({ key, body: key })),
  );
  const found: (string | undefined)[] = [];
  const pages = aws.paginateListObjectsV2({ client: s3(), pageSize: 2 }, { Bucket: bucket });
  let count = 0;
  for await (const { Contents = [] } of pages) {
    count += 1;
    found.push(...Contents.map((object) => object.Key));
  }
  expect(found).toEqual(keys.toSorted((left, right) => Buffer.compare(Buffer.from(left), Buffer.from(right))));
  expect(count).toBe(5);
});

test('common prefixes stand once, over all pages', async () => {
  const keys = ['a/1', 'a/2', 'b', 'c/1', 'c/2', 'd'];
  await local.seedObjects(
    bucket,
    keys.map((key) => ({ key, body: '' })),
  );
  const found: (string | undefined)[] = [];
  const request = { Bucket: bucket, Delimiter: '/' };
  for await (const page of aws.paginateListObjectsV2({ client: s3(), pageSize: 1 }, request)) {
    found.push(...(page.CommonPrefixes ?? []).map((prefix) => prefix.Prefix));
    found.push(...(page.Contents ?? []).map((object) => object.Key));
  }
  expect(found).toEqual(['a/', 'b', 'c/', 'd']);
});

test.each(['a//b', '/leading', '../up', 'a/./b', 'plus+%20 ?#&', 'nfd-e\u0301', 'ctl\u0001\n', '\'<"&>', '日本語/🎉'])(
  'the key %j makes the round trip',
  async (key) => {
    await s3().send(put(key, `content of ${key}`));
    expect((await get(key)).text).toBe(`content of ${key}`);
    const { Contents } = await s3().send(new aws.ListObjectsV2Command({ Bucket: bucket, EncodingType: 'url' }));
    const listed = decodeURIComponent((Contents?.[0]?.Key ?? '').replaceAll('+', ' '));
    expect(listed).toBe(key);
    await s3().send(new aws.DeleteObjectCommand({ Bucket: bucket, Key: key }));
    expect((await list()).KeyCount).toBe(0);
  },
);

test('headers, metadata and tags come back, and a copy keeps them', async () => {
  const headers = {
    ContentType: 'image/png',
    CacheControl: 'max-age=60',
    ContentDisposition: 'attachment; filename="a b.png"',
    ContentLanguage: 'de',
    Metadata: { camera: 'X 100' },
  };
  await s3().send(put('a', 'x', { ...headers, ContentEncoding: 'gzip', Tagging: 'kind=photo&note=a%20b' }));
  await s3().send(new aws.CopyObjectCommand({ Bucket: bucket, Key: 'b', CopySource: `${bucket}/a` }));
  const { output } = await get('b');
  expect(output).toMatchObject({ ...headers, ContentEncoding: 'gzip', TagCount: 2 });
  const { TagSet } = await s3().send(new aws.GetObjectTaggingCommand({ Bucket: bucket, Key: 'b' }));
  expect(TagSet).toEqual([
    { Key: 'kind', Value: 'photo' },
    { Key: 'note', Value: 'a b' },
  ]);
});

test('an aws-chunked upload is stored without its framing', async () => {
  const content = 'x'.repeat(300_000);
  const stream = Readable.from([Buffer.from(content)]);
  await s3().send(new aws.PutObjectCommand({ Bucket: bucket, Key: 'a', Body: stream, ContentLength: content.length }));
  const { output, text } = await get('a');
  expect(text).toBe(content);
  expect(output.ETag).toBe(`"${md5(content)}"`);
  expect(output.ContentEncoding).toBeUndefined();
});

test('a wrong checksum and a wrong MD5 are refused, and nothing is stored', async () => {
  await expect(s3().send(put('a', 'hello', { ChecksumCRC32: 'AAAAAA==' }))).rejects.toMatchObject({
    name: 'BadDigest',
  });
  const ContentMD5 = Buffer.from(md5('other'), 'hex').toString('base64');
  await expect(s3().send(put('a', 'hello', { ContentMD5 }))).rejects.toMatchObject({ name: 'BadDigest' });
  await expect(s3().send(put('a', 'hello', { ContentMD5: 'abc' }))).rejects.toMatchObject({ name: 'InvalidDigest' });
  expect((await list()).KeyCount).toBe(0);
});

test.each(['CRC32', 'CRC32C', 'CRC64NVME', 'SHA1', 'SHA256'] as const)(
  'a %s checksum is verified, kept and returned',
  async (ChecksumAlgorithm) => {
    await s3().send(put('a', 'hello', { ChecksumAlgorithm }));
    // The SDK compares the content with the checksum it is given.
    const { output, text } = await get('a', s3(), { ChecksumMode: 'ENABLED' });
    expect(text).toBe('hello');
    expect(output[`Checksum${ChecksumAlgorithm}`]).toBeTypeOf('string');
  },
);

test('a multipart upload has the MD5 of its parts’ MD5s for an ETag, and its parts can be read', async () => {
  const client = s3();
  const parts = [Buffer.alloc(5 * 1024 ** 2, 'a'), Buffer.alloc(5 * 1024 ** 2, 'b'), Buffer.from('end')];
  const { UploadId } = await client.send(new aws.CreateMultipartUploadCommand({ Bucket: bucket, Key: 'm' }));
  const upload = { Bucket: bucket, Key: 'm', UploadId };
  const Parts: aws.CompletedPart[] = [];
  for (const [index, Body] of parts.entries()) {
    const { ETag } = await client.send(new aws.UploadPartCommand({ ...upload, PartNumber: index + 1, Body }));
    Parts.push({ PartNumber: index + 1, ETag });
  }
  const complete = (of: aws.CompletedPart[]) =>
    client.send(new aws.CompleteMultipartUploadCommand({ ...upload, MultipartUpload: { Parts: of } }));
  await expect(complete(Parts.toReversed())).rejects.toMatchObject({ name: 'InvalidPartOrder' });
  await expect(complete([{ PartNumber: 1, ETag: '"0"' }])).rejects.toMatchObject({ name: 'InvalidPart' });
  const { ETag } = await complete(Parts);
  const digests = parts.map((part) => Buffer.from(md5(part), 'hex'));
  expect(ETag).toBe(`"${md5(Buffer.concat(digests))}-3"`);
  const second = await client.send(new aws.HeadObjectCommand({ Bucket: bucket, Key: 'm', PartNumber: 2 }));
  expect(second).toMatchObject({ PartsCount: 3, ContentLength: 5 * 1024 ** 2 });
  const across = await get('m', client, { Range: 'bytes=5242879-5242880' });
  expect(across.text).toBe('ab');
});

test('a part below 5 MiB that is not the last one is refused', async () => {
  const client = s3();
  const { UploadId } = await client.send(new aws.CreateMultipartUploadCommand({ Bucket: bucket, Key: 'm' }));
  const Parts: aws.CompletedPart[] = [];
  for (const PartNumber of [1, 2]) {
    const part = { Bucket: bucket, Key: 'm', UploadId, PartNumber, Body: 'small' };
    Parts.push({ PartNumber, ETag: (await client.send(new aws.UploadPartCommand(part))).ETag });
  }
  const complete = { Bucket: bucket, Key: 'm', UploadId, MultipartUpload: { Parts } };
  await expect(client.send(new aws.CompleteMultipartUploadCommand(complete))).rejects.toMatchObject({
    name: 'EntityTooSmall',
  });
});

test('conditional reads and writes hold', async () => {
  const { ETag = '' } = await s3().send(put('a', 'one', { IfNoneMatch: '*' }));
  await expect(s3().send(put('a', 'two', { IfNoneMatch: '*' }))).rejects.toMatchObject({ name: 'PreconditionFailed' });
  await expect(s3().send(put('a', 'two', { IfMatch: '"0"' }))).rejects.toMatchObject({ name: 'PreconditionFailed' });
  await expect(get('a', s3(), { IfMatch: '"0"' })).rejects.toMatchObject({ name: 'PreconditionFailed' });
  await expect(get('a', s3(), { IfNoneMatch: ETag })).rejects.toMatchObject({ $metadata: { httpStatusCode: 304 } });
  await s3().send(put('a', 'two', { IfMatch: ETag }));
  expect((await get('a')).text).toBe('two');
});

test('a copy whose source is not the expected one is refused', async () => {
  await s3().send(put('a', 'one'));
  const copy = { Bucket: bucket, Key: 'b', CopySource: `${bucket}/a`, CopySourceIfMatch: '"0"' };
  await expect(s3().send(new aws.CopyObjectCommand(copy))).rejects.toMatchObject({ name: 'PreconditionFailed' });
});

test('where ACLs are off, any but bucket-owner-full-control is refused', async () => {
  await s3().send(put('a', 'x', { ACL: 'bucket-owner-full-control' }));
  await expect(s3().send(put('b', 'x', { ACL: 'public-read' }))).rejects.toMatchObject({
    name: 'AccessControlListNotSupported',
  });
});

test('a versioned bucket keeps what was overwritten and deleted', async () => {
  const Versioned = { Bucket: bucket, VersioningConfiguration: { Status: 'Enabled' } } as const;
  await s3().send(new aws.PutBucketVersioningCommand(Versioned));
  const first = await s3().send(put('a', 'one'));
  await s3().send(put('a', 'two'));
  await s3().send(new aws.DeleteObjectCommand({ Bucket: bucket, Key: 'a' }));
  await expect(get('a')).rejects.toMatchObject({ name: 'NoSuchKey' });
  expect((await list()).KeyCount).toBe(0);
  expect((await get('a', s3(), { VersionId: first.VersionId })).text).toBe('one');
  const found: (string | undefined)[] = [];
  for (let marker: Partial<aws.ListObjectVersionsCommandInput> | undefined = {}; marker;) {
    const request = { Bucket: bucket, MaxKeys: 1, ...marker };
    const page: aws.ListObjectVersionsCommandOutput = await s3().send(new aws.ListObjectVersionsCommand(request));
    found.push(...[...(page.Versions ?? []), ...(page.DeleteMarkers ?? [])].map((version) => version.VersionId));
    const next = { KeyMarker: page.NextKeyMarker, VersionIdMarker: page.NextVersionIdMarker };
    marker = page.IsTruncated ? next : undefined;
  }
  expect(new Set(found).size).toBe(3);
  expect(found).toHaveLength(3);
});

test('synthesized content is the same whenever and however it is read, and its ETag is its MD5', async () => {
  await local.seedObjects(bucket, [{ key: 'big', sizeBytes: 700_001, seed: 42, contentType: 'image/jpeg' }]);
  const whole = await s3().send(new aws.GetObjectCommand({ Bucket: bucket, Key: 'big' }));
  const bytes = Buffer.from((await whole.Body?.transformToByteArray()) ?? []);
  expect(bytes).toHaveLength(700_001);
  expect(whole).toMatchObject({ ETag: `"${md5(bytes)}"`, ContentType: 'image/jpeg' });
  const range = { Bucket: bucket, Key: 'big', Range: 'bytes=262139-500007' };
  const part = await s3().send(new aws.GetObjectCommand(range));
  expect(Buffer.compare((await part.Body?.transformToByteArray()) ?? bytes, bytes.subarray(262_139, 500_008))).toBe(0);
});

test('the files of large bodies go with the last object that uses them', async () => {
  const before = (await readdir(folder)).length;
  await s3().send(put('a', 'x'.repeat(100_000)));
  await s3().send(new aws.CopyObjectCommand({ Bucket: bucket, Key: 'b', CopySource: `${bucket}/a` }));
  await s3().send(new aws.DeleteObjectCommand({ Bucket: bucket, Key: 'a' }));
  expect((await get('b')).text).toHaveLength(100_000);
  expect((await readdir(folder)).length).toBe(before + 1);
  await s3().send(put('b', 'small'));
  expect((await readdir(folder)).length).toBe(before);
});

test('a secret is read in its account, and in another one only where it is shared', async () => {
  await local.putSecret({ name: 'db/own', account: production.id, value: 'hunter2' });
  await local.putSecret({ name: 'db/shared', account: production.id, value: 's3cret', sharedWith: [staging.id] });
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
