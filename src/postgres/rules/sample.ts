import { rowsOf, type Table } from '../catalog.ts';

/** How many rows of a table are looked at, and how many of a large one are the first. */
export const sampledRows = 1000;
const firstRows = 200;

/**
 * About a thousand rows of a table, those of a small one all: `list` of them. Of a larger one some first ones, and blocks from
 * everywhere, the same each time: the estimate of how many they are may be wrong.
 */
export function sampleOf(table: Table, list: string): string {
  const from = rowsOf(table);
  const where = table.condition === undefined ? '' : ` ${table.condition}`;
  if (!table.rowsAreEstimated && table.rows <= sampledRows)
    return `select ${list} from ${from}${where} limit ${sampledRows}`;
  const percent = Math.min(100, Math.max(1e-6, (100 * sampledRows) / Math.max(1, table.rows)));
  return `(select ${list} from ${from}${where} limit ${firstRows}) union all
          (select ${list} from ${from} tablesample system (${percent}) repeatable (1)${where} limit ${sampledRows})`;
}
