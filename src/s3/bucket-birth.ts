import { readXml, s3Client } from './client.ts';
import type { BucketSettings } from './bucket.ts';
import { S3Error } from './s3-error.ts';

/** What tells a bucket from another of its name, where the store lists it among those of the keys' own account. */
export async function readBucketBirth(settings: BucketSettings, signal?: AbortSignal): Promise<string | undefined> {
  using client = s3Client({ ...settings, access: 'read-only' });
  try {
    const { ListAllMyBucketsResult: result } = (await readXml(await client.send({ method: 'GET', signal }))) as {
      ListAllMyBucketsResult?: {
        Owner?: { ID?: string };
        Buckets?: { Bucket?: readonly { Name: string; CreationDate?: string }[] };
      };
    };
    const found = result?.Buckets?.Bucket?.find(({ Name }) => Name === settings.bucket);
    const [owner, born] = [result?.Owner?.ID, found?.CreationDate];
    return owner && born ? `${owner} ${born}` : undefined;
  } catch (error) {
    if (error instanceof S3Error) return undefined;
    throw error;
  }
}
