import type { BucketSettings } from './bucket.ts';
import { s3Client } from './client.ts';
import { ownBuckets } from './list-buckets.ts';
import { S3Error } from './s3-error.ts';

/** What tells a bucket from another of its name, where the store lists it among those of the keys' own account. */
export async function readBucketBirth(settings: BucketSettings, signal?: AbortSignal): Promise<string | undefined> {
  using client = s3Client({ ...settings, access: 'read-only' });
  try {
    const { owner, buckets } = await ownBuckets(client, signal);
    const madeAt = buckets.find(({ name }) => name === settings.bucket)?.madeAt;
    return owner && madeAt ? `${owner} ${madeAt}` : undefined;
  } catch (error) {
    if (error instanceof S3Error) return undefined;
    throw error;
  }
}
