import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { memoryBucket, object, type Call, type MemoryBucket, type MemoryObject } from '../../test/memory-buckets.ts';
import { RestageError } from '../errors.ts';
import { sourceEtagHeader } from './carried.ts';
import { noteOutage } from './retry.ts';
import { S3Error } from './s3-error.ts';
import { everything } from './selection.ts';
import { copyObjects, transfersAtOnce, type Copying, type ObjectOutcome, type TransferOptions } from './transfer.ts';

const streaming: Copying = { selection: everything, keeping: {}, route: 'stream', forced: false };
const photo = object('a.jpg', 'a photograph');
const many = (count: number, content: (index: number) => string = String) =>
  Array.from({ length: count }, (_, index) => object(`k${String(index).padStart(4, '0')}`, content(index)));

async function copy(
  source: MemoryBucket,
  target: MemoryBucket,
  copying: Partial<Copying> = {},
  options: TransferOptions = {},
) {
  const outcomes: ObjectOutcome[] = [];
  let bytes = 0;
  const result = await copyObjects(
    source,
    target,
    { ...streaming, ...copying },
    { onObject: (one) => outcomes.push(one), onBytes: (some) => (bytes += some), ...options },
  );
  expect(outcomes.filter(({ outcome }) => outcome === 'failed')).toHaveLength(result.failed);
  return { ...result, outcomes, bytes };
}

const contents = (bucket: MemoryBucket) =>
  new Map([...bucket.objects].map(([key, { content }]) => [key, String(content)]));
const kms = () => ({ etag: 'c1f0'.repeat(8), opaque: true });

test('what is missing or different is copied, what is the same is left, and nothing is deleted', async () => {
  const source = memoryBucket([object('a', 'new'), object('b', 'b'), object('c', 'c'), object('d', '')]);
  const target = memoryBucket([object('a', 'old'), object('b', 'b'), object('z', 'zz')]);
  const result = await copy(source, target);
  expect(result).toMatchObject({
    copied: { objects: 3, bytes: 4 },
    unchanged: { objects: 1, bytes: 1 },
    onlyInTarget: { objects: 1, bytes: 2 },
    failed: 0,
    failures: [],
    bytes: 4,
  });
  expect(contents(target)).toEqual(new Map([...contents(source), ['z', 'zz']]));
  expect(
    target
      .asked('put')
      .map(({ key }) => key)
      .toSorted(),
  ).toEqual(['a', 'c', 'd']);
  expect(new Set(source.calls.map(({ act }) => act))).toEqual(new Set(['list', 'get']));
});

test('what an object carries arrives with it, under its new name', async () => {
  const headers = { 'content-type': 'image/jpeg', 'x-amz-meta-owner': 'library', 'cache-control': 'max-age=60' };
  const source = memoryBucket([object('old/a', 'x', { headers, storageClass: 'GLACIER_IR' })]);
  const target = memoryBucket([]);
  const selection = { ...everything, renames: { 'old/': 'new/' } };
  const { outcomes } = await copy(source, target, { selection, keeping: { storageClass: 'keep' } });
  expect(outcomes).toEqual([{ key: 'new/a', bytes: 1, outcome: 'copied' }]);
  expect(target.objects.get('new/a')?.headers).toMatchObject({ ...headers, 'x-amz-storage-class': 'GLACIER_IR' });
});

test("in a bucket that encrypts with KMS the source's ETag is put beside the object, and the next run copies nothing", async () => {
  const source = memoryBucket(many(100));
  const target = memoryBucket([], { stores: kms });
  expect(await copy(source, target)).toMatchObject({ copied: { objects: 100 }, failed: 0 });
  for (const { key, etag } of source.objects.values())
    expect(target.objects.get(key)?.headers[sourceEtagHeader], key).toBe(etag);
  // Those that were under way when it was learnt were written twice, and no others.
  const puts = target.asked('put').length;
  expect(puts).toBeGreaterThan(100);
  expect(puts).toBeLessThanOrEqual(100 + 36);
  expect(await copy(source, target)).toMatchObject({ copied: { objects: 0 }, unchanged: { objects: 100 } });
  expect(target.asked('put')).toHaveLength(puts);
});

