import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { expect, test } from 'vitest';
import type { SourceBucket, TargetBucket } from './bucket.ts';
import { S3Error } from './s3-error.ts';
import { copyObjects } from './transfer.ts';

const origin = { bucket: 'images', account: undefined, endpoint: undefined };
const content = Buffer.from('a photograph');
const md5 = createHash('md5').update(content).digest('hex');
const listed = { key: 'a.jpg', sizeBytes: content.length, etag: md5, modifiedAt: '2026-11-22T23:15:00.000Z' };

function source(bodies: () => Readable, headers: Record<string, string> = {}): SourceBucket {
  return {
    origin,
    list: async function* () {
      yield [listed];
    },
    get: async () => ({ headers, tags: undefined, body: bodies() }),
    head: async () => headers,
    [Symbol.dispose]: () => {},
  };
}

/** A bucket without objects that keeps what is put into it. */
function target(
  store: (headers: Readonly<Record<string, string>>) => { etag: string; opaque: boolean },
): TargetBucket & {
  readonly puts: Readonly<Record<string, string>>[];
} {
  const puts: Readonly<Record<string, string>>[] = [];
  return {
    ...source(() => Readable.from([])),
    list: async function* () {},
    puts,
    put: async (_key, _body, headers) => {
      puts.push(headers);
      return store(headers);
    },
  };
}

test("in a bucket that encrypts with KMS the source's ETag is put beside the object", async () => {
  const sealed = target(() => ({ etag: 'c1f0'.repeat(8), opaque: true }));
  const { copied, failed } = await copyObjects(
    source(() => Readable.from([content])),
    sealed,
  );
  expect({ copied: copied.objects, failed }).toEqual({ copied: 1, failed: 0 });
  expect(sealed.puts.at(-1)).toMatchObject({ 'x-amz-meta-restage-source-etag': md5 });
});

test('an object that was stored otherwise than it was sent is a failure, named', async () => {
  const broken = target(() => ({ etag: 'beef'.repeat(8), opaque: false }));
  const { failures } = await copyObjects(
    source(() => Readable.from([content])),
    broken,
  );
  expect(failures).toEqual([{ key: 'a.jpg', reason: expect.stringContaining('stored other content') }]);
});

test('an object that cannot be written does not leave its body unread', async () => {
  const large = { ...listed, sizeBytes: 10_000_000 };
  const body = Readable.from([content]);
  const denied = target(() => {
    throw new S3Error(403, 'AccessDenied', 'Access Denied');
  });
  const { failures } = await copyObjects(
    {
      ...source(() => body),
      list: async function* () {
        yield [large];
      },
    },
    denied,
  );
  expect(failures).toEqual([{ key: 'a.jpg', reason: 'Access Denied (AccessDenied)' }]);
  expect(body.destroyed).toBe(true);
});
