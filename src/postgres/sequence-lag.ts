import { ofTheUser } from './carried-relations.ts';
import type { Fault } from './integrity.ts';
import { displayName, displayTable, quoteName, quoteTable, quoteText, type TableName } from './names.ts';
import type { ReadSession } from './session.ts';

/** A column that gets its values from a sequence. */
export interface FedColumn {
  readonly sequence: TableName;
  readonly table: TableName;
  readonly column: string;
}

/** A sequence that will give values which its column has already. */
export interface Lag extends FedColumn {
  /** How many values it must give before the first new one, in decimal. */
  readonly behind: string;
  /** It counts downwards. */
  readonly falls: boolean;
}

export interface SequenceCheck {
  /** How many sequences were held against their columns. */
  readonly sequences: number;
  readonly behind: readonly Lag[];
  /** Columns that were not read, and why, in whole sentences. */
  readonly unread: readonly string[];
}

/** Up to here a column without an index of its own is read whole for its largest value. */
const readableBytes = 256 * 1024 * 1024;
const readAtOnce = 50;

interface Found {
  readonly schema: string;
  readonly name: string;
  readonly tableschema: string;
  readonly table: string;
  readonly column: string;
  readonly increment: string;
  readonly least: string;
  readonly most: string;
  readonly unindexed: string;
  readonly readable: string;
}

/**
 * Holds each sequence against the columns that it feeds: identity columns, those whose default is its `nextval` and nothing else, and
 * those that own it and have no default. Only what lies before the sequence is asked for, which an index answers at once. A
 * sequence that cycles may repeat itself; what lies beyond a sequence's bounds it never gives.
 */
export async function readLags(session: ReadSession): Promise<SequenceCheck> {
  const found = await findFed(session);
  const unread: string[] = [];
  const asked: Found[] = [];
  for (const one of found)
    if (one.readable !== 'true')
      unread.push(`${nameOf(one)} was not read: ${session.origin.user} may not read all of it, or its sequence`);
    else if (Number(one.unindexed) > readableBytes)
      unread.push(`${nameOf(one)} was not read: no index tells its largest value, and the table is large`);
    else asked.push(one);
  const behind: Lag[] = [];
  for (let start = 0; start < asked.length; start += readAtOnce) {
    const some = asked.slice(start, start + readAtOnce);
    const rows = await session.rows<{ index: string; behind: string }>(
      some.map((one, index) => lagSql(one, index)).join(' union all '),
    );
    for (const { index, behind: steps } of rows) {
      const one = some[Number(index)];
      if (one) behind.push({ ...fedOf(one), behind: steps, falls: fallsOf(one) });
    }
  }
  return { sequences: new Set(asked.map((one) => quoteTable(fedOf(one).sequence))).size, behind, unread };
}

function fedOf({ schema, name, tableschema, table, column }: Found): FedColumn {
  return { sequence: { schema, name }, table: { schema: tableschema, name: table }, column };
}

function fallsOf({ increment }: Found): boolean {
  return increment.startsWith('-');
}

function nameOf(one: Found): string {
  const { sequence, table, column } = fedOf(one);
  return `${displayTable(table)}.${displayName(column)}, which the sequence ${displayTable(sequence)} feeds,`;
}