test("an object whose ETag is not of its content is copied with the source's ETag beside it, and once only", async () => {
  const sealed = object('sealed', 'secret', {
    etag: 'beef'.repeat(8),
    headers: { 'x-amz-server-side-encryption': 'aws:kms' },
  });
  const source = memoryBucket([sealed]);
  const target = memoryBucket([]);
  expect(await copy(source, target)).toMatchObject({ copied: { objects: 1 }, failed: 0 });
  expect(target.asked('put')).toHaveLength(1);
  expect(target.objects.get('sealed')?.headers[sourceEtagHeader]).toBe(sealed.etag);
  expect(target.objects.get('sealed')?.headers).toHaveProperty(
    'content-md5',
    createHash('md5').update('secret').digest('base64'), // of what is sent: the ETag is none of it
  );
  expect(await copy(source, target)).toMatchObject({ copied: { objects: 0 }, unchanged: { objects: 1 } });
});

test('an object without a byte, uploaded in parts, is copied as any other', async () => {
  const source = memoryBucket([object('empty', '', { etag: `${photo.etag}-1` })]);
  const target = memoryBucket([]);
  expect(await copy(source, target)).toMatchObject({ copied: { objects: 1, bytes: 0 }, failed: 0 });
  expect(await copy(source, target)).toMatchObject({ copied: { objects: 0 }, unchanged: { objects: 1 } });
});

test('the store is told the MD5 of what it is sent', async () => {
  const target = memoryBucket([]);
  await copy(memoryBucket([photo]), target);
  expect(target.objects.get('a.jpg')?.headers['content-md5']).toBe(Buffer.from(photo.etag, 'hex').toString('base64'));
});

test('an object that was stored otherwise than it was sent is a failure, named', async () => {
  const target = memoryBucket([], { stores: () => ({ etag: 'beef'.repeat(8), opaque: false }) });
  const { failures, copied, bytes } = await copy(memoryBucket([photo]), target);
  expect(failures).toEqual([{ key: 'a.jpg', reason: expect.stringContaining('stored other content') }]);
  expect([copied.objects, bytes]).toEqual([0, 0]);
});

/** A source whose bodies are these. */
function giving(held: readonly MemoryObject[], body: () => Readable): MemoryBucket {
  const source = memoryBucket(held);
  return { ...source, get: async (one, part, signal) => ({ ...(await source.get(one, part, signal)), body: body() }) };
}

test('an object that cannot be written does not leave its body unread', async () => {
  const body = Readable.from([photo.content]);
  const target = memoryBucket([], {
    before: ({ act }) => {
      if (act === 'put') throw new S3Error(403, 'AccessDenied', 'Access Denied');
    },
  });
  const source = giving([object('a.jpg', 'a photograph', { sizeBytes: 10_000_000 })], () => body);
  const { failures, bytes } = await copy(source, target);
  expect(failures).toEqual([{ key: 'a.jpg', reason: 'Access Denied (AccessDenied)' }]);
  expect([body.destroyed, bytes]).toEqual([true, 0]);
});

test('a body that ends too early is read again, and is never stored', async () => {
  let gets = 0;
  const source = giving([photo], () => Readable.from([photo.content.subarray(0, (gets += 1) < 3 ? 5 : undefined)]));
  const target = memoryBucket([]);
  expect(await copy(source, target)).toMatchObject({ copied: { objects: 1 }, bytes: photo.sizeBytes });
  expect([gets, target.asked('put').length]).toEqual([3, 1]);
});

test('an object that changes between its listing and its copy is copied as it is then', async () => {
  const later = object('a.jpg', 'another photograph, and a larger one');
  const source = memoryBucket([photo], {
    before: ({ act }, bucket) => act === 'get' && bucket.objects.set('a.jpg', later),
  });
  const target = memoryBucket([]);
  expect(await copy(source, target)).toMatchObject({ copied: { objects: 1 }, failed: 0, bytes: later.sizeBytes });
  expect(target.objects.get('a.jpg')?.content).toEqual(later.content);
});

test('an object that goes on changing is named, and the rest is copied', async () => {
  let version = 0;
  const source = memoryBucket([photo, object('b')], {
    before: ({ act, key }, bucket) =>
      act === 'get' && key === 'a.jpg' && bucket.objects.set(key, object(key, `version ${(version += 1)}`)),
  });
  const target = memoryBucket([]);
  const { failures, copied } = await copy(source, target);
  expect(failures).toEqual([{ key: 'a.jpg', reason: 'it changed at the source while it was being read' }]);
  expect([copied.objects, [...target.objects.keys()]]).toEqual([1, ['b']]);
});

