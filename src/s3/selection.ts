import { readGlob, type Glob } from './glob.ts';
import { requireKeys, type KeySet } from './key-set.ts';

/** Which keys of a pair of buckets count, and where they go: plain JSON, as the plan holds it. */
export interface Selection {
  /** Only keys that begin so. */
  readonly prefix?: string;
  /** Patterns, of which one must match; none: every key. */
  readonly include: readonly string[];
  /** Patterns, of which none may match. */
  readonly exclude: readonly string[];
  /** What keys of the source begin with, and what they begin with in the target instead. */
  readonly renames: Readonly<Record<string, string>>;
  /** Where the target keeps what was overwritten or deleted: no part of what is compared. */
  readonly backup?: string;
  /** Only keys that rows of the database name, which come beside the selection; */
  readonly only?: 'referenced';
  /** in these columns, as the config writes them. */
  readonly referencedBy?: readonly string[];
}

export const everything: Selection = { include: [], exclude: [], renames: {} };

/** A part of both key spaces in which keys differ by their beginning only, so that both listings have one order. */
export interface Region {
  readonly sourcePrefix: string;
  readonly targetPrefix: string;
  /** Beginnings that are no part of it, at the source and at the target. */
  readonly skip: Readonly<Record<'source' | 'target', readonly string[]>>;
  /** Beginnings of source keys for which the target has no room, with the reason. */
  readonly forbidden: readonly { readonly prefix: string; readonly reason: string }[];
}

/** A selection, ready to be asked. */
export interface Filter {
  readonly regions: readonly Region[];
  /** Whether a key of the source is part of it. */
  accepts(key: string): boolean;
  /** Whether a key that only the target has is not to be looked at: excluded by its own name, or kept by an earlier run. */
  leaves(key: string): boolean;
  /** Patterns that no key has matched until now. */
  unmatched(): readonly string[];
  /** Told each key of the source that is part of it, where only some keys count. */
  meet?(key: string): void;
}

/**
 * `keys`: what rows name, where only that counts. Throws SyntaxError for a pattern that cannot be read; the config has refused those.
 */
export function filterOf(selection: Selection, keys?: KeySet): Filter {
  const included = selection.include.map(readGlob);
  const excluded = selection.exclude.map(readGlob);
  const seen = new Set<string>();
  const hit = (globs: readonly Glob[], key: string) => {
    // All that match have met a key, not only the first of them.
    const found = globs.filter((glob) => glob.matches(key));
    for (const { pattern } of found) seen.add(pattern);
    return found.length > 0;
  };
  const prefix = selection.prefix ?? '';
  const isSelected = (key: string) =>
    key.startsWith(prefix) && !hit(excluded, key) && (included.length === 0 || hit(included, key));
  return {
    ...named(selection, isSelected, keys),
    regions: regionsOf(
      selection,
      beginnings(prefix, included),
      excluded.filter(({ isPrefix }) => isPrefix).map((glob) => glob.prefix),
    ),
    leaves: (key) => keptByRun.test(key) || hit(excluded, key),
    unmatched: () => [...included, ...excluded].map(({ pattern }) => pattern).filter((pattern) => !seen.has(pattern)),
  };
}

/** Of the selected keys those that rows name, as the source has them or, where rows were rewritten, as the target does. */
function named(
  selection: Selection,
  isSelected: (key: string) => boolean,
  keys: KeySet | undefined,
): Pick<Filter, 'accepts' | 'meet'> {
  if (selection.only === undefined) return { accepts: isSelected };
  const { has, meet } = requireKeys(keys);
  const isRenamed = (key: string) => renamed(selection, key) !== key;
  return {
    accepts: (key) => isSelected(key) && (has(key) || (isRenamed(key) && has(renamed(selection, key)))),
    meet: (key) => {
      meet(key);
      if (isRenamed(key)) meet(renamed(selection, key));
    },
  };
}

/** Under a backup's prefix stands the run's id, whatever the prefix was called then. */
const keptByRun = /(?:^|\/)\d{8}-\d{6}-[0-9a-f]{4}\//;

/** What the keys that are wanted begin with: none of them begins with another. */
function beginnings(prefix: string, included: readonly Glob[]): string[] {
  const all = included.length === 0 ? [prefix] : included.map((glob) => longer(prefix, glob.prefix));
  const usable = all.filter((one) => one !== undefined);
  return [...new Set(usable)].filter((one) => !usable.some((other) => other !== one && one.startsWith(other)));
}

/** The longer of two beginnings where one begins with the other; else no key has both. */
function longer(a: string, b: string): string | undefined {
  return a.startsWith(b) ? a : b.startsWith(a) ? b : undefined;
}

function regionsOf({ renames, backup }: Selection, bases: readonly string[], excluded: readonly string[]): Region[] {
  const pairs = Object.entries(renames);
  const kept = backup === undefined ? [] : [backup];
  const forbidden = [
    ...pairs.map(([from, to]) => ({ prefix: to, reason: `renames puts there what begins with ${from}` })),
    ...kept.map((prefix) => ({ prefix, reason: 'backup is kept there' })),
  ];
  return bases.flatMap((base) => [
    {
      sourcePrefix: base,
      targetPrefix: base,
      skip: {
        source: [...pairs.map(([from]) => from), ...excluded],
        // What begins with a renamed prefix is nobody's copy: it stays as it is.
        target: [...pairs.flat(), ...kept, ...excluded],
      },
      forbidden,
    },
    ...pairs.flatMap(([from, to]) => {
      const start = longer(base, from);
      if (start === undefined) return [];
      const skipped = excluded.filter((one) => one.startsWith(from));
      return {
        sourcePrefix: start,
        targetPrefix: to + start.slice(from.length),
        skip: {
          source: skipped,
          target: [...kept, ...skipped.map((one) => to + one.slice(from.length))],
        },
        forbidden: kept
          .map((prefix) => longer(prefix, to))
          .filter((prefix) => prefix !== undefined)
          .map((prefix) => ({ prefix: from + prefix.slice(to.length), reason: 'backup is kept there' })),
      };
    }),
  ]);
}

/** The target's key for a key of the source. */
export function renamed(selection: Selection, key: string): string {
  const found = Object.entries(selection.renames).find(([from]) => key.startsWith(from));
  return found ? found[1] + key.slice(found[0].length) : key;
}

/** Whether a key of the target is part of a selection, whoever names it: neither kept by a run, nor in the place of a renamed one. */
export function selectsInTarget({ only: _only, ...selection }: Selection): (key: string) => boolean {
  const { regions, accepts, leaves } = filterOf(selection);
  return (key) =>
    !leaves(key) &&
    regions.some(
      ({ sourcePrefix, targetPrefix, skip }) =>
        key.startsWith(targetPrefix) &&
        !skip.target.some((beginning) => key.startsWith(beginning)) &&
        accepts(sourcePrefix + key.slice(targetPrefix.length)),
    );
}
