import { RestageError } from '../errors.ts';
import { lettingLocksGo, type Table } from './catalog.ts';
import { displayTable, quoteTable, quoteText } from './names.ts';
import type { ReadSession } from './session.ts';

/**
 * Refuses a table whose file is no longer that of the snapshot. TRUNCATE and most rewriting by ALTER TABLE leave nothing
 * behind that an older snapshot sees; CLUSTER and VACUUM FULL put the rows elsewhere, so that ranges of blocks read before
 * and after miss some. Restage keeps no lock between two readings that would exclude them.
 * Throws `data-differs`.
 */
export async function requireSameFile(reader: ReadSession, { table }: Pick<Table, 'table'>): Promise<void> {
  const name = quoteTable(table);
  const oid = `${quoteText(name)}::regclass`;
  // pg_class is read in the snapshot, the function's answer is of now: naming the table has the server look anew.
  const changed = await lettingLocksGo(reader, () =>
    reader.rows(`
      select
        from pg_class c
       where (c.oid = ${oid} or c.oid in (select relid from pg_partition_tree(${oid})))
         and c.relkind = 'r' and c.relfilenode <> pg_relation_filenode(c.oid)
         and not exists (select from ${name} where false)`),
  );
  if (changed.length === 0) return;
  throw new RestageError(
    'data-differs',
    `${displayTable(table)} was emptied or rewritten at the source after the snapshot, while it was to be copied`,
    {
      hint: 'TRUNCATE, CLUSTER, VACUUM FULL and some ALTER TABLE do that: run again when it is over. A table that is emptied all the time can be named in database.mayBeEmpty.',
    },
  );
}
