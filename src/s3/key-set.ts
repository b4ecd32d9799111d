import { hash } from 'node:crypto';
import { RestageError } from '../errors.ts';

/**
 * Which keys count, as hashes of 64 bits: 8 bytes a key, however long it is. A key that hashes like one of them counts too,
 * which costs a needless copy once in a life.
 */
export interface KeySet {
  /** How many different keys there are. */
  readonly size: number;
  has(key: string): boolean;
  /** Notes that the source has this key. */
  meet(key: string): void;
  /** How many keys have not been met, */
  absent(): number;
  /** and some of them, as hashes. */
  someAbsent(limit: number): readonly string[];
}

/** A set of keys while it is read; a hash may be added any number of times. */
export interface GrowingKeySet {
  /** The first 8 bytes of the SHA-256 of a key in UTF-8, in hexadecimal: as SQL can say it too. */
  add(keyHash: string): void;
  done(): KeySet;
  /** The same keys, to be met at both ends. */
  ofBothEnds(): KeysOfBothEnds;
}

/** Keys that rows name, and which of the two buckets have them. */
export interface KeysOfBothEnds {
  readonly size: number;
  /** Notes where the key is; whether it is one of them. */
  meet(key: string, end: End): boolean;
  /** Keys that are in exactly these places: how many, */
  count(ends: readonly End[]): number;
  /** and some of them, as hashes. */
  some(ends: readonly End[], limit: number): readonly string[];
}

/** `newer`: at the source, and written there since the moment that counts. */
type End = 'source' | 'target' | 'newer';

export function growKeySet(): GrowingKeySet {
  let hashes = new BigUint64Array(1024);
  let length = 0;
  const compact = () => {
    length = sortOut(hashes.subarray(0, length));
  };
  return {
    add: (keyHash) => {
      if (length === hashes.length) {
        compact();
        // Many rows name one key: room is made for other keys, not for other rows.
        if (length > hashes.length / 2) {
          const larger = new BigUint64Array(hashes.length * 2);
          larger.set(hashes);
          hashes = larger;
        }
      }
      hashes[length] = BigInt(`0x${keyHash}`);
      length += 1;
    },
    done: () => {
      compact();
      return keySetOf(hashes.slice(0, length));
    },
    ofBothEnds: () => {
      compact();
      return bothEndsOf(hashes.slice(0, length));
    },
  };
}

function keySetOf(hashes: BigUint64Array): KeySet {
  const met = new Uint8Array(hashes.length);
  return {
    size: hashes.length,
    has: (key) => find(hashes, hashOf(key)) !== undefined,
    meet: (key) => {
      const at = find(hashes, hashOf(key));
      if (at !== undefined) met[at] = 1;
    },
    absent: () => met.reduce((sum, one) => sum + 1 - one, 0),
    someAbsent: (limit) => {
      const some: string[] = [];
      for (let at = met.indexOf(0); at !== -1 && some.length < limit; at = met.indexOf(0, at + 1))
        some.push(textOf(hashes[at]));
      return some;
    },
  };
}

const bits = { source: 1, target: 2, newer: 4 } as const;

function bothEndsOf(hashes: BigUint64Array): KeysOfBothEnds {
  const met = new Uint8Array(hashes.length);
  const markOf = (ends: readonly End[]) => ends.reduce((sum, end) => sum | bits[end], 0);
  return {
    size: hashes.length,
    meet: (key, end) => {
      const at = find(hashes, hashOf(key));
      if (at !== undefined) met[at] = (met[at] ?? 0) | bits[end];
      return at !== undefined;
    },
    count: (ends) => {
      const mark = markOf(ends);
      return met.reduce((sum, one) => sum + (one === mark ? 1 : 0), 0);
    },
    some: (ends, limit) => {
      const mark = markOf(ends);
      const some: string[] = [];
      for (let at = met.indexOf(mark); at !== -1 && some.length < limit; at = met.indexOf(mark, at + 1))
        some.push(textOf(hashes[at]));
      return some;
    },
  };
}

function textOf(keyHash = 0n): string {
  return keyHash.toString(16).padStart(16, '0');
}

/** Sorts, and moves each different one to the front; how many they are. */
function sortOut(hashes: BigUint64Array): number {
  hashes.sort();
  let kept = 0;
  for (const one of hashes) {
    if (kept > 0 && hashes[kept - 1] === one) continue;
    hashes[kept] = one;
    kept += 1;
  }
  return kept;
}

function hashOf(key: string): bigint {
  return hash('sha256', key, 'buffer').readBigUInt64BE();
}

function find(hashes: BigUint64Array, wanted: bigint): number | undefined {
  let [low, high] = [0, hashes.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    const at = hashes[middle] ?? 0n;
    if (at === wanted) return middle;
    if (at < wanted) low = middle + 1;
    else high = middle;
  }
  return undefined;
}

/** The keys that a selection needs. Without them everything would count, or nothing. */
export function requireKeys(keys: KeySet | undefined): KeySet {
  if (!keys) throw new RestageError('internal', 'only keys that rows name are to count, and the rows were not read');
  return keys;
}