/** The columns that sequences feed, each table with its parts as one. */
async function findFed(session: ReadSession): Promise<readonly Found[]> {
  return session.rows<Found>(`
    with recursive above(relation, ancestor) as (
      select inhrelid, inhparent from pg_inherits
      union
      select a.relation, i.inhparent from above a join pg_inherits i on i.inhrelid = a.ancestor
    ), defaults(sequence, relation, number) as (
      select d.refobjid, f.adrelid, f.adnum::integer
        from pg_depend d
        join pg_attrdef f on f.oid = d.objid
       where d.classid = 'pg_attrdef'::regclass and d.refclassid = 'pg_class'::regclass
         and pg_get_expr(f.adbin, f.adrelid) ~ '^nextval\\(''(?:[^'']|'''')+''::regclass\\)(::[a-z]+)?$'
    ), owned(sequence, relation, number, kind) as (
      select d.objid, d.refobjid, d.refobjsubid::integer, d.deptype
        from pg_depend d
       where d.classid = 'pg_class'::regclass and d.refclassid = 'pg_class'::regclass and d.deptype in ('a', 'i') and d.refobjsubid > 0
    ), fed(sequence, relation, number) as (
      select sequence, relation, number from defaults
      union
      select o.sequence, o.relation, o.number
        from owned o
       where o.kind = 'i' or not exists (select from pg_attrdef f where f.adrelid = o.relation and f.adnum = o.number)
    ), named as (
      select fed.sequence, fed.relation, a.attname, a.atttypid
        from fed join pg_attribute a on a.attrelid = fed.relation and a.attnum = fed.number and not a.attisdropped
    ), below(oid, base) as (
      select oid, oid from pg_type
      union all
      select b.oid, t.typbasetype from below b join pg_type t on t.oid = b.base where t.typtype = 'd'
    )
    select sn.nspname as schema, q.relname as name, n.nspname as tableschema, c.relname as "table", f.attname as "column",
           s.seqincrement as increment, s.seqmin as least, s.seqmax as most,
           (select coalesce(sum(pg_relation_size(m.oid)), 0)
              from pg_class m
             where (m.oid = c.oid or m.oid in (select a.relation from above a where a.ancestor = c.oid)) and m.relkind = 'r'
               and not exists (
                     select from pg_index x
                       join pg_class i on i.oid = x.indexrelid
                       join pg_am am on am.oid = i.relam and am.amname = 'btree'
                       join pg_attribute a on a.attrelid = m.oid and a.attnum = x.indkey[0] and a.attname = f.attname
                      where x.indrelid = m.oid and x.indisvalid and x.indpred is null)) as unindexed,
           (has_schema_privilege(sn.oid, 'usage') and has_schema_privilege(n.oid, 'usage')
             and has_table_privilege(q.oid, 'select') and has_table_privilege(c.oid, 'select')
             and not row_security_active(c.oid))::text as readable
      from named f
      join pg_sequence s on s.seqrelid = f.sequence and not s.seqcycle
      join pg_class q on q.oid = f.sequence
      join pg_namespace sn on sn.oid = q.relnamespace
      join pg_class c on c.oid = f.relation and c.relkind in ('r', 'p') and c.relpersistence <> 't'
      join pg_namespace n on n.oid = c.relnamespace
      join below b on b.oid = f.atttypid and b.base in ('int2'::regtype, 'int4'::regtype, 'int8'::regtype, 'numeric'::regtype)
     where ${ofTheUser('c', 'pg_class')}
       and (c.relpersistence = 'p' or not pg_is_in_recovery())
       and not exists (
             select from above u join named o on o.relation = u.ancestor
              where u.relation = f.relation and o.sequence = f.sequence and o.attname = f.attname)
     order by 1, 2, 3, 4, 5`);
}

/** A row where the sequence is behind; only how far, and no value of the table's. */
function lagSql(one: Found, index: number): string {
  const { sequence, table, column } = fedOf(one);
  const falls = fallsOf(one);
  const step = falls ? one.increment.slice(1) : one.increment;
  const [farthest, from, beyond] = falls ? ['min', '<=', '<'] : ['max', '>=', '>'];
  const value = `t.${quoteName(column)}`;
  const bound = (number: string) => `${quoteText(number)}::bigint`;
  // Of sequences that share a column each gives its own values.
  const given = step === '1' ? '' : `and (${value}::numeric - s.last_value) % ${step} = 0`;
  return `
    select ${index} as index, trunc(abs(l.value - s.last_value::numeric) / ${step}) + case when s.is_called then 0 else 1 end as behind
      from ${quoteTable(sequence)} s
      cross join lateral (
        select ${farthest}(${value})::numeric as value
          from ${quoteTable(table)} t
         where ${value} ${from} s.last_value and (${value} ${beyond} s.last_value or not s.is_called)
           and ${value} between ${bound(one.least)} and ${bound(one.most)} ${given}) l
     where l.value is not null`;
}

/** The same column and sequence, as text. */
export function fedKey({ sequence, table, column }: FedColumn): string {
  return `${quoteTable(sequence)} ${quoteTable(table)} ${quoteName(column)}`;
}

/** What is wrong with it, and the statement that mends it. */
export function lagFault({ sequence, table, column, behind, falls }: Lag): Fault {
  return {
    words: `sequence ${displayTable(sequence)} is ${behind} behind what ${displayTable(table)}.${displayName(column)} holds`,
    mend: `select setval(${quoteText(quoteTable(sequence)).trim()}, ${falls ? 'min' : 'max'}(${quoteName(column)})) from ${quoteTable(table)}`,
  };
}
