import { add, zero, type Amount } from './diff.ts';
import type { ListedObject } from './listing.ts';

/** Objects by what their keys begin with, up to the first slash. */
export interface Prefixes {
  /** The largest first. */
  readonly prefixes: readonly ({ readonly prefix: string } & Amount)[];
  /** Those of prefixes that are not listed. */
  readonly others: Amount;
}

const prefixesTold = 10;
const prefixesKept = 1000;

/** Counts objects by prefix, in bounded memory. */
export function byPrefix(): { see(object: Pick<ListedObject, 'key' | 'sizeBytes'>): void; told(): Prefixes } {
  const prefixes = new Map<string, ReturnType<typeof zero>>();
  const others = zero();
  return {
    see: ({ key, sizeBytes }) => {
      const slash = key.indexOf('/');
      const prefix = slash < 0 ? '' : key.slice(0, slash + 1);
      let amount = prefixes.get(prefix);
      if (!amount && prefixes.size < prefixesKept) prefixes.set(prefix, (amount = zero()));
      add(amount ?? others, sizeBytes);
    },
    told: () => {
      const sorted = [...prefixes].toSorted(([, a], [, b]) => b.objects - a.objects);
      const rest = { ...others };
      for (const [, { objects, bytes }] of sorted.slice(prefixesTold)) {
        rest.objects += objects;
        rest.bytes += bytes;
      }
      return {
        prefixes: sorted.slice(0, prefixesTold).map(([prefix, amount]) => ({ prefix, ...amount })),
        others: rest,
      };
    },
  };
}
