import type { IncomingHttpHeaders } from 'node:http';

/** A stretch of an object: the number of its part in an upload, from 1, and its bytes. */
export interface Part {
  readonly number: number;
  readonly start: number;
  readonly sizeBytes: number;
}

/** In how many parts an object was uploaded, by its ETag; undefined where it was uploaded whole. */
export function partsCount(etag: string): number | undefined {
  const count = /^[0-9a-f]{32}-(\d+)$/.exec(etag)?.[1];
  return count === undefined ? undefined : Number(count);
}

/** Whether an ETag is the MD5 of the content, unless the object is encrypted by a key of KMS or of a client. */
export function isMd5(etag: string): boolean {
  return /^[0-9a-f]{32}$/.test(etag);
}

/** Whether the ETag of an object says nothing of its content: encrypted by a key of KMS, or of a client. */
export function isOpaque(headers: IncomingHttpHeaders): boolean {
  return (
    /kms/.test(String(headers['x-amz-server-side-encryption'] ?? '')) ||
    'x-amz-server-side-encryption-customer-algorithm' in headers
  );
}

const mebibyte = 1024 ** 2;

/** Parts of one size, and the rest as the last. */
export function evenParts(sizeBytes: number, partBytes: number): Part[] {
  const count = Math.max(1, Math.ceil(sizeBytes / partBytes));
  return Array.from({ length: count }, (_, index) => ({
    number: index + 1,
    start: index * partBytes,
    sizeBytes: Math.min(partBytes, sizeBytes - index * partBytes),
  }));
}

/** Parts of known sizes. */
export function partsOfSizes(sizes: readonly number[]): Part[] {
  let start = 0;
  return sizes.map((sizeBytes, index) => {
    const part = { number: index + 1, start, sizeBytes };
    start += sizeBytes;
    return part;
  });
}

/** What upload programs use by themselves: the AWS CLI, consoles and SDKs, rclone, s3cmd, s5cmd. */
const usualMebibytes = [8, 5, 16, 15, 10, 6, 7, 50, 64, 32, 20, 25, 100, 128, 256, 512];

/**
 * The size of the parts that an object of so many parts may have been uploaded in, where the store does not tell: a usual
 * one, else the least whole number of mebibytes, else the least that gives as many parts.
 */
export function likelyPartBytes(sizeBytes: number, count: number): number {
  const fits = (partBytes: number) => Math.ceil(sizeBytes / partBytes) === count;
  const usual = usualMebibytes.map((size) => size * mebibyte).find(fits);
  if (usual !== undefined) return usual;
  const least = Math.ceil(sizeBytes / count);
  const whole = Math.ceil(least / mebibyte) * mebibyte;
  return fits(whole) ? whole : least;
}
