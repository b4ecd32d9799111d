import { randomBytes } from 'node:crypto';
import type { Config } from '../config.ts';
import { RestageError } from '../errors.ts';
import type { TargetBucket } from '../s3/bucket.ts';
import { reasonOf } from '../s3/bucket-error.ts';
import { keepingHeaders } from '../s3/carried.ts';
import type { BucketHabits } from '../s3/habits.ts';
import { describeBucket } from '../s3/origin.ts';
import { readBody } from '../s3/read-body.ts';
import { S3Error } from '../s3/s3-error.ts';
import type { CheckContext } from './context.ts';
import { within } from './finding.ts';

/** What became of an object that was written to try whether objects can be. */
export interface Probe {
  readonly key: string;
  /** It could not be removed: why, and the command that removes it. */
  readonly left: { readonly reason: string; readonly command: string } | undefined;
  /** The bucket has kept what was removed. */
  readonly versioned: boolean;
}

/** How long the removal may take, whatever called everything else off. */
const removalMs = 5000;

/**
 * Writes an object into the target as a run would, reads it back, and removes it in any case.
 * Throws `bucket-denied` where it could not be written or read, and says so where it is left.
 */
export function probeBucket(
  target: TargetBucket,
  settings: Config['objects'][string],
  acls: BucketHabits['acls'],
  { signal, undoing }: CheckContext,
): Promise<Probe> {
  const probing = tryOne(target, settings, acls, signal);
  undoing.add(probing);
  return probing;
}

async function tryOne(
  target: TargetBucket,
  { prefix = '', encryption, storageClass, acl }: Config['objects'][string],
  acls: BucketHabits['acls'],
  signal: AbortSignal | undefined,
): Promise<Probe> {
  const { origin } = target;
  const key = `${prefix}.restage-probe-${randomBytes(6).toString('hex')}`;
  const content = Buffer.from('restage check writes and removes this.\n');
  const own = acl ?? (acls === 'on' ? 'bucket-owner-full-control' : undefined);
  const keeping = {
    ...(encryption ? { encryption } : {}),
    // An archive would have it paid for for months.
    ...(storageClass === 'STANDARD' ? { storageClass } : {}),
    ...(own === undefined ? {} : { acl: own }),
  };
  const headers = {
    'content-type': 'text/plain',
    'content-length': String(content.length),
    ...keepingHeaders(keeping, 'STANDARD'),
  };
  const command = `aws s3api delete-object --bucket '${origin.bucket}' --key '${key}'`;
  const remove = async () => {
    const left = await target.write.remove([key], AbortSignal.timeout(removalMs));
    return left.get(key);
  };
  let written = false;
  let failure: unknown;
  try {
    await within(describeBucket(origin), signal, async (ended) => {
      written = true; // perhaps: an answer that is lost says nothing
      const { etag } = await target.write.put(key, content, headers, ended).catch((error: unknown) => {
        if (error instanceof S3Error && error.status < 500) written = false;
        throw error;
      });
      const listed = { key, etag, sizeBytes: content.length, modifiedAt: '', storageClass: 'STANDARD' };
      const { body } = await target.get(listed, undefined, ended);
      if (!(await readBody(body)).equals(content)) throw new Error('what was read back is not what was written');
    });
  } catch (error) {
    failure = error;
  }
  const reason = written ? await remove().catch((error: unknown) => reasonOf(error, 'target')) : undefined;
  if (failure !== undefined) throw refused(failure, target, key, reason === undefined ? undefined : command);
  const versioned =
    reason === undefined &&
    (await target.habits(signal).then(
      ({ versioning }) => versioning === 'enabled',
      () => false,
    ));
  return { key, left: reason === undefined ? undefined : { reason, command }, versioned };
}

function refused(error: unknown, { origin }: TargetBucket, key: string, command: string | undefined): RestageError {
  if (error instanceof RestageError && error.code === 'interrupted') return error;
  const left = command === undefined ? '' : `; if it is there all the same, remove it: ${command}`;
  return new RestageError(
    'bucket-denied',
    `${key} cannot be written to ${describeBucket(origin)} and read back: ${reasonOf(error, 'target')}`,
    {
      cause: error,
      hint: `The target's keys need s3:PutObject, s3:GetObject and, for ACLs, s3:PutObjectAcl on the bucket's objects; and kms:GenerateDataKey and kms:Decrypt on its key, where it encrypts with one of KMS${left}.`,
    },
  );
}
