import { RestageError } from '../errors.ts';
import { listError } from './bucket-error.ts';
import { readText, readXml, type S3Client } from './client.ts';
import { describeBucket, type BucketOrigin } from './origin.ts';
import { again } from './retry.ts';
import { S3Error } from './s3-error.ts';
import { taggingBody } from './writer.ts';

/** A tag of this key, whatever its value: the bucket is no target, whoever asks, by whatever version and config. */
const marker = 'restage:protected';

export interface BucketTag {
  readonly key: string;
  readonly value: string;
}

/** The tags of a bucket, or in words why they are not known. */
export type BucketTags =
  | { readonly known: true; readonly tags: readonly BucketTag[] }
  | { readonly known: false; readonly reason: string };

/** Throws `bucket-denied` where the store fails; what it refuses, or does not have, is told as that. */
export async function readBucketTags(
  client: S3Client,
  origin: BucketOrigin,
  signal?: AbortSignal,
): Promise<BucketTags> {
  const { bucket } = origin;
  try {
    const answer = await again(
      async () => readXml(await client.send({ method: 'GET', bucket, query: { tagging: '' }, signal })),
      signal,
    );
    // A store that has no tags of buckets may answer another question.
    if (!('Tagging' in answer)) return { known: false, reason: 'the store answers with something else' };
    const { Tagging: tagging } = answer as {
      Tagging: '' | { TagSet?: '' | { Tag?: { Key: string; Value: string }[] } };
    };
    const set = tagging && tagging.TagSet ? tagging.TagSet.Tag : undefined;
    return { known: true, tags: (set ?? []).map(({ Key, Value }) => ({ key: Key, value: Value })) };
  } catch (error) {
    if (!(error instanceof S3Error)) throw await listError(client, origin, error, signal);
    if (/^NoSuchTagSet(Error)?$/.test(error.code)) return { known: true, tags: [] };
    if (error.status === 403) return { known: false, reason: `its keys lack s3:GetBucketTagging (${error.code})` };
    if (error.status < 500 || error.status === 501)
      return { known: false, reason: `the store says ${error.message} (${error.code})` };
    throw new RestageError(
      'bucket-denied',
      `the tags of ${describeBucket(origin)} cannot be read: ${error.message} (${error.code})`,
      { cause: error },
    );
  }
}

export function isMarked(tags: readonly BucketTag[]): boolean {
  return tags.some(({ key }) => key === marker);
}

/** The refusal of a bucket with the marker, with the command that takes it off by hand. */
export function protectedBucket(origin: BucketOrigin, tags: readonly BucketTag[]): RestageError {
  const rest = tags.filter(({ key }) => key !== marker);
  const command =
    rest.length === 0 ? `aws s3api delete-bucket-tagging --bucket ${origin.bucket}` : tagCommand(origin, rest);
  return new RestageError('protected', `${describeBucket(origin)} is protected: the bucket bears the tag ${marker}`, {
    hint: `Nothing in it may be written or deleted. Only if it really is to be a target, take the tag off by hand: ${command}`,
  });
}

/** The tags with the marker among them. */
export function withMarker(tags: readonly BucketTag[]): readonly BucketTag[] {
  return isMarked(tags) ? tags : [...tags, { key: marker, value: 'true' }];
}

/** What gives a bucket these tags instead of any, for a shell. */
export function tagCommand({ bucket }: BucketOrigin, tags: readonly BucketTag[]): string {
  const set = JSON.stringify({ TagSet: tags.map(({ key, value }) => ({ Key: key, Value: value })) });
  return `aws s3api put-bucket-tagging --bucket ${bucket} --tagging '${set.replaceAll("'", String.raw`'\''`)}'`;
}

/** Puts the marker on a bucket, beside its other tags, and reads them back. Throws what the store says, and `bucket-denied`. */
export async function mark(client: S3Client, origin: BucketOrigin, signal?: AbortSignal): Promise<void> {
  const { bucket } = origin;
  const before = await readBucketTags(client, origin, signal);
  // S3 replaces the whole set: what cannot be read would be lost.
  if (!before.known) throw new RestageError('bucket-denied', `the tags of ${bucket} cannot be read: ${before.reason}`);
  if (isMarked(before.tags)) return;
  const wanted = withMarker(before.tags);
  const { body, headers } = taggingBody(wanted);
  const response = await client.send({ method: 'PUT', bucket, query: { tagging: '' }, body, headers, signal });
  await readText(response.body);
  const after = await readBucketTags(client, origin, signal);
  const lost = after.known
    ? wanted.filter(({ key, value }) => !after.tags.some((tag) => tag.key === key && tag.value === value))
    : wanted;
  if (lost.length > 0)
    throw new RestageError(
      'bucket-denied',
      `${bucket} does not bear the tag${lost.length === 1 ? '' : 's'} ${lost.map(({ key }) => key).join(', ')} after all`,
    );
}
