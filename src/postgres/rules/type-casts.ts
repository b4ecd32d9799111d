import type { Column } from '../catalog.ts';
import { quoteName } from '../names.ts';

/** A value of one type as another type takes it, or that there is no way. */
export interface TypeCast {
  /** Over staging's row. What it gives is handed on as text, in the form that the new type reads. */
  readonly sql: string;
  /** What must come out again where the new value is read as the old type: nothing may be lost on the way. */
  readonly exact?: { readonly of: string; readonly type: string };
}

/** Kinds of types between which there are ways: numbers, times, words. What is not here is only ever itself, text or JSON. */
const kinds: Readonly<Record<string, Kind>> = {
  boolean: 'boolean',
  smallint: 'integer',
  integer: 'integer',
  bigint: 'integer',
  oid: 'integer',
  numeric: 'numeric',
  real: 'float',
  'double precision': 'float',
  money: 'money',
  text: 'text',
  'character varying': 'text',
  character: 'text',
  name: 'text',
  json: 'json',
  jsonb: 'json',
  date: 'date',
  'timestamp without time zone': 'timestamp',
  'timestamp with time zone': 'timestamp',
  'time without time zone': 'time',
  'time with time zone': 'time',
  interval: 'interval',
  uuid: 'uuid',
  bytea: 'bytea',
  inet: 'network',
  cidr: 'network',
  macaddr: 'hardware',
  macaddr8: 'hardware',
  bit: 'bits',
  'bit varying': 'bits',
  xml: 'xml',
};

type Kind =
  | 'boolean'
  | 'integer'
  | 'numeric'
  | 'float'
  | 'money'
  | 'text'
  | 'enum'
  | 'json'
  | 'date'
  | 'timestamp'
  | 'time'
  | 'interval'
  | 'uuid'
  | 'bytea'
  | 'network'
  | 'hardware'
  | 'bits'
  | 'xml'
  | 'other';

/** By which kinds a value goes on as its own text, which the new type reads. */
const asText: Partial<Record<Kind, readonly Kind[]>> = {
  integer: ['numeric', 'float'],
  numeric: ['float'],
  float: ['numeric'],
  date: ['timestamp'],
  time: ['interval'],
};

/** By which kinds it is cast by the server, which may round. */
const byCast: Partial<Record<Kind, readonly Kind[]>> = {
  numeric: ['integer'],
  float: ['integer'],
  money: ['numeric'],
  timestamp: ['date', 'timestamp'],
  time: ['time'],
};

/** How staging's column becomes the new one; undefined where there is no way from the one type to the other. */
export function castType(from: Column, to: Column): TypeCast | undefined {
  const value = quoteName(from.name);
  const [old, now] = [kindOf(from), kindOf(to)];
  const sameBase = from.base === to.base || (isCitext(from.base) && isCitext(to.base));
  const array = from.element !== undefined && to.element !== undefined ? '[]' : '';
  // A whole number may come back with zeros behind its point, or with an exponent.
  const exact =
    old === 'integer'
      ? { of: `${value}::numeric${array}`, type: `numeric${array}` }
      : { of: value, type: readableType(from) };
  if (sameBase) return plainTypes(from, to) ? { sql: value } : { sql: value, ...(isMeasured(now) ? { exact } : {}) };
  if ((from.element === undefined) !== (to.element === undefined)) return betweenListAndOne(from, to, value);
  if (now === 'text') {
    const words = old === 'json' && array === '' ? ofJson(value).sql : `${value}::text${array}`;
    // A longer name is cut without a word.
    return { sql: words, ...(to.base === 'name' ? { exact: { of: words, type: 'text' } } : {}) };
  }
  if (now === 'enum')
    return old === 'json' && array === ''
      ? ofJson(value)
      : old === 'text' || old === 'enum'
        ? { sql: `${value}::text${array}` }
        : undefined;
  if (now === 'json') {
    if (old === 'text' || old === 'json') return { sql: `${value}::text${array}` };
    if (array === '') return { sql: `to_${to.base}(${value})` };
    return ['boolean', 'integer', 'numeric', 'float'].includes(old) ? { sql: `to_json(${value})` } : undefined;
  }
  if (now === 'other' || old === 'other') return undefined;
  if (old === 'text') return { sql: `${value}::text${array}` };
  if (old === 'json') return array === '' ? ofJson(value, now) : undefined;
  if (old === 'boolean')
    return ['integer', 'numeric', 'float'].includes(now) ? { sql: `${value}::integer${array}` } : undefined;
  if (byCast[old]?.includes(now)) return { sql: `${value}::${to.base}`, ...(old === 'money' ? {} : { exact }) };
  if (now === 'boolean') return old === 'integer' ? { sql: `${value}::text${array}` } : undefined;
  if (old === now || asText[old]?.includes(now)) return { sql: `${value}::text${array}`, exact };
  return undefined;
}

