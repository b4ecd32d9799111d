import { connect } from 'node:net';
import * as aws from '@aws-sdk/client-s3';
import { expect, test } from 'vitest';
import {
  bucket,
  copy,
  get,
  list,
  listKeys,
  local,
  md5,
  production,
  put,
  s3,
  useLocalAws,
} from './local-aws-fixture.ts';

useLocalAws();

const errorFault = { kind: 'error', status: 503, code: 'SlowDown', message: 'Slow down.' } as const;

async function raw(key: string): Promise<Buffer> {
  const { Body } = await s3().send(new aws.GetObjectCommand({ Bucket: bucket, Key: key }));
  return Buffer.from((await Body?.transformToByteArray()) ?? []);
}

test('a fault that skips one request strikes the second page of a listing', async () => {
  await local.seedObjects(
    bucket,
    ['a', 'b', 'c'].map((key) => ({ key, body: key })),
  );
  await local.inject({ match: { operation: 'ListObjectsV2', bucket }, skip: 1, times: 1, ...errorFault });
  const { NextContinuationToken } = await s3().send(new aws.ListObjectsV2Command({ Bucket: bucket, MaxKeys: 1 }));
  const second = new aws.ListObjectsV2Command({ Bucket: bucket, ContinuationToken: NextContinuationToken });
  await expect(s3().send(second)).rejects.toMatchObject({ name: 'SlowDown' });
  expect((await s3().send(second)).Contents?.map((object) => object.Key)).toEqual(['b', 'c']);
});

test('requests that a fault cannot strike do not use up what it skips', async () => {
  await s3().send(put('a', 'hello'));
  await local.inject({ match: { bucket }, skip: 1, times: 1, kind: 'corrupt-upload' });
  await get('a');
  await list();
  await s3().send(put('b', 'hello'));
  await s3().send(put('c', 'hello'));
  expect((await get('b')).text).toBe('hello');
  expect((await get('c')).text).not.toBe('hello');
});

/** What comes over the wire of an object that everybody may read, and how the connection ends. */
async function wire(key: string): Promise<{ readonly head: string; readonly bodyBytes: number; readonly end: string }> {
  const Statement = { Effect: 'Allow', Principal: '*', Action: 's3:GetObject', Resource: `arn:aws:s3:::${bucket}/*` };
  await s3().send(new aws.PutBucketPolicyCommand({ Bucket: bucket, Policy: JSON.stringify({ Statement }) }));
  const { hostname, port } = new URL(local.endpoint);
  const socket = connect(Number(port), hostname);
  const chunks: Buffer[] = [];
  socket.on('data', (chunk: Buffer) => chunks.push(chunk));
  const ended = new Promise<string>((resolve) => {
    socket.on('end', () => resolve('in good order'));
    socket.on('error', (error) => resolve(error.message));
  });
  socket.write(`GET /${bucket}/${key} HTTP/1.1\r\nhost: localhost\r\n\r\n`);
  const end = await ended;
  socket.destroy();
  const bytes = Buffer.concat(chunks);
  const at = bytes.indexOf('\r\n\r\n') + 4;
  return { head: bytes.toString('latin1', 0, at).toLowerCase(), bodyBytes: bytes.length - at, end };
}

test.each([5_000_001, 1000, 1])(
  'a truncated body of %d bytes: all of it is promised, half of it sent, and the connection ends in good order',
  async (sizeBytes) => {
    await local.seedObjects(bucket, [{ key: 'a', sizeBytes, seed: 7 }]);
    await local.inject({ match: { operation: 'GetObject', bucket }, times: 1, kind: 'truncate-body' });
    const { head, bodyBytes, end } = await wire('a');
    expect(head).toMatch(/^http\/1\.1 200 ok/);
    expect(head).toContain(`content-length: ${sizeBytes}\r\n`);
    expect(bodyBytes).toBe(Math.floor(sizeBytes / 2));
    expect(end).toBe('in good order');
    expect(await raw('a')).toHaveLength(sizeBytes);
  },
);

test('a reset in a body is one to the client', async () => {
  await local.seedObjects(bucket, [{ key: 'a', sizeBytes: 5_000_001, seed: 7 }]);
  await local.inject({ match: { operation: 'GetObject', bucket }, times: 1, kind: 'reset-in-body' });
  expect((await wire('a')).end).toMatch(/ECONNRESET/);
});

