import type { IncomingHttpHeaders } from 'node:http';
import type { Readable } from 'node:stream';
import { RestageError } from '../errors.ts';
import { nearest } from '../nearest.ts';
import { readXml, s3Client, type S3Client, type S3Settings } from './client.ts';
import { describeBucket, type BucketOrigin } from './origin.ts';
import { again } from './retry.ts';
import { S3Error } from './s3-error.ts';

/** One line of a listing. */
export interface ListedObject {
  readonly key: string;
  readonly sizeBytes: number;
  /** Without quotes. 32 hex digits, the MD5 of the content; or `…-N` of N parts. */
  readonly etag: string;
  /** ISO 8601, by the store's clock. */
  readonly modifiedAt: string;
}

export interface FetchedObject {
  readonly headers: IncomingHttpHeaders;
  readonly tags: string | undefined;
  /** Must be read to its end or destroyed. */
  readonly body: Readable;
}

/** A bucket of production. No write method exists, and its client refuses every verb but GET and HEAD. */
export interface SourceBucket extends Disposable {
  readonly origin: BucketOrigin;
  /** The listing in UTF-8 byte order of the keys, page by page. */
  list(signal?: AbortSignal): AsyncIterable<readonly ListedObject[]>;
  /** The object, if it is still the one that was listed. */
  get(object: ListedObject, signal?: AbortSignal): Promise<FetchedObject>;
  /** Headers of one object. */
  head(key: string, signal?: AbortSignal): Promise<IncomingHttpHeaders>;
}

export interface TargetBucket extends SourceBucket {
  /** Writes one object; the store checks its MD5 where the headers give one. */
  put(
    key: string,
    body: Buffer | Readable,
    headers: Readonly<Record<string, string>>,
    signal?: AbortSignal,
  ): Promise<StoredObject>;
}

/** What the store says of an object that it has just taken. */
export interface StoredObject {
  readonly etag: string;
  /** Its ETag is not the MD5 of its content, and never the source's. */
  readonly opaque: boolean;
}

export type BucketSettings = Omit<S3Settings, 'access'> & { readonly bucket: string };

export function sourceBucket(settings: BucketSettings): SourceBucket {
  return readable(s3Client({ ...settings, access: 'read-only' }), settings);
}

export function targetBucket(settings: BucketSettings): TargetBucket {
  const client = s3Client({ ...settings, access: 'read-write' });
  return {
    ...readable(client, settings),
    put: async (key, body, headers, signal) => {
      const response = await client.send({ method: 'PUT', bucket: settings.bucket, key, body, headers, signal });
      response.body.resume();
      // Under a key of KMS, or of the client's own, an ETag is no MD5.
      const { etag, 'x-amz-server-side-encryption': encryption } = response.headers;
      const opaque =
        /kms/.test(String(encryption ?? '')) || 'x-amz-server-side-encryption-customer-algorithm' in response.headers;
      return { etag: unquote(etag), opaque };
    },
  };
}

function readable(client: S3Client, settings: BucketSettings): SourceBucket {
  const { bucket } = settings;
  const origin: BucketOrigin = { bucket, account: settings.account, endpoint: settings.endpoint };
  return {
    origin,
    list: (signal) => listPages(client, origin, signal),
    get: async (object, signal) => {
      const response = await client.send({
        method: 'GET',
        bucket,
        key: object.key,
        headers: { 'if-match': `"${object.etag}"` },
        signal,
      });
      // A count comes with the object, so that only objects with tags cost a second request.
      const tagged = Number(response.headers['x-amz-tagging-count'] ?? 0) > 0;
      try {
        return {
          headers: response.headers,
          tags: tagged ? await readTags(client, bucket, object.key, signal) : undefined,
          body: response.body,
        };
      } catch (error) {
        response.body.destroy();
        throw error;
      }
    },
    head: async (key, signal) => {
      const response = await again(() => client.send({ method: 'HEAD', bucket, key, signal }), signal);
      response.body.resume();
      return response.headers;
    },
    [Symbol.dispose]: () => client[Symbol.dispose](),
  };
}

