import { readdir } from 'node:fs/promises';
import { Readable } from 'node:stream';
import * as aws from '@aws-sdk/client-s3';
import { expect, test } from 'vitest';
import { bucket, folder, get, list, listKeys, local, md5, put, s3, useLocalAws } from './local-aws-fixture.ts';

useLocalAws();

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

test('a write that expects an object is refused where there is none', async () => {
  await expect(s3().send(put('a', 'one', { IfMatch: '"0"' }))).rejects.toMatchObject({
    name: 'NoSuchKey',
    $metadata: { httpStatusCode: 404 },
  });
  expect(await listKeys()).toEqual([]);
});

test('of writes at the same time that each want to be the first, or the next, exactly one is taken', async () => {
  const race = async (round: string, condition: Partial<aws.PutObjectCommandInput>): Promise<readonly string[]> => {
    const writers = Array.from({ length: 12 }, (_, number) => `${round} ${number} `.repeat(30_000));
    const ended = await Promise.allSettled(writers.map((body) => s3().send(put('a', body, condition))));
    const winners = writers.filter((_, index) => ended[index]?.status === 'fulfilled');
    expect(winners).toHaveLength(1);
    expect((await get('a')).text === winners[0]).toBe(true);
    return ended.flatMap((one) => (one.status === 'rejected' ? [(one.reason as Error).name] : []));
  };
  expect(new Set(await race('first', { IfNoneMatch: '*' }))).toEqual(new Set(['PreconditionFailed']));
  const { ETag } = (await get('a')).output;
  expect(new Set(await race('next', { IfMatch: ETag }))).toEqual(new Set(['PreconditionFailed']));
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
