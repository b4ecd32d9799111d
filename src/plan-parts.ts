import type { Table } from './postgres/catalog.ts';
import { isRepeatable } from './postgres/rules/table-rows.ts';
import { hasNoRows, type TableRule } from './postgres/rules/table-rule.ts';

/** How a table's rows are read: in one stream, or in parts side by side; and why, for a reader of the plan. */
export interface Parts {
  readonly parts: number;
  readonly partsReason: string;
}

const splitBytes = 256 * 1024 * 1024;
const partBytes = 128 * 1024 * 1024;

/**
 * One stream is the cheaper way: the rows come in the transaction that emptied the table, are written frozen, and nobody
 * has to visit them again. A table is split only where it would keep all the others waiting: when it is large, and more
 * than one session's share of all that is to be copied.
 */
export function partsOf(table: Table, tables: readonly Table[], jobs: number, rule?: TableRule): Parts {
  const one = (partsReason: string): Parts => ({ parts: 1, partsReason });
  if (hasNoRows(rule)) return one('nothing is read of it');
  if (table.ofExtension !== undefined) return one(`one stream: the extension ${table.ofExtension} makes the table`);
  if (table.wholeTree)
    return one('one stream: its partitions go by the hash of an enum, which is another one at the target');
  if (table.sizeBytes < splitBytes) return one('one stream: smaller than 256 MiB');
  if (jobs === 1) return one('one stream: database.jobs is 1');
  if (rule && !isRepeatable(rule)) return one('one stream: SQL of its rule gives something else each time');
  const total = tables.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  if (table.sizeBytes <= total / jobs) return one('one stream, rows written frozen: other tables are copied meanwhile');
  const parts = Math.min(jobs, Math.ceil(table.sizeBytes / partBytes));
  const share = Math.round((100 * table.sizeBytes) / total);
  return { parts, partsReason: `${parts} ranges of its blocks side by side: it is ${share} % of all that is copied` };
}
