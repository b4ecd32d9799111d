import type { Column, Table } from '../catalog.ts';
import { quoteName, quoteTable, type TableName } from '../names.ts';
import { sampleOf } from './sample.ts';
import { sqlState } from '../session-error.ts';
import { undone } from '../undone.ts';
import type { ReadSession } from '../session.ts';
import { plainRule, type TableRule } from './table-rule.ts';
import { findPersonal, type PersonalKind } from './telling-names.ts';
import { documentShapes, numberShapes, textShapes } from './value-shapes.ts';

/** A column that looks personal, and of which no rule says anything. */
export interface UnmaskedColumn {
  /** The whole partitioned table, where it is of one. */
  readonly table: TableName;
  readonly column: string;
  /** Why it looks so. */
  readonly reason: string;
}

const kinds: Readonly<Record<PersonalKind, string>> = {
  name: "a person's name",
  contact: 'contact data',
  address: 'an address',
  birth: 'a birth',
  bank: 'bank data',
  identity: 'who somebody is',
  trait: 'what somebody is like',
  work: 'where somebody works',
  notes: 'what is written about somebody',
  secret: 'a secret',
  network: 'where somebody was on the network',
};

/**
 * The columns of copied tables that look personal, or secret, by name, type, comment or a sample of their values, and have no mask,
 * no `set` and are not in `allow`. `tables`: those that are made in the target. Their values are looked at by the server; numbers
 * alone come back. Generated columns are as personal as what they are made of, and not told.
 */
export async function findUnmasked(
  session: ReadSession,
  tables: readonly Table[],
  rules: ReadonlyMap<string, TableRule>,
): Promise<readonly UnmaskedColumn[]> {
  const comments = await readComments(session);
  const named = new Map(findPersonal(tables).map((one) => [quoteTable(one.table), one.columns]));
  const found: Found[] = [];
  const unknown: Sampled[] = [];
  for (const table of tables) {
    const key = quoteTable(table.table);
    const rule = rules.get(key) ?? plainRule;
    if (rule.rows !== 'copy' && rule.rows !== 'merge') continue;
    const open = table.columns.filter(
      ({ name, generated }) => !generated && !Object.hasOwn(rule.columns, name) && !rule.allow.includes(name),
    );
    const hasMaskedWords = table.columns.some(({ name, base }) => Object.hasOwn(rule.columns, name) && isWords(base));
    const rest = open.filter((column) => {
      const kind = named.get(key)?.find((one) => one.column === column.name)?.kind;
      const reason = tellingReason(column, kind, comments.get(`${key}.${quoteName(column.name)}`), hasMaskedWords);
      if (reason !== undefined) found.push({ table, column, reason });
      return reason === undefined && kindOfValues(column) !== undefined;
    });
    const isEmpty = table.rows === 0 && !table.rowsAreEstimated;
    if (rest.length > 0 && !isEmpty) unknown.push({ table, columns: rest });
  }
  found.push(...(await findByValues(session, unknown)));
  return inOrder(found, tables);
}

interface Found {
  readonly table: Table;
  readonly column: Column;
  readonly reason: string;
}

/** A table and those of its columns that only their values can tell about. */
interface Sampled {
  readonly table: Table;
  readonly columns: readonly Column[];
}

