import { quoteTable, quoteText, type TableName } from './names.ts';
import type { ReadSession } from './session.ts';

/** Rows by where they lie: from one block of the table up to, not including, another. */
export interface BlockRange {
  readonly from: number;
  /** Absent in the last range: it goes to the table's end, wherever that is by now. */
  readonly to?: number;
}

/** Cuts a table into as many ranges of blocks of the same size; fewer where it has fewer blocks. */
export async function blockRanges(
  session: Pick<ReadSession, 'rows'>,
  table: TableName,
  parts: number,
): Promise<readonly BlockRange[]> {
  const [row] = await session.rows<{ blocks: string }>(`
    select pg_relation_size(${quoteText(quoteTable(table))}::regclass) / current_setting('block_size')::bigint as blocks`);
  return cut(Number(row?.blocks ?? 0), parts);
}

export function cut(blocks: number, parts: number): readonly BlockRange[] {
  const size = Math.max(1, Math.ceil(blocks / parts));
  const starts = Array.from({ length: Math.max(1, Math.ceil(blocks / size)) }, (_, index) => index * size);
  return starts.map((from, index) => (index === starts.length - 1 ? { from } : { from, to: from + size }));
}

/** The condition that a row lies in the range; `place`: its ctid, where the statement has several. */
export function inRange({ from, to }: BlockRange, place = 'ctid'): string {
  return `${place} >= '(${from},0)'${to === undefined ? '' : ` and ${place} < '(${to},0)'`}`;
}
