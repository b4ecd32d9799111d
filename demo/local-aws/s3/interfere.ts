import { hash } from 'node:crypto';
import { AwsError } from '../aws-error.ts';
import type { Facts } from '../exchange.ts';
import { header, type Request } from '../request.ts';
import { seededVersion } from '../seed.ts';
import { addVersion, latest, type Bucket } from './bucket.ts';
import type { Storage } from './call.ts';
import { etagOf } from './encryption.ts';
import { readCopySource } from './copy-object.ts';
import { remove } from './delete-object.ts';

// The faults by which somebody else gets at an object just before a request does.

function namedObject(
  storage: Storage,
  request: Request,
  facts: Facts,
): { readonly bucket: Bucket; readonly key: string } {
  const source = header(request, 'x-amz-copy-source');
  const named = source === undefined ? facts : readCopySource(source);
  const bucket = storage.buckets.get(named.bucket);
  if (bucket === undefined || bucket.readOnly)
    throw new AwsError(500, 'InternalError', `the fault cannot change ${named.bucket}/${named.key}`);
  return { bucket, key: named.key };
}

/** Overwrites the object that the request reads or writes; it keeps its headers, and is made where it is missing. */
export function changeObject(storage: Storage, request: Request, facts: Facts, body: Uint8Array | string): void {
  const { bucket, key } = namedObject(storage, request, facts);
  const fresh = seededVersion(bucket, { key: '', body });
  const current = latest(bucket, key);
  if (current?.kind !== 'object') {
    addVersion(bucket, key, fresh);
    return;
  }
  const { versionId, lastModified, body: content } = fresh;
  addVersion(bucket, key, {
    ...current,
    versionId,
    lastModified,
    body: content,
    etag: etagOf(current.encryption, hash('md5', body, 'hex')),
    checksum: undefined,
    parts: undefined,
  });
}

export function removeObject(storage: Storage, request: Request, facts: Facts): void {
  const { bucket, key } = namedObject(storage, request, facts);
  remove(bucket, key, undefined);
}