/** A scalar of JSON as its own words; JSON's null is the null of SQL. */
function ofJson(value: string, now: Kind = 'text'): TypeCast {
  const words = `${value} #>> '{}'`;
  if (now !== 'integer') return { sql: words };
  // 1.0 is a whole number in JSON, and none that an integer reads.
  return { sql: `trim_scale((${words})::numeric)::text` };
}

function betweenListAndOne(from: Column, to: Column, value: string): TypeCast | undefined {
  const [old, now] = [kindOf(from), kindOf(to)];
  if (from.element !== undefined) {
    if (now === 'json') return { sql: `to_${to.base}(${value})` };
    return now === 'text' ? { sql: `${value}::text` } : undefined;
  }
  if (old === 'text') return now === 'other' ? undefined : { sql: `${value}::text` };
  if (old !== 'json' || now === 'other') return undefined;
  const each = now === 'json' ? 'value::text' : `value #>> '{}'`;
  return {
    sql: `case when ${from.base}_typeof(${value}) <> 'null' then array(
      select ${each} from ${from.base}_array_elements(${value}) with ordinality each(value, position) order by position) end`,
  };
}

/** What a column's type, or that of its elements, is. */
export function kindOf({ base, element, labels }: Column): Kind {
  if (labels !== undefined) return 'enum';
  const name = element ?? base;
  return isCitext(name) ? 'text' : (kinds[name] ?? 'other');
}

/** Types whose values are measured: cast to less exact ones they are rounded. */
function isMeasured(kind: Kind): boolean {
  return !['text', 'enum', 'json', 'other', 'xml', 'bytea'].includes(kind);
}

function isCitext(base: string): boolean {
  return /(^|\.)"?citext"?$/.test(base);
}

/** No value of the one can fail to be one of the other: the same type, of no less length, with all the labels. */
export function plainTypes(from: Column, to: Column): boolean {
  if (from.labels && to.labels) return from.labels.every((label) => to.labels?.includes(label));
  const [old, now] = [readableType(from), readableType(to)];
  if (old === now) return true;
  if (kindOf(from) !== 'text' || from.base !== to.base) return false;
  const room = lengthOf(to);
  return room === undefined || (lengthOf(from) ?? Number.POSITIVE_INFINITY) <= room;
}

/** How many characters a value, or each element, may have. */
export function lengthOf({ maxLength, type, element }: Column): number | undefined {
  if (maxLength !== undefined) return maxLength;
  const [, list] = element === undefined ? [] : (/^character(?: varying)?\((\d+)\)\[\]$/.exec(type) ?? []);
  return list === undefined ? undefined : Number(list);
}

/**
 * The type below the domains, with what limits it: one that every server knows, where the kind is one of ours. A domain need
 * not be there in staging's database, or be another one there.
 */
export function readableType({ type, base, element, maxLength, precision, scale }: Column): string {
  const isDomain = type.replace(/\(\d+(?:,-?\d+)?\)/, '') !== base && type !== 'bpchar' && type !== '"bit"';
  if (!isDomain || element !== undefined) return isDomain ? base : type;
  if (base === 'character') return maxLength === undefined ? 'bpchar' : `character(${maxLength})`;
  if (maxLength !== undefined) return `${base}(${maxLength})`;
  return precision === undefined ? base : `${base}(${precision},${scale ?? 0})`;
}
