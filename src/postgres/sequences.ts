import { lettingLocksGo } from './catalog.ts';
import { quoteName, quoteTable, quoteText, type TableName } from './names.ts';
import type { ReadSession, Session } from './session.ts';

/** Sets every sequence to where the source's stands now: sequences are not part of any snapshot. Returns how many. */
export async function carrySequences(
  source: ReadSession,
  target: Session,
  sequences: readonly TableName[],
): Promise<number> {
  // A hundred at a time: a statement's text and its columns have limits, a round trip is cheap.
  for (let start = 0; start < sequences.length; start += 100) {
    const some = sequences.slice(start, start + 100);
    const read = some.map(
      (name, index) =>
        `select ${index} as index, last_value as last, is_called::text as called from ${quoteTable(name)}`,
    );
    const states = await lettingLocksGo(source, () =>
      source.rows<{ index: string; last: string; called: string }>(read.join(' union all ')),
    );
    const set = states.map(({ index, last, called }) => {
      const name = some[Number(index)];
      return `setval(${quoteText(name ? quoteTable(name) : '')}, ${last}, ${called})`;
    });
    await target.rows(`select ${set.join(', ')}`);
  }
  return sequences.length;
}

/**
 * Moves the sequences that feed columns of these tables on to behind every value that is there: those that the columns own, those
 * of identity columns, and those of their defaults; a partition's are those of its table. None is moved back. What lies beyond
 * a sequence's own bounds it will never give.
 */
export async function raiseSequences(session: Session, tables: readonly TableName[]): Promise<void> {
  for (const table of tables) {
    const feeding = await session.rows<Feeding>(`
      with recursive above(relation) as (
        select ${quoteText(quoteTable(table))}::regclass::oid
        union
        select i.inhparent from above a join pg_inherits i on i.inhrelid = a.relation
      ), fed(sequence, relation, number) as (
        select d.objid, d.refobjid, d.refobjsubid::integer
          from pg_depend d
         where d.classid = 'pg_class'::regclass and d.refclassid = 'pg_class'::regclass and d.deptype in ('a', 'i') and d.refobjsubid > 0
        union
        select d.refobjid, f.adrelid, f.adnum::integer
          from pg_depend d
          join pg_attrdef f on f.oid = d.objid
         where d.classid = 'pg_attrdef'::regclass and d.refclassid = 'pg_class'::regclass)
      select distinct n.nspname as schema, c.relname as name, s.seqincrement as increment, s.seqmin as least, s.seqmax as most,
             own.attname as column, (t.oid in ('int2'::regtype, 'int4'::regtype, 'int8'::regtype))::text as whole
        from above a
        join fed on fed.relation = a.relation
        join pg_sequence s on s.seqrelid = fed.sequence
        join pg_class c on c.oid = s.seqrelid
        join pg_namespace n on n.oid = c.relnamespace
        join pg_attribute theirs on theirs.attrelid = a.relation and theirs.attnum = fed.number
        join pg_attribute own on own.attrelid = ${quoteText(quoteTable(table))}::regclass and own.attname = theirs.attname and not own.attisdropped
        join pg_type t on t.oid = own.atttypid
       where t.typcategory = 'N'
       order by 1, 2, 6`);
    for (const one of feeding) await raise(session, one, table);
  }
}

interface Feeding extends TableName {
  readonly column: string;
  /** An integer, so that an index of it can tell the farthest. */
  readonly whole: string;
  readonly increment: string;
  readonly least: string;
  readonly most: string;
}

async function raise(
  session: Session,
  { column, whole, increment, least, most, ...sequence }: Feeding,
  table: TableName,
): Promise<void> {
  const [farthest, beyond] = increment.startsWith('-') ? ['min', '<'] : ['max', '>'];
  const value = whole === 'true' ? quoteName(column) : `trunc(${quoteName(column)}::numeric)`;
  await session.rows(`
    select setval(${quoteText(quoteTable(sequence))}, last.value::bigint, true)
      from (select ${farthest}(${value}) as value from ${quoteTable(table)} where ${value} between ${least} and ${most}) last,
           ${quoteTable(sequence)} now
     where last.value ${beyond} now.last_value or last.value = now.last_value and not now.is_called`);
}
