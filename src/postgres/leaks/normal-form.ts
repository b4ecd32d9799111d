import { quoteText } from '../names.ts';

// Both servers bring a text to the same words before they hash it. Words end at blanks and at what stands around values in
// sentences, JSON, URLs, arrays and records; points, dashes, underscores and @ stay, so that an address, a number or a uuid
// is one word. Only built-in functions whose result is the same on every server, whatever its locale: letters beyond
// ASCII are left as they are.

/** What ends a word, beside the blank. */
const separators = `\n\r\t"',;:<>()[]{}=/|&\\+?!*#\`%`.split('');

/** Read as blanks, or as what they stand for, before single characters are looked at; the longer ones save time. */
const replaced: readonly (readonly [string, string])[] = [
  ['\\n', ' '],
  ['\\r', ' '],
  ['\\t', ' '],
  ['%40', '@'],
  ['%20', ' '],
  ['": "', ' '],
  ['", "', ' '],
];

const inClass = (char: string) => (/[\\\]^-]/.test(char) ? `\\${char}` : char);
/** A text without any of these is cut at its blanks alone; most short ones are. */
const unusual = `[${separators.map(inClass).join('')}]|\\. |  `;

/** SQL: the text in lower case, ready for `wordsOf`. It ends with a blank, so that a point at its end is one too. */
export function lowered(text: string): string {
  return `lower((${text} || ' ') collate "C")`;
}

/** SQL: the words of what `lowered` gave, `text[]`. The name of a column: it is read more than once. */
export function wordsOf(name: string): string {
  const single = separators.map((char) => [char, ' '] as const);
  const chain = [...replaced, ...single, ['. ', ' '] as const].reduce(
    (inner, [from, to]) => `replace(${inner}, ${quoteText(from)}, '${to}')`,
    name,
  );
  // Most short texts have neither what needs replacing nor two blanks.
  return `case when ${name} ~ ${quoteText(unusual)} then array_remove(string_to_array(${chain}, ' ', ''), null)
               else trim_array(string_to_array(${name}, ' '), 1) end`;
}