test.each([
  ['deleted meanwhile', new S3Error(404, 'NoSuchKey', ''), 'it was deleted at the source since it was listed'],
  [
    'archived',
    new S3Error(403, 'InvalidObjectState', ''),
    'it is archived: it can be read when it has been restored (InvalidObjectState)',
  ],
  ['encrypted by a key that is denied', new S3Error(403, 'AccessDenied', 'kms:Decrypt'), 'kms:Decrypt (AccessDenied)'],
])('an object that is %s is named, and the rest is copied', async (_what, error, reason) => {
  const before = ({ act, key }: Call) => {
    if (act === 'get' && key === 'k0001') throw error;
  };
  const { copied, failures, outcomes } = await copy(memoryBucket(many(3), { before }), memoryBucket([]));
  expect([copied.objects, failures]).toEqual([2, [{ key: 'k0001', reason }]]);
  expect(outcomes.find(({ outcome }) => outcome === 'failed')).toEqual({
    key: 'k0001',
    bytes: 1,
    outcome: 'failed',
    reason,
  });
});

test('of many failures all are told one by one, and a hundred are kept', async () => {
  const before = ({ act }: Call) => {
    if (act === 'get') throw new S3Error(403, 'AccessDenied', 'no');
  };
  const { failed, failures, outcomes } = await copy(memoryBucket(many(250), { before }), memoryBucket([]));
  expect([failed, failures.length, outcomes.length]).toEqual([250, 100, 250]);
});

test.each([
  ['ExpiredToken', new S3Error(400, 'ExpiredToken', 'expired'), 'credentials-failed'],
  ['InvalidAccessKeyId', new S3Error(403, 'InvalidAccessKeyId', 'unknown'), 'credentials-failed'],
  ['NoSuchBucket', new S3Error(404, 'NoSuchBucket', 'gone'), 'bucket-missing'],
  [
    'keys that cannot be renewed',
    new RestageError('credentials-failed', 'the profile gives no keys'),
    'credentials-failed',
  ],
])(
  '%s ends the transfer instead of failing each object',
  async (_what, error, code) => {
    let gets = 0;
    const before = ({ act }: Call) => {
      if (act !== 'get') return;
      gets += 1;
      if (gets > 100) throw error;
    };
    const outcomes: ObjectOutcome[] = [];
    const copying = copy(
      memoryBucket(many(3000), { before, pageSize: 50 }),
      memoryBucket([]),
      {},
      {
        onObject: (one) => outcomes.push(one),
      },
    );
    await expect(copying).rejects.toMatchObject({ code });
    expect(outcomes.filter(({ outcome }) => outcome === 'failed')).toEqual([]);
    // Those that are under way may be tried again a few times, as keys may have been renewed.
    expect(gets).toBeLessThan(100 + 40 * 5 * 2);
  },
  20_000,
);

test('no more objects are under way than there are turns', async () => {
  let [busy, most] = [0, 0];
  const before = async ({ act }: Call) => {
    if (act !== 'get') return;
    busy += 1;
    most = Math.max(most, busy);
    await sleep(1);
    busy -= 1;
  };
  const source = memoryBucket(many(500), { before, pageSize: 20 });
  expect(await copy(source, memoryBucket([]))).toMatchObject({ copied: { objects: 500 }, width: 32 });
  expect(most).toBe(32);
});

test('the listings wait for the copies', async () => {
  let goOn = () => {};
  const open = new Promise<void>((resolve) => (goOn = resolve));
  const source = memoryBucket(many(2000), { pageSize: 20, before: ({ act }) => (act === 'get' ? open : undefined) });
  const copying = copy(source, memoryBucket([]));
  while (source.asked('get').length < transfersAtOnce) await sleep(5);
  await sleep(100); // in which all of the hundred pages would come
  expect(source.asked('list').length).toBeLessThan(10);
  goOn();
  expect(await copying).toMatchObject({ copied: { objects: 2000 } });
});

test('a store that asks to be spared is spared, and everything arrives', async () => {
  let puts = 0;
  const before = ({ act }: Call) => {
    if (act === 'put' && (puts += 1) > 20 && puts < 80) throw new S3Error(503, 'SlowDown', '');
  };
  const result = await copy(memoryBucket(many(200)), memoryBucket([], { before }));
  expect(result).toMatchObject({ copied: { objects: 200 }, failed: 0 });
  expect(result.width).toBeLessThan(32);
}, 30_000);

