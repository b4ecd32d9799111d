import { quoteText } from '../names.ts';
import type { Family, Shape } from './shape.ts';

const redactions: Readonly<Partial<Record<Family, string>>> = {
  smallint: '0',
  integer: '0',
  bigint: '0',
  numeric: '0',
  float: '0',
  boolean: 'false',
  uuid: '00000000-0000-0000-0000-000000000000',
  date: '2000-01-01',
  timestamp: '2000-01-01 00:00:00+00',
  inet: '0.0.0.0',
  cidr: '0.0.0.0/32',
  bytea: '',
  json: '{}',
  texts: '{}',
  array: '{}',
};

/** SQL of what says nothing, the same for every value; undefined where the type has none that is known here. */
export function redaction({ family, type, room }: Shape): string | undefined {
  const text = family === 'text' || family === 'citext' || family === 'bpchar' ? 'redacted' : redactions[family];
  return text === undefined ? undefined : `${quoteText(text.slice(0, room))}::${type}`;
}

/** SQL of a constant of the config, in the column's type. */
export function constant(value: string | number | boolean, { type }: Shape): string {
  return `${quoteText(String(value))}::${type}`;
}
