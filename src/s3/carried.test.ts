import { expect, test } from 'vitest';
import { carriedHeaders, keepingHeaders, sourceEtagHeader, taggingHeader } from './carried.ts';

test('all that an object carries is written again, and nothing of how the source kept it', () => {
  const carried = {
    'content-type': 'text/html; charset=utf-8',
    'cache-control': 'max-age=60',
    'content-disposition': 'attachment; filename="a.html"',
    'content-encoding': 'gzip',
    'content-language': 'de',
    expires: 'Thu, 01 Jan 2026 00:00:00 GMT',
    'x-amz-website-redirect-location': '/elsewhere',
    'x-amz-meta-owner': 'library',
    'x-amz-meta-empty': '',
  };
  const own = {
    'content-length': '5',
    'content-range': 'bytes 0-4/5',
    etag: '"5d41402abc4b2a76b9719d911017c592"',
    'last-modified': 'Sun, 22 Nov 2026 23:15:00 GMT',
    'accept-ranges': 'bytes',
    'x-amz-server-side-encryption': 'aws:kms',
    'x-amz-server-side-encryption-aws-kms-key-id': 'arn:of-production',
    'x-amz-storage-class': 'GLACIER',
    'x-amz-version-id': 'v1',
    'x-amz-tagging-count': '2',
    'x-amz-replication-status': 'COMPLETED',
    'x-amz-object-lock-mode': 'COMPLIANCE',
    'x-amz-mp-parts-count': '3',
    'x-amz-request-id': 'r',
    connection: 'keep-alive',
    date: 'Sun, 22 Nov 2026 23:15:00 GMT',
    'set-cookie': ['a=1'],
  };
  expect(carriedHeaders({ ...carried, ...own })).toEqual(carried);
});

test('an ETag that an earlier copy remembered does not travel on', () => {
  expect(carriedHeaders({ [sourceEtagHeader]: 'x', 'x-amz-meta-restage-source-etag-2': 'y' })).toEqual({
    'x-amz-meta-restage-source-etag-2': 'y',
  });
});

test.each([
  [{}, 'STANDARD', {}],
  [{}, 'GLACIER_IR', {}],
  [{ storageClass: 'STANDARD' }, 'GLACIER_IR', {}],
  [{ storageClass: 'keep' }, 'STANDARD', {}],
  [{ storageClass: 'keep' }, 'GLACIER_IR', { 'x-amz-storage-class': 'GLACIER_IR' }],
  [{ storageClass: 'STANDARD_IA' }, 'GLACIER_IR', { 'x-amz-storage-class': 'STANDARD_IA' }],
  [{ acl: 'bucket-owner-full-control' }, 'STANDARD', { 'x-amz-acl': 'bucket-owner-full-control' }],
  [{ encryption: 'AES256' as const }, 'STANDARD', { 'x-amz-server-side-encryption': 'AES256' }],
  [
    { encryption: { kmsKey: 'alias/staging' } },
    'STANDARD',
    {
      'x-amz-server-side-encryption': 'aws:kms',
      'x-amz-server-side-encryption-aws-kms-key-id': 'alias/staging',
    },
  ],
])('kept as %j, an object of the class %s is written with %j', (keeping, storageClass, headers) => {
  expect(keepingHeaders(keeping, storageClass)).toEqual(headers);
});

test('tags are one header, with everything escaped that means something in it', () => {
  expect(taggingHeader([])).toBe('');
  expect(
    taggingHeader([
      { Key: 'team', Value: 'books' },
      { Key: 'a=b&c', Value: '50 % + \u00e9/\u{1f600}' },
      { Key: 'empty', Value: '' },
    ]),
  ).toBe('team=books&a%3Db%26c=50%20%25%20%2B%20%C3%A9%2F%F0%9F%98%80&empty=');
});
