import { randomBytes } from 'node:crypto';
import { HeadObjectCommand } from '@aws-sdk/client-s3';
import { beforeEach, expect } from 'vitest';
import {
  aws,
  countRequests,
  expectAllCopied,
  expectFailed,
  expectNothingLeft,
  type Pair,
  pairOf,
  strike,
} from './objects-scene.ts';
import { needs, store, useStore } from './store/use-store.ts';

useStore();
const keyed = needs('kms', 'faults');

beforeEach(async () => store.aws?.clearFaults());

const parts = [randomBytes(5 * 1024 ** 2), randomBytes(999)];
const keys = ['empty', 'small', 'middle', 'parts'];

async function fill(pair: Pair): Promise<void> {
  await pair.put('empty', '');
  await pair.put('small', 'x', { Tagging: 'a=b', Metadata: { of: 'production' } });
  await pair.put('middle', randomBytes(400_000), { ContentType: 'image/png' });
  await pair.putParts('parts', parts);
}

/** What the target says of each object: its key of KMS, and the source's ETag where it is remembered. */
async function expectKept(
  pair: Pair,
  expected: { readonly key?: string; readonly remembered: boolean },
): Promise<void> {
  for (const Key of keys) {
    const source = await store.source.client.send(new HeadObjectCommand({ Bucket: pair.from, Key }));
    const target = await pair.head(Key);
    expect(target.SSEKMSKeyId, Key).toEqual(
      expected.key === undefined ? undefined : expect.stringContaining(expected.key),
    );
    const remembered = target.Metadata?.['restage-source-etag'];
    expect(remembered === undefined ? undefined : `"${remembered}"`, Key).toBe(
      expected.remembered ? source.ETag : undefined,
    );
    if (!expected.remembered) expect(target.ETag, Key).toBe(source.ETag);
  }
}

for (const route of ['stream', 'server'] as const) {
  const readable = () => ({ readableBy: store.target });

  keyed(
    `a target bucket that encrypts with KMS: each ETag is remembered, the second run copies nothing and says so, by the route ${route}`,
    async () => {
      const pair = await pairOf({ objects: { route }, source: readable(), target: { kmsKey: 'k-target' } });
      await fill(pair);
      await expectAllCopied(pair, await pair.refresh());
      await expectKept(pair, { key: 'k-target', remembered: true });
      await aws().resetRequests();
      const second = await pair.shell.restage('sync', '--yes');
      expect(second.code, second.stderr).toBe(0);
      expect(second.stdout + second.stderr).toMatch(/unchanged +4 objects/);
      expect(second.stdout + second.stderr).toContain('nothing is to be done');
      const { ListObjectsV2: _lists, ...asked } = await countRequests(pair.to);
      expect(asked).toEqual({ HeadObject: 4, GetBucketTagging: 1 });
    },
  );

  keyed(
    `in such a bucket what has changed is seen, though it is as long as it was, by the route ${route}`,
    async () => {
      const pair = await pairOf({ objects: { route }, source: readable(), target: { kmsKey: 'k-target' } });
      await fill(pair);
      await pair.refresh();
      await pair.put('small', 'y', { Metadata: { of: 'production' } });
      await pair.putParts(
        'parts',
        parts.map((body) => Buffer.from(body).fill(0, 0, 9)),
      );
      const second = await pair.refresh();
      expect(second.outcomes.map(({ key }) => key).toSorted()).toEqual(['parts', 'small']);
      await expectAllCopied(pair, second);
      await expectKept(pair, { key: 'k-target', remembered: true });
      await expectNothingLeft(pair);
    },
  );

  keyed(
    `the key of KMS that is configured is used, and the second run copies nothing, by the route ${route}`,
    async () => {
      const pair = await pairOf({ objects: { route, encryption: { kmsKey: 'k-named' } }, source: readable() });
      await fill(pair);
      await expectAllCopied(pair, await pair.refresh());
      await expectKept(pair, { key: 'k-named', remembered: true });
      await expectNothingLeft(pair);
    },
  );

  keyed(
    `AES256 that is configured is used in a bucket that encrypts with KMS, and ETags meet, by the route ${route}`,
    async () => {
      const pair = await pairOf({
        objects: { route, encryption: 'AES256' },
        source: readable(),
        target: { kmsKey: 'k-target' },
      });
      await fill(pair);
      await expectAllCopied(pair, await pair.refresh());
      await expectKept(pair, { remembered: false });
      await expectNothingLeft(pair);
    },
  );

  keyed(
    `what KMS encrypts at the source is copied whole, its ETag remembered, once, by the route ${route}`,
    async () => {
      const pair = await pairOf({ objects: { route }, source: { ...readable(), kmsKey: 'k-source' } });
      await fill(pair);
      await expectAllCopied(pair, await pair.refresh());
      await expectKept(pair, { remembered: true });
      await expectNothingLeft(pair);
      await pair.put('small', 'z');
      const second = await pair.refresh();
      expect(second.outcomes.map(({ key }) => key)).toEqual(['small']);
    },
  );

  keyed(`KMS at both ends: all is copied whole and remembered, by the route ${route}`, async () => {
    const pair = await pairOf({
      objects: { route },
      source: { ...readable(), kmsKey: 'k-source' },
      target: { kmsKey: 'k-target' },
    });
    await fill(pair);
    await expectAllCopied(pair, await pair.refresh());
    await expectKept(pair, { key: 'k-target', remembered: true });
    await expectNothingLeft(pair);
  });

  keyed(
    `a key that the target may not use: each object is named with the server's words, by the route ${route}`,
    async () => {
      const pair = await pairOf({ objects: { route, encryption: { kmsKey: 'k-denied' } }, source: readable() });
      await fill(pair);
      await aws().denyKmsKey('k-denied', [store.target.account ?? '']);
      const refreshed = await pair.refresh();
      await expectFailed(pair, refreshed, keys);
      for (const reason of Object.values(refreshed.failed)) expect(reason).toContain('kms:GenerateDataKey');
      expect(await pair.contents('target')).toEqual({});
    },
  );
}

keyed(
  'a key of the source that the target may not use: such objects are streamed, the others are copied by the store',
  async () => {
    const pair = await pairOf({ source: { readableBy: store.target } });
    await pair.put('a plain', 'x');
    await pair.put('encrypted', 'y', { ServerSideEncryption: 'aws:kms', SSEKMSKeyId: 'k-shut' });
    await aws().denyKmsKey('k-shut', [store.target.account ?? '']);
    await aws().resetRequests();
    const refreshed = await pair.refresh();
    expect(await countRequests(pair.from)).toMatchObject({ GetObject: 2 }); // one of them to try the way
    expect(refreshed.planned.objects[0]?.route?.kind).toBe('server');
    await expectAllCopied(pair, refreshed);
  },
);

keyed('what KMS encrypts at the source and the store keeps wrong is never called done', async () => {
  const pair = await pairOf({ objects: { route: 'stream' }, source: { kmsKey: 'k-source' } });
  for (const [key, bytes] of Object.entries({ small: 10, middle: 400_000 })) await pair.put(key, randomBytes(bytes));
  const refreshed = await pair.refresh(() => strike({ operation: 'PutObject' }, { kind: 'corrupt-upload' }));
  await expectFailed(pair, refreshed, ['small', 'middle']);
});
