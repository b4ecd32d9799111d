import { RestageError } from '../../errors.ts';
import type { Column, Table } from '../catalog.ts';
import { displayTable, quoteName } from '../names.ts';
import { maskKind, type Mask } from '../rules/table-rule.ts';
import { daysOf, mostDays, moved, movedText } from './date-mask.ts';
import { bitsOf, card, digitsOf } from './digits.ts';
import { bytesOf, bytesOfText, hashName, hmacSql, textOf } from './hmac.ts';
import { asJsonb, jsonMask } from './json-mask.ts';
import { inJson, jsonNull } from './json-values.ts';
import { noisy } from './number-mask.ts';
import { constant, redaction } from './plain-masks.ts';
import { isNumber, isText, shapeOf, type Family, type Shape } from './shape.ts';
import { textMask, uuid, version4, version6, type TextMaskName } from './text-masks.ts';

/** What a mask is in SQL. */
export interface Masked {
  /** Hashes of the row, by the names that `sql` calls them by: columns of an inner select, so that each is computed once. */
  readonly hashes: Readonly<Record<string, string>>;
  /** Over the row's columns and those hashes. Of the column's type, but for its length, which it keeps to. */
  readonly sql: string;
}

type MaskedTable = Pick<Table, 'table' | 'primaryKey' | 'columns'>;

/** How a mask is made, and how many bits are in it; or why it cannot be. */
type Made = (Masked & { readonly bits: number }) | { readonly reason: string };

/**
 * The SQL of a mask on a column: the same value gives the same outcome in every column and table, under one key, which the
 * session holds (`maskSettings`). Null stays null and an empty text empty. Throws `rule-unfit` where `maskFits` gives a reason.
 */
export function maskSql(mask: Mask, column: Column, table: MaskedTable): Masked {
  const made = make(mask, column, table);
  if (!('reason' in made)) return { hashes: made.hashes, sql: made.sql };
  const place = `${displayTable(table.table)}.${column.name}`;
  throw new RestageError('rule-unfit', `the mask ${maskKind(mask)} cannot be used on ${place}: ${made.reason}`);
}

/** Why a mask cannot be used on a column of this type, in words; undefined where it can. */
export function maskFits(mask: Mask, column: Column, table: MaskedTable): string | undefined {
  const made = make(mask, column, table);
  return 'reason' in made ? made.reason : undefined;
}

/**
 * How many bits of different values are left in what a mask makes of them: 0 for a constant, Infinity where two never become
 * one, or where that is the config's own affair. A unique column with n values has about n² / 2^(bits + 1) collisions.
 */
export function maskBits(mask: Mask, column: Column): number {
  const table = { table: { schema: '', name: '' }, primaryKey: [column.name], columns: [column] };
  const made = make(mask, column, table);
  return 'reason' in made ? 0 : made.bits;
}

/** Whether a mask holds SQL that the config's writer wrote. */
export function usesUserSql(mask: Mask): boolean {
  if (typeof mask === 'string') return false;
  return 'json' in mask ? Object.values(mask.json).some(usesUserSql) : 'sql' in mask;
}

function make(mask: Mask, column: Column, table: MaskedTable): Made {
  if (column.generated) return { reason: 'the server itself makes its values, out of other columns' };
  const shape = shapeOf(column);
  const name = quoteName(column.name);
  const notNull = (sql: string) => `case when ${name} is distinct from null then ${sql} end`;
  if (mask === 'null')
    return column.required
      ? { reason: 'it takes no null' }
      : { hashes: {}, sql: `null::${shape.type}`, bits: Number.POSITIVE_INFINITY };
  if (mask === 'redact') {
    const sql = redaction(shape);
    return sql === undefined ? unfit(column) : { hashes: {}, sql: keepEmpty(column, shape, notNull(sql)), bits: 0 };
  }
  if (typeof mask === 'string') return named(mask, column, shape, table);
  // On a line of its own: the expression may end with a comment.
  if ('sql' in mask) return { hashes: {}, sql: `(${mask.sql}\n)::${shape.type}`, bits: Number.POSITIVE_INFINITY };
  if ('constant' in mask) {
    const tooLong = isText(shape.family) && String(mask.constant).length > (shape.room ?? Number.POSITIVE_INFINITY);
    if (tooLong) return { reason: `the constant is longer than ${column.type}` };
    return { hashes: {}, sql: keepEmpty(column, shape, notNull(constant(mask.constant, shape))), bits: 0 };
  }
  if ('number' in mask) return numbers(mask.number.noise, column, shape, table);
  if ('date' in mask) return dates(mask.date, column, shape, table);
  return jsons(mask.json, column, shape, table);
}

