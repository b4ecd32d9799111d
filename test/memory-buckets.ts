import { createHash } from 'node:crypto';
import type { Readable } from 'node:stream';
import { Readable as Stream } from 'node:stream';
import { setImmediate } from 'node:timers/promises';
import type { TargetBucket } from '../src/s3/bucket.ts';
import type { ListedObject } from '../src/s3/listing.ts';
import { S3Error } from '../src/s3/s3-error.ts';

/** An object of a bucket in memory, with the headers that it is written or read with. */
export interface MemoryObject extends ListedObject {
  readonly content: Buffer;
  readonly headers: Readonly<Record<string, string>>;
}

/** What a bucket was asked. */
export interface Call {
  readonly act: 'list' | 'get' | 'head' | 'tags' | 'put' | 'copy' | 'remove';
  /** The key; of a listing what the page comes after. */
  readonly key: string;
  /** Of a removal: all the keys. */
  readonly keys?: readonly string[];
}

export interface MemoryBucket extends TargetBucket {
  readonly objects: Map<string, MemoryObject>;
  readonly calls: readonly Call[];
  asked(act: Call['act']): readonly Call[];
  /** The most listings that were under way at once. */
  readonly listers: number;
}

export interface MemorySettings {
  readonly name?: string;
  readonly pageSize?: number;
  /** Done before a call is answered: it may change the bucket, wait, or throw what the call fails with. */
  readonly before?: (call: Call, bucket: MemoryBucket) => unknown;
  /** What the store makes of what it is given; by default the MD5 is the ETag. */
  readonly stores?: (content: Buffer) => { readonly etag: string; readonly opaque: boolean };
}

const madeAt = '2026-11-22T23:15:00.000Z';

export function object(key: string, content: string | Buffer = 'a', more: Partial<MemoryObject> = {}): MemoryObject {
  const bytes = Buffer.from(content);
  const etag = createHash('md5').update(bytes).digest('hex');
  return {
    key,
    content: bytes,
    sizeBytes: bytes.length,
    etag,
    modifiedAt: madeAt,
    storageClass: 'STANDARD',
    headers: {},
    ...more,
  };
}

