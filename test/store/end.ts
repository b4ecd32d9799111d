import { randomBytes } from 'node:crypto';
import {
  CreateBucketCommand,
  PutBucketEncryptionCommand,
  PutBucketPolicyCommand,
  PutBucketVersioningCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import type { Lacks, StoreBucket, StoreEnd } from './store.ts';

type EndSettings = Pick<StoreEnd, 'endpoint' | 'region' | 'accessKeyId' | 'secretAccessKey' | 'account' | 'principal'>;

/** One owner of a store that runs. */
export function openEnd(settings: EndSettings, lacks: Lacks): StoreEnd {
  const { endpoint, region, accessKeyId, secretAccessKey } = settings;
  const client = new S3Client({
    endpoint,
    region,
    credentials: { accessKeyId, secretAccessKey },
    forcePathStyle: true,
    // Not every store takes checksums that nobody asked for.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
  });
  return { ...settings, client, createBucket: (bucket = {}) => createBucket(client, bucket, lacks) };
}

async function createBucket(client: S3Client, settings: StoreBucket, lacks: Lacks): Promise<string> {
  const { versioned, readableBy, ownership, kmsKey } = settings;
  const Bucket = `restage-${randomBytes(6).toString('hex')}`;
  for (const [ability, wanted] of [
    ['ownership-controls', ownership],
    ['kms', kmsKey],
  ] as const)
    if (wanted !== undefined && lacks[ability] !== undefined)
      throw new Error(`the test has to say that it needs ${ability}: the store ${lacks[ability]}`);
  await client.send(new CreateBucketCommand({ Bucket, ...(ownership ? { ObjectOwnership: ownership } : {}) }));
  if (versioned)
    await client.send(new PutBucketVersioningCommand({ Bucket, VersioningConfiguration: { Status: 'Enabled' } }));
  if (readableBy)
    await client.send(new PutBucketPolicyCommand({ Bucket, Policy: JSON.stringify(readPolicy(Bucket, readableBy)) }));
  if (kmsKey !== undefined) {
    const rule = { ApplyServerSideEncryptionByDefault: { SSEAlgorithm: 'aws:kms', KMSMasterKeyID: kmsKey } } as const;
    await client.send(new PutBucketEncryptionCommand({ Bucket, ServerSideEncryptionConfiguration: { Rules: [rule] } }));
  }
  return Bucket;
}

function readPolicy(bucket: string, { principal }: StoreEnd): object {
  return {
    Version: '2012-10-17',
    Statement: [
      {
        Effect: 'Allow',
        Principal: { AWS: [principal] },
        Action: ['s3:GetObject', 's3:GetObjectTagging', 's3:ListBucket'],
        Resource: [`arn:aws:s3:::${bucket}`, `arn:aws:s3:::${bucket}/*`],
      },
    ],
  };
}