test('a truncated listing is half a document', async () => {
  await s3().send(put('a', 'x'));
  await local.inject({ match: { operation: 'ListObjectsV2', bucket }, times: 1, kind: 'truncate-body' });
  await expect(list()).rejects.toThrow(/aborted|ECONNRESET/);
  expect((await list()).KeyCount).toBe(1);
});

test('a corrupt body has all bytes, of which one is another', async () => {
  await local.seedObjects(bucket, [{ key: 'a', sizeBytes: 700_001, seed: 7 }]);
  const good = await raw('a');
  await local.inject({ match: { operation: 'GetObject', bucket }, times: 1, kind: 'corrupt-body' });
  const bad = await raw('a');
  expect(bad).toHaveLength(good.length);
  expect(good.filter((byte, at) => byte !== bad[at])).toHaveLength(1);
  expect(Buffer.compare(await raw('a'), good)).toBe(0);
});

test.each([11, 100_000])('a corrupt upload of %d bytes is stored and answered as if it were right', async (length) => {
  const content = 'x'.repeat(length);
  const ContentMD5 = Buffer.from(md5(content), 'hex').toString('base64');
  await local.inject({ match: { operation: 'PutObject', bucket }, times: 1, kind: 'corrupt-upload' });
  const { ETag } = await s3().send(put('a', content, { ContentMD5 }));
  const { text, output } = await get('a');
  expect(text).toHaveLength(length);
  expect(text).not.toBe(content);
  expect(ETag).toBe(`"${md5(text)}"`);
  expect(output.ETag).toBe(ETag);
});

test('a corrupt copy leaves its source whole, and a part can be corrupt as well', async () => {
  await s3().send(put('a', 'x'.repeat(100_000)));
  await local.inject({ match: { operation: 'CopyObject', bucket }, kind: 'corrupt-upload' });
  const { CopyObjectResult } = await copy('a', 'b');
  await s3().send(new aws.DeleteObjectCommand({ Bucket: bucket, Key: 'b' }));
  expect((await get('a')).text).toBe('x'.repeat(100_000));
  expect(CopyObjectResult?.ETag).not.toBe(`"${md5('x'.repeat(100_000))}"`);

  const { UploadId } = await s3().send(new aws.CreateMultipartUploadCommand({ Bucket: bucket, Key: 'm' }));
  await local.inject({ match: { operation: 'UploadPart', bucket }, kind: 'corrupt-upload' });
  const part = { Bucket: bucket, Key: 'm', UploadId, PartNumber: 1, Body: 'hello' };
  expect((await s3().send(new aws.UploadPartCommand(part))).ETag).not.toBe(`"${md5('hello')}"`);
});

test('a wrong ETag is answered, and what is stored is right', async () => {
  await local.inject({ match: { bucket }, kind: 'wrong-etag' });
  const put1 = await s3().send(put('a', 'hello'));
  const copied = await copy('a', 'b');
  await local.clearFaults();
  const right = `"${md5('hello')}"`;
  expect(put1.ETag).toMatch(/^"[0-9a-f]{32}"$/);
  expect(put1.ETag).not.toBe(right);
  expect(copied.CopyObjectResult?.ETag).not.toBe(right);
  for (const key of ['a', 'b']) expect((await get(key)).output.ETag).toBe(right);

  const { UploadId } = await s3().send(new aws.CreateMultipartUploadCommand({ Bucket: bucket, Key: 'm' }));
  const upload = { Bucket: bucket, Key: 'm', UploadId };
  const { ETag } = await s3().send(new aws.UploadPartCommand({ ...upload, PartNumber: 1, Body: 'hello' }));
  await local.inject({ match: { bucket }, kind: 'wrong-etag' });
  const complete = { ...upload, MultipartUpload: { Parts: [{ PartNumber: 1, ETag }] } };
  const completed = await s3().send(new aws.CompleteMultipartUploadCommand(complete));
  expect(completed.ETag).toMatch(/^"[0-9a-f]{32}-1"$/);
  expect((await get('m')).output.ETag).not.toBe(completed.ETag);
});

test('a copy can fail under status 200, and nothing is stored', async () => {
  await s3().send(put('a', 'hello'));
  const error = { kind: 'error-in-200', code: 'InternalError', message: 'We encountered an internal error.' } as const;
  await local.inject({ match: { bucket }, times: 1, ...error });
  await expect(copy('a', 'b')).rejects.toMatchObject({ name: 'InternalError' });
  const status = (await local.requests()).find((count) => count.operation === 'CopyObject')?.status;
  expect(status).toBe(200);
  expect(await listKeys()).toEqual(['a']);
});

