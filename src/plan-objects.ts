import { allOf } from './all-of.ts';
import { usualObjects } from './config-objects.ts';
import type { Config } from './config.ts';
import type { Ends } from './connect.ts';
import { failureOf, RestageError, type Failure } from './errors.ts';
import { lastOfBucket, type LastRun } from './last-run.ts';
import type { SourceBucket, TargetBucket } from './s3/bucket.ts';
import { add, counter, diffBuckets, zero, type Amount, type Difference, type DiffTotals } from './s3/diff.ts';
import { requireDeletable, surveyor, type DeletionGuard, type ExtrasSurvey } from './s3/deletion-guard.ts';
import type { Keeping } from './s3/carried.ts';
import type { BucketHabits } from './s3/habits.ts';
import type { ListedObject } from './s3/listing.ts';
import { describeBucket, type BucketOrigin } from './s3/origin.ts';
import { byPrefix, type Prefixes } from './s3/prefixes.ts';
import { canReadTags, chooseRoute, type Route } from './s3/route.ts';
import { filterOf, type Selection } from './s3/selection.ts';
import type { ReferencedKeys } from './referenced-keys.ts';
import { keysWanted, selectionOf } from './selection-of.ts';
import { shrunkBucket } from './shrink.ts';

/** A pair of buckets, compared, and what a run would do about it: plain JSON. */
export interface PlannedBucket {
  /** The config's name for the pair. */
  readonly bucket: string;
  readonly source: BucketOrigin;
  readonly target: BucketOrigin;
  readonly selection: Selection;
  readonly totals: DiffTotals;
  /** What is to be copied, by what the keys begin with; absent where nothing is. */
  readonly toCopy?: Prefixes;
  /** Of what is to be copied: what cannot be read before it has been restored, by its storage class. */
  readonly archived: Amount;
  readonly keeping: Keeping;
  /** Absent where nothing is to be copied, so that nothing was tried. */
  readonly route?: Route;
  /** The route was asked for by name. */
  readonly forced: boolean;
  readonly deletion?: PlannedDeletion;
  /** What the target keeps of what is overwritten or deleted; absent where neither happens. */
  readonly versioning?: BucketHabits['versioning'];
  /** Where only keys that rows name count: how many these are, and what the source has of them. */
  readonly referenced?: PlannedKeys;
  /** When the listings began, ISO 8601 by the target's clock. */
  readonly plannedAt: string;
  /** Patterns and renames that no key matches. */
  readonly unmatched: readonly string[];
  readonly notes: readonly string[];
  /** Why this may not be run. */
  readonly refusals: readonly Failure[];
}

export interface PlannedDeletion extends ExtrasSurvey {
  readonly guard: DeletionGuard;
}

