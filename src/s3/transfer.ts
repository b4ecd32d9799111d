import { RestageError } from '../errors.ts';
import type { SourceBucket, TargetBucket } from './bucket.ts';
import { reasonOf } from './bucket-error.ts';
import type { Keeping } from './carried.ts';
import type { CopyJob } from './copy-job.ts';
import { copyObject, isInParts } from './copy-object.ts';
import { add, diffBuckets, zero, type Amount, type Difference } from './diff.ts';
import type { ListedObject } from './listing.ts';
import { isOutage } from './retry.ts';
import { refusesKeys, S3Error } from './s3-error.ts';
import type { Filter, Selection } from './selection.ts';
import { throttle } from './throttle.ts';
import { underWay } from './under-way.ts';

/** Objects, or parts of large ones, that are under way at once; as many sockets are needed at each end. */
export const transfersAtOnce = 32;

/** Large objects that are under way at once, each with several parts. */
const uploadsAtOnce = 4;

/** What became of one object: a line of a list that may have millions. */
export interface ObjectOutcome {
  /** The target's. */
  readonly key: string;
  readonly bytes: number;
  /** `interrupted`: it was under way when everything was called off, and may have arrived. */
  readonly outcome: 'copied' | 'overwritten' | 'deleted' | 'failed' | 'interrupted' | 'kept' | 'different';
  /** Why it was not done; in words. */
  readonly reason?: string;
  /** Where what was overwritten or deleted is kept. */
  readonly backup?: string;
}

export interface ObjectFailure {
  readonly key: string;
  readonly reason: string;
}

export interface Transferred {
  /** When the listings began, ISO 8601: what is written to the source after that may be missing. */
  readonly listedAt: string;
  readonly copied: Amount;
  /** Of what was copied: what took the place of another object. */
  readonly overwritten: Amount;
  readonly unchanged: Amount;
  readonly onlyInTarget: Amount;
  /** Overwritten objects that were put aside before. */
  readonly backedUp: Amount;
  readonly failed: number;
  /** The first of the failures, by key. */
  readonly failures: readonly ObjectFailure[];
  /** How many requests went on at once in the end: fewer where the store asked to be spared. */
  readonly width: number;
}

/** How to copy: plain JSON, as the plan holds it. */
export interface Copying {
  readonly selection: Selection;
  readonly keeping: Keeping;
  readonly route: 'server' | 'stream';
  /** The route was asked for by name, and nothing else is to be tried. */
  readonly forced: boolean;
}

export interface TransferOptions {
  /** What what is overwritten is kept under, this run's own prefix. */
  readonly backup?: string | undefined;
  /** The selection, ready to be asked: with the keys that rows name, where only those count. */
  readonly filter?: Filter | undefined;
  readonly onBytes?: (bytes: number) => void;
  readonly onObject?: (outcome: ObjectOutcome) => void;
  readonly signal?: AbortSignal | undefined;
}

/** Failures that a report names; all of them are told to `onObject`. */
const failuresNamed = 100;

/**
 * Copies what the target lacks or has otherwise, many at once, while both listings are still being read. An object that
 * cannot be copied is named and counted, and the rest goes on. Nothing is deleted.
 * Throws only where a listing fails.
 */
