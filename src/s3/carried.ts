import type { IncomingHttpHeaders } from 'node:http';

/** What S3 calls the ways to keep an object that can be written to directly. */
export const storageClasses = [
  'STANDARD',
  'STANDARD_IA',
  'ONEZONE_IA',
  'INTELLIGENT_TIERING',
  'GLACIER_IR',
  'GLACIER',
  'DEEP_ARCHIVE',
  'REDUCED_REDUNDANCY',
] as const;

/** How the target keeps what is copied: plain JSON, as the plan holds it. What is absent is left to the bucket. */
export interface Keeping {
  /** `keep`: the source's; else the class for all. Absent: the bucket's, STANDARD. */
  readonly storageClass?: string;
  readonly encryption?: 'AES256' | { readonly kmsKey: string };
  /** A canned ACL. */
  readonly acl?: string;
}

/** Where the target's metadata keeps the source's ETag, for objects whose own ETag cannot be the same. */
export const sourceEtagHeader = 'x-amz-meta-restage-source-etag';

const carried = [
  'content-type',
  'cache-control',
  'content-disposition',
  'content-encoding',
  'content-language',
  'expires',
  'x-amz-website-redirect-location',
];

/** What an object carries beside its content, as headers for writing it again. */
export function carriedHeaders(headers: IncomingHttpHeaders): Record<string, string> {
  const kept = Object.entries(headers).filter(
    ([name, value]) =>
      value !== undefined && (carried.includes(name) || (name.startsWith('x-amz-meta-') && name !== sourceEtagHeader)),
  );
  return Object.fromEntries(kept.map(([name, value]) => [name, String(value)]));
}

const redirect = 'x-amz-website-redirect-location';

/** The one header that a store leaves behind when it copies by itself, as it belongs to a place. */
export function redirectHeader(headers: IncomingHttpHeaders): Record<string, string> {
  const value = headers[redirect];
  return value === undefined ? {} : { [redirect]: String(value) };
}

/** How the target is to keep an object of this storage class, as headers. */
export function keepingHeaders({ storageClass, encryption, acl }: Keeping, ofSource: string): Record<string, string> {
  const kept = storageClass === 'keep' ? ofSource : storageClass;
  return {
    ...(kept === undefined || kept === 'STANDARD' ? {} : { 'x-amz-storage-class': kept }),
    ...(acl === undefined ? {} : { 'x-amz-acl': acl }),
    ...encryptionHeaders(encryption),
  };
}

function encryptionHeaders(encryption: Keeping['encryption']): Record<string, string> {
  if (encryption === undefined) return {};
  if (encryption === 'AES256') return { 'x-amz-server-side-encryption': 'AES256' };
  return {
    'x-amz-server-side-encryption': 'aws:kms',
    'x-amz-server-side-encryption-aws-kms-key-id': encryption.kmsKey,
  };
}

/** `k1=v1&k2=v2`, as the x-amz-tagging header wants them. */
export function taggingHeader(tags: readonly { readonly Key: string; readonly Value: string }[]): string {
  return tags.map(({ Key: key, Value: value }) => `${encodeURIComponent(key)}=${encodeURIComponent(value)}`).join('&');
}
