import { RestageError } from '../../errors.ts';
import { referencedTable } from '../foreign-keys.ts';
import { displayTable, printedName, quoteName, quoteTable, quoteText, unquote, type TableName } from '../names.ts';
import { constraintOf, type SchemaDump, type SchemaEntry } from '../schema-entries.ts';
import type { ReadSession } from '../session.ts';
import { someOf } from '../some-of.ts';

/** A table or sequence that is not made. */
export interface SkippedRelation extends TableName {
  /** Its number in the catalog. */
  readonly oid: string;
}

/** The objects that go with some tables, as DROP TABLE would take them along: parts, indexes, triggers, sequences, types. */
function goneWith(tables: readonly TableName[]): string {
  const names = tables.map((table) => quoteText(quoteTable(table))).join(', ');
  return `gone(classid, objid) as (
      select 'pg_class'::regclass::oid, c.oid
        from pg_class c
       where c.oid in (select to_regclass(name) from unnest(array[${names}]::text[]) name)
      union
      select d.classid, d.objid
        from gone g
        join pg_depend d on d.refclassid = g.classid and d.refobjid = g.objid and d.deptype in ('a', 'i', 'P', 'S'))`;
}

/** The tables with their partitions and the sequences that are theirs. */
export async function readSkipped(
  session: ReadSession,
  tables: readonly TableName[],
): Promise<readonly SkippedRelation[]> {
  if (tables.length === 0) return [];
  return session.rows<SkippedRelation & { schema: string; name: string }>(`
    with recursive ${goneWith(tables)}
    select c.oid, n.nspname as schema, c.relname as name
      from gone g
      join pg_class c on g.classid = 'pg_class'::regclass and c.oid = g.objid
      join pg_namespace n on n.oid = c.relnamespace
     where c.relkind in ('r', 'p', 'f', 'S') and n.nspname <> 'pg_toast'
     order by 2, 3`);
}

/** The dump without what others have of tables that are not made: foreign keys to them, with comments, and places in publications. */
export function withoutSkipped({ before, after }: SchemaDump, skipped: readonly TableName[]): SchemaDump {
  if (skipped.length === 0) return { before, after };
  const names = new Set(skipped.map(quoteTable));
  const isLost = (entry: SchemaEntry) =>
    (entry.type === 'FK CONSTRAINT' && names.has(quoteTable(referencedTable(entry)))) ||
    (entry.type === 'PUBLICATION TABLE' && names.has(quoteTable(named(publishedTable, entry))));
  const constraints = new Set(
    after.flatMap((entry) => {
      const found = isLost(entry) ? constraintOf(entry) : undefined;
      return found ? [`${quoteName(found.name)} ${quoteTable(found.table)}`] : [];
    }),
  );
  const isOnLost = (entry: SchemaEntry) => {
    const name = entry.type === 'COMMENT' ? commentOnConstraint.exec(entry.sql)?.[3] : undefined;
    return (
      name !== undefined &&
      constraints.has(`${quoteName(unquote(name))} ${quoteTable(named(commentOnConstraint, entry))}`)
    );
  };
  return { before, after: after.filter((entry) => !isLost(entry) && !isOnLost(entry)) };
}

const publishedTable = new RegExp(
  `^ALTER PUBLICATION ${printedName} ADD TABLE ONLY (${printedName})\\.(${printedName})`,
);
const commentOnConstraint = new RegExp(
  `^COMMENT ON CONSTRAINT (?=${printedName} ON (${printedName})\\.(${printedName}) IS )(${printedName}) `,
);

function named(statement: RegExp, { sql }: SchemaEntry): TableName {
  const [, schema = '', name = ''] = statement.exec(sql) ?? [];
  return { schema: unquote(schema), name: unquote(name) };
}

/**
 * Whether tables can be left out. `rule-unfit` names what could not be made without them; notes name the foreign keys that are
 * left out with them.
 */