function tellingReason(
  column: Column,
  kind: PersonalKind | undefined,
  comment: string | undefined,
  hasMaskedWords: boolean,
): string | undefined {
  // Of a column that may hold anything its comment knows more than its name.
  const isGuess = kind === 'notes' || kind === 'work';
  if (isGuess && comment !== undefined) {
    if (isTelling(comment, column)) return 'its comment says that it is personal';
    if (denial.test(comment)) return undefined;
  }
  if (kind !== undefined)
    return /^(inet|cidr|macaddr8?)$/.test(column.base)
      ? `its type, ${column.base}, is for network addresses`
      : `its name says ${kinds[kind]}`;
  if (/(^|\.)"?(inet|cidr)$/.test(column.base)) return `its type, ${column.base}, is for network addresses`;
  if (comment !== undefined && isTelling(comment, column)) return 'its comment says that it is personal';
  if (hasMaskedWords && column.base === 'tsvector') return 'it holds words of masked columns';
  return undefined;
}

const declaration =
  /\b(pii|gdpr|dsgvo|hipaa|ccpa|personal(ly)? (data|identif\w+|information)|personenbezogen\w*|données personnelles|datos personales)\b/i;
const denial = /\b(no|not|non|without|never|kein\w*|nicht)\b[\s-]*(any |a )?(pii|gdpr|dsgvo|personal|personenbezogen)/i;
const topic =
  /\b(e-?mail address(es)?|(tele)?phone numbers?|date of birth|birth ?date|(home|postal|street) address|social security|passport number|(full|first|last|real|legal) name of|credit card number)\b/i;

/** A comment that calls a column personal counts for every type, one that speaks of such things only for what can hold them. */
function isTelling(comment: string, { base }: Column): boolean {
  if (declaration.test(comment)) return !denial.test(comment);
  return topic.test(comment) && (isWords(base) || base === 'date');
}

function isWords(base: string): boolean {
  return isText(base) || kindOfDocument(base) !== undefined;
}

function isText(base: string): boolean {
  return /^(text|character varying|character|name)(\[\])?$/.test(base) || /(^|\.)citext(\[\])?$/.test(base);
}

function kindOfDocument(base: string): string | undefined {
  if (/^jsonb?(\[\])?$/.test(base)) return 'JSON';
  if (/^xml(\[\])?$/.test(base)) return 'XML';
  return /(^|\.)hstore$/.test(base) ? 'hstore' : undefined;
}

/** Of the shortest number of a payment card. */
const cardDigits = 14;

/** Which shapes are looked for in a column; undefined: its type can hold none. */
function kindOfValues({ base, precision, scale }: Column): ValueKind | undefined {
  if (isText(base)) return 'text';
  if (kindOfDocument(base)) return 'document';
  // Money and measures: the number of a card has no places behind the point.
  if (base === 'bigint' || (base === 'numeric' && (precision === undefined || precision - (scale ?? 0) >= cardDigits)))
    return 'number';
  // The elements may be of a domain over text.
  return base.endsWith('[]') && base.includes('.') ? 'text' : undefined;
}

/** Numbers that are written like those of phones, of networks and the like. */
const otherNumbers =
  /(^|[^a-z])(order|invoice|sku|isbn|issn|ean|upc|gtin|asin|serial|version|revision|release|build|firmware|tracking|reference|ref|code|part|lot|batch|case|ticket|receipt|transaction|model|product|item|hash|sha|guid|key|price|amount|oid)s?([^a-z]|$)/;

function isOtherNumber(column: string, table: string): boolean {
  const inWords = (name: string) => name.replaceAll(/([a-z\d])([A-Z])/g, '$1_$2').toLowerCase();
  // A number of nothing in particular is one of what the table is about.
  return otherNumbers.test(inWords(/^(number|num|no|nr)$/i.test(column) ? table : column));
}

async function readComments(session: ReadSession): Promise<ReadonlyMap<string, string>> {
  const rows = await session.rows<{ schema: string; name: string; column: string; comment: string }>(`
    select n.nspname as schema, c.relname as name, a.attname as column, left(d.description, 4096) as comment
      from pg_description d
      join pg_attribute a on a.attrelid = d.objoid and a.attnum = d.objsubid
      join pg_class c on c.oid = a.attrelid
      join pg_namespace n on n.oid = c.relnamespace
     where d.classoid = 'pg_class'::regclass and d.objsubid > 0 and c.relkind in ('r', 'p')
       and n.nspname not in ('pg_catalog', 'information_schema')`);
  return new Map(rows.map((row) => [`${quoteTable(row)}.${quoteName(row.column)}`, row.comment]));
}

/** How much of a value is looked at, in characters, and up to which size it is unpacked at all. */
const readCharacters = 4096;
const unpackedBytes = 65_536;
/** As in counting: locks are let go now and then, and a network's way is gone fewer times. */
const tablesAtOnce = 20;

async function findByValues(session: ReadSession, sampled: readonly Sampled[]): Promise<Found[]> {
  const found: Found[] = [];
  for (let start = 0; start < sampled.length; start += tablesAtOnce) {
    found.push(...(await lookInto(session, sampled.slice(start, start + tablesAtOnce))));
  }
  return found;
}

/**
 * What the samples' values tell. Where the server refuses to read one, as a cast of the user's own may, the others are looked into
 * all the same, and of that one nobody knows that it is not personal.
 */
async function lookInto(session: ReadSession, some: readonly Sampled[]): Promise<Found[]> {
  const columns = some.flatMap(({ table, columns: own }) => own.map((column) => ({ table, column })));
  try {
    const rows = await undone(session, () => session.rows<{ place: string; counts: string }>(countShapes(some)));
    return rows.flatMap(({ place, counts }) => {
      const one = columns[Number(place)];
      const reason = one && reasonOf(one.table, one.column, JSON.parse(counts) as number[]); // as it is asked for
      return one && reason !== undefined ? [{ ...one, reason }] : [];
    });
  } catch (error) {
    const state = sqlState(error);
    if (state === undefined) throw error;
    const [only, second] = columns;
    if (only && !second) return [{ ...only, reason: `its values could not be looked at (SQLSTATE ${state})` }];
    const parts = some.length > 1 ? some : columns.map(({ table, column }) => ({ table, columns: [column] }));
    const found: Found[] = [];
    for (const part of parts) found.push(...(await lookInto(session, [part])));
    return found;
  }
}

const shapesOf = { text: textShapes, document: documentShapes, number: numberShapes } as const;
type ValueKind = keyof typeof shapesOf;
const allShapes = Object.values(shapesOf).flat();

/**
 * How many values each column of the samples has, and how many of each shape, in one reading: `place`, counted over the columns of
 * all tables, and `counts`. A condition stands there once for all columns, as planning it takes longer than asking some hundred
 * values; those of other kinds than a column's see a null, which costs next to nothing.
 */
function countShapes(sampled: readonly Sampled[]): string {
  let place = 0;
  const samples = sampled.map(({ table, columns }) => {
    const texts = columns.map((column, at) => `${textOf(column)} as v${at}`);
    const values = columns.map((column, at) => {
      const kind = kindOfValues(column);
      const as = (one: ValueKind) => (one === kind ? `v${at}` : 'null');
      const lower = kind === 'document' ? `lower(v${at})` : 'null';
      return `(${place++}, ${as('text')}, ${as('document')}, ${lower}, ${as('number')})`;
    });
    return `
      select each.* from (${sampleOf(table, texts.join(', '))}) as sample
       cross join lateral (values ${values.join(', ')}) as each(place, text, document, lower, number)`;
  });
  const counts = Object.entries(shapesOf).flatMap(([kind, shapes]) =>
    shapes.map((shape) => `count(*) filter (where ${shape.sql(kind, 'lower')})`),
  );
  return `
    select place, array_to_json(array[count(text) + count(document) + count(number),
             ${counts.join(',\n             ')}])::text as counts
      from (${samples.join(' union all ')}) as "values"
     group by place`;
}

function textOf({ name, base }: Column): string {
  const column = quoteName(name);
  // Of an array the one element that is most likely to tell.
  const telling = `(select ${plain('e')} from unnest(${column}) e order by ${plain('e')} ~ '[@+]' desc nulls last limit 1)`;
  if (base.endsWith('[]')) return unpacked(column, telling);
  return isText(base) ? `left(${plain(column)}, ${readCharacters})` : unpacked(column, plain(column));
}

/** The text of a value, for patterns: a nondeterministic collation knows none. */
function plain(value: string): string {
  return `(${value}::text collate "C")`;
}

/** A whole value must be unpacked before a part of it can be read, other than of text. */
function unpacked(column: string, text: string): string {
  return `case when pg_column_size(${column}) <= ${unpackedBytes} then left(${text}, ${readCharacters}) end`;
}

/** Why a column looks personal, by what was counted of its sample; undefined where it does not. */
function reasonOf(table: Table, column: Column, [values = 0, ...counts]: readonly number[]): string | undefined {
  const telling = allShapes
    .map((shape, index) => ({ shape, count: counts[index] ?? 0 }))
    .filter(
      ({ shape, count }) =>
        count >= Math.min(shape.count, values) &&
        count > 0 &&
        count >= shape.share * values &&
        !(shape.weak && isOtherNumber(column.name, table.table.name)),
    );
  const [most] = telling.toSorted((one, other) => other.count - one.count);
  if (!most) return undefined;
  const document = kindOfDocument(column.base);
  const reason = `${share(most.count, values)} of the values read ${most.shape.words}`;
  return document === undefined ? reason : `in ${document}: ${reason}`;
}

function share(count: number, of: number): string {
  const percent = (100 * count) / of;
  return percent < 1 ? 'less than 1 %' : `${Math.floor(percent)} %`;
}

/** In the order of the tables and their columns, each column once: those of partitions as the whole table's. */
function inOrder(found: readonly Found[], tables: readonly Table[]): UnmaskedColumn[] {
  const byName = new Map(tables.map((one) => [quoteTable(one.table), one]));
  const told = new Map<string, UnmaskedColumn>();
  const places = new Map(tables.map((one, index) => [one, index]));
  const place = (one: Found) => (places.get(one.table) ?? 0) * 2000 + one.table.columns.indexOf(one.column);
  for (const one of found.toSorted((a, b) => place(a) - place(b))) {
    // A parent that holds rows has a rule of its own kind, and not each column of those who inherit from it.
    const above = one.table.parents.findLast((parent) => {
      const known = byName.get(quoteTable(parent));
      return !known || known.columns.some(({ name }) => name === one.column.name);
    });
    const table = above ?? one.table.table;
    const key = `${quoteTable(table)}.${quoteName(one.column.name)}`;
    if (!told.has(key)) told.set(key, { table, column: one.column.name, reason: one.reason });
  }
  return [...told.values()];
}
