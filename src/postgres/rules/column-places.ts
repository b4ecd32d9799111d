import { RestageError } from '../../errors.ts';
import { displayTable, quoteTable, quoteText, type TableName } from '../names.ts';
import type { ReadSession } from '../session.ts';

/** Where each column of a table lies, whatever it is called: the table's number and the column's, by the column's name. */
export type ColumnPlaces = ReadonlyMap<string, string>;

export async function readPlaces(session: ReadSession, table: TableName): Promise<ColumnPlaces> {
  const rows = await session.rows<{ name: string; place: string }>(`
    select a.attname as name, concat_ws(' ', a.attrelid, a.attnum) as place
      from pg_attribute a
      join pg_class c on c.oid = a.attrelid
      join pg_namespace n on n.oid = c.relnamespace
     where n.nspname = ${quoteText(table.schema)} and c.relname = ${quoteText(table.name)} and a.attnum > 0 and not a.attisdropped`);
  return new Map(rows.map(({ name, place }) => [name, place]));
}

/**
 * A snapshot has a column's values of its moment, but its name is read as it is now: where two have changed names while rows were
 * read, the mask of one may have been that of the other. Throws `data-differs`.
 */
export function requireSamePlaces(table: TableName, then: ColumnPlaces, now: ColumnPlaces): void {
  const places = new Set(then.values());
  const moved = [...now].filter(([name, place]) => places.has(place) && then.get(name) !== place).map(([name]) => name);
  if (moved.length === 0) return;
  throw new RestageError(
    'data-differs',
    `${displayTable(table)}: ${moved.join(', ')} of ${quoteTable(table)} at the source had another name when the run began: its rule may have been another column's`,
    { hint: 'The source changed during the run: run again.' },
  );
}
