import type { SourceBucket, TargetBucket } from './bucket.ts';
import { reasonOf } from './bucket-error.ts';
import type { CopyJob } from './copy-job.ts';
import { requireDeletable, type DeletionGuard, type PlannedExtras } from './deletion-guard.ts';
import { add, counter, diffBuckets, zero, type Amount, type Difference } from './diff.ts';
import type { ListedObject } from './listing.ts';
import { S3Error } from './s3-error.ts';
import type { Filter, Selection } from './selection.ts';
import { throttle } from './throttle.ts';
import { backupOf, forAll, transfersAtOnce, type ObjectFailure, type ObjectOutcome } from './transfer.ts';

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
  readonly filter?: Filter | undefined;
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
  await diffBuckets(pair, see, { signal, filter: options.filter });
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
  /** Why no other will fare better: each would wait for a store as long again. */
  let hopeless: string | undefined;
  const note = (error: unknown) => {
    if (forAll(error)) hopeless ??= `it was not tried: ${reasonOf(error)}`;
  };
  const failed = (object: ListedObject, error: unknown, reason: string) => {
    note(error);
    fail(object, reason);
  };
  const removeBatch = async (present: readonly Extra[]) => {
    const doomed = new Map<string, { readonly object: ListedObject; readonly kept: string | undefined }>();
    await Promise.all(
      present.map(async ({ object, sourceKey }) => {
        const leave = await turns.enter(signal);
        try {
          if (hopeless !== undefined) return fail(object, hopeless);
          if (await exists(source, sourceKey, signal)) {
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
          return failed(object, error, `it could not be asked for at the source: ${reasonOf(error)}`);
        } finally {
          leave();
        }
        try {
          doomed.set(object.key, { object, kept: await putAside?.(object) });
        } catch (error) {
          if (!signal?.aborted) failed(object, error, `it could not be put aside: ${reasonOf(error, 'target')}`);
        }
        return undefined;
      }),
    );
    signal?.throwIfAborted();
    if (doomed.size === 0) return;
    const refused = await target.write.remove([...doomed.keys()], signal).catch((error: unknown) => {
      signal?.throwIfAborted();
      note(error);
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
  /** Where the source would have it. */
  readonly sourceKey: string;
}

/** The source's key that would be the target's. */
function sourceKeyOf({ renames }: Selection, key: string): string {
  const found = Object.entries(renames).find(([, to]) => key.startsWith(to));
  return found ? found[0] + key.slice(found[1].length) : key;
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
