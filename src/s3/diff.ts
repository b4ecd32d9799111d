import type { SourceBucket } from './bucket.ts';
import { sourceEtagHeader } from './carried.ts';
import type { ListedObject } from './listing.ts';
import { S3Error } from './s3-error.ts';
import { filterOf } from './selection.ts';
import { underWay } from './under-way.ts';
import { walk, type Meeting, type Pair, type WalkOptions } from './walk.ts';

/** What one key is, seen from both listings; `key` is the target's. */
export type Difference = { readonly key: string } & (
  | { readonly kind: 'missing'; readonly source: ListedObject }
  | { readonly kind: 'changed' | 'same'; readonly source: ListedObject; readonly target: ListedObject }
  | { readonly kind: 'extra'; readonly target: ListedObject }
);

/** Objects and their bytes. */
export interface Amount {
  readonly objects: number;
  readonly bytes: number;
}

export interface DiffTotals {
  readonly source: Amount;
  readonly target: Amount;
  readonly missing: Amount;
  readonly changed: Amount;
  readonly same: Amount;
  readonly extra: Amount;
  /** Missing or changed, but written to the source after the moment that counts: no fault of the copy. */
  readonly newer: Amount;
  /** A few keys that are missing or changed. */
  readonly examples: readonly string[];
}

const examplesTold = 5;

/** HEAD requests under way at once, for objects whose listing does not settle whether they are the same. */
const headsAtOnce = 32;

/**
 * Shows each key of either bucket to `visit`, with what it is; waits where that gives a promise. Same is: same size, and
 * same ETag, or the source's ETag remembered beside it. Throws what `walk` throws.
 */
export async function diffBuckets(
  pair: Pair,
  visit: (difference: Difference) => void | Promise<void>,
  options: WalkOptions = {},
): Promise<void> {
  const asked = underWay();
  const filter = options.filter ?? filterOf(pair.selection);
  let failure: { readonly error: unknown } | undefined;
  const ask = (difference: Difference & { kind: 'changed' }) => {
    const answered = settle(difference, pair.target, options.signal).then(visit);
    asked.add(answered.catch((error: unknown) => void (failure ??= { error })));
  };
  try {
    await walk(
      pair,
      (meeting) => {
        if (failure) throw failure.error;
        if (!meeting.source && filter.leaves(meeting.key)) return undefined;
        const difference = compare(meeting);
        if (difference.kind !== 'changed' || difference.source.sizeBytes !== difference.target.sizeBytes)
          return visit(difference);
        ask({ ...difference, kind: 'changed' });
        return asked.size < headsAtOnce ? undefined : asked.next();
      },
      { ...options, filter },
    );
  } finally {
    await asked.all();
  }
  if (failure) throw failure.error;
}

function compare({ key, source, target }: Meeting): Difference {
  if (!target) return { kind: 'missing', key, source: source as ListedObject }; // a key is met at one end at least
  if (!source) return { kind: 'extra', key, target };
  const same = source.sizeBytes === target.sizeBytes && source.etag === target.etag;
  return { kind: same ? 'same' : 'changed', key, source, target };
}

/** An object of the same size with another ETag is the same after all where the target remembers the source's. */
async function settle(
  difference: Difference & { kind: 'changed' },
  target: SourceBucket,
  signal: AbortSignal | undefined,
): Promise<Difference> {
  try {
    const headers = await target.head(difference.target.key, {}, signal);
    return headers[sourceEtagHeader] === difference.source.etag ? { ...difference, kind: 'same' } : difference;
  } catch (error) {
    // Deleted meanwhile, or not to be asked for (400, 403): it is not known to be the same, which is all that was asked.
    if (error instanceof S3Error && error.status < 500) return difference;
    throw error;
  }
}

/** The figures of a diff, as they grow. */
export interface Counter {
  /** What was written to the source after `until` (ISO 8601) counts as newer, whatever it is. */
  count(difference: Difference): void;
  totals(): DiffTotals;
}

export function counter(until?: string): Counter {
  const count = { missing: zero(), changed: zero(), same: zero(), extra: zero(), newer: zero() };
  const replaced = zero();
  const examples: string[] = [];
  const moment = until === undefined ? undefined : Date.parse(until);
  return {
    count: (difference) => {
      const { sizeBytes } = difference.kind === 'extra' ? difference.target : difference.source;
      const differs = difference.kind === 'missing' || difference.kind === 'changed';
      const newer = differs && moment !== undefined && Date.parse(difference.source.modifiedAt) >= moment;
      add(count[newer ? 'newer' : difference.kind], sizeBytes);
      if (differs && !newer && examples.length < examplesTold) examples.push(difference.key);
      if (difference.kind === 'changed') add(replaced, difference.target.sizeBytes);
    },
    totals: () => ({
      ...structuredClone(count),
      source: sum(count.missing, count.changed, count.same, count.newer),
      target: sum(replaced, count.same, count.extra),
      examples,
    }),
  };
}

/** The figures of a whole diff. */
export async function countDifferences(
  pair: Pair,
  options: WalkOptions & { until?: string | undefined } = {},
): Promise<DiffTotals> {
  const { count, totals } = counter(options.until);
  await diffBuckets(pair, count, options);
  return totals();
}

/** An amount that grows. */
export type Growing = { -readonly [K in keyof Amount]: Amount[K] };

export function zero(): Growing {
  return { objects: 0, bytes: 0 };
}

export function add(amount: Growing, bytes: number): void {
  amount.objects += 1;
  amount.bytes += bytes;
}

function sum(...amounts: readonly Amount[]): Amount {
  return {
    objects: amounts.reduce((total, amount) => total + amount.objects, 0),
    bytes: amounts.reduce((total, amount) => total + amount.bytes, 0),
  };
}
