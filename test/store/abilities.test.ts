import { Readable } from 'node:stream';
import {
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  CreateMultipartUploadCommand,
  GetBucketOwnershipControlsCommand,
  GetObjectAttributesCommand,
  GetObjectCommand,
  GetObjectTaggingCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
  UploadPartCommand,
  UploadPartCopyCommand,
} from '@aws-sdk/client-s3';
import { expect, test } from 'vitest';
import type { Ability } from './abilities.ts';
import { store, storeName, useStore } from './use-store.ts';

useStore();

const body = 'some text';
const wrongEtag = `"${'0'.repeat(32)}"`;

/** Whether the store can, by trying. A refusal by the store is a no; any other error fails the test. */
const tries: Readonly<Record<Exclude<Ability, 'faults'>, () => Promise<boolean>>> = {
  archive: async () => {
    let put: Named | undefined;
    if (!(await isTaken(async () => (put = await putObject({ StorageClass: 'GLACIER' }))))) return false;
    return !(await isTaken(() => store.source.client.send(new GetObjectCommand({ ...(put as Named) }))));
  },
  checksums: async () => {
    const { Bucket, Key } = await putObject({ ChecksumAlgorithm: 'SHA256' });
    const head = await store.source.client.send(new HeadObjectCommand({ Bucket, Key, ChecksumMode: 'ENABLED' }));
    return head.ChecksumSHA256 !== undefined;
  },
  'copy-if-match': async () => !(await isTaken(() => copyObject({ CopySourceIfMatch: wrongEtag }))),
  'copy-part-of-another-owner': () =>
    isTaken(async () => {
      const { client } = store.target;
      const { Bucket, Key } = await putObject();
      const named = { Bucket: await store.target.createBucket(), Key: 'parts' };
      const { UploadId } = await client.send(new CreateMultipartUploadCommand(named));
      await client.send(
        new UploadPartCopyCommand({ ...named, UploadId, PartNumber: 1, CopySource: `${Bucket}/${Key}` }),
      );
    }),
  'expected-owner': async () => {
    const Bucket = await store.source.createBucket();
    const list = new ListObjectsV2Command({ Bucket, ExpectedBucketOwner: '999999999999' });
    return !(await isTaken(() => store.source.client.send(list)));
  },
  kms: () => isTaken(() => putObject({ ServerSideEncryption: 'aws:kms' })),
  'multipart-etag': async () => (await putMultipart()).answeredEtag !== '',
  'object-attributes': async () => {
    const { Bucket, Key } = await putObject();
    const asked = new GetObjectAttributesCommand({ Bucket, Key, ObjectAttributes: ['ObjectSize'] });
    // What may come instead is no XML at all.
    const answer = await store.source.client.send(asked).catch(() => undefined);
    return answer?.ObjectSize === body.length;
  },
  'ownership-controls': async () => {
    const { client } = store.source;
    const Bucket = await store.source.createBucket();
    const { OwnershipControls } = await client.send(new GetBucketOwnershipControlsCommand({ Bucket }));
    return OwnershipControls?.Rules?.[0]?.ObjectOwnership !== undefined;
  },
  'part-number': async () => {
    const { Bucket, Key } = await putMultipart();
    const head = await store.source.client.send(new HeadObjectCommand({ Bucket, Key, PartNumber: 1 }));
    return head.PartsCount === 1;
  },
  'retag-while-copying': async () => {
    const named = await copyObject({ MetadataDirective: 'REPLACE', TaggingDirective: 'REPLACE', Tagging: 'a=b' });
    return (await tagsOf(store.target.client, named)) === 'a=b';
  },
  'storage-class': () => isTaken(() => putObject({ StorageClass: 'STANDARD_IA' })),
  'streamed-chunks': () =>
    isTaken(() => putObject({ Body: Readable.from([Buffer.from(body)]), ContentLength: body.length }, chunking())),
  'tag-multipart': async () => (await tagsOf(store.source.client, await putMultipart({ Tagging: 'a=b' }))) === 'a=b',
};

for (const [ability, can] of Object.entries(tries))
  test(`${storeName} is known rightly for what it can: ${ability}`, async () => {
    const lacks = store.lacks[ability as Ability]; // a key of the table above
    expect(await can()).toBe(lacks === undefined);
  });

test('an ordinary bucket of another owner cannot be read, one that is shared can, and neither can be written', async () => {
  const { source, target } = store;
  const own = await source.createBucket();
  const shared = await source.createBucket({ readableBy: target });
  for (const Bucket of [own, shared])
    expect(await isTaken(() => target.client.send(new PutObjectCommand({ Bucket, Key: 'a', Body: body })))).toBe(false);
  expect(await isTaken(() => target.client.send(new ListObjectsV2Command({ Bucket: own })))).toBe(false);
  expect(await isTaken(() => target.client.send(new ListObjectsV2Command({ Bucket: shared })))).toBe(true);
});

interface Named {
  readonly Bucket: string;
  readonly Key: string;
}

type Put = Partial<ConstructorParameters<typeof PutObjectCommand>[0]>;

/** An object of the source's that the target may read. */
async function putObject(settings: Put = {}, client = store.source.client): Promise<Named> {
  const named = { Bucket: await store.source.createBucket({ readableBy: store.target }), Key: 'key' };
  await client.send(new PutObjectCommand({ ...named, Body: body, ...settings }));
  return named;
}

async function putMultipart(settings: { readonly Tagging?: string } = {}): Promise<Named & { answeredEtag: string }> {
  const { client } = store.source;
  const named = { Bucket: await store.source.createBucket(), Key: 'parts' };
  const { UploadId } = await client.send(new CreateMultipartUploadCommand({ ...named, ...settings }));
  const upload = { ...named, UploadId };
  const { ETag } = await client.send(new UploadPartCommand({ ...upload, PartNumber: 1, Body: body }));
  const done = await client.send(
    new CompleteMultipartUploadCommand({ ...upload, MultipartUpload: { Parts: [{ PartNumber: 1, ETag }] } }),
  );
  return { ...named, answeredEtag: done.ETag ?? '' };
}

/** By the target, of an object that the source shares. */
async function copyObject(settings: Partial<ConstructorParameters<typeof CopyObjectCommand>[0]>): Promise<Named> {
  const { Bucket, Key } = await putObject({ Tagging: 'old=tag' });
  const named = { Bucket: await store.target.createBucket(), Key };
  await store.target.client.send(new CopyObjectCommand({ ...named, CopySource: `${Bucket}/${Key}`, ...settings }));
  return named;
}

async function tagsOf(client: S3Client, { Bucket, Key }: Named): Promise<string> {
  const { TagSet = [] } = await client.send(new GetObjectTaggingCommand({ Bucket, Key }));
  return TagSet.map((tag) => `${tag.Key}=${tag.Value}`).join('&');
}

/** A client that sends streams as the SDK does unless told otherwise. */
function chunking(): S3Client {
  const { endpoint, region, accessKeyId, secretAccessKey } = store.source;
  return new S3Client({ endpoint, region, forcePathStyle: true, credentials: { accessKeyId, secretAccessKey } });
}

async function isTaken(send: () => Promise<unknown>): Promise<boolean> {
  try {
    await send();
    return true;
  } catch (error) {
    const status = (error as { $metadata?: { httpStatusCode?: number } }).$metadata?.httpStatusCode;
    if (status === undefined || status < 400 || (status >= 500 && status !== 501)) throw error;
    return false;
  }
}
