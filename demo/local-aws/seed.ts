import { hash } from 'node:crypto';
import type { Body } from './body.ts';
import { toBytes } from './byte-string.ts';
import { currentTime } from './clock.ts';
import type { World } from './exchange.ts';
import type { BucketSettings, SeedObject } from './settings.ts';
import {
  addVersion,
  newBucket,
  newVersionId,
  now,
  settleEtag,
  type Bucket,
  type ObjectVersion,
  type Part,
} from './s3/bucket.ts';
import { keyArn, opaqueEtag } from './s3/encryption.ts';
import { parsePolicy } from './s3/policy.ts';
import { SynthesizedIndex } from './s3/synthesized-index.ts';

export function seedBucket(world: World, settings: BucketSettings): void {
  const { name, account, policy, versioned, ownership, encryption, synthesized } = settings;
  if (!world.credentials.hasAccount(account)) throw new Error(`bucket ${name}: there is no account ${account}`);
  if (world.buckets.has(name)) throw new Error(`bucket ${name} exists already`);
  const bucket = newBucket(name, account, synthesized && new SynthesizedIndex(synthesized, account));
  if (encryption !== undefined && encryption !== 'AES256')
    bucket.encryption = { kmsKey: keyArn(encryption.kmsKey, world.region, account) };
  if (ownership !== undefined) bucket.ownership = ownership;
  if (policy !== undefined) bucket.policy = parsePolicy(toBytes(JSON.stringify(policy)), name);
  if (versioned === true) bucket.versioning = 'Enabled';
  world.buckets.set(name, bucket);
}

function bodyOf(object: SeedObject): Body {
  if (!('body' in object)) return { kind: 'synthesized', sizeBytes: object.sizeBytes, seed: object.seed };
  const bytes = Buffer.from(object.body);
  return { kind: 'memory', sizeBytes: bytes.length, bytes };
}

function headersOf(object: SeedObject): readonly string[] {
  const headers = ['content-type', toBytes(object.contentType ?? 'binary/octet-stream')];
  for (const [name, value] of Object.entries(object.headers ?? {})) headers.push(name.toLowerCase(), toBytes(value));
  for (const [name, value] of Object.entries(object.metadata ?? {}))
    headers.push(`x-amz-meta-${name.toLowerCase()}`, toBytes(value));
  return headers;
}

function partsOf(object: SeedObject, sizeBytes: number): readonly Part[] | undefined {
  const { key, partSizes } = object;
  if (partSizes === undefined) return undefined;
  if (partSizes.reduce((sum, size) => sum + size, 0) !== sizeBytes)
    throw new Error(`${key}: its parts are not together of its size, ${sizeBytes} bytes`);
  return partSizes.map((size, index) => ({ number: index + 1, sizeBytes: size, checksum: undefined }));
}

// undefined where it is computed in the background, or when asked for.
function seededEtag({ encryption }: Bucket, body: Body, parts: readonly Part[] | undefined): string | undefined {
  if (encryption !== 'AES256') return parts === undefined ? opaqueEtag() : `${opaqueEtag()}-${parts.length}`;
  return parts === undefined && body.kind === 'memory' ? hash('md5', body.bytes, 'hex') : undefined;
}

/** The object as the store would have it if it had been uploaded. */
export function seededVersion(bucket: Bucket, object: SeedObject): ObjectVersion {
  const body = bodyOf(object);
  const parts = partsOf(object, body.sizeBytes);
  const time = object.lastModified === undefined ? now() : Date.parse(object.lastModified);
  if (Number.isNaN(time)) throw new Error(`${object.key}: ${object.lastModified} is not a time`);
  return {
    kind: 'object',
    versionId: newVersionId(bucket),
    body,
    etag: seededEtag(bucket, body, parts),
    lastModified: Math.floor(time / 1000) * 1000,
    checksum: undefined,
    parts,
    headers: headersOf(object),
    tags: Object.entries(object.tags ?? {}).map(([key, value]) => ({ key: toBytes(key), value: toBytes(value) })),
    storageClass: object.storageClass ?? 'STANDARD',
    encryption: bucket.encryption,
    acl: object.acl ?? 'private',
    ...(object.restored === true ? { restoredUntil: currentTime() + 7 * 86_400_000 } : {}),
    owner: bucket.account,
  };
}

/** Adds the objects and gives back the work that is left: the ETags of what is synthesized. */
export function seedObjects(world: World, name: string, objects: readonly SeedObject[]): Promise<void> {
  const bucket = world.buckets.get(name);
  if (bucket === undefined) throw new Error(`there is no bucket ${name}`);
  const versions = objects.map((object) => {
    const version = seededVersion(bucket, object);
    addVersion(bucket, toBytes(object.key), version);
    return version;
  });
  return settleEtags(versions);
}

async function settleEtags(versions: readonly ObjectVersion[]): Promise<void> {
  let sinceBytes = 0;
  for (const version of versions) {
    if (version.etag !== undefined) continue;
    await settleEtag(version);
    sinceBytes += version.body.sizeBytes;
    if (sinceBytes < 2 * 1024 * 1024) continue;
    sinceBytes = 0;
    await new Promise((resolve) => setImmediate(resolve));
  }
}
