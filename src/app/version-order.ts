/** A version that can be ordered: its numbers, then what comes before or after the release of these numbers. */
interface Ordered {
  readonly numbers: readonly number[];
  /** Of 1.4.0-rc.2: rc and 2. Before the release itself. */
  readonly before?: readonly (string | number)[];
  /** Of git's 1.4.0-12-g6575f61: 12. After it. */
  readonly after: number;
}

const form = /^v?(\d+(?:\.\d+)*)(?:[-_.]?([a-z0-9][\w.-]*))?(?:\+.*)?$/i;

/** 1.4.0, v1.4, 1.4.0-rc.2, 2026.11.23, 1.4.0-12-g6575f61; undefined for what is no number at its beginning, a commit among them. */
function readOrdered(version: string): Ordered | undefined {
  const [, digits, rest] = form.exec(version) ?? [];
  if (digits === undefined) return undefined;
  if (rest !== undefined && !digits.includes('.')) return undefined; // 6575f61 is a commit
  const numbers = digits.split('.').map(Number);
  const [, sinceTag, post] = /^(?:(\d+)-g[0-9a-f]{4,}|post\.?(\d+))$/i.exec(rest ?? '') ?? [];
  if (sinceTag !== undefined || post !== undefined) return { numbers, after: Number(sinceTag ?? post) };
  return {
    numbers,
    after: 0,
    ...(rest === undefined
      ? {}
      : { before: (rest.match(/\d+|[^\d.-]+/g) ?? []).map((part) => (/^\d/.test(part) ? Number(part) : part)) }),
  };
}

/** Below zero: the first is lower. Undefined where one of them is no version in numbers. */
export function orderOfVersions(one: string, other: string): number | undefined {
  const [a, b] = [readOrdered(one), readOrdered(other)];
  if (!a || !b) return undefined;
  const length = Math.max(a.numbers.length, b.numbers.length);
  for (let index = 0; index < length; index += 1) {
    const difference = (a.numbers[index] ?? 0) - (b.numbers[index] ?? 0);
    if (difference !== 0) return difference;
  }
  if (a.after !== b.after) return a.after - b.after;
  if (!a.before || !b.before) return Number(Boolean(b.before)) - Number(Boolean(a.before));
  return orderOfParts(a.before, b.before);
}

/** As semver has it: numbers by size and before words, fewer parts before more. */
function orderOfParts(one: readonly (string | number)[], other: readonly (string | number)[]): number {
  for (const [index, a] of one.entries()) {
    const b = other[index];
    if (b === undefined) return 1;
    if (a === b) continue;
    if (typeof a === 'number' && typeof b === 'number') return a - b;
    if (typeof a !== typeof b) return typeof a === 'number' ? -1 : 1;
    return a < b ? -1 : 1;
  }
  return one.length - other.length;
}
