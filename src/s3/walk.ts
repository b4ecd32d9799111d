import type { SourceBucket } from './bucket.ts';
import { behind, boundsOf, compareKeys } from './keys.ts';
import type { ListedObject } from './listing.ts';
import { RestageError } from '../errors.ts';
import { describeBucket } from './origin.ts';
import { filterOf, type Filter, type Region, type Selection } from './selection.ts';

/** Two buckets, and what of them counts. */
export interface Pair {
  readonly source: SourceBucket;
  readonly target: SourceBucket;
  readonly selection: Selection;
}

/** One key as both listings have it: `key` is the target's. */
export interface Meeting {
  readonly key: string;
  readonly source?: ListedObject;
  readonly target?: ListedObject;
}

export interface WalkOptions {
  readonly signal?: AbortSignal | undefined;
  /** The patterns, already read: so that the caller may ask which of them met no key. */
  readonly filter?: Filter | undefined;
}

/** Listings that go on side by side, at each end. */
const listersAtOnce = 8;

/** So many pages of one listing make it worth looking for a place to part it. */
const pagesBeforeSplit = 10;

/**
 * Walks both listings side by side, key by key, and shows each key to `visit`; it waits where that gives a promise. Neither
 * listing is ever held. Long ones are parted and walked at several places at once, so keys come in order within a part only.
 * Throws `objects-failed` for a listing out of order, which could not be joined, and for a key that has no room in the
 * target; `bucket-missing` and `bucket-denied` where a listing fails.
 */
export async function walk(
  pair: Pair,
  visit: (meeting: Meeting) => void | Promise<void>,
  options: WalkOptions = {},
): Promise<void> {
  const filter = options.filter ?? filterOf(pair.selection);
  const stop = new AbortController();
  const signal = options.signal ? AbortSignal.any([options.signal, stop.signal]) : stop.signal;
  const waiting: Range[] = filter.regions.map((region) => ({
    region,
    after: undefined,
    upTo: undefined,
    eager: false,
  }));
  const lanes = new Set<Promise<void>>();
  const failures: unknown[] = [];
  const fail = (error: unknown) => {
    failures.push(error);
    stop.abort(error);
  };
  const begin = () => {
    while (failures.length === 0 && lanes.size < listersAtOnce) {
      const range = waiting.shift();
      if (!range) return;
      const lane = walkRange(pair, filter, range, visit, signal, {
        hasRoom: () => lanes.size + waiting.length < listersAtOnce,
        add: (one) => {
          waiting.push(one);
          begin();
        },
        fail,
      })
        .catch(fail)
        .finally(() => {
          lanes.delete(lane);
          begin();
        });
      lanes.add(lane);
    }
  };
  begin();
  while (lanes.size > 0) await Promise.race(lanes);
  if (failures.length > 0) throw failures[0];
  options.signal?.throwIfAborted();
}

/** A stretch of a region, by what its keys have behind the region's beginning: after one, up to another. */
interface Range {
  readonly region: Region;
  readonly after: string | undefined;
  /** It shrinks when the rest of the stretch is given to another. */
  upTo: string | undefined;
  /** It is known to be long, and may be parted again at once. */
  readonly eager: boolean;
}

/** Whoever walks other stretches meanwhile. */
interface Crew {
  hasRoom(): boolean;
  add(range: Range): void;
  /** Ends the walk of all. */
  fail(error: unknown): void;
}

async function walkRange(
  { source, target }: Pair,
  filter: Filter,
  range: Range,
  visit: (meeting: Meeting) => void | Promise<void>,
  signal: AbortSignal,
  crew: Crew,
): Promise<void> {
  const { region } = range;
  const ours = openCursor(source, 'source', range, filter, signal);
  const theirs = openCursor(target, 'target', range, filter, signal);
  let position = range.after ?? '';
  let splitting: Promise<void> | undefined;
  let pages = 0;
  const split = async () => {
    const found = await findSplit(source, region, position, range.upTo, signal);
    // What was walked meanwhile is not given away.
    if (found === undefined || compareKeys(position, found) >= 0) return;
    crew.add({ region, after: found, upTo: range.upTo, eager: true });
    range.upTo = found;
  };
  await Promise.all([ours.fill(), theirs.fill()]);
  for (;;) {
    signal.throwIfAborted(); // another stretch has failed: nothing more is shown
    const left = ours.current();
    const right = theirs.current();
    if (!left && !right) break;
    const order = !left ? 1 : !right ? -1 : compareKeys(left.rest, right.rest);
    const first = order <= 0 ? left : right;
    if (!first || (range.upTo !== undefined && compareKeys(first.rest, range.upTo) > 0)) break;
    position = first.rest;
    const meeting: Meeting = {
      key: region.targetPrefix + first.rest,
      ...(order <= 0 && left ? { source: left.object } : {}),
      ...(order >= 0 && right ? { target: right.object } : {}),
    };
    const visited = visit(meeting);
    if (visited) await visited;
    const filling: Promise<void>[] = [];
    if (order <= 0 && !ours.advance()) filling.push(ours.fill());
    if (order >= 0 && !theirs.advance()) filling.push(theirs.fill());
    if (filling.length > 0) {
      await Promise.all(filling);
      pages += 1;
      if (!splitting && (range.eager || pages >= pagesBeforeSplit) && crew.hasRoom())
        splitting = split()
          .catch(crew.fail)
          .finally(() => (splitting = undefined));
    }
  }
  ours.close();
  theirs.close();
  await splitting;
}