/** Keys that rows name. */
export interface PlannedKeys {
  /** Different ones. */
  readonly keys: number;
  /** Of them: what is not among the source's selected objects. */
  readonly absent: number;
  /** A few of those. */
  readonly examples: readonly string[];
  /** The database whose rows were read, in words. */
  readonly from: string;
  /** Why the new database may name fewer; absent where these are the ones. */
  readonly estimate?: string;
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
  /** The part that is planned; absent: all. */
  readonly only?: 'database' | 'objects' | undefined;
  /** Called for every key that is not the same at both ends. */
  readonly onObject?: ((object: PlannedObject) => void) | undefined;
  /** How many keys have been compared until now. */
  readonly onCompared?: ((bucket: string, keys: number) => void) | undefined;
  /** What earlier runs that ended well read of the source, newest first: `lastRunOf` a report. */
  readonly last?: readonly LastRun[] | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Compares all pairs. Throws `protected`, what a listing throws, and `bucket-denied` for a route that is not open. */
export async function planObjects(config: Config, ends: Ends, options: ObjectsPlanOptions): Promise<PlannedBucket[]> {
  const pairs = [...ends.source.buckets].flatMap(([bucket, source]) => {
    const target = ends.target.buckets.get(bucket);
    return target ? [{ bucket, source, target }] : [];
  });
  return allOf(pairs.map(({ bucket, source, target }) => planPair(config, ends, bucket, source, target, options)));
}

const archives = new Set(['GLACIER', 'DEEP_ARCHIVE']);

/** What rows name, of a pair that is limited to that: the rows as they are to be, or, for the objects alone, as they are. */
async function keysOf(
  config: Config,
  ends: Ends,
  bucket: string,
  { only, signal }: ObjectsPlanOptions,
): Promise<ReferencedKeys | undefined> {
  const wanted = keysWanted(bucket, selectionOf(config, bucket), { label: 'plan', signal });
  if (!wanted) return undefined;
  const { estimateKeys, readPresentKeys } = await import('./referenced-keys.ts');
  const { database } = ends.target;
  return only === 'objects' && database ? readPresentKeys(database, wanted) : estimateKeys(config, ends, wanted);
}

async function planPair(
  config: Config,
  ends: Ends,
  bucket: string,
  source: SourceBucket,
  target: TargetBucket,
  options: ObjectsPlanOptions,
): Promise<PlannedBucket> {
  const { onObject, onCompared, last = [], signal } = options;
  const settings = config.objects[bucket] ?? usualObjects;
  const selection = selectionOf(config, bucket);
  const referenced = await keysOf(config, ends, bucket, options);
  const filter = filterOf(selection, referenced?.keys);
  const renames = Object.keys(selection.renames);
  const { count, totals: sum } = counter();
  const extras = surveyor();
  const toCopy = byPrefix();
  const archived = zero();
  let sample: ListedObject | undefined;
  let compared = 0;
  const unlooked = await target.requireUnmarked(signal);
  const began = performance.now();
  const renamesMet = new Set<string>();
  const see = (difference: Difference) => {
    count(difference);
    if (difference.kind !== 'extra' && renamesMet.size < renames.length)
      for (const from of renames) if (difference.source.key.startsWith(from)) renamesMet.add(from);
    compared += 1;
    if (onCompared && compared % 1000 === 0) onCompared(bucket, compared);
    if (difference.kind === 'same') return;
    if (difference.kind === 'extra') extras.see(difference.target);
    else {
      sample ??= difference.source;
      toCopy.see({ key: difference.key, sizeBytes: difference.source.sizeBytes });
      if (archives.has(difference.source.storageClass)) add(archived, difference.source.sizeBytes);
    }
    onObject?.({ bucket, ...plannedObject(difference, settings.delete !== undefined) });
  };
  await diffBuckets({ source, target, selection }, see, { signal, filter });
  const totals = sum();
  const isDeleting = settings.delete !== undefined && totals.extra.objects > 0;
  // The store's time is known to the second, and may be one more: what was there when it was listed must not count as newer.
  const startedMs = target.now() - (performance.now() - began);
  const plannedAt = new Date((Math.ceil(startedMs / 1000) + 1) * 1000).toISOString();
  const [route, readsTags, habits] = await allOf([
    sample && chooseRoute(source, target, settings.route, sample, signal),
    sample ? canReadTags(source, sample, signal) : true,
    sample || isDeleting ? target.habits(signal) : undefined,
  ]);
  const unmatched = [...filter.unmatched(), ...renames.filter((from) => !renamesMet.has(from))];
  const { storageClass, encryption, acl = habits?.acls === 'on' ? 'bucket-owner-full-control' : undefined } = settings;
  return {
    bucket,
    source: source.origin,
    target: target.origin,
    selection,
    totals,
    ...(sample ? { toCopy: toCopy.told() } : {}),
    archived,
    keeping: {
      ...(storageClass === undefined ? {} : { storageClass }),
      ...(encryption === undefined ? {} : { encryption }),
      ...(acl === undefined ? {} : { acl }),
    },
    ...(route ? { route } : {}),
    forced: settings.route === 'server',
    ...(isDeleting && settings.delete ? { deletion: { ...extras.survey(totals), guard: settings.delete } } : {}),
    ...(habits ? { versioning: habits.versioning } : {}),
    ...(referenced ? { referenced: await plannedKeys(referenced) } : {}),
    plannedAt,
    unmatched,
    notes: [
      ...(archived.objects > 0
        ? [
            `${bucket}: ${archived.objects} of the objects to copy are archived (GLACIER, DEEP_ARCHIVE). Those that have not been restored cannot be read, and will be named as failed; exclude them, or restore them first`,
          ]
        : []),
      ...(readsTags
        ? []
        : [`${bucket}: the source's keys lack s3:GetObjectTagging, so objects arrive without their tags`]),
      ...unmatched.map((pattern) => `${bucket}: no key matches ${pattern}`),
      ...(unlooked === undefined
        ? []
        : [`${bucket}: whether ${target.origin.bucket} is protected could not be looked for: ${unlooked}`]),
    ],
    refusals: refusalsOf(config, bucket, totals, source, target, { last, readAt: plannedAt }),
  };
}

async function plannedKeys({ keys, from, estimate, examples }: ReferencedKeys): Promise<PlannedKeys> {
  return {
    keys: keys.size,
    absent: keys.absent(),
    examples: await examples(),
    from,
    ...(estimate === undefined ? {} : { estimate }),
  };
}

function refusalsOf(
  config: Config,
  bucket: string,
  totals: DiffTotals,
  source: SourceBucket,
  target: TargetBucket,
  { last, readAt }: { readonly last: readonly LastRun[]; readonly readAt: string },
): Failure[] {
  const settings = config.objects[bucket] ?? usualObjects;
  const selection = selectionOf(config, bucket);
  if (totals.source.objects === 0 && !settings.mayBeEmpty)
    return [failureOf(emptyBucket(bucket, source.origin, selection))];
  const refusals: Failure[] = [];
  const then = lastOfBucket(last, source.origin, target.origin, selection);
  const now = { ...totals.source, origin: source.origin, readAt };
  // Of a pair that rows decide on, fewer objects say that there are fewer rows.
  const shrunk =
    then &&
    !settings.mayShrink &&
    selection.only === undefined &&
    shrunkBucket(bucket, now, then, config.guards.maxShrinkPercent);
  if (shrunk) refusals.push(failureOf(shrunk));
  try {
    if (settings.delete) requireDeletable(bucket, totals, settings.delete, target.origin);
  } catch (error) {
    refusals.push(failureOf(error));
  }
  return refusals;
}

/** Nothing was compared: that is no success, unless somebody has said that it may be so. */
export function emptyBucket(bucket: string, source: BucketOrigin, selection: Selection): RestageError {
  const { prefix, include, exclude, only, referencedBy = [] } = selection;
  const asked = [
    ...(prefix === undefined ? [] : [`under ${prefix}`]),
    ...(include.length === 0 ? [] : [`matching ${include.join(', ')}`]),
    ...(exclude.length === 0 ? [] : [`but ${exclude.join(', ')}`]),
    ...(only === undefined ? [] : [`that a row names in ${referencedBy.join(', ')}`]),
  ];
  const where = asked.length === 0 ? '' : ` ${asked.join(' ')}`;
  const what =
    asked.length === 0
      ? 'Is it the right bucket?'
      : only === undefined
        ? 'Are prefix and patterns right?'
        : "Do these columns hold the bucket's keys as they are, without a slash or an address before them?";
  return new RestageError('bucket-empty', `${describeBucket(source)} lists no object${where}: nothing was compared`, {
    hint: `${what} If it may be so, say objects.${bucket}.mayBeEmpty: true.`,
  });
}

function plannedObject(difference: Difference, isDeleting: boolean): Omit<PlannedObject, 'bucket'> {
  const { key } = difference;
  if (difference.kind === 'extra')
    return { key, bytes: difference.target.sizeBytes, will: isDeleting ? 'delete' : 'stay' };
  return { key, bytes: difference.source.sizeBytes, will: difference.kind === 'missing' ? 'copy' : 'overwrite' };
}
