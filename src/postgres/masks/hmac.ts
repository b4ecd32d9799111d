import { createHash } from 'node:crypto';
import type { Column, Table } from '../catalog.ts';
import { quoteName } from '../names.ts';
import { shapeOf } from './shape.ts';

/**
 * SQL of the HMAC-SHA256 of `kind`, a zero byte and some bytes, by the key whose pads the session has. Each pad is read by
 * a sub-select of its own, which the server evaluates once a statement; the kind is joined to the pad there too.
 */
export function hmacSql(kind: string, bytes: string): string {
  const prefix = Buffer.from(`${kind}\0`).toString('hex');
  const inner = `(select decode(current_setting('restage.inner_pad') || '${prefix}', 'hex'))`;
  const outer = `(select decode(current_setting('restage.outer_pad'), 'hex'))`;
  return `sha256(${outer} || sha256(${inner} || ${bytes}))`;
}

/** SQL of a text's bytes. The driver has every session's client_encoding be UTF-8; it takes a third less than convert_to. */
export function bytesOfText(text: string): string {
  return `textsend(${text})`;
}

/**
 * SQL of a column's value as text: the same for all values that the column's type takes for equal, and for the same value
 * in a column of another length or kind.
 */
export function textOf(column: Column): string {
  const name = quoteName(column.name);
  const { family } = shapeOf(column);
  if (family === 'citext') return `lower(${name}::text collate "default")`;
  if (family === 'numeric') return `trim_scale(${name})::text`;
  if (family === 'float') return `(${name} + 0)::text`; // -0 is 0
  if (family === 'inet' || family === 'cidr') return `abbrev(${name}::inet)`;
  return `${name}::text`;
}

/** SQL of what is hashed of a column's value. */
export function bytesOf(column: Column): string {
  return shapeOf(column).family === 'bytea' ? quoteName(column.name) : bytesOfText(textOf(column));
}

/**
 * The name of a hash of some columns in the inner select: the same for the same, and no column's. By the columns' places, as
 * their names may be too long to be joined to anything.
 */
export function hashName(kind: string, of: readonly string[], { columns }: Pick<Table, 'columns'>): string {
  const places = of.map((name) => columns.findIndex((column) => column.name === name) + 1).join(' ');
  const plain = `restage ${kind} ${places}`;
  let name = plain.length > 50 ? `restage ${createHash('sha256').update(plain).digest('hex').slice(0, 32)}` : plain;
  while (columns.some((column) => column.name === name)) name += '+';
  return name;
}
