import type { OrderedKeys } from './key-index.ts';

/** Where a listing goes on: after a key, or after everything under a common prefix. */
export interface Position {
  readonly kind: 'key' | 'prefix';
  readonly after: string;
}

export interface Scope {
  readonly prefix: string;
  readonly delimiter: string;
  readonly maxKeys: number;
}

export type Item<Entry> =
  | { readonly kind: 'entry'; readonly entry: Entry }
  | { readonly kind: 'prefix'; readonly prefix: string };

// No UTF-8 text has this byte, so it stands after everything that begins with the prefix.
const beyond = '\u00ff';

/** One page of a listing: entries and, with a delimiter, what they have in common up to it. */
export function walk<Entry extends { readonly key: string }>(
  index: Pick<OrderedKeys<Entry>, 'from'>,
  scope: Scope,
  from: Position,
  isListed: (entry: Entry) => boolean,
): { readonly items: readonly Item<Entry>[]; readonly next: Position | undefined } {
  const { prefix, delimiter, maxKeys } = scope;
  const items: Item<Entry>[] = [];
  if (maxKeys === 0) return { items, next: undefined };
  let last: Position | undefined;
  const start = from.kind === 'prefix' ? from.after + beyond : from.after;
  let entries = start < prefix ? index.from(prefix) : index.from(start, start !== '');
  for (let step = entries.next(); !step.done; step = entries.next()) {
    const entry = step.value;
    if (!entry.key.startsWith(prefix)) break;
    if (!isListed(entry)) continue;
    if (items.length === maxKeys) return { items, next: last };
    const cut = delimiter === '' ? -1 : entry.key.indexOf(delimiter, prefix.length);
    if (cut < 0) {
      items.push({ kind: 'entry', entry });
      last = { kind: 'key', after: entry.key };
    } else {
      const common = entry.key.slice(0, cut + delimiter.length);
      items.push({ kind: 'prefix', prefix: common });
      last = { kind: 'prefix', after: common };
      entries = index.from(common + beyond);
    }
  }
  return { items, next: undefined };
}
