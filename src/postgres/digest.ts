import { rowsOf, type Column, type Table } from './catalog.ts';
import { displayTable, quoteName, type TableName } from './names.ts';
import type { ReadSession } from './session.ts';

export interface Digest {
  readonly rows: number;
  /**
   * The sum of a 64-bit hash of every row, in decimal: the same for the same rows in any order. Or `crc32:` and the checksum of
   * the rows as they came, in their order. Absent: only counted.
   */
  readonly content?: string;
  /** How many rows went into `content`, where only a sample of them did. */
  readonly sampled?: number;
}

/** Some rows of a table: about one in so many (a power of two), chosen by a hash of their key, so that they are the same at both ends and each time. */
export interface Sample {
  readonly key: readonly Column[];
  readonly oneIn: number;
}

/**
 * The digest of a table's rows, computed by its server, over the given columns. Exact: two rows hash alike only if every
 * value is written alike. Types whose hash takes different values for equal (numeric, jsonb, floats, arrays …) go by
 * their bytes in binary COPY, or by their text: for that both sessions must be pinned alike.
 * `hash_record_extended` needs PostgreSQL 14.
 */
export async function digestTable(
  session: ReadSession,
  table: Pick<Table, 'table' | 'wholeTree'>,
  columns: readonly Column[],
  where = '',
  sample?: Sample,
): Promise<Digest> {
  return digestFrom(session, `${rowsOf(table)} ${where}`, columns, sample);
}

/** The same of rows that a SELECT gives: it must be one statement for sure, and is sent as one. */
export async function digestSelect(session: ReadSession, select: string, columns: readonly Column[]): Promise<Digest> {
  return digestFrom(session, `(${select}) as "rows"`, columns);
}

async function digestFrom(
  session: ReadSession,
  from: string,
  columns: readonly Column[],
  sample?: Sample,
): Promise<Digest> {
  const chosen = sample ? ` filter (where ${isSampled(sample)})` : '';
  const rows = await session.rows<{ rows: string; content: string; sampled: string }>(`
    select count(*) as rows, coalesce(sum(${rowHash(columns)})${chosen}, 0) as content, count(*)${chosen} as sampled
      from ${from}`);
  const [row] = rows;
  const digest = { rows: Number(row?.rows), content: String(row?.content) };
  return sample ? { ...digest, sampled: Number(row?.sampled) } : digest;
}

/** The condition that a row is one of the sample. */
export function isSampled({ key, oneIn }: Sample): string {
  return `(${rowHash(key)}) & ${oneIn - 1} = 0`;
}

/** Only how many rows there are. */
export async function countRows(
  session: ReadSession,
  table: Pick<Table, 'table' | 'wholeTree'>,
  where = '',
): Promise<Digest> {
  const [row] = await session.rows<{ rows: string }>(`select count(*) as rows from ${rowsOf(table)} ${where}`);
  return { rows: Number(row?.rows) };
}

/** The digest of a table from those of its parts. */
export function addDigests(parts: readonly Digest[]): Digest {
  const rows = parts.reduce((sum, part) => sum + part.rows, 0);
  const contents = parts.flatMap(({ content }) => content ?? []);
  if (contents.length < parts.length) return { rows };
  return { rows, content: String(contents.reduce((sum, content) => sum + BigInt(content), 0n)) };
}

/** How two digests of a table differ, in words; undefined when they are equal. */
export function difference(table: TableName, source: Digest, target: Digest): string | undefined {
  if (source.rows !== target.rows)
    return `${displayTable(table)}: ${source.rows} rows at the source, ${target.rows} at the target`;
  if (source.content !== target.content)
    return `${displayTable(table)}: the same ${source.rows} rows by number, but not by content`;
  return undefined;
}

// Hash functions that take a seed, by type. Of those types that are many in every database: calling them one around the
// other costs half of making a record of the values.
const seeded: readonly (readonly [RegExp, (value: string, seed: string) => string])[] = [
  [/^smallint$/, (value, seed) => `hashint2extended(${value}, ${seed})`],
  [/^integer$/, (value, seed) => `hashint4extended(${value}, ${seed})`],
  [/^bigint$/, (value, seed) => `hashint8extended(${value}, ${seed})`],
  [/^boolean$/, (value, seed) => `hashint4extended(${value}::integer, ${seed})`],
  [/^uuid$/, (value, seed) => `uuid_hash_extended(${value}, ${seed})`],
  [/^(text|character varying(\(\d+\))?)$/, (value, seed) => `hashtextextended(${value} collate "C", ${seed})`],
  [/^numeric(\([\d,-]+\))?$/, (value, seed) => `hashtextextended(${value}::text collate "C", ${seed})`],
  // Both sessions are in UTC, where the cast loses nothing.
  [/^timestamp.* with time zone$/, (value, seed) => `timestamp_hash_extended(${value}::timestamp, ${seed})`],
  [/^timestamp.* without time zone$/, (value, seed) => `timestamp_hash_extended(${value}, ${seed})`],
];

/**
 * A row's hash: that of a record of some columns is the seed of the next column's, and so on. What is added up over the
 * rows must not be linear in the columns, as a record's hash is: its sum does not see two values change places between
 * two rows. As a seed it is mixed whole.
 */
export function rowHash(columns: readonly Column[]): string {
  const functionOf = (column: Column) =>
    column.required && column.nature !== 'text' ? seeded.find(([type]) => type.test(column.type))?.[1] : undefined;
  // A function of a null gives null: a column that may hold one stays in the record.
  const values = columns.filter((column) => !functionOf(column)).map(hashable);
  const record = values.length === 0 ? '0' : `hash_record_extended(row(${values.join(', ')}), 0)`;
  return columns.reduce(
    (seed, column) => functionOf(column)?.(quoteName(column.name), seed) ?? seed,
    `hashint4extended(1, ${record})`,
  );
}

function hashable(column: Column): string {
  const name = quoteName(column.name);
  switch (column.nature) {
    case 'exact':
      return /^(text|character varying|name)/.test(column.type) ? `${name} collate "C"` : name;
    case 'binary':
      return column.send === undefined ? `${name}::text collate "C"` : `${column.send}(${name})`;
    case 'padded':
    case 'text':
      // By the type's output function: a cast to text may be another one, and drops trailing blanks of a char. A row with a null in it
      // is neither null nor not null to the server, and is distinct from null.
      return `case when ${name} is distinct from null then format('%s', ${name}) end collate "C"`;
  }
}
