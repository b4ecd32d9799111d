import type { Column } from '../catalog.ts';

export type Family =
  | 'text'
  | 'citext'
  | 'bpchar'
  | 'smallint'
  | 'integer'
  | 'bigint'
  | 'numeric'
  | 'float'
  | 'boolean'
  | 'uuid'
  | 'date'
  | 'timestamp'
  | 'inet'
  | 'cidr'
  | 'bytea'
  | 'json'
  | 'texts'
  | 'array'
  | 'other';

/** What a mask has to know of a column's type. */
export interface Shape {
  readonly family: Family;
  /** What to cast to: the type below its domains, without a length, as a cast to one cuts silently. */
  readonly type: string;
  /** How many characters fit, into an element where it is an array; absent: any number. */
  readonly room?: number;
}

const families: Readonly<Record<string, Family>> = {
  text: 'text',
  'character varying': 'text',
  name: 'text',
  character: 'bpchar',
  bpchar: 'bpchar',
  smallint: 'smallint',
  integer: 'integer',
  bigint: 'bigint',
  numeric: 'numeric',
  real: 'float',
  'double precision': 'float',
  boolean: 'boolean',
  uuid: 'uuid',
  date: 'date',
  'timestamp without time zone': 'timestamp',
  'timestamp with time zone': 'timestamp',
  inet: 'inet',
  cidr: 'cidr',
  bytea: 'bytea',
  json: 'json',
  jsonb: 'json',
};

export function shapeOf(column: Column): Shape {
  const { base, type, maxLength } = column;
  const element = base.endsWith('[]') ? base.slice(0, -2) : undefined;
  if (element !== undefined) {
    const holdsText = isCitext(element) || ['text', 'bpchar'].includes(families[element] ?? '');
    const room = /\((\d+)\)\[\]$/.exec(type)?.[1]; // of a domain nobody says it; the dry evaluation will
    const limit = element === 'name' ? 63 : room === undefined ? undefined : Number(room);
    return {
      family: holdsText ? 'texts' : 'array',
      type: `${withoutLength(element)}[]`,
      ...(limit === undefined ? {} : { room: limit }),
    };
  }
  const room = base === 'name' ? 63 : maxLength;
  return {
    family: isCitext(base) ? 'citext' : (families[base] ?? 'other'),
    type: typeOf(column),
    ...(room === undefined ? {} : { room }),
  };
}

/** Of numbers. */
export type NumberFamily = Extract<Family, 'smallint' | 'integer' | 'bigint' | 'numeric' | 'float'>;

export function isNumber(family: Family): family is NumberFamily {
  return ['smallint', 'integer', 'bigint', 'numeric', 'float'].includes(family);
}

export function isText(family: Family): boolean {
  return family === 'text' || family === 'citext' || family === 'bpchar';
}

function isCitext(base: string): boolean {
  return /^(.*\.)?citext$/.test(base);
}

/** With what the column's own input would round to, which cuts nothing. */
function typeOf({ base, type, precision, scale }: Column): string {
  if (base === 'numeric' && precision !== undefined) return `numeric(${precision},${scale ?? 0})`;
  if (/^(timestamp|time|interval)\b/.test(type)) return type;
  return withoutLength(base);
}

/** These two words alone mean a length of one. */
function withoutLength(base: string): string {
  return base === 'character' ? 'bpchar' : base === 'bit' ? 'pg_catalog."bit"' : base;
}