export async function copyObjects(
  source: SourceBucket,
  target: TargetBucket,
  copying: Copying,
  options: TransferOptions = {},
): Promise<Transferred> {
  const { backup, onObject, signal } = options;
  // By the store's clock and to the second, as LastModified is.
  const listedAt = new Date(Math.floor(source.now() / 1000) * 1000).toISOString();
  const total = { copied: zero(), overwritten: zero(), unchanged: zero(), onlyInTarget: zero(), backedUp: zero() };
  const stop = new AbortController();
  const either = signal ? AbortSignal.any([signal, stop.signal]) : stop.signal;
  const turns = throttle(transfersAtOnce);
  const uploads = throttle(uploadsAtOnce);
  const job: CopyJob = {
    source,
    target,
    keeping: copying.keeping,
    route: copying.route,
    mayStream: !copying.forced,
    throttle: turns,
    learnt: { opaqueEtags: false },
    onBytes: options.onBytes ?? (() => {}),
    signal: either,
  };
  const failures: ObjectFailure[] = [];
  let failed = 0;
  let hopeless: RestageError | undefined;
  const copies = underWay();
  const putAside = backup === undefined ? undefined : backupOf(job, backup);
  const copy = async ({ key, ...difference }: Difference, object: ListedObject) => {
    try {
      const kept = 'target' in difference ? await putAside?.(difference.target).catch(notAside) : undefined;
      if (kept !== undefined && 'target' in difference) add(total.backedUp, difference.target.sizeBytes);
      await copyObject(job, object, key);
      add(total.copied, object.sizeBytes);
      const overwrites = 'target' in difference;
      if (overwrites) add(total.overwritten, object.sizeBytes);
      const outcome = overwrites ? 'overwritten' : 'copied';
      onObject?.({ key, bytes: object.sizeBytes, outcome, ...(kept === undefined ? {} : { backup: kept }) });
    } catch (error) {
      if (signal?.aborted) {
        onObject?.({ key, bytes: object.sizeBytes, outcome: 'interrupted' });
        return;
      }
      hopeless ??= forAll(error);
      // What is still to come would wait for the store as long again.
      if (isOutage(error)) stop.abort(hopeless);
      if (hopeless) return;
      failed += 1;
      const reason = reasonOf(error);
      if (failures.length < failuresNamed) failures.push({ key, reason });
      onObject?.({ key, bytes: object.sizeBytes, outcome: 'failed', reason });
    }
  };
  const start = async (difference: Difference, object: ListedObject): Promise<void> => {
    const large = isInParts(object);
    const leave = large ? await uploads.enter(either) : undefined;
    copies.add(copy(difference, object).finally(leave));
    // The listings wait until there is room: what they have found does not pile up.
    if (!large && copies.size >= turns.width + uploadsAtOnce) await copies.next();
  };
  try {
    await diffBuckets(
      { source, target, selection: copying.selection },
      (difference) => {
        signal?.throwIfAborted();
        if (hopeless) throw hopeless;
        if (difference.kind === 'same') add(total.unchanged, difference.source.sizeBytes);
        else if (difference.kind === 'extra') add(total.onlyInTarget, difference.target.sizeBytes);
        else return start(difference, difference.source);
        return undefined;
      },
      { signal: either, filter: options.filter },
    );
  } catch (error) {
    throw hopeless ?? error; // a listing that was called off says only that
  } finally {
    await copies.all(); // also after a listing has failed: nothing is written behind the caller's back
  }
  signal?.throwIfAborted();
  if (hopeless) throw hopeless;
  return { listedAt, ...total, failed, failures, width: turns.width };
}

/** The failure of what had to be done before an object may be overwritten. */
function notAside(error: unknown): never {
  if (forAll(error)) throw error;
  throw new Error(`what it overwrites could not be put aside: ${reasonOf(error, 'target')}`, { cause: error });
}

/** What one object was refused for, and every other will be: there is no use in going on. */
export function forAll(error: unknown, doing: 'copied' | 'read back' = 'copied'): RestageError | undefined {
  // What renews the keys says so by itself.
  if (error instanceof RestageError && error.code === 'credentials-failed') return error;
  if (isOutage(error))
    return new RestageError('objects-failed', `a store cannot be reached any more: ${reasonOf(error)}`, {
      cause: error,
      hint: 'When it can be reached, run again: only what is missing is copied.',
    });
  if (!(error instanceof S3Error)) return undefined;
  if (error.code === 'NoSuchBucket')
    return new RestageError('bucket-missing', `a bucket is gone while objects are ${doing}: ${error.message}`, {
      cause: error,
    });
  if (!refusesKeys(error)) return undefined;
  return new RestageError(
    'credentials-failed',
    `the keys are not accepted any more while objects are ${doing}: ${error.message} (${error.code})`,
    { cause: error, hint: 'Log in again, then run again: only what is missing is copied.' },
  );
}

/** Copies an object of the target aside, under the same key behind the prefix; gives that key. */
export function backupOf(job: CopyJob, prefix: string): (object: ListedObject) => Promise<string> {
  const aside: CopyJob = {
    ...job,
    source: job.target,
    keeping: {},
    route: 'server',
    mayStream: true,
    onBytes: () => {},
  };
  return async (object) => {
    const key = prefix + object.key;
    await copyObject(aside, object, key);
    return key;
  };
}
