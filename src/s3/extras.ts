import { RestageError } from '../errors.ts';
import type { SourceBucket, TargetBucket } from './bucket.ts';
import { reasonOf } from './bucket-error.ts';
import type { CopyJob } from './copy-job.ts';
import { add, counter, diffBuckets, zero, type Amount, type Difference, type DiffTotals } from './diff.ts';
import type { ListedObject } from './listing.ts';
import { describeBucket } from './origin.ts';
import { S3Error } from './s3-error.ts';
import type { Selection } from './selection.ts';
import { throttle } from './throttle.ts';
import { backupOf, transfersAtOnce, type ObjectFailure, type ObjectOutcome } from './transfer.ts';

/** How much may be deleted at most; more is refused, and nothing is deleted then. */
export interface DeletionGuard {
  readonly maxCount: number;
  /** Of the target's objects; also how far the source may have shrunk since the plan. */
  readonly maxPercent: number;
}

/** What would be deleted, for whoever is to agree to it. */
export interface ExtrasSurvey {
  readonly objects: number;
  readonly bytes: number;
  /** Of the target's objects. */
  readonly percent: number;
  /** By what the keys begin with, up to the first slash; the largest first. */
  readonly prefixes: readonly ({ readonly prefix: string } & Amount)[];
  /** Those of prefixes that are not listed. */
  readonly others: Amount;
  readonly samples: readonly string[];
}

const prefixesTold = 10;
const prefixesKept = 1000;
const samplesTold = 5;

/** Collects what only the target has, in bounded memory. */
export function surveyor(): { see(object: ListedObject): void; survey(totals: DiffTotals): ExtrasSurvey } {
  const prefixes = new Map<string, ReturnType<typeof zero>>();
  const others = zero();
  const samples: string[] = [];
  return {
    see: ({ key, sizeBytes }) => {
      const slash = key.indexOf('/');
      const prefix = slash < 0 ? '' : key.slice(0, slash + 1);
      let amount = prefixes.get(prefix);
      if (!amount && prefixes.size < prefixesKept) prefixes.set(prefix, (amount = zero()));
      add(amount ?? others, sizeBytes);
      if (samples.length < samplesTold) samples.push(key);
    },
    survey: ({ extra, target }) => {
      const sorted = [...prefixes].toSorted(([, a], [, b]) => b.objects - a.objects);
      for (const [, { objects, bytes }] of sorted.slice(prefixesTold)) {
        others.objects += objects;
        others.bytes += bytes;
      }
      return {
        ...extra,
        percent: percentOf(extra.objects, target.objects),
        prefixes: sorted.slice(0, prefixesTold).map(([prefix, amount]) => ({ prefix, ...amount })),
        others,
        samples,
      };
    },
  };
}

function percentOf(part: number, whole: number): number {
  return whole === 0 ? 0 : (part * 100) / whole; // in this order whole percents are exact
}

/** What somebody has agreed to. */
export interface PlannedExtras {
  /** How many objects only the target had. */
  readonly objects: number;
  /** How many objects the source had. */
  readonly sourceObjects: number;
  /** When the target's listing began, ISO 8601 by its clock: what is written there later is not meant. */
  readonly plannedAt: string;
}

/**
 * Throws `deletion-refused` where what would be deleted is more than the guard allows or somebody has agreed to, or where the
 * source lists so little that its listing cannot be trusted. `name` is the config's name for the pair.
 */
export function requireDeletable(
  name: string,
  totals: DiffTotals,
  guard: DeletionGuard,
  target: TargetBucket['origin'],
  planned?: PlannedExtras,
): void {
  const { extra, source } = totals;
  if (extra.objects === 0) return;
  const percent = percentOf(extra.objects, totals.target.objects);
  const share = `${number(extra.objects)} of the target's ${number(totals.target.objects)} objects, ${percent.toFixed(percent < 10 ? 1 : 0)} %`;
  const refuse = (why: string, hint: string) =>
    new RestageError('deletion-refused', `nothing is deleted in ${describeBucket(target)}: ${why}`, { hint });
  if (source.objects === 0)
    throw refuse(
      `the source lists no object at all, and all ${number(extra.objects)} of the target would go`,
      'Is it the right bucket, and the right prefix? An empty source never deletes.',
    );
  if (planned && percentOf(planned.sourceObjects - source.objects, planned.sourceObjects) > guard.maxPercent)
    throw refuse(
      `the source lists ${number(source.objects)} objects now and listed ${number(planned.sourceObjects)} when this was planned`,
      `It has shrunk by more than maxPercent, ${guard.maxPercent} %. Find out why, then plan again.`,
    );
  if (planned && extra.objects > planned.objects)
    throw refuse(
      `${number(extra.objects)} objects would go, and ${number(planned.objects)} ${planned.objects === 1 ? 'was' : 'were'} planned`,
      'Objects are gone at the source since. Plan again, and see whether they are meant.',
    );
  const broken = [
    ...(extra.objects > guard.maxCount ? [{ key: 'maxCount', allows: number(guard.maxCount) }] : []),
    ...(percent > guard.maxPercent ? [{ key: 'maxPercent', allows: `${guard.maxPercent} %` }] : []),
  ];
  if (broken.length > 0)
    throw refuse(
      `${share}, would go, and ${broken.map(({ key, allows }) => `${key} allows ${allows}`).join(', ')}`,
      `If they are to go, raise ${broken.map(({ key }) => `objects.${name}.delete.${key}`).join(' and ')}; if not, exclude them.`,
    );
}

