import { createHash } from 'node:crypto';
import type { Readable } from 'node:stream';
import { reasonOf } from './bucket-error.ts';
import { encodeKey, readText, readXml, type S3Client } from './client.ts';
import { unquote } from './listing.ts';
import type { BucketOrigin } from './origin.ts';
import { isOpaque, type Part } from './parts.ts';
import { again } from './retry.ts';
import { S3Error } from './s3-error.ts';

type Headers = Readonly<Record<string, string>>;

/** What the store says of an object that it has just taken. */
export interface StoredObject {
  readonly etag: string;
  /** Its ETag is not made of its content, and never the source's. */
  readonly opaque: boolean;
}

/** An object of the same store to copy from, if it is still the one that was listed. */
export interface CopyFrom {
  readonly origin: BucketOrigin;
  readonly key: string;
  readonly etag: string;
  readonly sizeBytes: number;
}

/** An upload in parts: nothing of it is to be seen before it is complete. */
export interface Upload {
  put(part: Part, body: Buffer | Readable, headers: Headers, signal?: AbortSignal): Promise<StoredObject>;
  /** Gives the part's ETag. */
  copy(part: Part, from: CopyFrom, signal?: AbortSignal): Promise<string>;
  /** ETags by number, the first part's first. */
  complete(etags: readonly string[], signal?: AbortSignal): Promise<StoredObject>;
  abort(): Promise<void>;
}

/** All that restage ever writes into a bucket. */
export interface BucketWriter {
  /** Writes one object; the store checks its MD5 where the headers give one. */
  put(key: string, body: Buffer | Readable, headers: Headers, signal?: AbortSignal): Promise<StoredObject>;
  /** Has the store copy an object of at most 5 GB by itself. */
  copy(key: string, from: CopyFrom, headers: Headers, signal?: AbortSignal): Promise<StoredObject>;
  upload(key: string, headers: Headers, signal?: AbortSignal): Promise<Upload>;
  /** Gives an object these tags, `k1=v1&k2=v2`, instead of any. */
  tag(key: string, tags: string, signal?: AbortSignal): Promise<void>;
  /** Deletes up to 1,000 objects; what was refused, by key. */
  remove(keys: readonly string[], signal?: AbortSignal): Promise<ReadonlyMap<string, string>>;
}

export function bucketWriter(client: S3Client, { bucket }: BucketOrigin): BucketWriter {
  return {
    put: async (key, body, headers, signal) => {
      const response = await client.send({ method: 'PUT', bucket, key, body, headers, signal });
      await readText(response.body);
      return { etag: unquote(response.headers.etag), opaque: isOpaque(response.headers) };
    },
    copy: async (key, from, headers, signal) => {
      const response = await client.send({
        method: 'PUT',
        bucket,
        key,
        headers: { ...headers, ...copySource(from) },
        signal,
      });
      const { CopyObjectResult: result } = successful(await readXml(response)) as {
        CopyObjectResult?: { ETag?: string };
      };
      if (!result?.ETag) throw new Error('the store answered a copy without saying that it is done');
      return { etag: unquote(result.ETag), opaque: isOpaque(response.headers) };
    },
    upload: async (key, headers, signal) => {
      const { InitiateMultipartUploadResult: begun } = (await again(
        async () =>
          readXml(await client.send({ method: 'POST', bucket, key, query: { uploads: '' }, headers, signal })),
        signal,
      )) as { InitiateMultipartUploadResult?: { UploadId?: string } };
      const uploadId = begun?.UploadId;
      if (!uploadId) throw new Error('the store began an upload without giving it an id');
      return openUpload(client, bucket, key, uploadId);
    },
    tag: async (key, tags, signal) => {
      const pairs = tags.split('&').map((pair) => pair.split('=').map(decodeURIComponent));
      const { body, headers } = taggingBody(pairs.map(([name = '', value = '']) => ({ key: name, value })));
      const response = await client.send({ method: 'PUT', bucket, key, query: { tagging: '' }, body, headers, signal });
      await readText(response.body);
    },
    remove: async (keys, signal) => {
      const refused = new Map<string, string>();
      const written = keys.filter((key) => !unwritable.test(key));
      if (written.length > 0)
        for (const [key, reason] of await again(() => removeAll(client, bucket, written, signal), signal))
          refused.set(key, reason);
      for (const key of keys.filter((one) => unwritable.test(one)))
        await again(async () => {
          const response = await client.send({ method: 'DELETE', bucket, key, signal });
          response.body.resume();
        }, signal).catch((error: unknown) => void refused.set(key, reasonOf(error)));
      return refused;
    },
  };
}

