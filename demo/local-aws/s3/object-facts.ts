import { accessDenied, AwsError } from '../aws-error.ts';
import { percentDecode } from '../byte-string.ts';
import { header, type Request } from '../request.ts';
import { restoreHeaders } from './archive.ts';
import type { Bucket, ObjectFacts, ObjectVersion, Tag } from './bucket.ts';
import type { BucketCall } from './call.ts';
import { encryptionHeaders, requestedEncryption } from './encryption.ts';

const kept = [
  'cache-control',
  'content-disposition',
  'content-language',
  'expires',
  'x-amz-website-redirect-location',
] as const;
const maxMetadataBytes = 2048;
const storageClasses = [
  'STANDARD',
  'REDUCED_REDUNDANCY',
  'STANDARD_IA',
  'ONEZONE_IA',
  'INTELLIGENT_TIERING',
  'GLACIER',
  'DEEP_ARCHIVE',
  'GLACIER_IR',
  'EXPRESS_ONEZONE',
  'OUTPOSTS',
  'SNOW',
];
const cannedAcls = [
  'private',
  'public-read',
  'public-read-write',
  'aws-exec-read',
  'authenticated-read',
  'bucket-owner-read',
  'bucket-owner-full-control',
];

const invalidArgument = (message: string): AwsError => new AwsError(400, 'InvalidArgument', message);

/** The headers that come back with the object, in the order in which they will. */
function objectHeaders(request: Request): readonly string[] {
  const headers = ['content-type', header(request, 'content-type') ?? 'binary/octet-stream'];
  const encodings = (header(request, 'content-encoding') ?? '')
    .split(',')
    .map((encoding) => encoding.trim())
    .filter((encoding) => encoding !== '' && encoding !== 'aws-chunked');
  if (encodings.length > 0) headers.push('content-encoding', encodings.join(','));
  for (const name of kept) {
    const value = header(request, name);
    if (value !== undefined) headers.push(name, value);
  }
  let metadataBytes = 0;
  for (const name in request.headers) {
    if (!name.startsWith('x-amz-meta-')) continue;
    const value = header(request, name) ?? '';
    metadataBytes += name.length - 'x-amz-meta-'.length + value.length;
    headers.push(name, value);
  }
  if (metadataBytes > maxMetadataBytes)
    throw new AwsError(400, 'MetadataTooLarge', 'Your metadata headers exceed the maximum allowed metadata size');
  return headers;
}

// S3 takes what is not ASCII in a header for ISO 8859-1, and gives it back encoded after RFC 2047.
function asReturned(name: string, value: string): string {
  return name.startsWith('x-amz-meta-') && /[\u0080-\u00ff]/.test(value)
    ? `=?UTF-8?B?${Buffer.from(value, 'utf8').toString('base64')}?=`
    : value;
}

/** The response headers of an object, other than those that depend on the request. */
export function returnedHeaders(bucket: Bucket, version: ObjectVersion): string[] {
  const headers: string[] = [];
  for (let at = 0; at + 1 < version.headers.length; at += 2) {
    const name = version.headers[at] ?? '';
    headers.push(name, asReturned(name, version.headers[at + 1] ?? ''));
  }
  if (version.storageClass !== 'STANDARD') headers.push('x-amz-storage-class', version.storageClass);
  headers.push(...encryptionHeaders(version.encryption), ...restoreHeaders(version));
  if (bucket.versioning !== 'never') headers.push('x-amz-version-id', version.versionId);
  return headers;
}

export function checkTags(tags: readonly Tag[]): readonly Tag[] {
  if (tags.length > 10) throw new AwsError(400, 'BadRequest', 'Object tags cannot be greater than 10');
  if (new Set(tags.map((tag) => tag.key)).size !== tags.length)
    throw new AwsError(400, 'InvalidTag', 'Cannot provide multiple Tags with the same key');
  for (const tag of tags)
    if (tag.key === '' || tag.key.length > 512 || tag.value.length > 1024)
      throw new AwsError(400, 'InvalidTag', 'The TagKey or TagValue you have provided is invalid');
  return tags;
}

function parseTagHeader(text: string): readonly Tag[] {
  const pairs = text.split('&').filter((pair) => pair !== '');
  return checkTags(
    pairs.map((pair) => {
      const [key, value] = splitPair(pair.replaceAll('+', ' '));
      const decoded = { key: percentDecode(key), value: percentDecode(value) };
      if (decoded.key === undefined || decoded.value === undefined)
        throw invalidArgument(
          "The header 'x-amz-tagging' shall be encoded as UTF-8 then URLEncoded URL query parameters without tag name duplicates.",
        );
      return { key: decoded.key, value: decoded.value };
    }),
  );
}

function splitPair(pair: string): readonly [string, string] {
  const equals = pair.indexOf('=');
  return equals < 0 ? [pair, ''] : [pair.slice(0, equals), pair.slice(equals + 1)];
}

export function requestedAcl(request: Request, bucket: Bucket): string {
  const acl = header(request, 'x-amz-acl');
  const grants = Object.keys(request.headers).some((name) => name.startsWith('x-amz-grant-'));
  if (
    bucket.ownership === 'BucketOwnerEnforced' &&
    (grants || (acl ?? 'bucket-owner-full-control') !== 'bucket-owner-full-control')
  )
    throw new AwsError(400, 'AccessControlListNotSupported', 'The bucket does not allow ACLs');
  if (grants) throw new AwsError(501, 'NotImplemented', 'Grants by header are not implemented by the local AWS.');
  if (acl !== undefined && !cannedAcls.includes(acl)) throw invalidArgument('The canned ACL is not valid');
  return acl ?? 'private';
}

function requestedStorageClass(request: Request): string | undefined {
  const storageClass = header(request, 'x-amz-storage-class');
  if (storageClass !== undefined && !storageClasses.includes(storageClass))
    throw new AwsError(400, 'InvalidStorageClass', 'The storage class you specified is not valid');
  return storageClass;
}

function ownerOf(bucket: Bucket, writer: string, acl: string): string {
  if (bucket.ownership === 'BucketOwnerEnforced') return bucket.account;
  return bucket.ownership === 'BucketOwnerPreferred' && acl === 'bucket-owner-full-control' ? bucket.account : writer;
}

/** Everything that an upload's headers say of the object to be. */
export function requestedFacts(call: BucketCall): ObjectFacts {
  const { request, bucket } = call;
  const writer = call.caller.account;
  if (writer === '' && bucket.ownership !== 'BucketOwnerEnforced') throw accessDenied();
  const acl = requestedAcl(request, bucket);
  return {
    headers: objectHeaders(request),
    tags: parseTagHeader(header(request, 'x-amz-tagging') ?? ''),
    storageClass: requestedStorageClass(request) ?? 'STANDARD',
    encryption: requestedEncryption(call),
    acl,
    owner: ownerOf(bucket, writer, acl),
  };
}
