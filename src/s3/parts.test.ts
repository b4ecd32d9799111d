import { expect, test } from 'vitest';
import { evenParts, isMd5, isOpaque, likelyPartBytes, partsCount, partsOfSizes, type Part } from './parts.ts';

const mebibyte = 1024 ** 2;
const md5 = '5d41402abc4b2a76b9719d911017c592';

/** Parts that cover the bytes of an object one after another, without gaps. */
function requireWhole(parts: readonly Part[], sizeBytes: number): void {
  let at = 0;
  for (const [index, part] of parts.entries()) {
    expect([part.number, part.start]).toEqual([index + 1, at]);
    at += part.sizeBytes;
  }
  expect(at).toBe(sizeBytes);
}

test('an ETag tells in how many parts an object was uploaded', () => {
  expect([md5, `${md5}-1`, `${md5}-10000`].map(partsCount)).toEqual([undefined, 1, 10_000]);
  expect(['', `${md5}-`, `${md5}-x`, `-${md5}-2`, `${md5.toUpperCase()}-2`].map(partsCount)).toEqual(
    Array.from({ length: 5 }),
  );
});

test('an ETag of 32 digits is taken for an MD5, and no other', () => {
  expect([md5, `${md5}-1`, md5.slice(1), `${md5}0`, ''].map(isMd5)).toEqual([true, false, false, false, false]);
});

test.each([
  [{}, false],
  [{ 'x-amz-server-side-encryption': 'AES256' }, false],
  [{ 'x-amz-server-side-encryption': 'aws:kms' }, true],
  [{ 'x-amz-server-side-encryption': 'aws:kms:dsse' }, true],
  [{ 'x-amz-server-side-encryption-customer-algorithm': 'AES256' }, true],
])('of an object with %j it is %j that its ETag says nothing of its content', (headers, opaque) => {
  expect(isOpaque(headers)).toBe(opaque);
});

test.each([
  [1, 5, 1],
  [5, 5, 1],
  [6, 5, 2],
  [10, 5, 2],
  [11, 5, 3],
  [Math.ceil(48.8 * 1024 ** 4), 5 * 1024 ** 3, 9995],
])('%d bytes in parts of %d are %d parts', (sizeBytes, partBytes, count) => {
  const parts = evenParts(sizeBytes, partBytes);
  expect(parts).toHaveLength(count);
  requireWhole(parts, sizeBytes);
});

test('no bytes are one empty part', () => {
  expect(evenParts(0, 5)).toEqual([{ number: 1, start: 0, sizeBytes: 0 }]);
});

test('parts of known sizes follow each other', () => {
  const parts = partsOfSizes([7, 5, 9]);
  expect(parts.map(({ start }) => start)).toEqual([0, 7, 12]);
  requireWhole(parts, 21);
});

test.each([
  ['8 MiB, as the AWS CLI does', 100 * mebibyte, 13, 8],
  ['5 MiB', 98 * mebibyte, 20, 5],
  ['16 MiB', 100 * mebibyte, 7, 16],
  ['15 MiB, as s3cmd does', 200 * mebibyte, 14, 15],
  ['50 MiB, as s5cmd does', 6000 * mebibyte, 120, 50],
  ['a whole number of mebibytes, where none is usual', 900 * mebibyte, 23, 40],
  ['one part of a small object', 10, 1, 8],
])('parts are likely of %s', (_what, sizeBytes, count, mebibytes) => {
  expect(likelyPartBytes(sizeBytes, count)).toBe(mebibytes * mebibyte);
});

test('the size that is likely gives the number of parts that is known', () => {
  for (let sizeBytes = 20 * mebibyte + 1; sizeBytes < 400 * mebibyte; sizeBytes += 7_654_321)
    for (let count = 2; (count - 1) * 5 * mebibyte < sizeBytes; count += 3)
      expect(evenParts(sizeBytes, likelyPartBytes(sizeBytes, count)), `${sizeBytes} ${count}`).toHaveLength(count);
});
