import type { IncomingHttpHeaders } from 'node:http';
import type { Readable } from 'node:stream';
import type { ListedObject, SourceBucket, TargetBucket } from './bucket.ts';
import { S3Error } from './s3-error.ts';
import { again } from './retry.ts';
import { diffBuckets, sourceEtagHeader, type Amount } from './diff.ts';

/** Objects under way at once; as many sockets are needed at each end. */
export const transfersAtOnce = 32;

/** Up to here an object is read whole before it is written, so that one request of small objects is one packet. */
const bufferedBytes = 256 * 1024;

export interface ObjectFailure {
  readonly key: string;
  readonly reason: string;
}

export interface Transferred {
  /** When the listings began, ISO 8601: what is written to the source after that may be missing. */
  readonly listedAt: string;
  readonly copied: Amount;
  readonly unchanged: Amount;
  readonly onlyInTarget: Amount;
  readonly failed: number;
  /** The first of the failures, by key. */
  readonly failures: readonly ObjectFailure[];
}

export interface TransferOptions {
  readonly onObject?: (bytes: number, failed: boolean) => void;
  readonly signal?: AbortSignal | undefined;
}

const failuresNamed = 100;

/**
 * Copies what the target lacks or has otherwise, many at once, while both listings are still being read. An object that
 * cannot be copied is named and counted, and the rest goes on. Nothing is deleted.
 * Throws only where a listing fails.
 */
export async function copyObjects(
  source: SourceBucket,
  target: TargetBucket,
  options: TransferOptions = {},
): Promise<Transferred> {
  const { signal } = options;
  // To the second, as LastModified is.
  const listedAt = new Date(Math.floor(Date.now() / 1000) * 1000).toISOString();
  const total = {
    copied: { objects: 0, bytes: 0 },
    unchanged: { objects: 0, bytes: 0 },
    onlyInTarget: { objects: 0, bytes: 0 },
  };
  const learnt: Learnt = { opaqueEtags: false };
  const failures: ObjectFailure[] = [];
  let failed = 0;
  const underWay = new Set<Promise<void>>();
  const count = (amount: { objects: number; bytes: number }, bytes: number) => {
    amount.objects += 1;
    amount.bytes += bytes;
  };
  const copy = async (object: ListedObject) => {
    try {
      await again(() => copyOnce(source, target, object, learnt, signal), signal);
      count(total.copied, object.sizeBytes);
      options.onObject?.(object.sizeBytes, false);
    } catch (error) {
      failed += 1;
      if (failures.length < failuresNamed) failures.push({ key: object.key, reason: reasonOf(error) });
      options.onObject?.(0, true);
    }
  };
  try {
    for await (const difference of diffBuckets(source, target, signal)) {
      signal?.throwIfAborted();
      if (difference.kind === 'same') count(total.unchanged, difference.source.sizeBytes);
      else if (difference.kind === 'extra') count(total.onlyInTarget, difference.target.sizeBytes);
      else {
        const transfer = copy(difference.source).finally(() => underWay.delete(transfer));
        underWay.add(transfer);
        if (underWay.size >= transfersAtOnce) await Promise.race(underWay);
      }
    }
  } finally {
    await Promise.all(underWay); // also after a listing has failed: nothing is written behind the caller's back
  }
  signal?.throwIfAborted();
  return { listedAt, ...total, failed, failures };
}

/** What is learnt of the target on the way: whether its objects have ETags of their own making. */
interface Learnt {
  opaqueEtags: boolean;
}

/** GET and PUT, to be retried as one: a body that was half read cannot be sent again. */
async function copyOnce(
  source: SourceBucket,
  target: TargetBucket,
  object: ListedObject,
  learnt: Learnt,
  signal: AbortSignal | undefined,
): Promise<void> {
  const { headers, tags, body } = await source.get(object, signal);
  try {
    const plain = isMd5(object.etag) && !/kms/.test(String(headers['x-amz-server-side-encryption'] ?? ''));
    const remember = !plain || learnt.opaqueEtags;
    const sent: Record<string, string> = {
      ...carriedHeaders(headers),
      ...(tags === undefined ? {} : { 'x-amz-tagging': tags }),
      'content-length': String(object.sizeBytes),
      // The ETag of a plain object is its MD5: the store itself refuses what arrives otherwise.
      ...(plain ? { 'content-md5': Buffer.from(object.etag, 'hex').toString('base64') } : {}),
      ...(remember ? { [sourceEtagHeader]: object.etag } : {}),
    };
    const content = object.sizeBytes <= bufferedBytes ? await readWhole(body, object.sizeBytes) : body;
    const stored = await target.put(object.key, content, sent, signal);
    if (stored.opaque && !remember) {
      // Only now it is known that the next run could not tell this object from another: once more, with the ETag beside it.
      learnt.opaqueEtags = true;
      return await copyOnce(source, target, object, learnt, signal);
    }
    if (plain && !stored.opaque && isMd5(stored.etag) && stored.etag !== object.etag)
      throw new Error(`the target stored other content: its ETag is ${stored.etag}, the source's ${object.etag}`);
  } finally {
    body.destroy(); // read to its end, or of no more use: an unread body would keep its socket
  }
}

function isMd5(etag: string): boolean {
  return /^[0-9a-f]{32}$/.test(etag);
}

async function readWhole(body: Readable, expectedBytes: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of body) chunks.push(chunk as Buffer); // no encoding is set, so chunks are buffers
  const whole = chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks);
  if (whole.length !== expectedBytes) throw new Error(`the source sent ${whole.length} of ${expectedBytes} bytes`);
  return whole;
}

const carried = [
  'content-type',
  'cache-control',
  'content-disposition',
  'content-encoding',
  'content-language',
  'expires',
  'x-amz-website-redirect-location',
];

function carriedHeaders(headers: IncomingHttpHeaders): Record<string, string> {
  const kept = Object.entries(headers).filter(
    ([name, value]) => value !== undefined && (carried.includes(name) || name.startsWith('x-amz-meta-')),
  );
  return Object.fromEntries(kept.map(([name, value]) => [name, String(value)]));
}

function reasonOf(error: unknown): string {
  if (error instanceof S3Error && error.code === 'PreconditionFailed')
    return 'it changed at the source while it was being copied';
  if (error instanceof S3Error) return `${error.message} (${error.code})`;
  return error instanceof Error ? error.message : String(error);
}
