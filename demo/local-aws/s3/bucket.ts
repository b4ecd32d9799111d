import { createHash, randomBytes } from 'node:crypto';
import { md5, release, whole, type Body } from '../body.ts';
import type { Checksum } from '../checksum.ts';
import { currentTime } from '../clock.ts';
import type { Encryption } from './encryption.ts';
import { KeyIndex, type OrderedKeys } from './key-index.ts';
import type { Policy } from './policy.ts';

export type Ownership = 'BucketOwnerEnforced' | 'BucketOwnerPreferred' | 'ObjectWriter';

export interface Bucket {
  readonly name: string;
  /** The owner's account id. */
  readonly account: string;
  readonly createdAt: number;
  policy: Policy | undefined;
  versioning: 'never' | 'Enabled' | 'Suspended';
  ownership: Ownership;
  /** Of uploads that do not say another. */
  encryption: Encryption;
  /** Settings that are given back as they came: lifecycle, tagging, encryption, … */
  readonly settings: Map<string, string>;
  readonly objects: OrderedKeys<Entry>;
  readonly readOnly: boolean;
  readonly uploads: Map<string, Upload>;
}

/** A key with all its versions, the oldest first; never without a version. */
export interface Entry {
  readonly key: string;
  versions: readonly Version[];
}

export type Version = ObjectVersion | DeleteMarker;

export interface DeleteMarker {
  readonly kind: 'delete-marker';
  readonly versionId: string;
  readonly lastModified: number;
  readonly owner: string;
}

/** What an object carries beside its content and what the store makes of it. */
export interface ObjectFacts {
  /** Header names and values: content type and its kin, and x-amz-meta-*. */
  readonly headers: readonly string[];
  readonly tags: readonly Tag[];
  readonly storageClass: string;
  readonly encryption: Encryption;
  readonly acl: string;
  readonly owner: string;
}

export interface Tag {
  readonly key: string;
  readonly value: string;
}

export interface ObjectVersion extends Omit<ObjectFacts, 'tags' | 'acl'> {
  readonly kind: 'object';
  readonly versionId: string;
  readonly body: Body;
  /** Without quotes. undefined until somebody asks, for synthesized content: see `settleEtag`. */
  etag: string | undefined;
  readonly lastModified: number;
  readonly checksum: Checksum | undefined;
  /** Until when an archived object can be read. */
  readonly restoredUntil?: number;
  /** Of a multipart upload only. */
  readonly parts: readonly Part[] | undefined;
  tags: readonly Tag[];
  acl: string;
}

export interface Part {
  readonly number: number;
  readonly sizeBytes: number;
  readonly checksum: Checksum | undefined;
}

export interface UploadedPart extends Part {
  readonly etag: string;
  readonly body: Body;
  readonly lastModified: number;
}

export interface Upload {
  readonly id: string;
  readonly key: string;
  readonly initiatedAt: number;
  readonly facts: ObjectFacts;
  readonly checksum: Pick<Checksum, 'algorithm' | 'type'> | undefined;
  readonly parts: Map<number, UploadedPart>;
}

/** With other keys than the empty index, its objects cannot be changed. */
export function newBucket(name: string, account: string, synthesized?: OrderedKeys<Entry>): Bucket {
  return {
    name,
    account,
    createdAt: currentTime(),
    policy: undefined,
    versioning: 'never',
    ownership: 'BucketOwnerEnforced',
    encryption: 'AES256',
    settings: new Map(),
    objects: synthesized ?? new KeyIndex(),
    readOnly: synthesized !== undefined,
    uploads: new Map(),
  };
}

export function latest(bucket: Bucket, key: string): Version | undefined {
  return bucket.objects.get(key)?.versions.at(-1);
}

// S3 keeps whole seconds of an object's time.
export const now = (): number => Math.floor(currentTime() / 1000) * 1000;

export function newVersionId(bucket: Bucket): string {
  return bucket.versioning === 'Enabled' ? randomBytes(24).toString('base64url') : 'null';
}

/** Makes this the key's current version; without versioning it takes the place of the one before. */
export function addVersion(bucket: Bucket, key: string, version: Version): void {
  const entry = bucket.objects.get(key);
  if (entry === undefined) {
    bucket.objects.add({ key, versions: [version] });
    return;
  }
  const kept =
    version.versionId === 'null' ? entry.versions.filter((other) => other.versionId !== 'null') : entry.versions;
  const replaced = kept === entry.versions ? [] : entry.versions.filter((other) => other.versionId === 'null');
  entry.versions = [...kept, version];
  dropBodies(replaced);
}

export function removeVersion(bucket: Bucket, key: string, versionId: string): Version | undefined {
  const entry = bucket.objects.get(key);
  const removed = entry?.versions.find((version) => version.versionId === versionId);
  if (entry === undefined || removed === undefined) return undefined;
  entry.versions = entry.versions.filter((version) => version !== removed);
  if (entry.versions.length === 0) bucket.objects.remove(key);
  dropBodies([removed]);
  return removed;
}

function dropBodies(versions: readonly Version[]): void {
  for (const version of versions) if (version.kind === 'object') release(version.body);
}

/** Computes the ETag of synthesized content, once; all others have theirs from the start. */
export async function settleEtag(version: ObjectVersion): Promise<void> {
  if (version.etag !== undefined) return;
  const { body, parts } = version;
  if (parts === undefined) {
    version.etag = await md5(whole(body));
    return;
  }
  const digests: string[] = [];
  let start = 0;
  for (const { sizeBytes } of parts) {
    digests.push(await md5({ body, start, sizeBytes }));
    start += sizeBytes;
  }
  version.etag = multipartEtag(digests);
}

/** The MD5 of the parts' MD5s, and their number. */
export function multipartEtag(digests: readonly string[]): string {
  const running = createHash('md5');
  for (const digest of digests) running.update(Buffer.from(digest, 'hex'));
  return `${running.digest('hex')}-${digests.length}`;
}
