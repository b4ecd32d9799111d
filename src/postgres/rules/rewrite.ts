import type { Column } from '../catalog.ts';
import { castTo, withoutLength } from './column-cast.ts';
import { quoteName, quoteText } from '../names.ts';
import type { Rewrite } from './table-rule.ts';

/** Whether a column holds text that a rewrite is about. */
export function isRewritten({ base }: Pick<Column, 'base'>): boolean {
  return /^(text|character|character varying|json|jsonb)$/.test(base) || /(^|\.)citext$/.test(base);
}

/**
 * The column's value with text replaced, one after the other. A value that has none of it is not looked into. JSON is taken by its
 * text, in which strings are escaped; of jsonb the server writes that itself, in one way.
 */
export function rewriteSql(column: Column, rewrites: readonly Rewrite[]): string {
  const name = quoteName(column.name);
  const isJson = column.base === 'json' || column.base === 'jsonb';
  // A cast of char to text drops its trailing blanks; the output function does not.
  const padded = column.base === 'character' && column.maxLength === undefined;
  // A nondeterministic collation knows no parts of a text.
  const value = `(${padded ? `pg_catalog.format('%s', ${name})` : `${name}::text`} collate "C")`;
  const replaced = rewrites.flatMap((rewrite) => (isJson ? jsonForms(column, rewrite) : [rewrite]));
  const found = replaced.map(({ from }) => `pg_catalog.strpos(${value}, ${quoteText(from)}) > 0`);
  const rewritten = replaced.reduce((sql, one) => (isJson ? replaceEscaped(sql, one) : replace(sql, one)), value);
  return `case when ${found.join(' or ')} then ${castTo(column, rewritten)} else ${name}::${withoutLength(column.base)} end`;
}

function replace(sql: string, { from, to }: Rewrite): string {
  return `pg_catalog.replace(${sql}, ${quoteText(from)}, ${quoteText(to)})`;
}

/** A rewrite as it stands between the quotes of a JSON string: in each way that json may have been written in. */
function jsonForms({ base }: Column, rewrite: Rewrite): readonly Rewrite[] {
  const escaped = both(rewrite, (text) => JSON.stringify(text).slice(1, -1));
  if (base === 'jsonb') return [escaped];
  const slashed = (one: Rewrite) => both(one, (text) => text.replaceAll('/', '\\/'));
  const ascii = both(escaped, (text) => text.replaceAll(/[\u0080-\uffff]/g, unicodeEscape));
  const forms = [escaped, slashed(escaped), ascii, slashed(ascii)];
  return forms.filter(({ from }, index) => forms.findIndex((one) => one.from === from) === index);
}

function both({ from, to }: Rewrite, change: (text: string) => string): Rewrite {
  return { from: change(from), to: change(to) };
}

function unicodeEscape(char: string): string {
  return `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`;
}

/** Within an escape sequence there is no text: after a backslash that is not itself escaped, or among the four digits of \u00e9. */
const notInEscape = String.raw`(?<!(?:^|[^\\])(?:\\\\)*\\(?:u[0-9a-fA-F]{0,3})?)`;

function replaceEscaped(sql: string, rewrite: Rewrite): string {
  const { from, to } = rewrite;
  if (!/^["\\/bfnrtu\da-f]/i.test(from)) return replace(sql, rewrite); // could be in no escape sequence
  const pattern = notInEscape + from.replaceAll(/[\\^$.*+?()[\]{}|]/g, '\\$&');
  return `pg_catalog.regexp_replace(${sql}, ${quoteText(pattern)}, ${quoteText(to.replaceAll('\\', '\\\\'))}, 'g')`;
}
