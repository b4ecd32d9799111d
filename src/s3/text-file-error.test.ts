import { expect, test } from 'vitest';
import { s3Client } from './client.ts';
import { S3Error } from './s3-error.ts';
import { textFileError } from './text-file-error.ts';

const origin = {
  bucket: 'runs',
  endpoint: undefined,
  region: 'eu-west-1',
  account: '222222222222',
  asker: 'the role',
  folder: 'r/',
};
using client = s3Client({
  region: 'eu-west-1',
  credentials: () => Promise.reject(new Error('nobody is asked')),
  access: 'read-only',
});
const told = (error: unknown, done: 'read' | 'written' = 'read', more = {}) =>
  textFileError(client, { ...origin, ...more }, error, done, 'r/a.json');
const refused = (message: string) => new S3Error(403, 'AccessDenied', message);

test('S3 that cannot be reached is told with its address, and what a VPC lacks', async () => {
  expect(await told(new Error('no connection within 10 s'))).toMatchObject({
    code: 'aws-unreachable',
    message:
      'cannot reach runs (account 222222222222) at https://runs.s3.eu-west-1.amazonaws.com: no connection within 10 s',
    hint: expect.stringContaining(
      'a NAT gateway, or the gateway endpoint com.amazonaws.eu-west-1.s3 in the route tables',
    ),
  });
});

test.each([
  [
    'read',
    'Access Denied',
    {},
    /^Allow s3:GetObject on arn:aws:s3:::runs\/r\/\* to the role, and s3:ListBucket on arn:aws:s3:::runs: without it/,
  ],
  [
    'written',
    'Access Denied',
    {},
    /^Allow s3:PutObject and s3:GetObject on arn:aws:s3:::runs\/r\/\* to the role\. The bucket must belong to account 222222222222/,
  ],
  ['written', 'Access Denied', { region: 'us-gov-west-1' }, / on arn:aws-us-gov:s3:::runs\//],
  [
    'read',
    'is not authorized to perform: s3:ListBucket on resource: "arn:aws:s3:::runs" because',
    {},
    /^Allow s3:ListBucket on arn:aws:s3:::runs: without it/,
  ],
  [
    'read',
    'is not authorized to perform: s3:GetObject on resource: "arn:aws:s3:::runs/r/a b" because',
    {},
    /^Allow s3:GetObject on arn:aws:s3:::runs\/r\/a b to the role/,
  ],
  [
    'written',
    'is not authorized to perform: kms:GenerateDataKey on resource: arn:aws:kms:eu-west-1:2:key/k because',
    {},
    /^Allow kms:Decrypt and kms:GenerateDataKey on the key of the bucket, arn:aws:kms:eu-west-1:2:key\/k, to the role/,
  ],
] as const)('what is denied is told with what is to be allowed: %s, %s', async (done, message, more, hint) => {
  expect(await told(refused(message), done, more)).toMatchObject({
    code: 'bucket-denied',
    hint: expect.stringMatching(hint),
  });
});

test('a bucket elsewhere, and keys that are not accepted, are told as that', async () => {
  expect(await told(new S3Error(301, 'PermanentRedirect', 'The bucket is in us-east-1.'))).toMatchObject({
    code: 'bucket-denied',
    hint: expect.stringContaining('another region'),
  });
  expect(await told(new S3Error(400, 'ExpiredToken', 'expired'))).toMatchObject({ code: 'credentials-failed' });
});
