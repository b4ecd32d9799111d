import { hash } from 'node:crypto';
import type { Body } from './body.ts';
import { toBytes } from './byte-string.ts';
import type { World } from './exchange.ts';
import type { BucketSettings, SeedObject } from './local-aws.ts';
import {
  addVersion,
  emptyBucket,
  newVersionId,
  now,
  settleEtag,
  type Bucket,
  type ObjectVersion,
} from './s3/bucket.ts';
import { parsePolicy } from './s3/policy.ts';

export function seedBucket(world: World, settings: BucketSettings): void {
  const { name, account, policy, versioned } = settings;
  if (!world.credentials.hasAccount(account)) throw new Error(`bucket ${name}: there is no account ${account}`);
  if (world.buckets.has(name)) throw new Error(`bucket ${name} exists already`);
  const bucket = emptyBucket(name, account);
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

function versionOf(bucket: Bucket, object: SeedObject): ObjectVersion {
  const body = bodyOf(object);
  const time = object.lastModified === undefined ? now() : Date.parse(object.lastModified);
  if (Number.isNaN(time)) throw new Error(`${object.key}: ${object.lastModified} is not a time`);
  return {
    kind: 'object',
    versionId: newVersionId(bucket),
    body,
    etag: body.kind === 'memory' ? hash('md5', body.bytes, 'hex') : undefined,
    lastModified: Math.floor(time / 1000) * 1000,
    checksum: undefined,
    parts: undefined,
    headers: headersOf(object),
    tags: Object.entries(object.tags ?? {}).map(([key, value]) => ({ key: toBytes(key), value: toBytes(value) })),
    storageClass: object.storageClass ?? 'STANDARD',
    encryption: 'AES256',
    acl: 'private',
    owner: bucket.account,
  };
}

/** Adds the objects and gives back the work that is left: the ETags of what is synthesized. */
export function seedObjects(world: World, name: string, objects: readonly SeedObject[]): Promise<void> {
  const bucket = world.buckets.get(name);
  if (bucket === undefined) throw new Error(`there is no bucket ${name}`);
  const versions = objects.map((object) => {
    const version = versionOf(bucket, object);
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
