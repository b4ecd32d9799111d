import { RestageError } from '../errors.ts';
import type { ListedObject, SourceBucket } from './bucket.ts';
import { describeBucket } from './origin.ts';

/** What one key is, seen from both listings. */
export type Difference =
  | { readonly kind: 'missing'; readonly source: ListedObject }
  | { readonly kind: 'changed'; readonly source: ListedObject; readonly target: ListedObject }
  | { readonly kind: 'same'; readonly source: ListedObject }
  | { readonly kind: 'extra'; readonly target: ListedObject };

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
}

/** Where the target's metadata keeps the source's ETag, for objects whose own ETag cannot be the same. */
export const sourceEtagHeader = 'x-amz-meta-restage-source-etag';

/** HEAD requests under way at once, for objects whose listing does not settle whether they are the same. */
const headsAtOnce = 32;

/**
 * Walks both listings side by side, key by key; neither is ever held. Same is: same size, and same ETag, or the source's
 * ETag remembered beside it. Throws `objects-failed` for a listing out of order, which could not be joined.
 */
export async function* diffBuckets(
  source: SourceBucket,
  target: SourceBucket,
  signal?: AbortSignal,
): AsyncGenerator<Difference> {
  const window: Promise<Difference>[] = [];
  for await (const difference of walk(source, target, signal)) {
    const settled = settle(difference, target, signal);
    settled.catch(() => {}); // told when its turn comes
    window.push(settled);
    const first = window.length > headsAtOnce ? window.shift() : undefined;
    if (first) yield await first;
  }
  for (const one of window) yield await one;
}

async function* walk(source: SourceBucket, target: SourceBucket, signal?: AbortSignal): AsyncGenerator<Difference> {
  const ours = inOrder(source, signal);
  const theirs = inOrder(target, signal);
  let [left, right] = await Promise.all([ours.next(), theirs.next()]);
  while (!left.done || !right.done) {
    const order = left.done ? 1 : right.done ? -1 : compareKeys(left.value.key, right.value.key);
    if (order < 0 && !left.done) {
      yield { kind: 'missing', source: left.value };
      left = await ours.next();
    } else if (order > 0 && !right.done) {
      yield { kind: 'extra', target: right.value };
      right = await theirs.next();
    } else if (!left.done && !right.done) {
      const same = left.value.sizeBytes === right.value.sizeBytes && left.value.etag === right.value.etag;
      yield same ? { kind: 'same', source: left.value } : { kind: 'changed', source: left.value, target: right.value };
      [left, right] = await Promise.all([ours.next(), theirs.next()]);
    }
  }
}

/** An object of the same size with another ETag is the same after all where the target remembers the source's. */
async function settle(difference: Difference, target: SourceBucket, signal?: AbortSignal): Promise<Difference> {
  if (difference.kind !== 'changed' || difference.source.sizeBytes !== difference.target.sizeBytes) return difference;
  const headers = await target.head(difference.target.key, signal);
  return headers[sourceEtagHeader] === difference.source.etag
    ? { kind: 'same', source: difference.source }
    : difference;
}

async function* inOrder(bucket: SourceBucket, signal?: AbortSignal): AsyncGenerator<ListedObject> {
  let last: string | undefined;
  for await (const page of bucket.list(signal))
    for (const object of page) {
      if (last !== undefined && compareKeys(last, object.key) >= 0)
        throw new RestageError(
          'objects-failed',
          `the listing of ${describeBucket(bucket.origin)} is not in byte order: ${JSON.stringify(object.key)} after ${JSON.stringify(last)}`,
          {
            hint: 'This store cannot be compared safely; nothing was deleted.',
          },
        );
      last = object.key;
      yield object;
    }
}

/** The order of the keys' UTF-8 bytes, which is S3's. JavaScript's own order of strings is that of UTF-16. */
export function compareKeys(a: string, b: string): number {
  if (a === b) return 0;
  if (surrogates.test(a) || surrogates.test(b)) return Buffer.compare(Buffer.from(a), Buffer.from(b));
  return a < b ? -1 : 1;
}

const surrogates = /[\ud800-\udfff]/;

/** The figures of a diff. What was written to the source after `until` (ISO 8601) counts as newer, whatever it is. */
export async function countDifferences(differences: AsyncIterable<Difference>, until?: string): Promise<DiffTotals> {
  const count = { missing: zero(), changed: zero(), same: zero(), extra: zero(), newer: zero() };
  const replaced = zero();
  for await (const difference of differences) {
    const { sizeBytes } = difference.kind === 'extra' ? difference.target : difference.source;
    const differs = difference.kind === 'missing' || difference.kind === 'changed';
    const newer = differs && until !== undefined && Date.parse(difference.source.modifiedAt) >= Date.parse(until);
    add(count[newer ? 'newer' : difference.kind], sizeBytes);
    if (difference.kind === 'changed') add(replaced, difference.target.sizeBytes);
  }
  return {
    ...count,
    source: sum(count.missing, count.changed, count.same, count.newer),
    target: sum(replaced, count.same, count.extra),
  };
}

function zero(): { objects: number; bytes: number } {
  return { objects: 0, bytes: 0 };
}

function add(amount: { objects: number; bytes: number }, bytes: number): void {
  amount.objects += 1;
  amount.bytes += bytes;
}

function sum(...amounts: readonly Amount[]): Amount {
  return {
    objects: amounts.reduce((total, amount) => total + amount.objects, 0),
    bytes: amounts.reduce((total, amount) => total + amount.bytes, 0),
  };
}
