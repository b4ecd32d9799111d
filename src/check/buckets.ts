import { usualObjects } from '../config-objects.ts';
import { bucketOf } from '../connect.ts';
import { failureOf, RestageError } from '../errors.ts';
import { refuseSameBuckets } from '../same-bucket.ts';
import { sourceBucket, targetBucket, type BucketSettings, type SourceBucket, type TargetBucket } from '../s3/bucket.ts';
import type { BucketHabits } from '../s3/habits.ts';
import type { ListedObject } from '../s3/listing.ts';
import { describeBucket } from '../s3/origin.ts';
import { canReadTags, chooseRoute } from '../s3/route.ts';
import { reasonOf } from '../s3/bucket-error.ts';
import { accountOf } from './account.ts';
import type { CheckContext, CheckedEnd } from './context.ts';
import { after, begun, lookIn, NotTried, within, type Finding, type Look, type Seen } from './finding.ts';
import { probeBucket, type Probe } from './probe-bucket.ts';

interface CheckedBucket<Bucket> {
  readonly row: string;
  readonly settings: Promise<BucketSettings>;
  /** Once its account is right. */
  readonly bucket: Promise<Bucket>;
  /** The first objects of it; there once it can be listed. */
  readonly listed: Promise<readonly ListedObject[]>;
}

/** Every pair of buckets. `obstacle`: the row that forbids to write into the target at all, if there is one. */
export function bucketRows(
  ends: { readonly source: CheckedEnd; readonly target: CheckedEnd },
  context: CheckContext,
  obstacle: Promise<string | undefined>,
): Promise<Finding>[] {
  return Object.keys(ends.source.config.buckets).flatMap((name) => pairRows(name, ends, context, obstacle));
}

function pairRows(
  name: string,
  ends: { readonly source: CheckedEnd; readonly target: CheckedEnd },
  context: CheckContext,
  obstacle: Promise<string | undefined>,
): Promise<Finding>[] {
  const { config, mayWrite } = context;
  const objects = config.objects[name] ?? usualObjects;
  const source = openBucket(name, ends.source, context, sourceBucket);
  const target = openBucket(name, ends.target, context, targetBucket);
  const look = lookIn('objects');
  const asked = asker(context);
  const apart = begun(
    (async () => refuseSameBuckets([[name, await source.settings]], [[name, await target.settings]], context.signal))(),
  );
  const unmarked = begun(
    (async () => {
      await after(target.row, target.listed);
      return asked(target, (bucket, signal) => bucket.requireUnmarked(signal));
    })(),
  );
  const sample = begun((async () => sampleOf(await after(source.row, source.listed)))());
  const habits = begun(
    (async () => {
      await after(target.row, target.listed);
      return asked(target, (bucket, signal) => bucket.habits(signal));
    })(),
  );
  const tryToWrite = async (): Promise<Probe> => {
    await after(target.row, target.listed);
    await after(`${target.row} apart`, apart);
    await after(`${target.row} marker`, unmarked);
    const why = await obstacle;
    if (why !== undefined) throw new NotTried(`${why} is wrong`);
    const { acls } = await habits.catch(() => ({ acls: 'unknown' as const }));
    return probeBucket(await target.bucket, objects, acls, context);
  };
  const probe = mayWrite ? begun(tryToWrite()) : undefined;
  return [
    ...listRows(look, ends, name, source, target, apart),
    look(`${source.row} read`, '', async () => {
      const found = await sample;
      if (!found) return 'there is nothing that could be read';
      return asked(source, (bucket, signal) => readSeen(bucket, found, signal));
    }),
    look(`${source.row} tags`, '', async () => {
      const found = await sample;
      if (!found) return 'there is nothing that could have any';
      const readable = await asked(source, (bucket, signal) => canReadTags(bucket, found, signal));
      return tagsSeen(readable, source.row);
    }),
    look(`${target.row} apart`, '', async () => {
      const doubts = await apart;
      return doubts.length === 0 ? 'another bucket than the source' : { found: doubts.join('; '), verdict: 'note' };
    }),
    look(`${target.row} marker`, '', async () => {
      const doubt = await unmarked;
      return doubt === undefined ? 'not protected from being written to' : { found: doubt, verdict: 'note' };
    }),
    ...(probe
      ? [
          look(`${target.row} write`, '', async () => writeSeen(await probe, objects.delete !== undefined)),
          ...(objects.delete
            ? [
                look(`objects.${name}.delete`, `at most ${objects.delete.maxCount}`, async () =>
                  deleteSeen(await after(`${target.row} write`, probe)),
                ),
              ]
            : []),
        ]
      : []),
    look(`${target.row} settings`, '', async () => habitsSeen(await habits)),
    look(`objects.${name}.route`, objects.route, async () => {
      const found = await sample;
      if (!found) return 'nothing to try it with';
      await after(target.row, target.listed);
      return asked(target, async (bucket, signal) => {
        const { kind, reason } = await chooseRoute(await source.bucket, bucket, objects.route, found, signal);
        return `${kind}: ${reason}`;
      });
    }),
  ];
}

