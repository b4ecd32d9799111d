import { setImmediate, setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { memoryBucket, object, type MemoryBucket, type MemoryObject } from '../../test/memory-buckets.ts';
import { sourceEtagHeader } from './carried.ts';
import { countDifferences, diffBuckets } from './diff.ts';
import { S3Error } from './s3-error.ts';
import { everything } from './selection.ts';
import type { SourceBucket } from './bucket.ts';

const etag = (text: string) => text.padEnd(32, '0');
const pair = (source: SourceBucket, target: SourceBucket) => ({ source, target, selection: everything });
const buckets = (source: readonly MemoryObject[], target: readonly MemoryObject[]) =>
  pair(memoryBucket(source), memoryBucket(target));
const remembering = (key: string, sourceEtag: string) =>
  object(key, 'aaaa', { headers: { [sourceEtagHeader]: sourceEtag } });
const heads = (bucket: SourceBucket) => (bucket as MemoryBucket).asked('head').map(({ key }) => key);

async function diff(both: ReturnType<typeof pair>): Promise<string[]> {
  const found: string[] = [];
  await diffBuckets(both, ({ kind, key }) => void found.push(`${kind} ${key}`));
  return found;
}

test('an object is missing, changed, the same or extra', async () => {
  const source = [object('a'), object('b'), object('c', 'new'), object('e'), object('\ufffd')];
  const target = [object('a'), object('c', 'old!'), object('d'), object('e', 'aa'), object('\u{1f600}')];
  expect(await diff(buckets(source, target))).toEqual([
    'same a',
    'missing b',
    'changed c',
    'extra d',
    'changed e',
    'missing \ufffd',
    'extra \u{1f600}',
  ]);
});

test('a difference holds both objects, and the key of the target', async () => {
  const both = {
    ...buckets([object('old/a'), object('old/b')], [object('new/a', 'other'), object('x')]),
    selection: { ...everything, renames: { 'old/': 'new/' } },
  };
  const found: object[] = [];
  await diffBuckets(both, (one) => void found.push(one));
  expect(found).toHaveLength(3);
  expect(found).toEqual(
    expect.arrayContaining([
      { kind: 'changed', key: 'new/a', source: object('old/a'), target: object('new/a', 'other') },
      { kind: 'missing', key: 'new/b', source: object('old/b') },
      { kind: 'extra', key: 'x', target: object('x') },
    ]),
  );
});

test('keys that only look alike are two keys', async () => {
  const name = 'caf\u00e9';
  expect(await diff(buckets([object(name.normalize('NFC'))], [object(name.normalize('NFD'))]))).toEqual([
    `extra ${name.normalize('NFD')}`,
    `missing ${name.normalize('NFC')}`,
  ]);
});

test('an empty side leaves everything missing, or everything extra', async () => {
  const full = [object('a'), object('b')];
  expect(await diff(buckets(full, []))).toEqual(['missing a', 'missing b']);
  expect(await diff(buckets([], full))).toEqual(['extra a', 'extra b']);
  expect(await diff(buckets([], []))).toEqual([]);
});

test('an ETag of many parts is looked for in the metadata of the target', async () => {
  const parts = `${etag('f')}-7`;
  const source = [object('big', 'aaaa', { etag: parts })];
  expect(await diff(buckets(source, [remembering('big', parts)]))).toEqual(['same big']);
  expect(await diff(buckets(source, [remembering('big', `${etag('e')}-7`)]))).toEqual(['changed big']);
  expect(await diff(buckets(source, [object('big', 'aaaa')]))).toEqual(['changed big']);
});

test('an object that was encrypted with KMS is the same where the target remembers its ETag', async () => {
  // Its ETag is 32 digits, but not the MD5 that the copy's will be: copyObjects remembers it in the copy's metadata.
  const source = [object('sealed', 'aaaa', { etag: etag('c1f0') })];
  expect(await diff(buckets(source, [remembering('sealed', etag('c1f0'))]))).toEqual(['same sealed']);
});

test('no request is spent on an object that size or ETag decide', async () => {
  const both = buckets(
    [object('a'), object('b', 'a', { etag: `${etag('f')}-2` })],
    [object('a'), object('b', 'another size')],
  );
  await diff(both);
  expect(heads(both.target)).toEqual([]);
});

test('what is to be asked for is asked for at once, some dozens at most, and never at the source', async () => {
  const old = Array.from({ length: 500 }, (_, index) => object(`k${index}`, 'old'));
  const source = memoryBucket(old.map(({ key }) => object(key, 'new')));
  let [busy, most] = [0, 0];
  const target = memoryBucket(old, {
    before: async ({ act }) => {
      if (act !== 'head') return;
      busy += 1;
      most = Math.max(most, busy);
      await sleep(1);
      busy -= 1;
    },
  });
  expect(await diff(pair(source, target))).toHaveLength(500);
  expect(heads(target)).toHaveLength(500);
  expect(heads(source)).toEqual([]);
  expect(most).toBe(32);
});

test('a request that fails ends the diff with its error, and nothing goes on behind', async () => {
  const old = Array.from({ length: 200 }, (_, index) => object(`k${String(index).padStart(3, '0')}`, 'old'));
  const source = memoryBucket(old.map(({ key }) => object(key, 'new')));
  let ended = 0;
  const target = memoryBucket(old, {
    before: async ({ act, key }) => {
      if (act !== 'head') return;
      await sleep(key === 'k050' ? 1 : 5);
      ended += 1;
      if (key === 'k050') throw new S3Error(500, 'InternalError', 'broken');
    },
  });
  await expect(diff(pair(source, target))).rejects.toThrow('broken');
  expect(ended).toBe(heads(target).length);
  expect(ended).toBeLessThan(150);
});

// Deleted since it was listed, or encrypted by a key that restage has not.
test.each([
  new S3Error(404, 'NotFound', 'HTTP 404'),
  new S3Error(400, 'HTTP 400', 'HTTP 400'),
  new S3Error(403, 'AccessDenied', 'HTTP 403'),
])('an object of the target that tells nothing of itself is not the same (%#)', async (error) => {
  const target = memoryBucket([object('a', 'old'), object('b')], {
    before: ({ act }) => {
      if (act === 'head') throw error;
    },
  });
  expect(await diff(pair(memoryBucket([object('a', 'new'), object('b')]), target))).toEqual(['same b', 'changed a']);
});

test('the listings wait for a visitor that gives promises, also for what had to be asked for', async () => {
  const objects = Array.from({ length: 300 }, (_, index) => object(`k${index}`, index % 2 ? 'old' : 'a'));
  const both = pair(memoryBucket(objects), memoryBucket(objects.map(({ key }) => object(key, 'new'))));
  let [busy, most, seen] = [0, 0, 0];
  await diffBuckets(both, async () => {
    busy += 1;
    most = Math.max(most, busy);
    await setImmediate();
    busy -= 1;
    seen += 1;
  });
  expect([seen, busy]).toEqual([300, 0]);
  expect(most).toBeLessThanOrEqual(33);
});

test('a visitor that fails ends the diff with its error', async () => {
  const both = buckets([object('a', 'new'), object('b')], [object('a', 'old')]);
  for (const wrong of ['a', 'b'])
    await expect(
      diffBuckets(both, async ({ key }) => {
        if (key === wrong) throw new Error(`no ${key}`);
      }),
    ).rejects.toThrow(`no ${wrong}`);
});

test('the totals count objects and bytes of each kind, and of each side as it is', async () => {
  const sized = (key: string, content: string, sizeBytes: number) => object(key, content, { sizeBytes });
  const source = [sized('a', 'a', 1), sized('b', 'b', 20), sized('c', 'c', 300)];
  const target = [sized('b', 'x', 50), sized('c', 'c', 300), sized('d', 'd', 4000), sized('e', 'e', 0)];
  expect(await countDifferences(buckets(source, target))).toEqual({
    missing: { objects: 1, bytes: 1 },
    changed: { objects: 1, bytes: 20 },
    same: { objects: 1, bytes: 300 },
    extra: { objects: 2, bytes: 4000 },
    newer: { objects: 0, bytes: 0 },
    source: { objects: 3, bytes: 321 },
    target: { objects: 4, bytes: 4350 },
    examples: ['a', 'b'],
  });
});

test('what was written to the source after the copy had listed it is no difference of the copy', async () => {
  const late = { modifiedAt: '2026-11-22T23:16:00.000Z' };
  const source = [object('early'), object('late', 'a', late), object('other', 'new', late), object('same', 'a', late)];
  const both = buckets(source, [object('other', 'older'), object('same')]);
  expect(await countDifferences(both, { until: '2026-11-22T23:15:30.000Z' })).toMatchObject({
    missing: { objects: 1 },
    changed: { objects: 0 },
    newer: { objects: 2 },
    same: { objects: 1 },
    source: { objects: 4 },
    target: { objects: 2 },
  });
});
