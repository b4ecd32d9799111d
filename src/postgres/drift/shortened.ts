/**
 * Two definitions of an object, cut where they are absurdly long: what is kept begins shortly before the first place where
 * they differ, and says how long the whole is.
 */
export function shortened(
  source: string | undefined,
  target: string | undefined,
  most: number,
): readonly [string | undefined, string | undefined] {
  const from =
    source !== undefined && target !== undefined
      ? Math.max(0, firstDifference(source, target) - Math.floor(most / 10))
      : 0;
  return [cut(source, from, most), cut(target, from, most)];
}

function cut(text: string | undefined, from: number, most: number): string | undefined {
  if (text === undefined || text.length <= most) return text;
  const kept = text.slice(from, from + most).toWellFormed();
  const after = from + most < text.length ? '…' : '';
  return `${from > 0 ? '…' : ''}${kept}${after} (${text.length} characters in all)`;
}

function firstDifference(a: string, b: string): number {
  let at = 0;
  while (at < a.length && a[at] === b[at]) at += 1;
  return at;
}
