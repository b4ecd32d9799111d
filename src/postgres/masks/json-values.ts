import type { Column } from '../catalog.ts';
import { quoteText } from '../names.ts';
import { maskKind, type Mask } from '../rules/table-rule.ts';
import { bitsOf, card, digitsOf } from './digits.ts';
import { bytesOfText, hmacSql } from './hmac.ts';
import type { JsonMask } from './json-mask.ts';
import { noisy } from './number-mask.ts';
import { textMask } from './text-masks.ts';

export const jsonNull = `'null'::jsonb`;

/** Masks whose number stays one. */
const asNumber = new Map<Mask, string>([
  ['hash', bitsOf('"h"', 48)],
  ['phone', `(999000000000000 + ${digitsOf('"h"', 12)})`],
  ['card', card('"h"')],
]);

/** A mask of a value within JSON, which is "v" there. */
export function inJson(mask: Mask): JsonMask | { readonly reason: string } {
  if (mask === 'null') return { string: jsonNull, number: jsonNull, boolean: jsonNull };
  if (mask === 'redact')
    return { string: unlessEmpty(`'"redacted"'::jsonb`), number: `'0'::jsonb`, boolean: `'false'::jsonb` };
  if (typeof mask === 'string') {
    const made = textMask(mask, undefined);
    if (typeof made === 'string') return { reason: made };
    const text = `to_jsonb(${made.sql('"t"', '"h"')})`;
    const digits = asNumber.get(mask);
    return {
      string: unlessEmpty(hashed(mask, '"t"', text)),
      number: hashed(mask, numberText, digits === undefined ? text : `to_jsonb(${digits})`),
      boolean: jsonNull,
    };
  }
  if ('constant' in mask) {
    const { constant } = mask;
    const value = `to_jsonb(${typeof constant === 'boolean' ? String(constant) : `${quoteText(String(constant))}::${typeof constant === 'string' ? 'text' : 'numeric'}`})`;
    return { string: unlessEmpty(value), number: value, boolean: value };
  }
  if ('number' in mask) {
    const moved = noisy('"t"::numeric', '"h"', mask.number.noise, 'numeric', anyNumeric);
    return { string: jsonNull, number: hashed('number', numberText, `to_jsonb(${moved})`), boolean: jsonNull };
  }
  return { reason: `${maskKind(mask)} is not for values within JSON` };
}

function unlessEmpty(sql: string): string {
  return `case "v" when '""' then "v" else ${sql} end`;
}

/** 1.0 is 1. */
const numberText = 'trim_scale("t"::numeric)::text';

/** SQL over the text of "v" as "t", and a hash as "h". */
function hashed(kind: string, text: string, sql: string): string {
  return `(select ${sql} from (
      select "t", ${hmacSql(kind, bytesOfText(text))} as "h" from (select "v" #>> '{}' as "t" offset 0) "s" offset 0) "x")`;
}

const anyNumeric: Column = {
  name: 't',
  type: 'numeric',
  base: 'numeric',
  nature: 'binary',
  generated: false,
  required: false,
};