/** Tags as S3 takes them, of an object or a bucket. */
export function taggingBody(tags: readonly { readonly key: string; readonly value: string }[]): {
  readonly body: Buffer;
  readonly headers: Headers;
} {
  const set = tags.map(({ key, value }) => `<Tag><Key>${escapeXml(key)}</Key><Value>${escapeXml(value)}</Value></Tag>`);
  const body = Buffer.from(`<Tagging><TagSet>${set.join('')}</TagSet></Tagging>`);
  return { body, headers: xmlHeaders(body) };
}

function openUpload(client: S3Client, bucket: string, key: string, uploadId: string): Upload {
  const query = (part: Part) => ({ partNumber: String(part.number), uploadId });
  return {
    put: async (part, body, headers, signal) => {
      const response = await client.send({
        method: 'PUT',
        bucket,
        key,
        query: query(part),
        body,
        headers: { ...headers, 'content-length': String(part.sizeBytes) },
        signal,
      });
      await readText(response.body);
      return { etag: unquote(response.headers.etag), opaque: isOpaque(response.headers) };
    },
    copy: async (part, from, signal) => {
      // S3 takes a range of objects above 5 MB only: a small one that was uploaded in one part is copied whole.
      const range =
        part.sizeBytes === from.sizeBytes
          ? {}
          : { 'x-amz-copy-source-range': `bytes=${part.start}-${part.start + part.sizeBytes - 1}` };
      const headers = { ...copySource(from), ...range };
      const response = await client.send({ method: 'PUT', bucket, key, query: query(part), headers, signal });
      const { CopyPartResult: result } = successful(await readXml(response)) as { CopyPartResult?: { ETag?: string } };
      return unquote(result?.ETag);
    },
    complete: async (etags, signal) => {
      const parts = etags.map(
        (etag, index) => `<Part><PartNumber>${index + 1}</PartNumber><ETag>&quot;${etag}&quot;</ETag></Part>`,
      );
      const body = Buffer.from(`<CompleteMultipartUpload>${parts.join('')}</CompleteMultipartUpload>`);
      const headers = xmlHeaders(body);
      const response = await client.send({ method: 'POST', bucket, key, query: { uploadId }, body, headers, signal });
      const { CompleteMultipartUploadResult: result } = successful(await readXml(response)) as {
        CompleteMultipartUploadResult?: { ETag?: string };
      };
      return { etag: unquote(result?.ETag), opaque: isOpaque(response.headers) };
    },
    abort: async () => {
      // By itself, as what called for it may be that all else was called off.
      const signal = AbortSignal.timeout(10_000);
      const response = await client.send({ method: 'DELETE', bucket, key, query: { uploadId }, signal });
      response.body.resume();
    },
  };
}

function copySource({ origin, key, etag }: CopyFrom): Headers {
  return {
    'x-amz-copy-source': `/${origin.bucket}/${encodeKey(key)}`,
    'x-amz-copy-source-if-match': `"${etag}"`,
    ...(origin.account === undefined ? {} : { 'x-amz-source-expected-bucket-owner': origin.account }),
  };
}

/** Copying and completing answer 200 before they are done: what failed then stands in the body. */
function successful(answer: Record<string, unknown>): Record<string, unknown> {
  const { Error: failed } = answer as { Error?: { Code?: string; Message?: string } };
  if (failed) throw new S3Error(500, failed.Code ?? 'InternalError', failed.Message ?? 'the store failed on the way');
  return answer;
}

/** XML has no room for these, not even escaped: such keys are deleted one by one. */
// oxlint-disable-next-line no-control-regex -- a key may have them
const unwritable = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/;

async function removeAll(
  client: S3Client,
  bucket: string,
  keys: readonly string[],
  signal: AbortSignal | undefined,
): Promise<ReadonlyMap<string, string>> {
  const objects = keys.map((key) => `<Object><Key>${escapeXml(key)}</Key></Object>`);
  const body = Buffer.from(`<Delete><Quiet>true</Quiet>${objects.join('')}</Delete>`);
  const answer = await readXml(
    await client.send({ method: 'POST', bucket, query: { delete: '' }, body, headers: xmlHeaders(body), signal }),
  );
  const { DeleteResult: result } = successful(answer) as {
    DeleteResult?: '' | { Error?: readonly { Key: string; Code: string; Message: string }[] };
  };
  if (result === undefined) throw new Error('the store answered a deletion without saying what became of it');
  return new Map(((result || {}).Error ?? []).map(({ Key, Code, Message }) => [Key, `${Message} (${Code})`]));
}

/** Some stores refuse such a request without an MD5. */
function xmlHeaders(body: Buffer): Headers {
  return {
    'content-type': 'application/xml',
    'content-length': String(body.length),
    'content-md5': createHash('md5').update(body).digest('base64'),
  };
}

function escapeXml(text: string): string {
  return text.replace(/[<>&"'\t\n\r]/g, (char) => `&#${char.charCodeAt(0)};`);
}
