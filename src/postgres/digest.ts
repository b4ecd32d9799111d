import type { Column } from './catalog.ts';
import { quoteName, quoteTable, type TableName } from './names.ts';
import type { ReadSession } from './session.ts';

export interface Digest {
  readonly rows: number;
  /** The sum of a 64-bit hash of every row, in decimal: the same for the same rows in any order. Absent: only counted. */
  readonly content?: string;
}

/**
 * The digest of a table's rows, computed by its server, over the given columns. Exact: two rows hash alike only if every
 * value is written alike. Types whose hash takes different values for equal (numeric, jsonb, floats, arrays …) go by
 * their text, and so the session's pinned settings matter: both ends must be pinned alike.
 * `hash_record_extended` needs PostgreSQL 14.
 */
export async function digestTable(session: ReadSession, table: TableName, columns: readonly Column[]): Promise<Digest> {
  const values = columns.map(hashable).join(', ');
  // The record's hash is a sum over its columns, so a sum of it over the rows would not see two values change places
  // between rows. Hashed once more it does; by its text, as hashint8extended keeps 32 of the 64 bits.
  const hash = `hashtextextended(hash_record_extended(row(${values}), 0)::text, 0)`;
  const rows = await session.rows<{ rows: string; content: string }>(`
    select count(*) as rows, coalesce(sum(${columns.length === 0 ? '0' : hash}), 0) as content
      from only ${quoteTable(table)}`);
  const [row] = rows;
  return { rows: Number(row?.rows), content: String(row?.content) };
}

function hashable(column: Column): string {
  const name = quoteName(column.name);
  switch (column.nature) {
    case 'exact':
      return /^(text|character varying|name)/.test(column.type) ? `${name} collate "C"` : name;
    case 'binary':
      return `${name}::text collate "C"`;
    case 'padded':
    case 'text':
      // By the type's output function: a cast to text may be another one, and drops trailing blanks of a char.
      return `case when ${name} is not null then format('%s', ${name}) end collate "C"`;
  }
}
