import { allOf } from './all-of.ts';
import { usualObjects } from './config-objects.ts';
import type { Config } from './config.ts';
import type { Ends } from './connect.ts';
import type { SourceBucket, TargetBucket } from './s3/bucket.ts';
import { add, counter, diffBuckets, zero, type Amount, type Difference, type DiffTotals } from './s3/diff.ts';
import { requireDeletable, surveyor, type DeletionGuard, type ExtrasSurvey } from './s3/extras.ts';
import type { Keeping } from './s3/carried.ts';
import type { BucketHabits } from './s3/habits.ts';
import type { ListedObject } from './s3/listing.ts';
import type { BucketOrigin } from './s3/origin.ts';
import { canReadTags, chooseRoute, type Route } from './s3/route.ts';
import { filterOf, type Selection } from './s3/selection.ts';

/** A pair of buckets, compared, and what a run would do about it: plain JSON. */
export interface PlannedBucket {
  /** The config's name for the pair. */
  readonly bucket: string;
  readonly source: BucketOrigin;
  readonly target: BucketOrigin;
  readonly selection: Selection;
  readonly totals: DiffTotals;
  /** Of what is to be copied: what cannot be read before it has been restored, by its storage class. */
  readonly archived: Amount;
  readonly keeping: Keeping;
  /** Absent where nothing is to be copied, so that nothing was tried. */
  readonly route?: Route;
  /** The route was asked for by name. */
  readonly forced: boolean;
  readonly deletion?: PlannedDeletion;
  readonly notes: readonly string[];
}

export interface PlannedDeletion extends ExtrasSurvey {
  readonly guard: DeletionGuard;
  readonly versioning: BucketHabits['versioning'];
}

/** One key of a plan, for a list of them beside it. */
export interface PlannedObject {
  readonly bucket: string;
  /** The target's. */
  readonly key: string;
  readonly bytes: number;
  readonly will: 'copy' | 'overwrite' | 'delete' | 'stay';
}

export interface ObjectsPlanOptions {
  /** Called for every key that is not the same at both ends. */
  readonly onObject?: ((object: PlannedObject) => void) | undefined;
  /** How many keys have been compared until now. */
  readonly onCompared?: ((bucket: string, keys: number) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Compares all pairs. Throws what a listing throws, `bucket-denied` for a route that is not open, `deletion-refused`. */
export async function planObjects(config: Config, ends: Ends, options: ObjectsPlanOptions): Promise<PlannedBucket[]> {
  const pairs = [...ends.source.buckets].flatMap(([bucket, source]) => {
    const target = ends.target.buckets.get(bucket);
    return target ? [{ bucket, source, target }] : [];
  });
  return allOf(pairs.map(({ bucket, source, target }) => planPair(config, bucket, source, target, options)));
}

/** Which keys of a pair count, as the config has it. */
export function selectionOf(config: Config, bucket: string): Selection {
  const { prefix, include, exclude, renames, backup } = config.objects[bucket] ?? usualObjects;
  return {
    ...(prefix === undefined ? {} : { prefix }),
    include,
    exclude,
    renames,
    ...(backup === undefined ? {} : { backup }),
  };
}

const archives = new Set(['GLACIER', 'DEEP_ARCHIVE']);

async function planPair(
  config: Config,
  bucket: string,
  source: SourceBucket,
  target: TargetBucket,
  { onObject, onCompared, signal }: ObjectsPlanOptions,
): Promise<PlannedBucket> {
  const settings = config.objects[bucket] ?? usualObjects;
  const selection = selectionOf(config, bucket);
  const filter = filterOf(selection);
  const { count, totals: sum } = counter();
  const extras = surveyor();
  const archived = zero();
  let sample: ListedObject | undefined;
  let compared = 0;
  const see = (difference: Difference) => {
    count(difference);
    compared += 1;
    if (onCompared && compared % 1000 === 0) onCompared(bucket, compared);
    if (difference.kind === 'same') return;
    if (difference.kind === 'extra') extras.see(difference.target);
    else {
      sample ??= difference.source;
      if (archives.has(difference.source.storageClass)) add(archived, difference.source.sizeBytes);
    }
    onObject?.({ bucket, ...plannedObject(difference, settings.delete !== undefined) });
  };
  await diffBuckets({ source, target, selection }, see, { signal, filter });
  const totals = sum();
  const isDeleting = settings.delete !== undefined && totals.extra.objects > 0;
  if (settings.delete) requireDeletable(totals, settings.delete, target.origin);
  const [route, readsTags, habits] = await allOf([
    sample && chooseRoute(source, target, settings.route, sample, signal),
    sample ? canReadTags(source, sample, signal) : true,
    sample || isDeleting ? target.habits(signal) : undefined,
  ]);
  const { storageClass, encryption, acl = habits?.acls === 'on' ? 'bucket-owner-full-control' : undefined } = settings;
  return {
    bucket,
    source: source.origin,
    target: target.origin,
    selection,
    totals,
    archived,
    keeping: {
      ...(storageClass === undefined ? {} : { storageClass }),
      ...(encryption === undefined ? {} : { encryption }),
      ...(acl === undefined ? {} : { acl }),
    },
    ...(route ? { route } : {}),
    forced: settings.route === 'server',
    ...(isDeleting && settings.delete
      ? {
          deletion: {
            ...extras.survey(totals),
            guard: settings.delete,
            versioning: habits?.versioning ?? 'unknown',
          },
        }
      : {}),
    notes: [
      ...(totals.source.objects === 0
        ? [`${bucket}: the source lists no object that counts; is it the right bucket?`]
        : []),
      ...(archived.objects > 0
        ? [
            `${bucket}: ${archived.objects} of the objects to copy are archived (GLACIER, DEEP_ARCHIVE). Those that have not been restored cannot be read, and will be named as failed; exclude them, or restore them first`,
          ]
        : []),
      ...(readsTags
        ? []
        : [`${bucket}: the source's keys lack s3:GetObjectTagging, so objects arrive without their tags`]),
      ...filter.unmatched().map((pattern) => `${bucket}: no key matches ${pattern}`),
    ],
  };
}

function plannedObject(difference: Difference, isDeleting: boolean): Omit<PlannedObject, 'bucket'> {
  const { key } = difference;
  if (difference.kind === 'extra')
    return { key, bytes: difference.target.sizeBytes, will: isDeleting ? 'delete' : 'stay' };
  return { key, bytes: difference.source.sizeBytes, will: difference.kind === 'missing' ? 'copy' : 'overwrite' };
}
