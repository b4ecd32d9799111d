import { randomBytes } from 'node:crypto';
import {
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  PutObjectCommand,
  type PutObjectCommandInput,
  PutObjectTaggingCommand,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { expect, test } from 'vitest';
import { configOf } from './store/config-of.ts';
import { putRaw } from './store/put-raw.ts';
import { countVersions, readObjects, type SeenObject } from './store/read-objects.ts';
import { store, useStore } from './store/use-store.ts';

useStore();

const mebibyte = 1024 * 1024;

const routes = {
  'the route that is chosen': undefined,
  'the route stream': { images: { route: 'stream' } },
  'the route server': { images: { route: 'server' } },
} as const;

for (const [route, objects] of Object.entries(routes)) {
  test(`objects from no byte to twenty megabytes arrive whole by ${route}, and the second run copies none`, async () => {
    const from = await store.source.createBucket({ readableBy: store.target });
    await put(from, 'empty', '');
    await put(from, 'one byte', 'x');
    await put(from, 'small', randomBytes(300_000), { ContentType: 'image/png', Metadata: { of: 'production' } });
    await put(from, 'twenty megabytes', randomBytes(20_000_000), { CacheControl: 'no-store', Tagging: 'a=b' });
    await expectCopies(from, objects, [0, 1, 300_000, 20_000_000]);
  });

  test(`objects of several parts, and of one, arrive whole by ${route}, and the second run copies none`, async () => {
    const from = await store.source.createBucket({ readableBy: store.target });
    await putParts(from, 'one part', [70_000]);
    await putParts(from, 'three parts', [8 * mebibyte, 8 * mebibyte, 12_345]);
    await expectCopies(from, objects, [70_000, 16 * mebibyte + 12_345]);
  });
}

async function expectCopies(from: string, objects: object | undefined, sizes: readonly number[]): Promise<void> {
  const to = await store.target.createBucket();
  const shell = await configOf(store, {
    buckets: { images: { source: from, target: to } },
    ...(objects ? { objects } : {}),
  });
  const first = await shell.sync();
  expect(first.code, first.stderr).toBe(0);
  const count = sizes.length;
  expect(first.report.figures.objects).toMatchObject({ source: count, copied: count, failed: 0 });
  const expected = await contentsOf('source', from);
  expect(Object.values(expected).map(({ sizeBytes }) => sizeBytes)).toEqual(sizes);
  expect(await contentsOf('target', to)).toEqual(expected);

  const second = await shell.sync();
  expect(second.code, second.stderr).toBe(0);
  expect(second.report.figures.objects).toMatchObject({ source: count, copied: 0, failed: 0 });
  const verified = await shell.restage('verify');
  expect(verified.code, verified.stdout + verified.stderr).toBe(0);
}

test('only what is missing or has changed is copied, and what only the target has stays', async () => {
  const { from, to, shell } = await arrange();
  for (const key of ['a/same', 'b/rewritten', 'c/longer', 'd/gone']) await put(from, key, `first ${key}`);
  await put(to, 'e/of staging alone', 'staging', {}, 'target');
  expect((await shell.sync()).report.figures.objects).toMatchObject({ copied: 4 });

  await put(from, 'b/rewritten', 'other b/rewritten'); // as long as it was
  await put(from, 'c/longer', 'much longer than before');
  await put(from, 'f/new', 'new');
  await store.source.client.send(new DeleteObjectCommand({ Bucket: from, Key: 'd/gone' }));
  const differs = await shell.restage('verify');
  expect(differs.code, differs.stdout + differs.stderr).toBe(4);

  const second = await shell.sync();
  expect(second.code, second.stderr).toBe(0);
  expect(second.report.figures.objects).toMatchObject({ source: 4, copied: 3, failed: 0 });
  const { 'd/gone': gone, 'e/of staging alone': alone, ...rest } = await contentsOf('target', to);
  expect(rest).toEqual(await contentsOf('source', from));
  expect([gone?.sizeBytes, alone?.sizeBytes]).toEqual(['first d/gone'.length, 'staging'.length]);
  const verified = await shell.restage('verify');
  expect(verified.code, verified.stdout + verified.stderr).toBe(0);
});

test('in a versioned target what is overwritten stays behind as a version, and what is the same gets none', async () => {
  const { from, to, shell } = await arrange({ versioned: true });
  for (const key of ['overwritten', 'same']) await put(from, key, `first ${key}`);
  expect((await shell.sync()).code).toBe(0);
  await put(from, 'overwritten', 'other overwritten');
  for (const time of ['once', 'and again']) expect((await shell.sync()).code, time).toBe(0);
  expect(Object.fromEntries(await countVersions(store.target, to))).toEqual({ overwritten: 2, same: 1 });
  expect(await contentsOf('target', to)).toEqual(await contentsOf('source', from));
});

test('what stands in headers and metadata beyond ASCII arrives as the bytes that it was', async () => {
  const { from, to, shell } = await arrange();
  await putRaw(store.source, `/${from}/key`, 'x', {
    'content-disposition': 'attachment; filename="Übersicht — 日本語.pdf"',
    'x-amz-meta-title': 'Grüße 日本語 🎉',
  });
  const { code, stderr } = await shell.sync();
  expect(code, stderr).toBe(0);
  const expected = await contentsOf('source', from);
  expect(expected['key']?.metadata).not.toEqual({});
  expect(await contentsOf('target', to)).toEqual(expected);
});

for (const side of ['source', 'target'] as const)
  test(`a ${side} bucket that is not there is named, with the near one that the account has`, async () => {
    const { from, to } = await arrange();
    const buckets = { source: from, target: to };
    const shell = await configOf(store, { buckets: { images: { ...buckets, [side]: `${buckets[side]}s` } } });
    for (const command of [['plan'], ['sync', '--yes']]) {
      const { code, stderr } = await shell.restage(...command);
      expect(code, stderr).not.toBe(0);
      expect(stderr).toContain(`there is no bucket ${buckets[side]}s`);
      expect(stderr).toContain(`has a bucket ${buckets[side]}`);
    }
  });

test('a source bucket that the keys may not list is named as that, and nothing is written', async () => {
  const { to, shell: readable } = await arrange();
  const foreign = await store.target.createBucket();
  await put(foreign, 'key', 'x', {}, 'target');
  const shell = await configOf(store, { buckets: { images: { source: foreign, target: to } } });
  const { code, stderr } = await shell.restage('sync', '--yes');
  expect(code, stderr).not.toBe(0);
  expect(stderr).toContain(foreign);
  expect(stderr).toContain('AccessDenied');
  expect(await contentsOf('target', to)).toEqual({});
  expect((await readable.restage('plan')).stderr).toContain('lists no object'); // so it was the bucket, not the keys
});

async function arrange({ versioned = false }: { readonly versioned?: boolean } = {}) {
  const from = await store.source.createBucket();
  const to = await store.target.createBucket({ versioned });
  return { from, to, shell: await configOf(store, { buckets: { images: { source: from, target: to } } }) };
}

async function put(
  bucket: string,
  key: string,
  body: Buffer | string,
  more: Partial<PutObjectCommandInput> = {},
  side: 'source' | 'target' = 'source',
): Promise<void> {
  const object = { Bucket: bucket, Key: key, Body: Buffer.from(body), ...more };
  await store[side].client.send(new PutObjectCommand(object));
}

async function putParts(bucket: string, key: string, sizes: readonly number[]): Promise<void> {
  const { client } = store.source;
  const named = { Bucket: bucket, Key: key };
  const given = { ContentType: 'video/mp4', ContentLanguage: 'de', Metadata: { parts: String(sizes.length) } };
  const { UploadId } = await client.send(new CreateMultipartUploadCommand({ ...named, ...given }));
  const Parts = [];
  for (const [index, size] of sizes.entries()) {
    const part = { ...named, UploadId, PartNumber: index + 1, Body: randomBytes(size) };
    Parts.push({ PartNumber: index + 1, ETag: (await client.send(new UploadPartCommand(part))).ETag });
  }
  await client.send(new CompleteMultipartUploadCommand({ ...named, UploadId, MultipartUpload: { Parts } }));
  // By itself: not every store takes tags when the upload begins.
  const Tagging = { TagSet: [{ Key: 'parts', Value: String(sizes.length) }] };
  await client.send(new PutObjectTaggingCommand({ ...named, Tagging }));
}

/** Without what restage may add, and without ETags: where the parts of an object cannot be known they need not meet. */
async function contentsOf(side: 'source' | 'target', bucket: string) {
  const seen = [...(await readObjects(store[side], bucket))].map(([key, { etag: _etag, metadata, ...rest }]) => {
    const { 'restage-source-etag': _remembered, ...own } = metadata;
    return [key, { ...rest, metadata: own }] as const;
  });
  return Object.fromEntries<Omit<SeenObject, 'etag'>>(seen);
}
