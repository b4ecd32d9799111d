import { accessDenied, AwsError } from '../aws-error.ts';
import type { Caller } from '../identity.ts';
import { mayDo, notAllowed } from '../permissions.ts';
import { header, type Request } from '../request.ts';
import type { Bucket, ObjectVersion } from './bucket.ts';
import { decide } from './policy.ts';

export interface Buckets {
  get(name: string): Bucket | undefined;
}

/**
 * Whether the caller may do this: the owner's account unless denied, another one only if allowed, and a role only what its own policies
 * allow it, or those of a bucket in its account.
 */
export function isAllowed(bucket: Bucket, caller: Caller, action: string, key?: string): boolean {
  const resource = resourceOf(bucket, key);
  const isOwn = caller.account === bucket.account;
  const decision = decide(bucket.policy, caller, action, resource);
  if (decision === 'silent') return isOwn && mayDo(caller, action, resource);
  return decision === 'allow' && (isOwn || mayDo(caller, action, resource));
}

function resourceOf(bucket: Bucket, key: string | undefined): string {
  return `arn:aws:s3:::${bucket.name}${key === undefined ? '' : `/${key}`}`;
}

export function demand(bucket: Bucket, caller: Caller, action: string, key?: string): void {
  if (isAllowed(bucket, caller, action, key)) return;
  const resource = resourceOf(bucket, key);
  throw mayDo(caller, action, resource)
    ? accessDenied()
    : notAllowed(caller, action, `"${resource}"`, [403, 'AccessDenied']);
}

const openAcls = ['public-read', 'public-read-write', 'authenticated-read', 'bucket-owner-read'];

/**
 * Where ACLs are on, an object belongs to its writer, and the bucket's owner reads it only if the writer's ACL says so.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/about-object-ownership.html
 */
export function demandObject(bucket: Bucket, caller: Caller, action: string, version: ObjectVersion): void {
  if (bucket.ownership === 'BucketOwnerEnforced' || version.owner === bucket.account) return;
  if (caller.account === version.owner || version.acl === 'bucket-owner-full-control') return;
  if (action.startsWith('s3:GetObject') && openAcls.includes(version.acl)) return;
  throw accessDenied();
}

export function findBucket(buckets: Buckets, name: string): Bucket {
  const bucket = buckets.get(name);
  if (bucket === undefined)
    throw new AwsError(404, 'NoSuchBucket', 'The specified bucket does not exist', { BucketName: name });
  return bucket;
}

/** ExpectedBucketOwner. */
export function checkOwner(request: Request, bucket: Bucket, name = 'x-amz-expected-bucket-owner'): void {
  const expected = header(request, name);
  if (expected !== undefined && expected !== bucket.account) throw accessDenied();
}
