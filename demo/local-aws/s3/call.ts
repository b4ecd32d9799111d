import { accessDenied, AwsError } from '../aws-error.ts';
import type { Defect } from '../faults.ts';
import type { Caller } from '../identity.ts';
import type { Reply } from '../reply.ts';
import { parameter, type Request } from '../request.ts';
import type { Signing } from '../signature.ts';
import { demandObject, isAllowed } from './access.ts';
import { latest, type Bucket, type ObjectVersion } from './bucket.ts';

/** The state of S3, shared by all requests. */
export interface Storage {
  readonly buckets: Map<string, Bucket>;
  /** Where bodies too large for memory go. */
  readonly folder: string;
  readonly region: string;
  /** The accounts that may not use a KMS key, by its id or ARN. */
  readonly deniedKeys: Map<string, readonly string[]>;
}

/** One authenticated request to S3. */
export interface Call {
  readonly request: Request;
  readonly caller: Caller;
  readonly signing: Signing | undefined;
  readonly storage: Storage;
  readonly defect: Defect | undefined;
}

export interface BucketCall extends Call {
  readonly bucket: Bucket;
}

export interface ObjectCall extends BucketCall {
  readonly key: string;
}

export type Perform<C extends Call> = (call: C) => Reply | Promise<Reply>;

export const quoted = (etag: string | undefined): string => `"${etag ?? ''}"`;

const dayMs = 86_400_000;
const twoDigits = Array.from({ length: 60 }, (_, number) => String(number).padStart(2, '0'));
let isoDay = { number: Number.NaN, text: '' };

/** As `toISOString`, which takes a third of a listing's time. */
export function isoTime(time: number): string {
  const number = Math.floor(time / dayMs);
  if (number !== isoDay.number) isoDay = { number, text: new Date(time).toISOString().slice(0, 11) };
  const second = Math.floor((time - number * dayMs) / 1000);
  const clock = `${twoDigits[Math.floor(second / 3600)]}:${twoDigits[Math.floor(second / 60) % 60]}:${twoDigits[second % 60]}`;
  return `${isoDay.text}${clock}.${String(time - Math.floor(time / 1000) * 1000).padStart(3, '0')}Z`;
}

const noSuchKey = (key: string, headers: readonly string[] = []): AwsError =>
  new AwsError(404, 'NoSuchKey', 'The specified key does not exist.', { Key: key }, headers);

/** The object a call names, if its caller may see it. Who may not list a bucket is not told what is missing in it. */
export function findObject(
  call: ObjectCall,
  action: string,
  versionId = parameter(call.request, 'versionId'),
): ObjectVersion {
  const { bucket, caller, key } = call;
  const version =
    versionId === undefined
      ? latest(bucket, key)
      : bucket.objects.get(key)?.versions.find((candidate) => candidate.versionId === versionId);
  if (version === undefined) {
    if (!isAllowed(bucket, caller, 's3:ListBucket')) throw accessDenied();
    if (versionId === undefined) throw noSuchKey(key);
    throw new AwsError(404, 'NoSuchVersion', 'The specified version does not exist.', {
      Key: key,
      VersionId: versionId,
    });
  }
  if (version.kind === 'delete-marker') {
    const headers = ['x-amz-delete-marker', 'true', 'x-amz-version-id', version.versionId];
    if (versionId === undefined) throw noSuchKey(key, headers);
    throw new AwsError(405, 'MethodNotAllowed', 'The specified method is not allowed against this resource.', {}, [
      ...headers,
    ]);
  }
  demandObject(bucket, caller, action, version);
  return version;
}
