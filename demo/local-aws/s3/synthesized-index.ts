import { hash } from 'node:crypto';
import { readAll, type Body } from '../body.ts';
import { toBytes } from '../byte-string.ts';
import type { SynthesizedKeys } from '../settings.ts';
import type { Entry, ObjectVersion } from './bucket.ts';
import type { OrderedKeys } from './key-index.ts';

/** Files 00000000.jpg, 00000001.jpg, … under one prefix; `start` is the number of the first among all of the bucket. */
interface Folder {
  readonly prefix: string;
  readonly start: number;
  readonly end: number;
}

const folderCount = 240;
const largeFolderWeight = 20;
const epoch = Date.UTC(2024, 0, 1);
const contents = 4096;
const smallestBytes = 16;

function folderPrefix(number: number): string {
  const name = String(number).padStart(3, '0');
  if (number === 0) return '';
  const prefixes = [`books/${name}/`, `images/${name}/thumb/`, `users/Zoë ${name}/`, `日本語/${name}/`] as const;
  return toBytes(prefixes[number % prefixes.length] ?? '');
}

/** No prefix begins with another one that is not empty, so that the folders' order is that of their keys. */
function makeFolders(objects: number): readonly Folder[] {
  const prefixes = Array.from({ length: folderCount }, (_, number) => folderPrefix(number)).toSorted();
  const weights = prefixes.map((_, at) => (at % 60 === 5 ? largeFolderWeight : 1));
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  let before = 0;
  return prefixes.map((prefix, at) => {
    const start = Math.floor((objects * before) / total);
    before += weights[at] ?? 0;
    return { prefix, start, end: Math.floor((objects * before) / total) };
  });
}

// Digits of one length are in the order of their numbers.
const fileName = (number: number): string => `${String(100_000_000 + number).slice(1)}.jpg`;

/**
 * The keys of a bucket that nobody filled: each is computed from its number, whenever it is asked for, so that millions
 * of them take no memory. Their objects have one of a few thousand contents.
 */
export class SynthesizedIndex implements OrderedKeys<Entry> {
  readonly size: number;
  readonly #keys: SynthesizedKeys;
  readonly #account: string;
  readonly #folders: readonly Folder[];
  readonly #made = new Map<number, readonly ObjectVersion[]>();

  constructor(keys: SynthesizedKeys, account: string) {
    const { objects, missingEvery } = keys;
    this.#keys = keys;
    this.#account = account;
    this.#folders = makeFolders(objects);
    this.size = objects - (missingEvery === undefined ? 0 : Math.floor(objects / missingEvery));
  }

  get(key: string): Entry | undefined {
    for (const entry of this.from(key)) return entry.key === key ? entry : undefined;
    return undefined;
  }

  add(): void {
    throw new Error('a synthesized bucket takes no objects');
  }

  remove(): void {
    throw new Error('a synthesized bucket loses no objects');
  }

  *from(from: string, exclusive = false): Generator<Entry> {
    // The last folder that may hold such a key is the one whose first key is not beyond it.
    let folderAt = Math.max(0, lowerBound(this.#folders.length, (at) => this.#isBelow(at, from)) - 1);
    let floor = from;
    for (; folderAt < this.#folders.length; folderAt++) {
      const folder = this.#folders[folderAt];
      if (folder === undefined) return;
      const { prefix, start, end } = folder;
      for (let at = start + firstIn(folder, floor); at < end; at++) {
        if (this.#isMissing(at)) continue;
        const key = prefix + fileName(at - start);
        if (!exclusive || key !== from) yield { key, versions: this.#versionsOf(at) };
      }
      floor = '';
    }
  }

  #isBelow(folderAt: number, key: string): boolean {
    return (this.#folders[folderAt]?.prefix ?? '') <= key;
  }

  #isMissing(number: number): boolean {
    const { missingEvery } = this.#keys;
    return missingEvery !== undefined && number % missingEvery === missingEvery - 1;
  }

  #versionsOf(number: number): readonly ObjectVersion[] {
    const { differEvery } = this.#keys;
    const differs = differEvery !== undefined && number % differEvery === 0;
    const content = (Math.imul(number + 1, 0x9e3779b1) >>> 20) % contents;
    const id = differs ? content + contents : content;
    let versions = this.#made.get(id);
    if (versions === undefined) {
      versions = [makeVersion(this.#account, smallestBytes + content, id)];
      this.#made.set(id, versions);
    }
    return versions;
  }
}

/** How many files of the folder come before the key. */
function firstIn({ prefix, start, end }: Folder, key: string): number {
  return lowerBound(end - start, (number) => prefix + fileName(number) < key);
}

function lowerBound(length: number, isBelow: (at: number) => boolean): number {
  let low = 0;
  let high = length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (isBelow(middle)) low = middle + 1;
    else high = middle;
  }
  return low;
}

function makeVersion(account: string, sizeBytes: number, seed: number): ObjectVersion {
  const body: Body = { kind: 'synthesized', sizeBytes, seed };
  return {
    kind: 'object',
    versionId: 'null',
    body,
    etag: hash('md5', readAll(body), 'hex'),
    lastModified: epoch + sizeBytes * 3_607_000,
    checksum: undefined,
    parts: undefined,
    headers: ['content-type', 'image/jpeg'],
    tags: [],
    storageClass: 'STANDARD',
    encryption: 'AES256',
    acl: 'private',
    owner: account,
  };
}
