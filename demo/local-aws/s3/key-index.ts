export interface Keyed {
  readonly key: string;
}

/** What a bucket's keys can be asked; those of `from` come in byte order. */
export interface OrderedKeys<Entry extends Keyed> {
  readonly size: number;
  get(key: string): Entry | undefined;
  add(entry: Entry): void;
  remove(key: string): void;
  from(from: string, exclusive?: boolean): Generator<Entry>;
}

const insertLimit = 64;

/**
 * Entries by key, and in key order. Order is made only when somebody lists: a bulk of new keys is then sorted and merged
 * once, a handful is inserted, and removed keys stay behind until the next merge.
 */
export class KeyIndex<Entry extends Keyed> implements OrderedKeys<Entry> {
  readonly #byKey = new Map<string, Entry>();
  #sorted: Entry[] = [];
  #added: Entry[] = [];
  #removed = 0;

  get(key: string): Entry | undefined {
    return this.#byKey.get(key);
  }

  get size(): number {
    return this.#byKey.size;
  }

  add(entry: Entry): void {
    this.#byKey.set(entry.key, entry);
    this.#added.push(entry);
  }

  remove(key: string): void {
    if (this.#byKey.delete(key)) this.#removed += 1;
  }

  /** The entries with `key >= from` (`key > from` when `exclusive`), in order. */
  *from(from: string, exclusive = false): Generator<Entry> {
    this.#order();
    const sorted = this.#sorted;
    for (let at = lowerBound(sorted, from); at < sorted.length; at++) {
      const entry = sorted[at];
      if (entry === undefined || (exclusive && entry.key === from)) continue;
      if (this.#isLive(entry)) yield entry;
    }
  }

  #isLive(entry: Entry): boolean {
    return this.#removed === 0 || this.#byKey.get(entry.key) === entry;
  }

  #order(): void {
    if (this.#removed > 64 && this.#removed > this.#sorted.length / 4) {
      this.#sorted = this.#sorted.filter((entry) => this.#isLive(entry));
      this.#added = this.#added.filter((entry) => this.#isLive(entry));
      this.#removed = 0;
    }
    const added = this.#added;
    if (added.length === 0) return;
    this.#added = [];
    if (added.length <= insertLimit) {
      for (const entry of added) this.#sorted.splice(lowerBound(this.#sorted, entry.key), 0, entry);
    } else {
      added.sort((left, right) => (left.key < right.key ? -1 : left.key > right.key ? 1 : 0));
      this.#sorted = merge(this.#sorted, added);
    }
  }
}

function lowerBound(sorted: readonly Keyed[], key: string): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const entry = sorted[middle];
    if (entry !== undefined && entry.key < key) low = middle + 1;
    else high = middle;
  }
  return low;
}

function merge<Entry extends Keyed>(left: readonly Entry[], right: readonly Entry[]): Entry[] {
  const out: Entry[] = [];
  let at = 0;
  for (const entry of right) {
    for (let next = left[at]; next !== undefined && next.key < entry.key; next = left[at]) {
      out.push(next);
      at += 1;
    }
    out.push(entry);
  }
  for (; at < left.length; at++) {
    const next = left[at];
    if (next !== undefined) out.push(next);
  }
  return out;
}
