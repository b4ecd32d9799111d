import { distance } from 'fastest-levenshtein';

/** The one of the names that is near enough to be what was meant. */
export function nearest(name: string, names: readonly string[]): string | undefined {
  const ranked = names
    .map((candidate) => ({
      candidate,
      away: distance(name.toLowerCase(), candidate.toLowerCase()),
      holds: likeness(name, candidate),
    }))
    // One letter is a slip, whatever else holds the name as a word.
    .toSorted((a, b) => slip(b) - slip(a) || b.holds - a.holds || a.away - b.away);
  const best = ranked[0];
  if (!best) return undefined;
  return best.holds > 0 || best.away <= farthest(name) ? best.candidate : undefined;
}

function slip({ away }: { readonly away: number }): number {
  return away <= 1 ? 1 : 0;
}

/** 1 when one name holds the other as a word of its own: staging in bmx-staging. */
function likeness(name: string, candidate: string): number {
  const words = candidate.toLowerCase().split(/[^a-z0-9]+/);
  const wanted = name.toLowerCase().split(/[^a-z0-9]+/);
  return name.length > 2 && (words.includes(name.toLowerCase()) || wanted.includes(candidate.toLowerCase())) ? 1 : 0;
}

/** How many letters may be wrong: two in most words, one in the shortest. */
function farthest(name: string): number {
  return name.length < 4 ? 1 : Math.max(2, Math.floor(name.length / 3));
}
