import type { IncomingHttpHeaders } from 'node:http';
import type { Readable } from 'node:stream';
import { listError } from './bucket-error.ts';
import { taggingHeader } from './carried.ts';
import { readXml, s3Client, type S3Client, type S3Request, type S3Response, type S3Settings } from './client.ts';
import { listPage, type ListedObject, type ListPage, type ListRange } from './listing.ts';
import type { BucketOrigin } from './origin.ts';
import type { Part } from './parts.ts';
import { readHabits, type BucketHabits } from './habits.ts';
import { isMarked, protectedBucket, readBucketTags } from './protected-marker.ts';
import { again } from './retry.ts';
import { S3Error } from './s3-error.ts';
import { bucketWriter, type BucketWriter } from './writer.ts';

export interface FetchedObject {
  readonly headers: IncomingHttpHeaders;
  /** Must be read to its end or destroyed. */
  readonly body: Readable;
}

/** A bucket of production. No write method exists, and its client refuses every verb but GET and HEAD. */
export interface SourceBucket extends Disposable {
  readonly origin: BucketOrigin;
  /** A page of the listing, in UTF-8 byte order of the keys; `token` is the `next` of the page before. */
  list(range?: ListRange, token?: string, signal?: AbortSignal): Promise<ListPage>;
  /** The object or a part of it, if it is still the one that was listed. */
  get(object: ListedObject, part?: Part, signal?: AbortSignal): Promise<FetchedObject>;
  /** Headers of an object; with `partNumber` those of that part of its upload. `onFailure` hears of each try. */
  head(
    key: string,
    query?: { readonly partNumber?: string },
    signal?: AbortSignal,
    onFailure?: (error: unknown) => void,
  ): Promise<IncomingHttpHeaders>;
  /** The time by the store's clock, in milliseconds: what it says of when an object was written is told by that. */
  now(): number;
  /** `k1=v1&k2=v2`, as the x-amz-tagging header wants them; empty where there are none. */
  tags(key: string, signal?: AbortSignal, onFailure?: (error: unknown) => void): Promise<string>;
}

/** A bucket of staging. */
export interface TargetBucket extends SourceBucket {
  readonly write: BucketWriter;
  /** What the bucket does with what is written to it. */
  habits(signal?: AbortSignal): Promise<BucketHabits>;
  /** Throws `protected` where it bears the marker; gives the reason, in words, where that could not be looked for. */
  requireUnmarked(signal?: AbortSignal): Promise<string | undefined>;
  /** Another bucket of the same store, as this one's keys see it; undefined where it is in another store. */
  peek(other: BucketOrigin): SourceBucket | undefined;
}

export type BucketSettings = Omit<S3Settings, 'access'> & { readonly bucket: string };

export function sourceBucket(settings: BucketSettings): SourceBucket {
  return readable(s3Client({ ...settings, access: 'read-only' }), originOf(settings));
}

export function targetBucket(settings: BucketSettings): TargetBucket {
  const client = s3Client({ ...settings, access: 'read-write' });
  const origin = originOf(settings);
  return {
    ...readable(client, origin),
    write: bucketWriter(client, origin),
    habits: (signal) => readHabits(client, origin, signal),
    requireUnmarked: async (signal) => {
      const found = await readBucketTags(client, origin, signal);
      if (!found.known) return found.reason;
      if (isMarked(found.tags)) throw protectedBucket(origin, found.tags);
      return undefined;
    },
    peek: (other) => {
      if (other.endpoint !== origin.endpoint) return undefined;
      const reader = s3Client({ ...settings, account: other.account, region: other.region, access: 'read-only' });
      return readable(reader, other);
    },
  };
}

function originOf({ bucket, account, endpoint, region }: BucketSettings): BucketOrigin {
  return { bucket, account, endpoint, region };
}

function readable(client: S3Client, origin: BucketOrigin): SourceBucket {
  const { bucket } = origin;
  return {
    origin,
    list: async (range = {}, token, signal) => {
      try {
        return await listPage(client, origin, range, token, signal);
      } catch (error) {
        throw await listError(client, origin, error, signal);
      }
    },
    get: async ({ key, etag, sizeBytes }, part, signal) => {
      const range = part ? { range: `bytes=${part.start}-${part.start + part.sizeBytes - 1}` } : {};
      const { headers, body } = await client.send({
        method: 'GET',
        bucket,
        key,
        headers: { 'if-match': `"${etag}"`, ...range },
        signal,
      });
      // A store that does not heed the range would send all of it as every part.
      const [sent, wanted] = [headers['content-length'], part?.sizeBytes ?? sizeBytes];
      if (sent !== undefined && Number(sent) !== wanted) {
        body.destroy();
        throw new Error(`the store sends ${sent} bytes where ${wanted} were asked for`);
      }
      return { headers, body };
    },
    head: async (key, query = {}, signal, onFailure) => {
      const response = await again(() => sendHead(client, { bucket, key, query, signal }), signal, onFailure);
      response.body.resume();
      return response.headers;
    },
    tags: async (key, signal, onFailure) => {
      const answer = await again(
        async () => readXml(await client.send({ method: 'GET', bucket, key, query: { tagging: '' }, signal })),
        signal,
        onFailure,
      );
      const { Tagging: tagging } = answer as { Tagging?: { TagSet?: { Tag?: { Key: string; Value: string }[] } } };
      return taggingHeader(tagging?.TagSet?.Tag ?? []);
    },
    now: () => client.now(),
    [Symbol.dispose]: () => client[Symbol.dispose](),
  };
}

/**
 * S3 refuses a HEAD without saying why: keys that have expired look like any wrong request, a clock that is wrong like a
 * lack of rights. A GET of the same is told the reason.
 */
async function sendHead(client: S3Client, request: Omit<S3Request, 'method'>): Promise<S3Response> {
  try {
    return await client.send({ ...request, method: 'HEAD' });
  } catch (error) {
    if (!(error instanceof S3Error) || (error.status !== 400 && error.status !== 403)) throw error;
    const { body } = await client.send({ ...request, method: 'GET' });
    body.destroy();
    return client.send({ ...request, method: 'HEAD' }); // refused for a moment only
  }
}