function unfit(column: Column): { readonly reason: string } {
  return { reason: `it is not for ${column.type}` };
}

function named(mask: TextMaskName, column: Column, shape: Shape, table: MaskedTable): Made {
  if (shape.family === 'texts') return texts(mask, column, shape);
  const name = hashName(mask, [column.name], table);
  const hash = quoteName(name);
  const hashes = { [name]: hmacSql(mask, bytesOf(column)) };
  if (isText(shape.family)) {
    const made = textMask(mask, shape.room);
    if (typeof made === 'string') return tooShort(made, column);
    const value = shape.family === 'citext' ? `${quoteName(column.name)}::text` : textOf(column);
    return { hashes, bits: made.bits, sql: keepEmpty(column, shape, made.sql(value, hash)) };
  }
  const other = otherwise(mask, column, shape, hash);
  return other ? { hashes, ...other } : unfit(column);
}

function tooShort(made: string, column: Column): { readonly reason: string } {
  return { reason: `${made}, which ${column.type} does not hold` };
}

/** Masks that have a form in types other than text. */
function otherwise(
  mask: TextMaskName,
  column: Column,
  { family, type }: Shape,
  hash: string,
): { readonly sql: string; readonly bits: number } | undefined {
  const name = quoteName(column.name);
  if (mask === 'uuid' && family === 'uuid') return { sql: uuid(hash), bits: 122 };
  if (mask === 'ip' && (family === 'inet' || family === 'cidr')) {
    const address = `case family(${name}) when 4 then ${version4(hash)} else ${version6(hash)} end`;
    if (family === 'inet') return { sql: `set_masklen(${address}, masklen(${name}))`, bits: 17 };
    // A network has no bits behind its mask: a wide one must be within the addresses that are nobody's.
    const width = `greatest(masklen(${name}), case family(${name}) when 4 then 15 else 32 end)`;
    return { sql: `set_masklen((${address})::cidr, ${width})`, bits: 0 };
  }
  if (mask === 'hash' && family === 'bytea')
    return { sql: `case when length(${name}) = 0 then ${name} else ${hash} end`, bits: 256 };
  if (mask === 'hash') return digitsIn(family, column, hash);
  const inDigits: { readonly [name in TextMaskName]?: readonly [digits: number, random: number, sql: string] } = {
    phone: [15, 12, `(999000000000000 + ${digitsOf(hash, 12)})`],
    card: [16, 9, card(hash)],
    postcode: [5, 5, digitsOf(hash, 5)],
  };
  const [digits = 0, random = 0, sql = ''] = inDigits[mask] ?? [];
  return digits > 0 && holds(family, column, digits)
    ? { sql: `${sql}::${type}`, bits: random * Math.log2(10) }
    : undefined;
}

/** Digits before the point that a numeric holds; any number of them where it is not limited. */
function wholeDigits({ precision, scale }: Column): number {
  return precision === undefined ? Number.POSITIVE_INFINITY : precision - (scale ?? 0);
}

function holds(family: Family, column: Column, digits: number): boolean {
  if (family === 'numeric') return wholeDigits(column) >= digits;
  return family === 'bigint' || (family === 'integer' && digits < 10);
}

/** A number of the hash, as large as the type holds. */
function digitsIn(
  family: Family,
  column: Column,
  hash: string,
): { readonly sql: string; readonly bits: number } | undefined {
  if (family === 'smallint' || family === 'integer' || family === 'bigint') {
    const bits = { smallint: 15, integer: 31, bigint: 62 }[family];
    return { sql: `${bitsOf(hash, bits)}::${family}`, bits };
  }
  const digits = family === 'numeric' ? Math.min(18, wholeDigits(column)) : 0;
  if (digits < 1) return undefined;
  const { type } = shapeOf(column);
  return { sql: `(${bitsOf(hash, 62)} % ${10n ** BigInt(digits)})::${type}`, bits: digits * Math.log2(10) };
}

/** Text stays empty; and is of the column's type, without its length. */
function keepEmpty(column: Column, { family, type, room }: Shape, sql: string): string {
  if (!isText(family)) return sql;
  const value = `${quoteName(column.name)}::text`;
  const text = `case when ${value} collate "C" = '' then '' else ${sql} end`;
  // A column of char(n) holds blanks up to its end, which a digest of it sees.
  if (family === 'bpchar' && room !== undefined) return `rpad(${text}, ${room})::${type}`;
  return `(${text})::${type}`;
}

