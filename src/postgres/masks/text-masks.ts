import { quoteText } from '../names.ts';
import type { MaskName } from '../rules/table-rule.ts';
import { bitsOf, card, digitsOf, iban } from './digits.ts';
import { cities, companyKinds, companyNames, firstNames, lastNames, lorem, streets } from './words.ts';

/** What a mask makes of a text that is neither null nor empty. */
export interface TextMask {
  /** SQL of a text that fits, over SQL of the text and of its hash. */
  sql(value: string, hash: string): string;
  /** How many bits of the hash are in it. */
  readonly bits: number;
}

/** The masks that make text, over room for so many characters. A text instead of a mask says why it does not fit. */
export type TextMaskName = Exclude<MaskName, 'redact' | 'null'>;

export function textMask(name: TextMaskName, room: number | undefined): TextMask | string {
  return makers[name](room ?? Number.POSITIVE_INFINITY);
}

const makers: Readonly<Record<TextMaskName, (room: number) => TextMask | string>> = {
  email: (room) => hexBetween('', '@example.com', 20, room),
  url: (room) => hexBetween('https://example.com/', '', 20, room),
  username: (room) => hexBetween('user_', '', 16, room),
  name: (room) => (room < 8 ? picked([firstNames], room) : picked([firstNames, lastNames], room)),
  firstName: (room) => picked([firstNames], room),
  lastName: (room) => picked([lastNames], room),
  city: (room) => picked([cities], room),
  company: (room) => (room < 12 ? picked([companyNames], room) : picked([companyNames, companyKinds], room)),
  address: (room) => ({
    bits: Math.log2(199) + Math.log2(streets.length),
    sql: (_, hash) => cut(`(1 + get_byte(${hash}, 0) % 199)::text || ' ' || ${pick(streets, hash, 1)}`, 18, room),
  }),
  postcode: (room) => {
    const digits = Math.min(5, room);
    // One digit more in front of it, to be cut off, keeps the zeros.
    const sql = (_: string, hash: string) => `right((${10 ** digits} + ${digitsOf(hash, digits)})::text, ${digits})`;
    return { bits: digits * Math.log2(10), sql };
  },
  phone: (room) => {
    const digits = Math.min(12, room - 4);
    if (digits < 4) return tooLittle(8);
    // No country has the code 999.
    const sql = (_: string, hash: string) => `'+' || (${999 * 10 ** digits} + ${digitsOf(hash, digits)})::text`;
    return { bits: digits * Math.log2(10), sql };
  },
  iban: (room) => (room < 22 ? tooLittle(22) : { bits: 10 * Math.log2(10), sql: (_, hash) => iban(hash) }),
  card: (room) => (room < 16 ? tooLittle(16) : { bits: 9 * Math.log2(10), sql: (_, hash) => `${card(hash)}::text` }),
  ip: (room) => {
    if (room < 14) return tooLittle(14);
    const wide = room < 29 ? 16 : 62;
    return {
      bits: 17,
      sql: (value, hash) =>
        `host(case when ${value} collate "C" like '%:%:%' then ${version6(hash, wide)} else ${version4(hash)} end)`,
    };
  },
  uuid: (room) => (room < 36 ? tooLittle(36) : { bits: 122, sql: (_, hash) => `${uuid(hash)}::text` }),
  token: (room) => {
    const least = Math.min(16, room);
    return { bits: 4 * least, sql: token(least) };
  },
  'password-hash': (room) => {
    const otherwise = token(Math.min(16, room));
    return { bits: 4 * Math.min(16, room), sql: (value, hash) => passwordHash(value, hash, otherwise(value, hash)) };
  },
  hash: (room) => {
    const digits = Math.min(64, room);
    return { bits: 4 * digits, sql: (_, hash) => hex(hash, digits) };
  },
  text: () => ({ bits: Math.log2(starts.length), sql: loremOfLength }),
};

function tooLittle(needed: number): string {
  return `it makes ${needed} characters`;
}

/** Hexadecimal digits, fewer where there is little room, with something around them. */
function hexBetween(before: string, behind: string, most: number, room: number): TextMask | string {
  const around = before.length + behind.length;
  const digits = Math.min(most, room - around);
  if (digits < 4) return tooLittle(around + 4);
  const parts = (hash: string) => [
    ...(before === '' ? [] : [quoteText(before)]),
    hex(hash, digits),
    ...(behind === '' ? [] : [quoteText(behind)]),
  ];
  return { bits: 4 * digits, sql: (_, hash) => parts(hash).join(' || ') };
}

