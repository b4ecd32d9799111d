import { environmentOf, meaningOf } from './name-words.ts';

/** A name of the source, and which of the target's names may be its partner. */
export interface Pairing {
  readonly source: string;
  /** The one that is meant, where that is clear: nothing else is as near to either of both. */
  readonly target: string | undefined;
  /** Every likely partner, the likeliest first. */
  readonly candidates: readonly string[];
}

/** How alike two names must be to be proposed: two of three words, or a rare one. */
const likely = 0.5;
/** How much less alike the next one must be for the first to be clear. */
const margin = 0.1;

/**
 * Pairs what production has with what staging has, by likeness of name: bluemoxon-images with bluemoxon-images-staging.
 * Words for the environment do not count, and a word counts the less the more names have it. In one account (or store) the
 * same name is the same thing, and no partner of itself.
 */
export function pairNames(
  sources: readonly string[],
  targets: readonly string[],
  oneAccount = false,
): readonly Pairing[] {
  const names = [...sources, ...targets].map((name) => [name, meaningOf(name)] as const);
  const meanings = new Map(names);
  const spread = new Map<string, number>();
  for (const [, words] of names) for (const word of words) spread.set(word, (spread.get(word) ?? 0) + 1);
  const weight = (word: string) => 1 / Math.sqrt(spread.get(word) ?? 1);
  const likeness = (source: string, target: string) =>
    alike(meanings.get(source) ?? [], meanings.get(target) ?? [], weight) - doubt(source, target);
  const rank = (name: string, others: readonly string[], how: (other: string) => number) =>
    others
      .filter((other) => !oneAccount || other !== name)
      .map((other) => ({ other, likeness: how(other) }))
      .filter((one) => one.likeness >= likely)
      .toSorted((a, b) => b.likeness - a.likeness || (a.other < b.other ? -1 : 1));
  return sources.map((source) => {
    const ranked = rank(source, targets, (target) => likeness(source, target));
    const [best] = ranked;
    const rivals = best ? rank(best.other, sources, (one) => likeness(one, best.other)) : [];
    const isClear = isFirst(ranked, best?.other) && isFirst(rivals, source);
    return { source, target: isClear ? best?.other : undefined, candidates: ranked.map(({ other }) => other) };
  });
}

function isFirst(ranked: readonly { readonly other: string; readonly likeness: number }[], name?: string): boolean {
  const [first, second] = ranked;
  return first !== undefined && first.other === name && first.likeness - (second?.likeness ?? 0) >= margin;
}

/** The part of both names' words, each by its weight, that they have in common: from 0 to 1. */
function alike(a: readonly string[], b: readonly string[], weight: (word: string) => number): number {
  // Written together or apart it is the same name.
  if (a.length > 0 && a.join('') === b.join('')) return 1;
  const sum = (words: readonly string[]) => words.reduce((total, word) => total + weight(word), 0);
  const whole = sum(a) + sum(b);
  return whole === 0 ? 0 : (2 * sum(a.filter((word) => b.includes(word)))) / whole;
}

/** A source that calls itself staging, a target that calls itself production: not what is looked for. */
function doubt(source: string, target: string): number {
  const [from, to] = [environmentOf(source), environmentOf(target)];
  return (from === 'staging' || from === 'other' ? 0.6 : 0) + (to === 'production' ? 0.5 : to === 'other' ? 0.15 : 0);
}

/** Short names for pairs of buckets, as a person would call them: what tells them apart, images for bluemoxon-images. */
export function nameBuckets(buckets: readonly string[]): readonly string[] {
  const words = buckets.map((bucket) => meaningless(bucket));
  const shared = (word: string) => buckets.length > 1 && words.every((others) => others.includes(word));
  const taken = new Set<string>();
  return buckets.map((bucket, index) => {
    const own = (words[index] ?? []).filter((word) => !shared(word));
    const [last = 'objects'] = own.slice(-1);
    const wanted = [buckets.length > 1 ? own.join('-') || last : last, bucket].find((name) => !taken.has(name));
    taken.add(wanted ?? bucket);
    return wanted ?? bucket;
  });
}

/** As they are written, without environment, region, account and endings. */
function meaningless(bucket: string): string[] {
  return bucket.split(/[^A-Za-z\d]+/).filter((word) => word !== '' && meaningOf(word).length > 0);
}

/** The profiles that are production and staging by their names; undefined where none is. */
export function guessProfiles(profiles: readonly string[]): {
  readonly source: string | undefined;
  readonly target: string | undefined;
} {
  const [productions, stagings] = (['production', 'staging'] as const).map((environment) =>
    profiles.filter((profile) => environmentOf(profile) === environment),
  ) as [string[], string[]]; // as many as were asked for
  // Of several companies both profiles are the same one's.
  for (const source of productions) {
    const partner = stagings.find((staging) => meaningOf(staging).join(' ') === meaningOf(source).join(' '));
    if (partner !== undefined) return { source, target: partner };
  }
  return { source: productions[0], target: stagings[0] };
}
