import { RestageError } from '../../errors.ts';
import { displayTable, quoteTable, quoteText, type TableName } from '../names.ts';
import type { ReadSession } from '../session.ts';

/** A unique index or exclusion constraint: two rows that meet in all of its keys cannot both be there. */
export interface Guard {
  readonly name: string;
  /** SQL over the table's row, and how two values of it meet. */
  readonly keys: readonly { readonly sql: string; readonly operator: string; readonly collation: string | null }[];
  /** Which rows it is about; null: all of them. */
  readonly predicate: string | null;
  /** Two nulls meet too. */
  readonly nullsMeet: boolean;
}

/** What guards a table: plain, composite, partial and expression indexes, and exclusion constraints, by name. */
export async function readGuards(session: ReadSession, table: TableName): Promise<Guard[]> {
  const rows = await session.rows<{ guard: string }>(`
    select json_build_object(
             'name', c.relname,
             'predicate', pg_get_expr(i.indpred, i.indrelid),
             'nullsMeet', coalesce((to_jsonb(i) ->> 'indnullsnotdistinct')::boolean, false),
             'keys', (
               select json_agg(json_build_object(
                        'sql', pg_get_indexdef(i.indexrelid, k.position, false),
                        'operator', format('operator(%I.%s)', n.nspname, o.oprname),
                        'collation', (
                          select format('%I.%I', ln.nspname, l.collname)
                            from pg_collation l join pg_namespace ln on ln.oid = l.collnamespace
                           where l.oid = i.indcollation[k.position - 1] and l.collname <> 'default')) order by k.position)
                 from generate_series(1, i.indnkeyatts) k(position)
                 join pg_opclass p on p.oid = i.indclass[k.position - 1]
                 join pg_operator o on o.oid = coalesce(
                        x.conexclop[k.position],
                        (select a.amopopr from pg_amop a
                          where a.amopfamily = p.opcfamily and a.amoplefttype = p.opcintype and a.amoprighttype = p.opcintype
                            and a.amopstrategy = 3))
                 join pg_namespace n on n.oid = o.oprnamespace)) as guard
      from pg_index i
      join pg_class c on c.oid = i.indexrelid
      left join pg_constraint x on x.conindid = i.indexrelid and x.conrelid = i.indrelid and x.conexclop is not null
     where i.indrelid = ${quoteText(quoteTable(table))}::regclass and (i.indisunique or i.indisexclusion)
     order by c.relname`);
  return rows.map(({ guard }) => JSON.parse(guard) as Guard); // built above, field by field
}

/** The condition that a row of `rows` meets one of `others` in a guard: over the alias `mine`, whose key `guarded` selects. */
export function meets(guard: Guard, others: string): string {
  const pairs = guard.keys.map(({ operator, collation }, at) => {
    const collate = collation === null ? '' : ` collate ${collation}`;
    const met = `mine.key_${at} ${operator} theirs.key_${at}${collate}`;
    return guard.nullsMeet
      ? `(${met} or mine.key_${at} is not distinct from null and theirs.key_${at} is not distinct from null)`
      : met;
  });
  return `exists (select from ${guarded(guard, others)} theirs where ${pairs.join(' and ')})`;
}

/** The keys of the rows that a guard is about, each with its place. The names of both sides' columns do not mix here. */
export function guarded({ keys, predicate }: Guard, rows: string): string {
  const each = keys.map(({ sql }, at) => `(${sql}) as key_${at}`);
  return `(select ctid as place, tableoid as part, ${each.join(', ')} from ${rows}${predicate === null ? '' : ` where ${predicate}`})`;
}

/** Rows that two ends both have. */
export interface Met {
  readonly guard: string;
  readonly rows: number;
}

/** The error of staging's rows that meet those of the source, and may not take their place. */
export function collisionError(table: TableName, met: readonly Met[]): RestageError {
  const name = displayTable(table);
  const each = met.map(({ guard, rows }) => `${rows} in ${guard}`);
  return new RestageError(
    'rows-collide',
    `${name}: rows of staging's own meet rows of the source in a key or another unique value: ${each.join(', ')}`,
    {
      hint: `In database.tables.${name} of restage.yaml, onCollision: source lets the source's rows stay, onCollision: target staging's own; or keep: { where: … } selects fewer of these.`,
    },
  );
}

/** The error of staging's rows that meet one another, in an index that staging has not. */
export function ownCollisionError(table: TableName, words: string): RestageError {
  return new RestageError(
    'rows-collide',
    `${displayTable(table)}: rows of staging's own meet one another in the new database: ${words}`,
    {
      hint: `The source has a unique index there that staging has not. Change those rows in staging, or leave them out: keep: { where: … }.`,
    },
  );
}
