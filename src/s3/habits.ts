import { readXml, type S3Client } from './client.ts';
import type { BucketOrigin } from './origin.ts';
import { again } from './retry.ts';
import { S3Error } from './s3-error.ts';

/** What a bucket does with what is written to it; `unknown` where its keys may not ask, or the store has no such thing. */
export interface BucketHabits {
  /** `enabled`: what is overwritten or deleted stays as an older version. */
  readonly versioning: 'enabled' | 'suspended' | 'never' | 'unknown';
  /** Whether objects have ACLs of their own, and the writer of an object may be another than the bucket's owner. */
  readonly acls: 'on' | 'off' | 'unknown';
}

export async function readHabits(
  client: S3Client,
  { bucket }: BucketOrigin,
  signal: AbortSignal | undefined,
): Promise<BucketHabits> {
  const ask = (query: string) =>
    again(async () => readXml(await client.send({ method: 'GET', bucket, query: { [query]: '' }, signal })), signal);
  const [versioning, acls] = await Promise.all([
    ask('versioning').then((answer) => {
      const { VersioningConfiguration: found } = answer as { VersioningConfiguration?: { Status?: string } | '' };
      const status = found ? found.Status : undefined;
      return status === 'Enabled'
        ? ('enabled' as const)
        : status === 'Suspended'
          ? ('suspended' as const)
          : ('never' as const);
    }, unknownIfRefused),
    ask('ownershipControls').then(
      (answer) => {
        const { OwnershipControls: found } = answer as { OwnershipControls?: { Rule?: { ObjectOwnership?: string } } };
        const ownership = found?.Rule?.ObjectOwnership;
        // A store that knows no such question may answer another.
        if (ownership === undefined) return 'unknown' as const;
        return ownership === 'BucketOwnerEnforced' ? ('off' as const) : ('on' as const);
      },
      // A bucket from before there was such a setting.
      (error: unknown) =>
        error instanceof S3Error && error.code === 'OwnershipControlsNotFoundError'
          ? ('on' as const)
          : unknownIfRefused(error),
    ),
  ]);
  return { versioning, acls };
}

function unknownIfRefused(error: unknown): 'unknown' {
  if (error instanceof S3Error) return 'unknown';
  throw error;
}
