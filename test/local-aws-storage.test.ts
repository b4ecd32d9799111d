import * as aws from '@aws-sdk/client-s3';
import { expect, test } from 'vitest';
import { bucket, copy, get, list, local, md5, production, put, s3, staging, useLocalAws } from './local-aws-fixture.ts';

useLocalAws();

const arn = (id: string, account = production.id) => `arn:aws:kms:us-east-1:${account}:key/${id}`;
const kms = (id?: string) => ({ ServerSideEncryption: 'aws:kms', ...(id && { SSEKMSKeyId: id }) }) as const;
const head = (Key: string, client = s3(), more: Partial<aws.HeadObjectCommandInput> = {}) =>
  client.send(new aws.HeadObjectCommand({ Bucket: bucket, Key, ...more }));
const attributes = (Key: string) =>
  s3().send(
    new aws.GetObjectAttributesCommand({
      Bucket: bucket,
      Key,
      ObjectAttributes: ['ETag', 'ObjectParts', 'ObjectSize'],
    }),
  );

async function letStagingRead(): Promise<void> {
  const Policy = JSON.stringify({
    Statement: {
      Effect: 'Allow',
      Principal: { AWS: staging.id },
      Action: ['s3:GetObject', 's3:ListBucket'],
      Resource: [`arn:aws:s3:::${bucket}`, `arn:aws:s3:::${bucket}/*`],
    },
  });
  await s3().send(new aws.PutBucketPolicyCommand({ Bucket: bucket, Policy }));
}

test('an object under a KMS key has an ETag that is not its MD5, and its answers name the key', async () => {
  const encrypted = { ServerSideEncryption: 'aws:kms', SSEKMSKeyId: arn('k1') };
  const written = await s3().send(put('a', 'hello', kms('k1')));
  expect(written).toMatchObject(encrypted);
  expect(written.ETag).toMatch(/^"[0-9a-f]{32}"$/);
  expect(written.ETag).not.toBe(`"${md5('hello')}"`);
  const { text, output } = await get('a');
  expect(text).toBe('hello');
  expect(output).toMatchObject({ ...encrypted, ETag: written.ETag });
  expect(await head('a')).toMatchObject(encrypted);
  expect((await list()).Contents?.[0]?.ETag).toBe(written.ETag);

  const again = await copy('a', 'b', kms(arn('k2')));
  expect(again).toMatchObject({ ServerSideEncryption: 'aws:kms', SSEKMSKeyId: arn('k2') });
  expect(again.CopyObjectResult?.ETag).not.toBe(written.ETag);
  // A copy in the clear has the MD5 of the content, which its source's ETag was not.
  const plain = await copy('a', 'c');
  expect(plain).toMatchObject({ ServerSideEncryption: 'AES256' });
  expect(plain.CopyObjectResult?.ETag).toBe(`"${md5('hello')}"`);
});

test('under a KMS key the ETags of parts are opaque as well, and the MD5 of an upload is checked still', async () => {
  const created = await s3().send(new aws.CreateMultipartUploadCommand({ Bucket: bucket, Key: 'm', ...kms('k1') }));
  expect(created).toMatchObject({ ServerSideEncryption: 'aws:kms', SSEKMSKeyId: arn('k1') });
  const upload = { Bucket: bucket, Key: 'm', UploadId: created.UploadId };
  const part = await s3().send(new aws.UploadPartCommand({ ...upload, PartNumber: 1, Body: 'hello' }));
  expect(part).toMatchObject({ ServerSideEncryption: 'aws:kms', SSEKMSKeyId: arn('k1') });
  expect(part.ETag).not.toBe(`"${md5('hello')}"`);
  const Parts = [{ PartNumber: 1, ETag: part.ETag }];
  const done = await s3().send(new aws.CompleteMultipartUploadCommand({ ...upload, MultipartUpload: { Parts } }));
  expect(done.ETag).toMatch(/^"[0-9a-f]{32}-1"$/);
  expect(done.ETag).not.toBe(`"${md5(Buffer.from(part.ETag?.slice(1, -1) ?? '', 'hex'))}-1"`);
  const ContentMD5 = Buffer.from(md5('other'), 'hex').toString('base64');
  await expect(s3().send(put('a', 'hello', { ...kms(), ContentMD5 }))).rejects.toMatchObject({ name: 'BadDigest' });
});

