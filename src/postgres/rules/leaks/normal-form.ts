import { quoteText } from '../../names.ts';

// Both servers bring a text to the same words before they hash it. Words end at blanks and at what stands around values in
// sentences, JSON, URLs, arrays and records; points, dashes, underscores and @ stay, so that an address, a number or a uuid
// is one word. Only built-in functions whose result is the same on every server, whatever its locale: letters beyond
// ASCII are left as they are.

// What ends a word beside the blank: what stands in most texts and in all JSON, and what seldom does. A replacement costs the
// server as much where there is nothing to replace, two thirds of a microsecond for a kilobyte.
const common = ['. ', '": "', '", "', ...single('\n"\',;:()+/')] as const;
const rare = ['\\n', '\\r', '\\t', '%40', '%20', ...single('\r\t<>[]{}=|&\\?!*#`%')] as const;
/** What stands for another character than a blank. */
const instead: Readonly<Record<string, string>> = { '%40': '@' };

function single(chars: string): readonly string[] {
  return chars.split('');
}

function anyOf(texts: readonly string[]): string {
  const chars = texts.filter(({ length }) => length === 1).map((char) => (/[\\\]^-]/.test(char) ? `\\${char}` : char));
  return `[${chars.join('')}]`;
}

function replaceAll(name: string, texts: readonly string[]): string {
  return texts.reduce((inner, text) => `replace(${inner}, ${quoteText(text)}, '${instead[text] ?? ' '}')`, name);
}

/** SQL: the text in lower case, ready for `wordsOf`. It ends with a blank, so that a point at its end is one too. */
export function lowered(text: string): string {
  return `lower((${text} || ' ') collate "C")`;
}

/** SQL: the words of what `lowered` gave, `text[]`. The name of a column: it is read more than once. */
export function wordsOf(name: string): string {
  const words = (text: string) => `array_remove(string_to_array(${text}, ' ', ''), null)`;
  return `case when ${name} ~ ${quoteText(anyOf(rare))} then ${words(replaceAll(name, [...rare, ...common]))}
               when ${name} ~ ${quoteText(`${anyOf(common)}|\\. |  `)} then ${words(replaceAll(name, common))}
               else trim_array(string_to_array(${name}, ' '), 1) end`;
}
