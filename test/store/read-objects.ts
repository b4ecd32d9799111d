import { createHash } from 'node:crypto';
import {
  GetObjectCommand,
  GetObjectTaggingCommand,
  ListObjectsV2Command,
  ListObjectVersionsCommand,
  type _Object,
} from '@aws-sdk/client-s3';
import type { Readable } from 'node:stream';
import type { StoreEnd } from './store.ts';

/** One object, as the SDK reads it. */
export interface SeenObject {
  readonly sizeBytes: number;
  readonly sha256: string;
  readonly etag: string;
  /** What was given with it, without what was not. */
  readonly headers: Readonly<Record<string, string>>;
  readonly metadata: Readonly<Record<string, string>>;
  readonly tags: Readonly<Record<string, string>>;
}

const readsAtOnce = 8;

/** Every object of a bucket by its key, in the listing's order. */
export async function readObjects(end: StoreEnd, bucket: string): Promise<ReadonlyMap<string, SeenObject>> {
  const keys = await listKeys(end, bucket);
  const seen = new Map<string, SeenObject | undefined>(keys.map((key) => [key, undefined]));
  const left = keys.values();
  const read = async () => {
    for (const key of left) seen.set(key, await readObject(end, bucket, key));
  };
  await Promise.all(Array.from({ length: readsAtOnce }, read));
  return seen as ReadonlyMap<string, SeenObject>; // all have been read
}

async function readObject(end: StoreEnd, bucket: string, key: string): Promise<SeenObject> {
  const named = { Bucket: bucket, Key: key };
  const object = await end.client.send(new GetObjectCommand(named));
  const hash = createHash('sha256');
  let sizeBytes = 0;
  for await (const chunk of object.Body as Readable) {
    sizeBytes += (chunk as Buffer).length;
    hash.update(chunk as Buffer);
  }
  const { TagSet = [] } = await end.client.send(new GetObjectTaggingCommand(named));
  const headers = {
    'content-type': object.ContentType,
    'cache-control': object.CacheControl,
    'content-disposition': object.ContentDisposition,
    'content-encoding': object.ContentEncoding,
    'content-language': object.ContentLanguage,
    expires: object.ExpiresString,
    'x-amz-website-redirect-location': object.WebsiteRedirectLocation,
  };
  return {
    sizeBytes,
    sha256: hash.digest('hex'),
    etag: object.ETag ?? '',
    headers: Object.fromEntries(Object.entries(headers).flatMap(([name, value]) => (value ? [[name, value]] : []))),
    metadata: object.Metadata ?? {},
    tags: Object.fromEntries(TagSet.map(({ Key, Value }) => [Key ?? '', Value ?? ''])),
  };
}

async function listKeys(end: StoreEnd, bucket: string): Promise<readonly string[]> {
  const keys: string[] = [];
  for (let token: string | undefined, more = true; more; more = token !== undefined) {
    const page = await end.client.send(
      // XML has no way to write some of the characters that a key may have.
      new ListObjectsV2Command({ Bucket: bucket, EncodingType: 'url', ContinuationToken: token }),
    );
    keys.push(...(page.Contents ?? []).map(keyOf));
    token = page.NextContinuationToken;
  }
  return keys;
}

/** How many versions, delete markers among them, each key has. */
export async function countVersions(end: StoreEnd, bucket: string): Promise<ReadonlyMap<string, number>> {
  const { Versions = [], DeleteMarkers = [] } = await end.client.send(
    new ListObjectVersionsCommand({ Bucket: bucket, EncodingType: 'url' }),
  );
  const counts = new Map<string, number>();
  for (const version of [...Versions, ...DeleteMarkers])
    counts.set(keyOf(version), (counts.get(keyOf(version)) ?? 0) + 1);
  return counts;
}

function keyOf({ Key = '' }: Pick<_Object, 'Key'>): string {
  return decodeURIComponent(Key.replaceAll('+', ' '));
}