test('a bucket’s default encryption holds for what does not say another', async () => {
  await s3().send(
    new aws.PutBucketEncryptionCommand({
      Bucket: bucket,
      ServerSideEncryptionConfiguration: {
        Rules: [{ ApplyServerSideEncryptionByDefault: { SSEAlgorithm: 'aws:kms', KMSMasterKeyID: 'k9' } }],
      },
    }),
  );
  expect(await s3().send(put('a', 'x'))).toMatchObject({ ServerSideEncryption: 'aws:kms', SSEKMSKeyId: arn('k9') });
  expect((await s3().send(put('b', 'x', { ServerSideEncryption: 'AES256' }))).ETag).toBe(`"${md5('x')}"`);
  await s3().send(new aws.DeleteBucketEncryptionCommand({ Bucket: bucket }));
  expect((await s3().send(put('c', 'x'))).ETag).toBe(`"${md5('x')}"`);
});

test('a bucket is made with a default encryption, which what is seeded has', async () => {
  const name = `${bucket}-encrypted`;
  await local.createBucket({ name, account: production.id, encryption: { kmsKey: 'k1' } });
  await local.seedObjects(name, [{ key: 'a', body: 'hello' }]);
  const found = await s3().send(new aws.HeadObjectCommand({ Bucket: name, Key: 'a' }));
  expect(found).toMatchObject({ ServerSideEncryption: 'aws:kms', SSEKMSKeyId: arn('k1') });
  expect(found.ETag).not.toBe(`"${md5('hello')}"`);
  const { ServerSideEncryptionConfiguration } = await s3().send(new aws.GetBucketEncryptionCommand({ Bucket: name }));
  expect(ServerSideEncryptionConfiguration?.Rules?.[0]?.ApplyServerSideEncryptionByDefault).toEqual({
    SSEAlgorithm: 'aws:kms',
    KMSMasterKeyID: arn('k1'),
  });
});

test('an account that may not use a KMS key neither reads nor copies what it encrypts', async () => {
  await local.createBucket({ name: `${bucket}-target`, account: staging.id });
  await s3().send(put('a', 'hello', kms('secret')));
  await letStagingRead();
  const client = s3(staging);
  expect((await get('a', client)).text).toBe('hello');
  await local.denyKmsKey('secret', [staging.id]);
  const denied = {
    name: 'AccessDenied',
    message: `User: arn:aws:iam::${staging.id}:user/${staging.user} is not authorized to perform: kms:Decrypt on resource: ${arn('secret')} because no resource-based policy allows the kms:Decrypt action`,
    $metadata: { httpStatusCode: 403 },
  };
  const copied = { Bucket: `${bucket}-target`, Key: 'a', CopySource: `${bucket}/a` };
  await expect(get('a', client)).rejects.toMatchObject(denied);
  await expect(client.send(new aws.CopyObjectCommand(copied))).rejects.toMatchObject(denied);
  await expect(head('a', client)).rejects.toMatchObject({ $metadata: { httpStatusCode: 403 } });
  const written = { Bucket: `${bucket}-target`, Key: 'b', Body: 'x', ...kms(arn('secret')) };
  await expect(client.send(new aws.PutObjectCommand(written))).rejects.toThrow(/kms:GenerateDataKey/);
  // The listing needs no key, and the owner has it still.
  expect((await list(client)).KeyCount).toBe(1);
  expect((await get('a')).text).toBe('hello');
  await local.denyKmsKey('secret', []);
  await client.send(new aws.CopyObjectCommand(copied));
});

test('what the key that AWS keeps for an account encrypts is read by nobody else', async () => {
  await s3().send(put('a', 'hello', kms()));
  await letStagingRead();
  expect((await get('a')).text).toBe('hello');
  await expect(get('a', s3(staging))).rejects.toThrow(/kms:Decrypt/);
});

test('a KMS key without its algorithm, and keys of the customer, are refused', async () => {
  await expect(s3().send(put('a', 'x', { SSEKMSKeyId: 'k1' }))).rejects.toMatchObject({ name: 'InvalidArgument' });
  const headers = { 'x-amz-server-side-encryption-customer-algorithm': 'AES256' };
  const client = s3();
  client.middlewareStack.add(
    (next) => (args) => {
      if (args.request instanceof Object && 'headers' in args.request)
        Object.assign(args.request.headers ?? {}, headers);
      return next(args);
    },
    { step: 'build' },
  );
  await expect(client.send(put('a', 'x'))).rejects.toMatchObject({ name: 'NotImplemented' });
});

