import { accessDenied, AwsError } from '../aws-error.ts';
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
}

/** One authenticated request to S3. */
export interface Call {
  readonly request: Request;
  readonly caller: Caller;
  readonly signing: Signing | undefined;
  readonly storage: Storage;
}

export interface BucketCall extends Call {
  readonly bucket: Bucket;
}

export interface ObjectCall extends BucketCall {
  readonly key: string;
}

export type Perform<C extends Call> = (call: C) => Reply | Promise<Reply>;

export const quoted = (etag: string | undefined): string => `"${etag ?? ''}"`;
export const isoTime = (time: number): string => new Date(time).toISOString();

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
