/**
 * The order of the keys' UTF-8 bytes, which is S3's and that of their code points. JavaScript's own order of strings is
 * that of UTF-16, where surrogates stand below U+E000.
 */
export function compareKeys(a: string, b: string): number {
  if (a === b) return 0;
  const length = Math.min(a.length, b.length);
  for (let at = 0; at < length; at++) {
    const [left, right] = [a.charCodeAt(at), b.charCodeAt(at)];
    if (left !== right) return rank(left) - rank(right);
  }
  return a.length - b.length;
}

function rank(unit: number): number {
  return unit >= 0xd800 && unit < 0xe000 ? unit + 0x10000 : unit;
}

/** The last code point: after a prefix it stands behind every key that goes on otherwise, but for those that use it. */
const last = '\u{10ffff}';

/** A key behind (nearly) all that begin with the prefix: where a listing goes on that has no use for them. */
export function behind(prefix: string): string {
  return prefix + last;
}

/** S3's limit is 1,024; a bound needs room for its last code point. */
const longestBound = 1000;

/**
 * Bounds that part what comes after a key from what begins like it, the widest first: behind everything that begins with
 * none, one, two … of its code points. `beginning` is what stands before all of them.
 */
export function boundsOf(key: string, beginning = ''): string[] {
  const bounds = [behind('')];
  let prefix = '';
  let bytes = Buffer.byteLength(beginning);
  for (const point of key) {
    bytes += Buffer.byteLength(point);
    if (bytes > longestBound) break;
    prefix += point;
    bounds.push(behind(prefix));
  }
  return bounds;
}