test.each(['GLACIER', 'DEEP_ARCHIVE'] as const)(
  'an object in %s is listed, but not read until restored',
  async (storageClass) => {
    await local.seedObjects(bucket, [
      { key: 'archived', body: 'x', storageClass },
      { key: 'restored', body: 'x', storageClass, restored: true },
      { key: 'instant', body: 'x', storageClass: 'GLACIER_IR' },
    ]);
    await expect(get('archived')).rejects.toMatchObject({
      name: 'InvalidObjectState',
      message: "The operation is not valid for the object's storage class",
      StorageClass: storageClass,
      $metadata: { httpStatusCode: 403 },
    });
    const refused = {
      name: 'InvalidObjectState',
      message: "Operation is not valid for the source object's storage class",
    };
    await expect(copy('archived', 'b')).rejects.toMatchObject(refused);
    const { UploadId } = await s3().send(new aws.CreateMultipartUploadCommand({ Bucket: bucket, Key: 'm' }));
    const part = { Bucket: bucket, Key: 'm', UploadId, PartNumber: 1, CopySource: `${bucket}/archived` };
    await expect(s3().send(new aws.UploadPartCopyCommand(part))).rejects.toMatchObject(refused);
    expect(await head('archived')).toMatchObject({ StorageClass: storageClass, ContentLength: 1 });
    expect((await head('archived')).Restore).toBeUndefined();
    expect((await list()).Contents?.[0]).toMatchObject({ Key: 'archived', StorageClass: storageClass });

    const restored = await get('restored');
    expect(restored.text).toBe('x');
    expect(restored.output.Restore).toMatch(
      /^ongoing-request="false", expiry-date="\w{3}, \d\d \w{3} \d{4} [\d:]+ GMT"$/,
    );
    await copy('restored', 'b');
    expect((await head('b')).StorageClass).toBeUndefined();
    expect((await get('instant')).text).toBe('x');
  },
);

test.each(['given', 'synthesized'])('%s content is seeded as a multipart upload', async (kind) => {
  const partSizes = [600_000, 600_000, 5];
  const sizeBytes = 1_200_005;
  const content = kind === 'given' ? { body: 'x'.repeat(sizeBytes) } : { sizeBytes, seed: 3 };
  await local.seedObjects(bucket, [{ key: 'm', partSizes, ...content }]);
  const output = await s3().send(new aws.GetObjectCommand({ Bucket: bucket, Key: 'm' }));
  const whole = Buffer.from((await output.Body?.transformToByteArray()) ?? []);
  const parts = [whole.subarray(0, 600_000), whole.subarray(600_000, 1_200_000), whole.subarray(1_200_000)];
  const etag = `${md5(Buffer.concat(parts.map((part) => Buffer.from(md5(part), 'hex'))))}-3`;
  expect(output.ETag).toBe(`"${etag}"`);
  expect(await head('m', s3(), { PartNumber: 3 })).toMatchObject({ PartsCount: 3, ContentLength: 5 });
  expect((await list()).Contents?.[0]?.ETag).toBe(`"${etag}"`);
  const found = await attributes('m');
  expect(found.ETag).toBe(etag);
  expect(found.ObjectParts).toMatchObject({ TotalPartsCount: 3 });
  expect(found.ObjectParts?.Parts).toBeUndefined();
});

test('parts that are not of the object’s size are refused', async () => {
  await expect(local.seedObjects(bucket, [{ key: 'm', body: 'hello', partSizes: [4] }])).rejects.toThrow(/its parts/);
});

test('the parts of an upload with checksums are described one by one', async () => {
  const create = { Bucket: bucket, Key: 'm', ChecksumAlgorithm: 'CRC32' } as const;
  const { UploadId } = await s3().send(new aws.CreateMultipartUploadCommand(create));
  const upload = { Bucket: bucket, Key: 'm', UploadId };
  const { ETag } = await s3().send(
    new aws.UploadPartCommand({ ...upload, PartNumber: 1, Body: 'hello', ChecksumAlgorithm: 'CRC32' }),
  );
  const Parts = [{ PartNumber: 1, ETag }];
  await s3().send(new aws.CompleteMultipartUploadCommand({ ...upload, MultipartUpload: { Parts } }));
  expect((await attributes('m')).ObjectParts?.Parts).toMatchObject([{ PartNumber: 1, Size: 5 }]);
});

test('a bucket is made with ACLs, and objects are seeded with theirs', async () => {
  const name = `${bucket}-acls`;
  await local.createBucket({ name, account: production.id, ownership: 'ObjectWriter' });
  await local.seedObjects(name, [{ key: 'a', body: 'x', acl: 'public-read' }]);
  const { OwnershipControls } = await s3().send(new aws.GetBucketOwnershipControlsCommand({ Bucket: name }));
  expect(OwnershipControls?.Rules?.[0]?.ObjectOwnership).toBe('ObjectWriter');
  const { Grants } = await s3().send(new aws.GetObjectAclCommand({ Bucket: name, Key: 'a' }));
  expect(Grants?.some((grant) => grant.Grantee?.URI?.endsWith('AllUsers'))).toBe(true);
  await s3().send(new aws.PutObjectCommand({ Bucket: name, Key: 'b', Body: 'x', ACL: 'authenticated-read' }));
});
