import type { Config } from './config.ts';
import type { DatabaseFigures, PlannedDatabase } from './plan-database.ts';
import type { PlannedBucket } from './plan-objects.ts';
import { keptOf } from './postgres/databases.ts';
import type { OpenSessions } from './postgres/target.ts';
import type { Amount } from './s3/diff.ts';
import type { BucketOrigin } from './s3/origin.ts';

/** What a run takes away from the target or changes there, as it was read, and what can be had back: plain JSON. */
export interface Replaced {
  readonly database?: ReplacedDatabase;
  /** Only buckets in which something is written or deleted. */
  readonly buckets: readonly ReplacedObjects[];
}

export interface ReplacedDatabase extends Pick<DatabaseFigures, 'origin' | 'readAt' | 'tables' | 'rows' | 'sizeBytes'> {
  /** Sessions of others, which the swap ends; it fails while one is there that it may not end. */
  readonly sessions: readonly OpenSessions[];
  /** How many refreshes more the replaced database stays on the server; 0: it is dropped at the end of the run. */
  readonly staysFor: number;
  /** What earlier refreshes replaced and is still there, newest first; absent where nothing is. */
  readonly previous?: readonly PreviousDatabase[];
}

export interface PreviousDatabase {
  readonly name: string;
  /** Absent where it may not be read. */
  readonly sizeBytes?: number;
  /** It is dropped once the run has ended well. */
  readonly goes: boolean;
}

export interface ReplacedObjects {
  /** The config's name for the pair. */
  readonly bucket: string;
  readonly target: BucketOrigin;
  /** When the listing began, ISO 8601. */
  readonly readAt: string;
  readonly added: Amount;
  /** What the target has of them now. */
  readonly overwritten: Amount;
  readonly deleted: Amount;
  readonly kept: Kept;
}

/** What keeps what is overwritten or deleted: a prefix of the bucket, the bucket's older versions, nothing; or nobody could tell. */
export type Kept = 'backup' | 'versions' | 'nothing' | 'unknown';

/** Undefined where the target stays as it is. */
export function replacedBy(
  config: Config,
  database: PlannedDatabase | undefined,
  objects: readonly PlannedBucket[],
): Replaced | undefined {
  const buckets = objects
    .map(replacedObjects)
    .filter(({ added, overwritten, deleted }) => [added, overwritten, deleted].some((amount) => amount.objects > 0));
  if (!database) return buckets.length === 0 ? undefined : { buckets };
  const { origin, readAt, tables, rows, sizeBytes } = database.target;
  const { sessions } = database;
  const staysFor = config.database.keepPrevious;
  // What is replaced becomes the newest of them.
  const stays = keptOf(database.previous, Math.max(0, staysFor - (database.isAccepted ? 1 : 0)));
  const previous = database.previous.map((one) => ({
    name: one.name,
    ...(one.sizeBytes === undefined ? {} : { sizeBytes: one.sizeBytes }),
    goes: !stays.includes(one),
  }));
  const beside = previous.length === 0 ? {} : { previous };
  return { database: { origin, readAt, tables, rows, sizeBytes, sessions, staysFor, ...beside }, buckets };
}

function replacedObjects(planned: PlannedBucket): ReplacedObjects {
  const { bucket, target, totals, deletion, plannedAt } = planned;
  return {
    bucket,
    target,
    readAt: plannedAt,
    added: totals.missing,
    overwritten: {
      objects: totals.changed.objects,
      bytes: totals.target.bytes - totals.same.bytes - totals.extra.bytes,
    },
    deleted: deletion ? { objects: deletion.objects, bytes: deletion.bytes } : { objects: 0, bytes: 0 },
    kept: keptBy(planned),
  };
}

/** What is left of what is overwritten or deleted there. */
export function keptBy({ selection, versioning }: Pick<PlannedBucket, 'selection' | 'versioning'>): Kept {
  if (selection.backup !== undefined) return 'backup';
  if (versioning === 'enabled') return 'versions';
  return versioning === 'never' || versioning === 'suspended' ? 'nothing' : 'unknown';
}