/** Of an array of text: each of its elements. An array of several dimensions becomes one of one. */
function texts(mask: TextMaskName, column: Column, { room, type }: Shape): Made {
  const made = textMask(mask, room);
  if (typeof made === 'string') return tooShort(made, column);
  const name = quoteName(column.name);
  const isCitext = column.base.endsWith('citext[]');
  const element = isCitext ? 'lower("e"::text collate "default")' : '"e"::text';
  const masked = `case when "e" collate "C" = '' then '' else ${made.sql('"e"', '"h"')} end`;
  const padded = column.base === 'character[]' && room !== undefined ? `rpad(${masked}, ${room})` : masked;
  const sql = `case when cardinality(${name}) > 0 then (
      select array_agg(${padded} order by "n")
        from (select "e"::text as "e", "n", ${hmacSql(mask, bytesOfText(element))} as "h"
                from unnest(${name}) with ordinality as "u"("e", "n") offset 0) "x")::${type}
    else ${name}::${type} end`;
  return { hashes: {}, sql, bits: made.bits };
}

function numbers(noise: number, column: Column, shape: Shape, table: MaskedTable): Made {
  if (!isNumber(shape.family)) return unfit(column);
  const name = hashName('number', [column.name], table);
  // Where there is no value: greatest and least do not mind a null.
  const sql = noisy(quoteName(column.name), quoteName(name), noise, shape.family, column);
  return {
    hashes: { [name]: hmacSql('number', bytesOf(column)) },
    sql: `(case when ${quoteName(column.name)} is not null then ${sql} end)::${shape.type}`,
    bits: 1,
  };
}

type DateSettings = Extract<Mask, { readonly date: unknown }>['date'];

function dates(settings: DateSettings, column: Column, shape: Shape, table: MaskedTable): Made {
  if (shape.family !== 'date' && shape.family !== 'timestamp') return unfit(column);
  const by = rowHash(settings, table);
  if ('reason' in by) return by;
  const days = daysOf(by.hash, settings.shiftDays);
  const sql = moved(quoteName(column.name), days, shape.family === 'date');
  return { hashes: by.hashes, sql: `(${sql})::${shape.type}`, bits: Math.log2(2 * settings.shiftDays + 1) };
}

/** The hash by which a row's dates move. */
function rowHash(
  { shiftDays, by }: DateSettings,
  table: MaskedTable,
): { readonly hashes: Masked['hashes']; readonly hash: string } | { readonly reason: string } {
  if (shiftDays > mostDays) return { reason: `shiftDays is ${mostDays} at most` };
  const names = by === undefined ? table.primaryKey : [by];
  if (names.length === 0) return { reason: 'the table has no primary key: say by which column its dates move (by)' };
  const columns = names.map((name) => table.columns.find((column) => column.name === name));
  const known = columns.filter((column) => column !== undefined);
  if (known.length < names.length) return { reason: `by: there is no column ${names.join(', ')}` };
  // No text holds a zero byte: what stands on either side of one cannot be taken for another pair.
  const bytes = known.map((column) => `coalesce(${bytesOf(column)}, '')`).join(` || '\\x00'::bytea || `);
  const name = hashName('date', names, table);
  return { hashes: { [name]: hmacSql('date', known.length > 1 ? `(${bytes})` : bytes) }, hash: quoteName(name) };
}

function jsons(paths: Readonly<Record<string, Mask>>, column: Column, shape: Shape, table: MaskedTable): Made {
  if (shape.family !== 'json') return unfit(column);
  let hashes: Masked['hashes'] = {};
  const made = jsonMask(paths, (mask) => {
    if (typeof mask !== 'object' || !('date' in mask)) return inJson(mask);
    const by = rowHash(mask.date, table);
    if ('reason' in by) return by;
    hashes = { ...hashes, ...by.hashes };
    const moving = movedText(`("v" #>> '{}')`, daysOf(by.hash, mask.date.shiftDays));
    return { string: `to_jsonb(${moving})`, number: jsonNull, boolean: jsonNull };
  });
  if ('reason' in made) return made;
  const name = quoteName(column.name);
  const value = shape.type === 'json' ? asJsonb(name) : name;
  return { hashes, sql: `case when ${name} is not null then ${made.over(value)}::${shape.type} end`, bits: 0 };
}
