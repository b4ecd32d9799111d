import { DatabaseError } from 'pg';
import { RestageError } from '../../errors.ts';
import { rowsOf, type Table } from '../catalog.ts';
import { displayTable, quoteName, quoteTable, quoteText } from '../names.ts';
import type { Session } from '../session.ts';
import type { Carry } from './table-rule.ts';

/** What the server said where a unique index or an exclusion constraint refused a row. */
export function refusedByIndex(error: unknown): DatabaseError | undefined {
  const cause = error instanceof RestageError ? error.cause : undefined;
  return cause instanceof DatabaseError && (cause.code === '23505' || cause.code === '23P01') ? cause : undefined;
}

/** Two rows that cannot both be there; how many, where the index is one of plain columns. */
export async function collisionError(
  incoming: Session,
  { table, rule }: { readonly table: Table; readonly rule: { readonly carry: Carry } },
  { newRows, cause }: { readonly newRows: string; readonly cause: DatabaseError },
): Promise<RestageError> {
  const index = cause.constraint ?? '';
  const columns = await incoming.rows<{ name: string }>(`
    select a.attname as name
      from pg_index i
      join pg_class c on c.oid = i.indexrelid
      join pg_attribute a on a.attrelid = i.indrelid and a.attnum = any (i.indkey[0 : i.indnkeyatts - 1])
     where i.indrelid = ${quoteText(quoteTable(table.table))}::regclass and c.relname = ${quoteText(index)}
       and i.indexprs is null and i.indpred is null and not i.indisexclusion`);
  const names = columns.map(({ name }) => quoteName(name)).join(', ');
  // The rows that change are out of the table now.
  const [found] =
    columns.length === 0
      ? []
      : await incoming.rows<{ rows: string }>(`
          select count(*) as rows
            from (select ${names}, true as "restage gets" from ${newRows} union all select ${names}, false from ${rowsOf(table)}) as a
            join (select ${names} from (select ${names} from ${newRows} union all select ${names} from ${rowsOf(table)}) as b
                   group by ${names} having count(*) > 1) as twice using (${names})
           where "restage gets"`);
  const count = found === undefined ? 'rows' : `${found.rows} ${found.rows === '1' ? 'row' : 'rows'}`;
  return new RestageError(
    'rows-collide',
    `${displayTable(table.table)}: ${count} would get values of ${rule.carry.columns.join(', ')} that other rows of the new table have too, and ${index} allows them once`,
    {
      cause,
      hint: `Let the other rows have another value: carry.default or a mask for ${rule.carry.columns.join(', ')} in database.tables.${displayTable(table.table)}, or columns in carry.match that tell rows apart.`,
    },
  );
}