/** A bucket that answers as S3 does, to see what no server shows: the order and the number of calls, and how they meet. */
export function memoryBucket(held: readonly MemoryObject[], settings: MemorySettings = {}): MemoryBucket {
  const { name = 'shelf', pageSize = 1000 } = settings;
  const stores = settings.stores ?? ((content) => ({ etag: object('', content).etag, opaque: false }));
  const objects = new Map(held.map((one) => [one.key, one]));
  const calls: Call[] = [];
  let [listing, listers] = [0, 0];
  let sorted: readonly string[] | undefined;
  const keys = () => (sorted?.length === objects.size ? sorted : (sorted = inByteOrder([...objects.keys()])));
  const ask = async (call: Call, signal?: AbortSignal) => {
    signal?.throwIfAborted();
    calls.push(call);
    await settings.before?.(call, bucket);
    signal?.throwIfAborted();
  };
  const find = (key: string, code = 'NoSuchKey') => {
    const found = objects.get(key);
    if (!found) throw new S3Error(404, code, 'not here');
    return found;
  };
  const headersOf = ({ etag, sizeBytes, headers }: MemoryObject) => ({
    etag: `"${etag}"`,
    'content-length': String(sizeBytes),
    ...headers,
  });
  const keep = (key: string, content: Buffer, headers: Readonly<Record<string, string>>) => {
    const stored = stores(content);
    if (!objects.has(key)) sorted = undefined;
    objects.set(key, object(key, content, { etag: stored.etag, headers }));
    return stored;
  };
  const bucket: MemoryBucket = {
    origin: { bucket: name, account: '111111111111', endpoint: undefined, region: 'us-west-2' },
    objects,
    calls,
    asked: (act) => calls.filter((call) => call.act === act),
    get listers() {
      return listers;
    },
    list: async ({ prefix = '', after = '', limit = pageSize } = {}, token, signal) => {
      listing += 1;
      listers = Math.max(listers, listing);
      try {
        await ask({ act: 'list', key: token ?? after }, signal);
        await setImmediate(); // as a server's answers, they do not come in the order of the questions
        const start = firstBehind(keys(), token ?? after);
        const first = Math.max(start, firstBehind(keys(), prefix, true));
        const page = keys().slice(first, first + limit);
        const inside = page.filter((key) => key.startsWith(prefix));
        const more = inside.length === limit && keys()[first + limit]?.startsWith(prefix);
        const last = inside.at(-1);
        return {
          objects: inside.map((key) => find(key)).values(),
          lastKey: last,
          ...(more && last !== undefined ? { next: last } : {}),
        };
      } finally {
        listing -= 1;
      }
    },
    get: async ({ key, etag }, _part, signal) => {
      await ask({ act: 'get', key }, signal);
      const found = find(key);
      if (found.etag !== etag) throw new S3Error(412, 'PreconditionFailed', 'another');
      return { headers: headersOf(found), body: Stream.from(found.content.length > 0 ? [found.content] : []) };
    },
    head: async (key, _query, signal) => {
      await ask({ act: 'head', key }, signal);
      return headersOf(find(key, 'NotFound'));
    },
    tags: async (key, signal) => {
      await ask({ act: 'tags', key }, signal);
      return '';
    },
    habits: async () => ({ versioning: 'never', acls: 'off' }),
    requireUnmarked: async () => undefined,
    peek: () => undefined,
    write: {
      put: async (key, body, headers, signal) => {
        await ask({ act: 'put', key }, signal);
        return keep(key, await readAll(body), headers);
      },
      copy: async (key, from, headers, signal) => {
        await ask({ act: 'copy', key }, signal);
        if (from.origin.bucket !== name) throw new S3Error(403, 'AccessDenied', 'Access Denied');
        const found = find(from.key);
        if (found.etag !== from.etag) throw new S3Error(412, 'PreconditionFailed', 'another');
        return keep(key, found.content, headers);
      },
      tag: () => Promise.reject(new Error('objects in memory have no tags')),
      upload: () => Promise.reject(new Error('a bucket in memory takes no upload in parts')),
      remove: async (gone, signal) => {
        await ask({ act: 'remove', key: gone[0] ?? '', keys: [...gone] }, signal);
        if (gone.length > 1000) throw new S3Error(400, 'MalformedXML', 'more than 1,000 keys');
        for (const key of gone) objects.delete(key);
        sorted = undefined;
        return new Map();
      },
    },
    now: () => Date.now(),
    [Symbol.dispose]: () => {},
  };
  return bucket;
}

/** By another way than the code under test. */
function inByteOrder(keys: readonly string[]): string[] {
  return keys
    .map((key) => ({ key, bytes: Buffer.from(key) }))
    .toSorted((a, b) => Buffer.compare(a.bytes, b.bytes))
    .map(({ key }) => key);
}

function firstBehind(keys: readonly string[], bound: string, inclusive = false): number {
  const bytes = Buffer.from(bound);
  let [low, high] = [0, keys.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    const order = Buffer.compare(Buffer.from(keys[middle] ?? ''), bytes);
    if (order > 0 || (inclusive && order === 0)) high = middle;
    else low = middle + 1;
  }
  return low;
}

async function readAll(body: Buffer | Readable): Promise<Buffer> {
  if (Buffer.isBuffer(body)) return body;
  const chunks: Buffer[] = [];
  for await (const chunk of body) chunks.push(chunk as Buffer); // no encoding is set, so chunks are buffers
  return Buffer.concat(chunks);
}

/** Numbers that look like chance and are the same in every run. */
export function chance(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

const letters = [
  [0x20, 0x7e],
  [0x2e, 0x2f],
  [0x01, 0x1f],
  [0xc0, 0x24f],
  [0x300, 0x36f],
  [0xd7f0, 0xd7ff],
  [0xe000, 0xe010],
  [0xfff0, 0xffff],
  [0x10000, 0x1000f],
  [0x1f600, 0x1f64f],
  [0x10fff0, 0x10ffff],
  [0x10ffff, 0x10ffff],
] as const;

/** Text of every sort of character that a key may hold, of all planes of Unicode. */
export function anyText(random: (below: number) => number, length: number): string {
  const letter = () => {
    const [from, to] = letters[random(letters.length)] ?? [0x61, 0x61];
    return String.fromCodePoint(from + random(to - from + 1));
  };
  return Array.from({ length }, letter).join('');
}