interface ListBucketResult {
  readonly IsTruncated?: string;
  readonly NextContinuationToken?: string;
  readonly Contents?: readonly { Key: string; Size: string; ETag: string; LastModified: string }[];
}

async function* listPages(
  client: S3Client,
  origin: BucketOrigin,
  signal?: AbortSignal,
): AsyncGenerator<readonly ListedObject[]> {
  let token: string | undefined;
  let first = true;
  while (first || token !== undefined) {
    const query = {
      'list-type': '2',
      'encoding-type': 'url',
      ...(token === undefined ? {} : { 'continuation-token': token }),
    };
    let result: ListBucketResult | undefined;
    try {
      result = await again(async () => {
        const response = await client.send({ method: 'GET', bucket: origin.bucket, query, signal });
        return ((await readXml(response)) as { ListBucketResult?: ListBucketResult }).ListBucketResult;
      }, signal);
    } catch (error) {
      throw await listError(client, origin, error, signal);
    }
    const more = result?.IsTruncated === 'true';
    if (!result || (more && !result.NextContinuationToken))
      throw new RestageError(
        'bucket-denied',
        `the listing of ${describeBucket(origin)} is not S3's: ${result ? 'it is cut off and cannot be continued' : 'no ListBucketResult in it'}`,
      );
    first = false;
    token = more ? result.NextContinuationToken : undefined;
    yield (result.Contents ?? []).map(({ Key, Size, ETag, LastModified }) => ({
      key: decodeURIComponent(Key.replaceAll('+', ' ')),
      sizeBytes: Number(Size),
      etag: unquote(ETag),
      modifiedAt: LastModified,
    }));
  }
}

/** `k1=v1&k2=v2`, as the x-amz-tagging header wants them. */
async function readTags(client: S3Client, bucket: string, key: string, signal?: AbortSignal): Promise<string> {
  const response = await client.send({ method: 'GET', bucket, key, query: { tagging: '' }, signal });
  const { Tagging: tagging } = (await readXml(response)) as {
    Tagging?: { TagSet?: { Tag?: { Key: string; Value: string }[] } };
  };
  return (tagging?.TagSet?.Tag ?? [])
    .map((tag) => `${encodeURIComponent(tag.Key)}=${encodeURIComponent(tag.Value)}`)
    .join('&');
}

async function listError(client: S3Client, origin: BucketOrigin, error: unknown, signal?: AbortSignal): Promise<Error> {
  if (!(error instanceof S3Error)) {
    if (error instanceof RestageError || signal?.aborted) return error as Error; // thrown by this client, so an Error
    return new RestageError(
      'bucket-denied',
      `cannot reach ${describeBucket(origin)}: ${error instanceof Error ? error.message : String(error)}`,
      { cause: error },
    );
  }
  if (error.code === 'NoSuchBucket') {
    const near = await nearBucket(client, origin.bucket).catch(() => undefined);
    return new RestageError('bucket-missing', `there is no bucket ${origin.bucket}`, {
      cause: error,
      hint: near
        ? `The account has a bucket ${near}: is that the one?`
        : 'Check the name; names are unique over all accounts.',
    });
  }
  const hint =
    error.code === 'PermanentRedirect'
      ? 'The bucket is in another region than aws.region says.'
      : error.status === 403
        ? `The profile needs s3:ListBucket and s3:GetObject on it${origin.account ? `, and the bucket must belong to account ${origin.account}` : ''}.`
        : undefined;
  return new RestageError('bucket-denied', `cannot list ${describeBucket(origin)}: ${error.message} (${error.code})`, {
    cause: error,
    hint,
  });
}

/** The bucket of the account whose name is nearest. */
async function nearBucket(client: S3Client, bucket: string): Promise<string | undefined> {
  const { ListAllMyBucketsResult: result } = (await readXml(await client.send({ method: 'GET' }))) as {
    ListAllMyBucketsResult?: { Buckets?: { Bucket?: { Name: string }[] } };
  };
  return nearest(
    bucket,
    (result?.Buckets?.Bucket ?? []).map(({ Name }) => Name),
  );
}

function unquote(etag: string | undefined): string {
  return (etag ?? '').replaceAll('"', '').replaceAll('&quot;', '');
}
