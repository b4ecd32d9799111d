import { RestageError } from '../errors.ts';
import type { SourceBucket, TargetBucket } from './bucket.ts';
import type { ListedObject } from './listing.ts';
import { describeBucket } from './origin.ts';
import { again } from './retry.ts';
import { S3Error } from './s3-error.ts';

/** By which way objects go, and why. */
export interface Route {
  readonly kind: 'server' | 'stream';
  readonly reason: string;
}

/**
 * The store copies by itself where the target's keys may read the source, which is tried with one object; else the bytes pass
 * through this process. Throws `bucket-denied` where the server's way is demanded and not open.
 */
export async function chooseRoute(
  source: SourceBucket,
  target: TargetBucket,
  wanted: 'auto' | 'server' | 'stream',
  sample: ListedObject,
  signal?: AbortSignal,
): Promise<Route> {
  if (wanted === 'stream') return { kind: 'stream', reason: 'as the config says' };
  const obstacle = await findObstacle(source, target, sample, signal);
  if (obstacle === undefined)
    return {
      kind: 'server',
      reason: wanted === 'server' ? 'as the config says' : "the target's keys may read the source",
    };
  if (wanted === 'auto') return { kind: 'stream', reason: obstacle };
  throw new RestageError(
    'bucket-denied',
    `the store cannot copy from ${describeBucket(source.origin)} to ${describeBucket(target.origin)} by itself: ${obstacle}`,
    {
      hint: `The source's bucket policy must give s3:GetObject and s3:GetObjectTagging to the target's principal; or let objects.….route be auto or stream.`,
    },
  );
}

async function findObstacle(
  source: SourceBucket,
  target: TargetBucket,
  sample: ListedObject,
  signal: AbortSignal | undefined,
): Promise<string | undefined> {
  using seen = target.peek(source.origin);
  if (!seen) return 'the buckets are in two stores';
  try {
    await seen.head(sample.key, {}, signal);
    // An object that is encrypted with a key of KMS may be looked at and not read.
    if (sample.sizeBytes > 0) await again(() => readByte(seen, sample, signal), signal);
    return undefined;
  } catch (error) {
    if (!(error instanceof S3Error)) throw error;
    if (error.code === 'InvalidObjectState') return undefined; // archived, which is no matter of who asks
    const what = error.status === 403 ? 'may not read the source' : 'cannot read the source';
    return `the target's keys ${what} (${error.code})`;
  }
}

async function readByte(seen: SourceBucket, sample: ListedObject, signal: AbortSignal | undefined): Promise<void> {
  const { body } = await seen.get(sample, { number: 1, start: 0, sizeBytes: 1 }, signal);
  body.destroy();
}

/** Whether the source's keys may read tags; where they may not, the store does not even say that there are any. */
export async function canReadTags(source: SourceBucket, sample: ListedObject, signal?: AbortSignal): Promise<boolean> {
  try {
    await source.tags(sample.key, signal);
    return true;
  } catch (error) {
    if (error instanceof S3Error && error.status === 403) return false;
    if (error instanceof S3Error) return true; // another fault, which copying will meet and name
    throw error;
  }
}