/** A place behind `position` where the listing can be parted: something of the source lies on its far side. */
async function findSplit(
  source: SourceBucket,
  { sourcePrefix }: Region,
  position: string,
  upTo: string | undefined,
  signal: AbortSignal,
): Promise<string | undefined> {
  const bounds = boundsOf(position, sourcePrefix).filter((bound) => upTo === undefined || compareKeys(bound, upTo) < 0);
  // The widest bound that has a key behind it: with each that is narrower there is no fewer.
  let [low, high] = [0, bounds.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    const bound = bounds[middle] ?? '';
    const { objects } = await source.list(
      { prefix: sourcePrefix, after: sourcePrefix + bound, limit: 1 },
      undefined,
      signal,
    );
    const [first] = objects;
    const found = first?.key.slice(sourcePrefix.length);
    const isInside = found !== undefined && (upTo === undefined || compareKeys(found, upTo) <= 0);
    if (isInside) high = middle;
    else low = middle + 1;
  }
  return bounds[low];
}

/** An object with the part of its key that both ends have in common. */
interface Entry {
  readonly rest: string;
  readonly object: ListedObject;
}

/** A reader of one end's listing: what is not part of the selection is left out. */
interface Cursor {
  /** The entry that is next; undefined at the end. */
  current(): Entry | undefined;
  /** Goes on to the next entry; false where `fill` is needed first. */
  advance(): boolean;
  /** Reads on until there is an entry, or the end. */
  fill(): Promise<void>;
  /** Gives back what was lent for the page at hand. */
  close(): void;
}

function openCursor(
  bucket: SourceBucket,
  side: 'source' | 'target',
  range: Range,
  filter: Filter,
  signal: AbortSignal,
): Cursor {
  const { region } = range;
  const prefix = side === 'source' ? region.sourcePrefix : region.targetPrefix;
  const skip = region.skip[side];
  const isSame = prefix === region.sourcePrefix;
  let objects: Iterator<ListedObject> = [].values();
  let entry: Entry | undefined;
  let last = range.after === undefined ? undefined : prefix + range.after;
  const request = (after: string | undefined, token: string | undefined) => {
    const page = bucket.list({ prefix, after }, token, signal);
    page.catch(() => {}); // told to whoever waits for it
    return page;
  };
  // One page is under way while another is being walked.
  let page: ReturnType<typeof request> | undefined = request(
    range.after === undefined ? undefined : prefix + range.after,
    undefined,
  );
  /** The next entry of the page at hand that counts. */
  const read = (): Entry | undefined => {
    for (let one = objects.next(); !one.done; one = objects.next()) {
      const object = one.value;
      const { key } = object;
      if (last !== undefined && compareKeys(last, key) >= 0) throw outOfOrder(bucket, last, key);
      last = key;
      const rest = key.slice(prefix.length);
      if (
        !filter.accepts(isSame ? key : region.sourcePrefix + rest) ||
        skip.some((beginning) => key.startsWith(beginning))
      )
        continue;
      if (side === 'source') {
        requireRoom(bucket, region, key);
        filter.meet?.(key);
      }
      return { rest, object };
    }
    return undefined;
  };
  return {
    current: () => entry,
    close: () => void objects.return?.(),
    advance: () => {
      entry = read();
      return entry !== undefined || page === undefined;
    },
    fill: async () => {
      while (entry === undefined && page) {
        const { objects: listed, lastKey: end, next } = await page;
        objects = listed[Symbol.iterator]();
        const skipped = end === undefined ? undefined : skip.find((one) => end.startsWith(one));
        const isBeyond =
          end !== undefined && range.upTo !== undefined && compareKeys(end.slice(prefix.length), range.upTo) > 0;
        if (next === undefined || isBeyond) page = undefined;
        // Behind that bound there may still be keys that begin so: those are read page by page.
        else if (skipped === undefined || (end !== undefined && compareKeys(end, behind(skipped)) >= 0))
          page = request(undefined, next);
        else page = request(behind(skipped), undefined);
        entry = read();
      }
    },
  };
}

function requireRoom({ origin }: SourceBucket, { forbidden }: Region, key: string): void {
  const found = forbidden.find(({ prefix }) => key.startsWith(prefix));
  if (found)
    throw new RestageError(
      'objects-failed',
      `${JSON.stringify(key)} in ${describeBucket(origin)} has no room in the target: ${found.reason}`,
      { hint: 'Exclude such keys, rename them too, or choose another prefix.' },
    );
}

function outOfOrder({ origin }: SourceBucket, last: string, key: string): RestageError {
  return new RestageError(
    'objects-failed',
    `the listing of ${describeBucket(origin)} is not in byte order: ${JSON.stringify(key)} after ${JSON.stringify(last)}`,
    { hint: 'This store cannot be compared safely; nothing was deleted.' },
  );
}
