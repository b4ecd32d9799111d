import { stripVTControlCharacters } from 'node:util';

/** What stands beyond this share of a line is no column of labels, that the rest could stand under. */
const labels = 0.6;

/**
 * A text for a terminal of this width: what is longer goes on below the last column that it begins in, broken between
 * words. A word that is longer than a line, an address perhaps, is left to the terminal. Unchanged without a width.
 */
export function fit(text: string, width: number | undefined): string {
  if (width === undefined) return text;
  return text
    .split('\n')
    .flatMap((line) => (lengthOf(line) <= width ? [line] : fold(line, width)))
    .join('\n');
}

function fold(line: string, width: number): string[] {
  const indent = ' '.repeat(columnOf(stripVTControlCharacters(line), width * labels));
  // A figure stays with its unit.
  const [first = '', ...words] = line.split(/(?<=[^ ])(?= )(?! (?:bytes|[kMGT]B|MiB|ms|s|min|h|UTC)\b)/);
  const lines: string[] = [];
  let current = first;
  for (const word of words) {
    if (lengthOf(current + word) <= width) current += word;
    else {
      lines.push(current);
      const begun = word.trimStart();
      // A name that the column has no room for begins further to the left, if that keeps it whole.
      current = (lengthOf(begun) > width ? indent : indent.slice(0, width - lengthOf(begun))) + begun;
    }
  }
  return [...lines, current];
}

/** Where the last of a line's columns begins that begins before `most`. */
function columnOf(line: string, most: number): number {
  const begins = [...line.matchAll(/ {2,}(?=[^ ])/g)].map(({ index, 0: gap }) => index + gap.length);
  const column = begins.findLast((begin) => begin <= most) ?? 0;
  // A mark of its own column: ✓ and the like.
  return column > 0 && /^[✓✗–!…] /.test(line.slice(column)) ? column + 2 : column;
}

function lengthOf(text: string): number {
  return Array.from(stripVTControlCharacters(text)).length;
}
