import * as aws from '@aws-sdk/client-s3';
import { beforeEach, expect, test } from 'vitest';
import { bucket, local, md5, production, s3, useLocalAws } from './local-aws-fixture.ts';

useLocalAws();

let many: string;
beforeEach(async () => {
  many = `${bucket}-many`;
  await local.createBucket({ name: many, account: production.id, synthesized: { objects: 4200 } });
});

async function listAll(more: Partial<aws.ListObjectsV2CommandInput> = {}, Bucket = many) {
  const objects: aws.ListObjectsV2CommandOutput['Contents'] = [];
  const prefixes: (string | undefined)[] = [];
  for await (const page of aws.paginateListObjectsV2({ client: s3() }, { Bucket, ...more })) {
    objects.push(...(page.Contents ?? []));
    prefixes.push(...(page.CommonPrefixes ?? []).map((common) => common.Prefix));
  }
  return { objects, prefixes, keys: objects.map((object) => object.Key ?? '') };
}

const inByteOrder = (left: string, right: string): number => Buffer.compare(Buffer.from(left), Buffer.from(right));

test('a synthesized bucket lists all its keys in byte order, whatever the size of a page', async () => {
  const { keys } = await listAll();
  expect(keys).toHaveLength(4200);
  expect(keys).toEqual([...new Set(keys)].toSorted(inByteOrder));
  expect((await listAll({ MaxKeys: 333 })).keys).toEqual(keys);
});

test('prefix, delimiter and start-after are those of any bucket', async () => {
  const { keys } = await listAll();
  const Prefix = 'users/Zoë 00';
  expect((await listAll({ Prefix })).keys).toEqual(keys.filter((key) => key.startsWith(Prefix)));
  const start = keys[2345] ?? '';
  expect((await listAll({ StartAfter: start })).keys).toEqual(keys.slice(2346));
  const top = await listAll({ Delimiter: '/', MaxKeys: 3 });
  expect(top.prefixes).toEqual(['books/', 'images/', 'users/', '日本語/']);
  expect(top.keys).toEqual(keys.filter((key) => !key.includes('/')));
  const deep = keys.filter((key) => key.startsWith('日本語/'));
  const folders = new Set(deep.map((key) => key.slice(0, key.lastIndexOf('/') + 1)));
  expect((await listAll({ Prefix: '日本語/', Delimiter: '/' })).prefixes).toEqual([...folders]);
});

test('its objects can be read, and the ETag that is listed is the MD5 of the content', async () => {
  const { objects } = await listAll();
  for (const { Key, ETag, Size, LastModified } of [objects[0], objects[1717], objects[4199]].map((one) => one ?? {})) {
    const output = await s3().send(new aws.GetObjectCommand({ Bucket: many, Key }));
    const bytes = (await output.Body?.transformToByteArray()) ?? new Uint8Array();
    expect(bytes).toHaveLength(Size ?? 0);
    expect(`"${md5(bytes)}"`).toBe(ETag);
    expect(output).toMatchObject({ ETag, LastModified, ContentType: 'image/jpeg' });
  }
  await expect(s3().send(new aws.HeadObjectCommand({ Bucket: many, Key: 'books/none' }))).rejects.toMatchObject({
    name: 'NotFound',
  });
});

test('two synthesized buckets differ as they were told to', async () => {
  const name = `${bucket}-other`;
  const synthesized = { objects: 4200, differEvery: 1000, missingEvery: 700 };
  await local.createBucket({ name, account: production.id, synthesized });
  const left = new Map((await listAll()).objects.map((object) => [object.Key, object]));
  const { objects } = await listAll({}, name);
  expect(objects).toHaveLength(4200 - 6);
  const changed = objects.filter(({ Key, ETag }) => left.get(Key)?.ETag !== ETag);
  expect(changed).toHaveLength(5);
  for (const { Key, Size } of changed) expect(left.get(Key)?.Size).toBe(Size);
});

test('nothing in it can be written, tagged or deleted', async () => {
  const { keys } = await listAll({ MaxKeys: 1000, Prefix: 'books/' });
  const Key = keys[0] ?? '';
  const refused = { name: 'AccessDenied', message: /read only/ };
  const client = s3();
  const denied = async (sent: Promise<unknown>) => {
    const error: unknown = await sent.then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
    expect(error).toMatchObject({ name: refused.name, message: expect.stringMatching(refused.message) });
  };
  await denied(client.send(new aws.PutObjectCommand({ Bucket: many, Key: 'new', Body: 'x' })));
  await denied(client.send(new aws.DeleteObjectCommand({ Bucket: many, Key })));
  await denied(client.send(new aws.DeleteObjectsCommand({ Bucket: many, Delete: { Objects: [{ Key }] } })));
  const Tagging = { TagSet: [{ Key: 'a', Value: 'b' }] };
  await denied(client.send(new aws.PutObjectTaggingCommand({ Bucket: many, Key, Tagging })));
  await denied(client.send(new aws.CreateMultipartUploadCommand({ Bucket: many, Key: 'new' })));
  expect((await listAll()).keys).toHaveLength(4200);
});
