import { rowsOf, type Column, type Table } from './catalog.ts';
import { displayTable, quoteName, type TableName } from './names.ts';
import type { ReadSession } from './session.ts';

export interface Digest {
  readonly rows: number;
  /** The sum of a 64-bit hash of every row, in decimal: the same for the same rows in any order. Absent: only counted. */
  readonly content?: string;
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
): Promise<Digest> {
  const values = columns.map(hashable).join(', ');
  // The record's hash is a sum over its columns, so a sum of it over the rows would not see two values change places
  // between rows: what is added up must not be linear. hashint8extended alone keeps 32 of the 64 bits. `offset 0` keeps
  // the planner from computing the record's hash twice.
  const rows = await session.rows<{ rows: string; content: string }>(`
    select count(*) as rows, coalesce(sum(hash # hashint8extended(hash, 0)), 0) as content
      from (select ${columns.length === 0 ? '0::bigint' : `hash_record_extended(row(${values}), 0)`} as hash
              from ${rowsOf(table)} ${where} offset 0) rows`);
  const [row] = rows;
  return { rows: Number(row?.rows), content: String(row?.content) };
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

function hashable(column: Column): string {
  const name = quoteName(column.name);
  switch (column.nature) {
    case 'exact':
      return /^(text|character varying|name)/.test(column.type) ? `${name} collate "C"` : name;
    case 'binary':
      return column.send === undefined ? `${name}::text collate "C"` : `${column.send}(${name})`;
    case 'padded':
    case 'text':
      // By the type's output function: a cast to text may be another one, and drops trailing blanks of a char.
      return `case when ${name} is not null then format('%s', ${name}) end collate "C"`;
  }
}
