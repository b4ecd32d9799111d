import { createHash } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as aws from '@aws-sdk/client-s3';
import { afterAll, beforeAll, beforeEach } from 'vitest';
import { startLocalAws, type Account, type LocalAws } from '../demo/local-aws/local-aws.ts';

export const production: Account = {
  id: '111111111111',
  accessKeyId: 'AKIAPRODUCTION',
  secretAccessKey: 'p',
  user: 'reader',
};
export const staging: Account = {
  id: '222222222222',
  accessKeyId: 'AKIASTAGING',
  secretAccessKey: 's',
  user: 'writer',
};

export let folder: string;
export let local: LocalAws;
/** A bucket of production's, empty and new for each test. */
export let bucket: string;
let buckets = 0;

/** One local AWS for the file. */
export function useLocalAws(): void {
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'restage-local-aws-'));
    local = await startLocalAws({ accounts: [production, staging], folder });
  });
  afterAll(async () => {
    await local[Symbol.asyncDispose]();
    await rm(folder, { recursive: true });
  });
  beforeEach(async () => {
    bucket = `bucket-${(buckets += 1)}`;
    await local.createBucket({ name: bucket, account: production.id });
    await local.clearFaults();
    await local.resetRequests();
  });
}

export type Keys = Pick<Account, 'accessKeyId' | 'secretAccessKey'> & { readonly sessionToken?: string };

export const settings = (credentials: Keys) => ({
  endpoint: local.endpoint,
  region: 'us-west-2',
  credentials,
  maxAttempts: 1,
});

export function s3(credentials: Keys = production): aws.S3Client {
  return new aws.S3Client({ ...settings(credentials), forcePathStyle: true });
}

export function put(key: string, body: string, more: Partial<aws.PutObjectCommandInput> = {}): aws.PutObjectCommand {
  return new aws.PutObjectCommand({ Bucket: bucket, Key: key, Body: body, ...more });
}

export async function get(
  key: string,
  client = s3(),
  more: Partial<aws.GetObjectCommandInput> = {},
): Promise<{ readonly text: string; readonly output: aws.GetObjectCommandOutput }> {
  const output = await client.send(new aws.GetObjectCommand({ Bucket: bucket, Key: key, ...more }));
  return { output, text: (await output.Body?.transformToString()) ?? '' };
}

export const list = (client = s3()) => client.send(new aws.ListObjectsV2Command({ Bucket: bucket }));

export async function listKeys(): Promise<readonly (string | undefined)[]> {
  return ((await list()).Contents ?? []).map((object) => object.Key);
}

/** Within the bucket. */
export function copy(
  from: string,
  to: string,
  more: Partial<aws.CopyObjectCommandInput> = {},
): Promise<aws.CopyObjectCommandOutput> {
  return s3().send(new aws.CopyObjectCommand({ Bucket: bucket, Key: to, CopySource: `${bucket}/${from}`, ...more }));
}

export const md5 = (data: string | Uint8Array): string => createHash('md5').update(data).digest('hex');
