import { redact, RestageError } from '../errors.ts';
import { nearest } from '../nearest.ts';
import type { S3Client } from './client.ts';
import { ownBuckets } from './list-buckets.ts';
import { describeBucket, type BucketOrigin } from './origin.ts';
import { refusesKeys, S3Error } from './s3-error.ts';

/** What a listing failed of, in words for whoever named the bucket. */
export async function listError(
  client: S3Client,
  origin: BucketOrigin,
  error: unknown,
  signal?: AbortSignal,
): Promise<Error> {
  if (!(error instanceof S3Error)) {
    if (error instanceof RestageError || signal?.aborted) return error as Error; // thrown by this client, so an Error
    return new RestageError(
      'bucket-denied',
      `cannot reach ${describeBucket(origin)}: ${error instanceof Error ? error.message : String(error)}`,
      { cause: error, hint: routeAdvice(origin) },
    );
  }
  if (error.code === 'NoSuchBucket') {
    const near = await nearBucket(client, origin.bucket).catch(() => undefined);
    return new RestageError('bucket-missing', `there is no bucket ${origin.bucket}`, {
      cause: error,
      hint: near
        ? `The account has a bucket ${near}: is that the one?`
        : 'Check the name; names are unique over all accounts.',
    });
  }
  const words = `cannot list ${describeBucket(origin)}: ${error.message} (${error.code})`;
  return refusal(
    error,
    words,
    `The keys need s3:ListBucket and s3:GetObject on it${origin.account ? `, and the bucket must belong to account ${origin.account}` : ''}.`,
  );
}

/** What a store has answered in place of what it was asked for, in these words. `allow`: what to do where a right is lacking. */
export function refusal(error: S3Error, words: string, allow: string): RestageError {
  if (refusesKeys(error))
    return new RestageError('credentials-failed', words, {
      cause: error,
      hint: 'The keys are not accepted: log in again, or correct them.',
    });
  const hint =
    error.code === 'PermanentRedirect'
      ? 'The bucket is in another region than aws.region says.'
      : error.status === 403
        ? allow
        : undefined;
  return new RestageError('bucket-denied', words, { cause: error, hint });
}

/** What to look at where a store does not answer. */
export function routeAdvice({ endpoint, region }: BucketOrigin): string {
  if (endpoint !== undefined) return 'Check aws.endpoints.s3 in restage.yaml, and that it runs.';
  return `Check aws.region (${region}) and the network. Within a VPC it takes a route to it: a NAT gateway, or the gateway endpoint com.amazonaws.${region}.s3 in the route tables of its subnets.`;
}

/** The bucket of the account whose name is nearest. */
async function nearBucket(client: S3Client, bucket: string): Promise<string | undefined> {
  const { buckets } = await ownBuckets(client);
  return nearest(
    bucket,
    buckets.map(({ name }) => name),
  );
}

/** What S3 said of one object of the source, or of the target, in words: they stand in lists and reports. */
export function reasonOf(error: unknown, end: 'source' | 'target' = 'source'): string {
  return redact(wordsOf(error, end));
}

function wordsOf(error: unknown, end: 'source' | 'target'): string {
  if (!(error instanceof S3Error)) return error instanceof Error ? error.message : String(error);
  switch (error.code) {
    case 'PreconditionFailed':
      return `it changed at the ${end} while it was being read`;
    case 'NoSuchKey':
    case 'NotFound':
      return `it was deleted at the ${end} since it was listed`;
    case 'InvalidObjectState':
    case 'ObjectNotInActiveTierError':
      return `it is archived: it can be read when it has been restored (${error.code})`;
    default:
      return `${error.message} (${error.asked === undefined ? error.code : `${error.code}, ${error.asked}`})`;
  }
}