test('so can the copy of a part and the completion of an upload', async () => {
  await s3().send(put('a', 'hello'));
  const { UploadId } = await s3().send(new aws.CreateMultipartUploadCommand({ Bucket: bucket, Key: 'm' }));
  const upload = { Bucket: bucket, Key: 'm', UploadId };
  const error = { kind: 'error-in-200', code: 'InternalError', message: 'We encountered an internal error.' } as const;
  await local.inject({ match: { bucket }, times: 2, ...error });
  const part = new aws.UploadPartCopyCommand({ ...upload, PartNumber: 1, CopySource: `${bucket}/a` });
  await expect(s3().send(part)).rejects.toMatchObject({ name: 'InternalError' });
  expect((await s3().send(new aws.ListPartsCommand(upload))).Parts).toBeUndefined();
  const complete = new aws.CompleteMultipartUploadCommand({ ...upload, MultipartUpload: { Parts: [] } });
  await expect(s3().send(complete)).rejects.toMatchObject({ name: 'InternalError' });
  expect(await listKeys()).toEqual(['a']);
  await s3().send(part);
});

test('an object is changed before it is read, so that If-Match refuses it', async () => {
  const { ETag } = await s3().send(put('a', 'one', { ContentType: 'text/plain' }));
  await local.inject({ match: { operation: 'GetObject', bucket, key: 'a' }, times: 1, kind: 'change', body: 'two' });
  await expect(get('a', s3(), { IfMatch: ETag ?? '' })).rejects.toMatchObject({ name: 'PreconditionFailed' });
  const { text, output } = await get('a');
  expect(text).toBe('two');
  expect(output).toMatchObject({ ETag: `"${md5('two')}"`, ContentType: 'text/plain' });
});

test('an object is removed before it is read, and the source of a copy likewise', async () => {
  await s3().send(put('a', 'one'));
  await s3().send(put('b', 'one'));
  await local.inject({ match: { bucket }, kind: 'remove' });
  await expect(get('a')).rejects.toMatchObject({ name: 'NoSuchKey' });
  await expect(copy('b', 'c')).rejects.toMatchObject({ name: 'NoSuchKey' });
  await local.clearFaults();
  expect(await listKeys()).toEqual([]);
});

test('the server’s clock can be shifted: signatures are refused, and the answer tells the server’s time', async () => {
  await s3().send(put('a', 'x'));
  await local.setClock(20 * 60_000);
  try {
    const skewed = await list().catch((error: unknown) => error);
    expect(skewed).toMatchObject({ name: 'RequestTimeTooSkewed', $metadata: { httpStatusCode: 403 } });
    const date = Date.parse((await fetch(local.endpoint)).headers.get('date') ?? '');
    expect(Math.abs(date - Date.now() - 20 * 60_000)).toBeLessThan(3000);
    const ahead = new aws.S3Client({
      endpoint: local.endpoint,
      region: 'us-west-2',
      credentials: production,
      forcePathStyle: true,
      systemClockOffset: 20 * 60_000,
    });
    await ahead.send(put('b', 'x'));
    const written = (await list(ahead)).Contents?.[1]?.LastModified?.getTime() ?? 0;
    expect(written - Date.now()).toBeGreaterThan(19 * 60_000);
  } finally {
    await local.setClock(0);
  }
  expect((await list()).KeyCount).toBe(2);
});

test('keys that were replaced have expired, and the new ones are good', async () => {
  await s3().send(put('a', 'x'));
  const fresh = { accessKeyId: 'ASIAFRESH', secretAccessKey: 'fresh', sessionToken: 'token' };
  await local.replaceKeys(production.id, fresh);
  try {
    await expect(list()).rejects.toMatchObject({
      name: 'ExpiredToken',
      message: 'The provided token has expired.',
      $metadata: { httpStatusCode: 400 },
    });
    expect((await list(s3(fresh))).KeyCount).toBe(1);
    await expect(list(s3({ ...fresh, sessionToken: 'other' }))).rejects.toMatchObject({ name: 'InvalidToken' });
  } finally {
    await local.replaceKeys(production.id, production);
  }
  await expect(list(s3(fresh))).rejects.toMatchObject({ name: 'ExpiredToken' });
  // The same key id with another secret.
  await local.replaceKeys(production.id, { ...production, secretAccessKey: 'rotated' });
  await expect(list()).rejects.toMatchObject({ name: 'SignatureDoesNotMatch' });
  await local.replaceKeys(production.id, production);
  expect((await list()).KeyCount).toBe(1);
});
