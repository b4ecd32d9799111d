import { lettingLocksGo, rowsOf, type Table } from './catalog.ts';
import { quoteTable } from './names.ts';
import type { ReadSession } from './session.ts';

/** Up to here a table is counted: the estimate is missing or stale exactly where tables are small. */
const countedBytes = 16 * 1024 * 1024;
const countedAtOnce = 50;

/** Whether it is small enough to be counted. */
export function isCounted({ sizeBytes, neverEstimated }: Table): boolean {
  return neverEstimated || sizeBytes <= countedBytes;
}

/**
 * The tables with the small ones counted, in a transaction of the session; those not that it may not read, by quoted
 * name. A count locks its table and all its indexes; the locks are let go batch by batch, so that nobody waits for them
 * and the server's lock table does not fill up.
 */
export async function countTables(
  session: ReadSession,
  tables: readonly Table[],
  unreadable: ReadonlySet<string> = new Set(),
): Promise<Table[]> {
  const small = tables.filter((one) => isCounted(one) && !unreadable.has(quoteTable(one.table)));
  const counts = new Map<Table, number>();
  for (let start = 0; start < small.length; start += countedAtOnce) {
    const some = small.slice(start, start + countedAtOnce);
    const selects = some.map(
      (one, index) => `select ${index} as index, count(*) as count from ${rowsOf(one)} ${one.condition ?? ''}`,
    );
    const rows = await lettingLocksGo(session, () =>
      session.rows<{ index: string; count: string }>(selects.join(' union all ')),
    );
    for (const { index, count } of rows) {
      const table = some[Number(index)];
      if (table) counts.set(table, Number(count));
    }
  }
  return tables.map((table) => {
    const rows = counts.get(table);
    return rows === undefined ? table : { ...table, rows, rowsAreEstimated: false };
  });
}