function hex(hash: string, digits: number): string {
  const all = `encode(${digits > 62 ? hash : `substr(${hash}, 1, ${Math.ceil(digits / 2)})`}, 'hex')`;
  return digits % 2 === 0 ? all : `left(${all}, ${digits})`;
}

/** One word of each list. */
function picked(lists: readonly (readonly string[])[], room: number): TextMask {
  const longest = lists.reduce((sum, list) => sum + 1 + Math.max(...list.map((word) => word.length)), -1);
  return {
    bits: lists.reduce((sum, list) => sum + Math.log2(list.length), 0),
    sql: (_, hash) => cut(lists.map((list, index) => pick(list, hash, index)).join(` || ' ' || `), longest, room),
  };
}

/**
 * A word out of a list whose length is a power of two, 256 at most. As an array of `name`, whose elements have one length: of
 * one of `text` all elements before it would be walked over.
 */
function pick(list: readonly string[], hash: string, byte: number): string {
  return `(${quoteText(`{${list.join(',')}}`)}::name[])[1 + (get_byte(${hash}, ${byte}) & ${list.length - 1})]::text`;
}

function cut(sql: string, longest: number, room: number): string {
  return longest <= room ? sql : `rtrim(left(${sql}, ${room}))`;
}

/** Addresses that are kept for measuring networks: 198.18.0.0/15. */
export function version4(hash: string): string {
  return `('198.18.0.0'::inet + ${bitsOf(hash, 17)})`;
}

/** Addresses that are kept for documentation: 2001:db8::/32. */
export function version6(hash: string, bits = 62): string {
  return `('2001:db8::'::inet + ${bitsOf(hash, bits)})`;
}

/** SQL of a uuid as one of version 4, which says that it is random. */
export function uuid(hash: string): string {
  const bytes = `substr(${hash}, 1, 16)`;
  const version = `set_byte(${bytes}, 6, get_byte(${hash}, 6) & 15 | 64)`;
  return `encode(set_byte(${version}, 8, get_byte(${hash}, 8) & 63 | 128), 'hex')::uuid`;
}

/** As long as the value, but not shorter than so much. */
function token(least: number) {
  return (value: string, hash: string) =>
    `left(repeat(encode(${hash}, 'hex'), (length(${value}) + 63) / 64), greatest(length(${value}), ${least}))`;
}

/**
 * The scheme's prefix, up to the last $, stays; behind it stand as many characters that the schemes write. What has fewer than
 * two $, or little behind them, is no hash, and nothing of it stays. The last bits of a Base64 that fills no whole byte are
 * zeros, or parsers refuse it: in bcrypt's, which begins with a dot, those are the 22nd character, where the salt ends, and the
 * last.
 */
function passwordHash(value: string, hash: string, otherwise: string): string {
  const behind = `(position('$' in (reverse(${value}) collate "C")) - 1)`;
  const digest = `translate(encode(sha512(${hash}), 'base64'), E'+/=\\n', '')`;
  const characters = `left(repeat(${digest}, ${behind} / 64 + 1), ${behind} - 1)`;
  const bcrypt = `overlay(${characters} placing '.' from 22 for 1) || '.'`;
  return `case when ${value} collate "C" not like '%$%$%' or ${behind} < 16 then ${otherwise}
       else left(${value}, length(${value}) - ${behind})
         || case when ${behind} = 53 and ${value} collate "C" like '$2_$__$%' then ${bcrypt} else ${characters} || 'A' end end`;
}

/** Where words begin. */
const starts = [...lorem.matchAll(/(?<= |^)[A-Za-z]/g)].map(({ index }) => index + 1).slice(0, 64);

/** A text of the same length, from one of its words on, which ends with a full stop. */
function loremOfLength(value: string, hash: string): string {
  const start = `('{${starts.join(',')}}'::integer[])[1 + (get_byte(${hash}, 0) & ${starts.length - 1})]`;
  const text = `repeat(${quoteText(lorem)}, length(${value}) / ${lorem.length} + 2)`;
  return `substr(${text}, ${start}, length(${value}) - 1) || '.'`;
}