export async function planSkip(
  session: ReadSession,
  skip: readonly TableName[],
): Promise<{ readonly problems: readonly RestageError[]; readonly notes: readonly string[] }> {
  const ofExtensions = await session.rows<TableName & { extension: string }>(`
    select n.nspname as schema, c.relname as name, e.extname as extension
      from pg_class c
      join pg_namespace n on n.oid = c.relnamespace
      join pg_depend d on d.classid = 'pg_class'::regclass and d.objid = c.oid and d.deptype = 'e'
      join pg_extension e on d.refclassid = 'pg_extension'::regclass and e.oid = d.refobjid
     where c.oid in (select to_regclass(name) from unnest(array[${skip.map((table) => quoteText(quoteTable(table))).join(', ')}]::text[]) name)
     order by 1, 2`);
  const problems = ofExtensions.map(
    ({ extension, ...table }) =>
      new RestageError(
        'rule-unfit',
        `database.tables: ${displayTable(table)} cannot be skipped: the extension ${extension} makes it`,
        {
          hint: `empty leaves its rows out; database.skipExtensions leaves out the extension.`,
        },
      ),
  );
  const dependents = await readDependents(session, skip);
  if (dependents.length > 0)
    problems.push(
      new RestageError(
        'rule-unfit',
        `database.tables: ${someOf(skip.map(displayTable), 3)} cannot be skipped: ${someOf(dependents, 20)} could not be made without`,
        { hint: 'empty keeps a table, without its rows: say that instead of skip.' },
      ),
    );
  const keys = await readLostKeys(session, skip);
  return {
    problems,
    notes: keys.length === 0 ? [] : [`foreign keys to tables that are skipped are not made: ${someOf(keys)}`],
  };
}

/** In words, what depends on the tables and is not theirs; and what depends on that. Foreign keys can be left out. */
async function readDependents(session: ReadSession, tables: readonly TableName[]): Promise<string[]> {
  const rows = await session.rows<{ object: string }>(`
    with recursive ${goneWith(tables)}, lost(classid, objid, objsubid, told) as (
      select d.classid, d.objid, d.objsubid, true
        from gone g
        join pg_depend d on d.refclassid = g.classid and d.refobjid = g.objid and d.deptype = 'n'
       where not exists (select from gone o where o.classid = d.classid and o.objid = d.objid)
         and not ${isForeignKey}
      union
      select next.*
        from lost l
        cross join lateral (
          select d.classid, d.objid, d.objsubid, d.deptype = 'n'
            from pg_depend d
           where d.refclassid = l.classid and d.refobjid = l.objid and l.objsubid in (0, d.refobjsubid)
             and d.deptype in ('n', 'a', 'i', 'P', 'S') and not ${isForeignKey}
          union all
          -- a view's query is a rule of the view, which stands for it
          select 'pg_class'::regclass::oid, w.ev_class, 0, true
            from pg_rewrite w
           where l.classid = 'pg_rewrite'::regclass and w.oid = l.objid and w.rulename = '_RETURN') next
    )
    select distinct pg_describe_object(l.classid, l.objid, l.objsubid) as object
      from lost l
     where l.told
       and not exists (select from pg_rewrite w where l.classid = 'pg_rewrite'::regclass and w.oid = l.objid and w.rulename = '_RETURN')
       and not exists (select from gone g where g.classid = l.classid and g.objid = l.objid)
     order by 1`);
  return rows.map(({ object }) => object);
}

const isForeignKey = `exists (
               select from pg_constraint k
                where d.classid = 'pg_constraint'::regclass and k.oid = d.objid and k.contype = 'f')`;

/** Foreign keys of what is made to what is not. */
async function readLostKeys(session: ReadSession, tables: readonly TableName[]): Promise<string[]> {
  const rows = await session.rows<{ name: string; schema: string; table: string }>(`
    with recursive ${goneWith(tables)}
    select k.conname as name, n.nspname as schema, c.relname as table
      from pg_constraint k
      join pg_class c on c.oid = k.conrelid
      join pg_namespace n on n.oid = c.relnamespace
     where k.contype = 'f' and k.conparentid = 0
       and exists (select from gone g where g.classid = 'pg_class'::regclass and g.objid = k.confrelid)
       and not exists (select from gone g where g.classid = 'pg_class'::regclass and g.objid = k.conrelid)
     order by 2, 3, 1`);
  return rows.map(({ name, schema, table }) => `${name} of ${displayTable({ schema, name: table })}`);
}