/** 4709 → 4,709 */
function number(value: number): string {
  return value.toLocaleString('en-US');
}

export interface Deleted {
  readonly deleted: Amount;
  /** Found at the source after all, when each was asked for once more. */
  readonly kept: number;
  /** Written to the target since it was planned, and left. */
  readonly newer: number;
  readonly failed: number;
  readonly failures: readonly ObjectFailure[];
}

export interface DeletionOptions {
  readonly selection: Selection;
  readonly guard: DeletionGuard;
  readonly planned: PlannedExtras;
  /** What is deleted is kept under this run's own prefix first. */
  readonly backup?: string | undefined;
  readonly onObject?: (outcome: ObjectOutcome) => void;
  readonly signal?: AbortSignal | undefined;
}

/** S3 deletes no more in one request. */
const batch = 1000;

const failuresNamed = 100;

/**
 * Deletes what only the target has. Both buckets are listed to their ends first, and the guard asked, which bounds what is
 * held; then each key is asked for at the source by itself before it goes, so that no listing alone deletes anything.
 * Throws `deletion-refused`, and what a listing throws; nothing is deleted then.
 */
export async function deleteExtras(
  name: string,
  source: SourceBucket,
  target: TargetBucket,
  options: DeletionOptions,
): Promise<Deleted> {
  const { selection, guard, planned, backup, onObject, signal } = options;
  const pair = { source, target, selection };
  const counted = counter();
  const found: Extra[] = [];
  let newer = 0;
  const plannedAt = Date.parse(planned.plannedAt);
  const see = (difference: Difference) => {
    if (difference.kind === 'extra' && Date.parse(difference.target.modifiedAt) > plannedAt) {
      newer += 1;
      return;
    }
    counted.count(difference);
    // Beyond what the guard allows nothing needs to be held: it is refused below.
    if (difference.kind === 'extra' && found.length <= guard.maxCount)
      found.push({ object: difference.target, sourceKey: sourceKeyOf(selection, difference.key) });
  };
  await diffBuckets(pair, see, { signal });
  requireDeletable(name, counted.totals(), guard, target.origin, planned);
  const turns = throttle(transfersAtOnce);
  const job: CopyJob = {
    source,
    target,
    keeping: {},
    route: 'server',
    mayStream: true,
    throttle: turns,
    learnt: { opaqueEtags: false },
    onBytes: () => {},
    signal,
  };
  const putAside = backup === undefined ? undefined : backupOf(job, backup);
  const total = { deleted: zero(), kept: 0, newer, failed: 0 };
  const failures: ObjectFailure[] = [];
  const fail = ({ key, sizeBytes }: ListedObject, reason: string) => {
    total.failed += 1;
    if (failures.length < failuresNamed) failures.push({ key, reason });
    onObject?.({ key, bytes: sizeBytes, outcome: 'failed', reason });
  };
  const removeBatch = async (present: readonly Extra[]) => {
    const doomed = new Map<string, { readonly object: ListedObject; readonly kept: string | undefined }>();
    await Promise.all(
      present.map(async ({ object, sourceKey }) => {
        const leave = await turns.enter(signal);
        try {
          if (sourceKey !== undefined && (await exists(source, sourceKey, signal))) {
            total.kept += 1;
            onObject?.({
              key: object.key,
              bytes: object.sizeBytes,
              outcome: 'kept',
              reason: 'it is at the source after all',
            });
            return;
          }
        } catch (error) {
          if (signal?.aborted) return; // everything was called off
          return fail(object, `it could not be asked for at the source: ${reasonOf(error)}`);
        } finally {
          leave();
        }
        try {
          doomed.set(object.key, { object, kept: await putAside?.(object) });
        } catch (error) {
          if (!signal?.aborted) fail(object, `it could not be put aside: ${reasonOf(error, 'target')}`);
        }
        return undefined;
      }),
    );
    signal?.throwIfAborted();
    if (doomed.size === 0) return;
    const refused = await target.write.remove([...doomed.keys()], signal).catch((error: unknown) => {
      signal?.throwIfAborted();
      // What was deleted before is to be told all the same.
      return new Map([...doomed.keys()].map((key) => [key, reasonOf(error)]));
    });
    for (const [key, { object, kept }] of doomed) {
      const reason = refused.get(key);
      if (reason !== undefined) fail(object, reason);
      else {
        add(total.deleted, object.sizeBytes);
        onObject?.({
          key,
          bytes: object.sizeBytes,
          outcome: 'deleted',
          ...(kept === undefined ? {} : { backup: kept }),
        });
      }
    }
  };
  for (let at = 0; at < found.length; at += batch) await removeBatch(found.slice(at, at + batch));
  return { ...total, failures };
}

interface Extra {
  readonly object: ListedObject;
  /** Where the source would have it; undefined where a rename has left no such key. */
  readonly sourceKey: string | undefined;
}

/** The source's key that would be the target's; undefined where a rename has left none. */
function sourceKeyOf({ renames }: Selection, key: string): string | undefined {
  const pairs = Object.entries(renames);
  const found = pairs.find(([, to]) => key.startsWith(to));
  if (found) return found[0] + key.slice(found[1].length);
  return pairs.some(([from]) => key.startsWith(from)) ? undefined : key;
}

async function exists(source: SourceBucket, key: string, signal: AbortSignal | undefined): Promise<boolean> {
  try {
    await source.head(key, {}, signal);
    return true;
  } catch (error) {
    if (error instanceof S3Error && error.status === 404) return false;
    throw error;
  }
}