function listRows(
  look: Look,
  { source: from, target: to }: { readonly source: CheckedEnd; readonly target: CheckedEnd },
  name: string,
  source: CheckedBucket<SourceBucket>,
  target: CheckedBucket<TargetBucket>,
  apart: Promise<unknown>,
): Promise<Finding>[] {
  const seen = async (checked: CheckedBucket<SourceBucket>) => {
    const [first] = await checked.listed;
    const { origin } = await checked.bucket;
    const whose = origin.account === undefined ? '' : `, belongs to account ${origin.account}`;
    return `it can be listed${first ? '' : ', and is empty'}${whose}`;
  };
  return [
    look(source.row, from.config.buckets[name] ?? '', () => seen(source)),
    look(target.row, to.config.buckets[name] ?? '', async () => {
      try {
        return await seen(target);
      } catch (error) {
        // Advice to let the target's keys into the source's bucket would be wrong.
        const code = await apart.then(
          () => undefined,
          (why: unknown) => failureOf(why).code,
        );
        throw code === 'target-is-source' ? new NotTried(`${target.row} apart is wrong`) : error;
      }
    }),
  ];
}

function openBucket<Bucket extends SourceBucket>(
  name: string,
  end: CheckedEnd,
  context: CheckContext,
  open: (settings: BucketSettings) => Bucket,
): CheckedBucket<Bucket> {
  const { side, config } = end;
  const settings = begun(accountOf(end).then((account) => bucketOf(account, config.buckets[name] ?? '')));
  const bucket = begun(settings.then(open));
  const opened = { row: `${side}.buckets.${name}`, settings, bucket };
  const listed = begun(
    asker(context)(opened, async (to, signal) => [...(await to.list({ limit: 20 }, undefined, signal)).objects]),
  );
  context.closing.defer(() =>
    bucket.then(
      (one) => one[Symbol.dispose](),
      () => {},
    ),
  );
  return { ...opened, listed };
}

/** Asks a bucket, and gives up where its store does not answer: its own patience is a copy's. */
function asker({ signal }: CheckContext) {
  return async <Bucket extends SourceBucket, T>(
    { bucket }: Pick<CheckedBucket<Bucket>, 'bucket'>,
    ask: (bucket: Bucket, signal: AbortSignal) => Promise<T>,
  ): Promise<T> => {
    const to = await bucket;
    return within(
      `${describeBucket(to.origin)} at ${to.origin.endpoint ?? `S3 in ${to.origin.region}`}`,
      signal,
      (ended) => ask(to, ended),
    );
  };
}

const archived = ['GLACIER', 'DEEP_ARCHIVE'];

/** One that has bytes, and is no archive's: others cannot be tried. */
function sampleOf(objects: readonly ListedObject[]): ListedObject | undefined {
  return (
    objects.find(({ sizeBytes, storageClass }) => sizeBytes > 0 && !archived.includes(storageClass)) ??
    objects.find(({ storageClass }) => !archived.includes(storageClass))
  );
}

async function readSeen(bucket: SourceBucket, sample: ListedObject, signal: AbortSignal): Promise<Seen> {
  try {
    const part = sample.sizeBytes > 0 ? { number: 1, start: 0, sizeBytes: 1 } : undefined;
    const { headers, body } = await bucket.get(sample, part, signal);
    body.destroy();
    const kms = headers['x-amz-server-side-encryption'];
    return `a byte of ${JSON.stringify(sample.key)} was read${kms === undefined ? '' : `, encrypted with ${String(kms)}`}`;
  } catch (error) {
    throw new RestageError(
      'bucket-denied',
      `${JSON.stringify(sample.key)} of ${describeBucket(bucket.origin)} cannot be read: ${reasonOf(error)}`,
      {
        cause: error,
        hint: "The source's keys need s3:GetObject on the bucket's objects; and kms:Decrypt on the key, where they are encrypted with one of KMS.",
      },
    );
  }
}

function tagsSeen(readable: boolean, row: string): Seen {
  if (readable) return 'can be read';
  return {
    found: 'may not be read: objects arrive without their tags',
    verdict: 'note',
    fix: `Where they matter: give the keys of ${row} s3:GetObjectTagging.`,
  };
}

function habitsSeen({ versioning, acls }: BucketHabits): Seen {
  const found = `versioning ${versioning}, ACLs ${acls}`;
  if (versioning !== 'unknown' && acls !== 'unknown') return found;
  const lacking = [
    versioning === 'unknown' && 's3:GetBucketVersioning',
    acls === 'unknown' && 's3:GetBucketOwnershipControls',
  ].filter(Boolean);
  return { found, verdict: 'note', fix: `To know it, the target's keys need ${lacking.join(' and ')}.` };
}

function writeSeen({ key, left, versioned }: Probe, deletes: boolean): Seen {
  const found = `${key} was written and read back`;
  if (left !== undefined && !deletes)
    return {
      found: `${found}; it could not be removed, and is left: ${left.reason}`,
      verdict: 'note',
      fix: `Remove it: ${left.command}. A run needs no right to delete, as objects.….delete is not set.`,
    };
  return `${found}${left === undefined ? ', and removed' : ''}${versioned ? '; the bucket keeps its version and a delete marker' : ''}`;
}

function deleteSeen({ left, key }: Probe): Seen {
  if (left === undefined) return 'what was written to try it could be removed';
  return {
    found: `${key} could not be removed, and is left: ${left.reason}`,
    verdict: 'wrong',
    fix: `Give the target's keys s3:DeleteObject, or take delete out. Then remove it: ${left.command}`,
  };
}