test('a listing that fails ends the transfer when what is under way has ended', async () => {
  let done = 0;
  let lists = 0;
  const source = memoryBucket(many(100), {
    pageSize: 10,
    before: async ({ act }) => {
      if (act === 'list' && (lists += 1) === 3) throw new S3Error(500, 'InternalError', 'page 3');
      if (act === 'get') await sleep(10);
      if (act === 'get') done += 1;
    },
  });
  const target = memoryBucket([]);
  await expect(copy(source, target)).rejects.toThrow('page 3');
  const [gets, puts] = [done, target.asked('put').length];
  await sleep(30);
  expect([done, target.asked('put').length]).toEqual([gets, puts]);
  expect(puts).toBe(gets);
});

test('a store that is out of reach is told as that, whatever a listing says that is called off for it', async () => {
  const lost = Promise.withResolvers<void>();
  const target = memoryBucket([], {
    before: ({ act }) => {
      if (act !== 'put') return;
      setTimeout(lost.resolve, 5);
      throw noteOutage(new RestageError('bucket-denied', 'no way'));
    },
  });
  const source = memoryBucket(many(100), {
    pageSize: 5,
    before: async ({ act, key }) => {
      if (act !== 'list' || key === '') return;
      await lost.promise;
      throw new Error('The operation was aborted');
    },
  });
  await expect(copy(source, target)).rejects.toMatchObject({
    code: 'objects-failed',
    message: 'a store cannot be reached any more: no way',
  });
});

test('an abort ends it, and what was called off has not failed', async () => {
  const stop = new AbortController();
  const outcomes: ObjectOutcome[] = [];
  const before = async ({ act, key }: Call) => {
    if (act === 'get' && key === 'k0040') stop.abort(new Error('called off'));
    if (act === 'get') await sleep(1);
  };
  const source = memoryBucket(many(500), { before, pageSize: 20 });
  const target = memoryBucket([]);
  await expect(
    copy(source, target, {}, { signal: stop.signal, onObject: (one) => outcomes.push(one) }),
  ).rejects.toThrow('called off');
  // What was under way may have arrived: it is named, and has not failed.
  expect(new Set(outcomes.map(({ outcome }) => outcome))).toEqual(new Set(['copied', 'interrupted']));
  const puts = target.asked('put').length;
  await sleep(30);
  expect(target.asked('put').length).toBe(puts);
});

test('what is overwritten is put aside first, and counted', async () => {
  const target = memoryBucket([object('a', 'old'), object('b', 'b')]);
  const result = await copy(
    memoryBucket([object('a', 'new'), object('b', 'b'), object('c', 'c')]),
    target,
    { selection: { ...everything, backup: 'kept/' } },
    { backup: 'kept/run-1/' },
  );
  expect(result).toMatchObject({
    copied: { objects: 2 },
    backedUp: { objects: 1, bytes: 3 },
    onlyInTarget: { objects: 0 },
  });
  expect(result.outcomes.find(({ key }) => key === 'a')).toMatchObject({
    outcome: 'overwritten',
    backup: 'kept/run-1/a',
  });
  expect(contents(target)).toEqual(new Map(Object.entries({ a: 'new', b: 'b', c: 'c', 'kept/run-1/a': 'old' })));
});

test('what could not be put aside is not overwritten', async () => {
  const target = memoryBucket([object('a', 'old')], {
    before: ({ key }) => {
      if (key === 'kept/1/a') throw new S3Error(403, 'AccessDenied', 'no');
    },
  });
  const { failures } = await copy(memoryBucket([object('a', 'new')]), target, {}, { backup: 'kept/1/' });
  expect(failures).toEqual([{ key: 'a', reason: 'what it overwrites could not be put aside: no (AccessDenied)' }]);
  expect(contents(target)).toEqual(new Map([['a', 'old']]));
});

test('what the store refuses to copy by itself is streamed, unless that way was asked for by name', async () => {
  const source = memoryBucket([photo], { name: 'there' });
  const target = memoryBucket([]);
  expect(await copy(source, target, { route: 'server' })).toMatchObject({
    copied: { objects: 1 },
    bytes: photo.sizeBytes,
  });
  expect(target.asked('copy').length).toBeGreaterThan(0);
  const other = memoryBucket([]);
  const { failures } = await copy(source, other, { route: 'server', forced: true });
  expect(failures).toEqual([{ key: 'a.jpg', reason: 'Access Denied (AccessDenied)' }]);
  expect([source.asked('get').length, other.objects.size]).toEqual([1, 0]);
});
