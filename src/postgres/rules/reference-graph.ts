import { quoteName, quoteTable, type TableName } from '../names.ts';
import { sqlState } from '../session-error.ts';
import type { ReadSession } from '../session.ts';
import type { Reference } from './table-rule.ts';
import { undone } from '../undone.ts';

/** A table with a file of its own. */
export interface Relation {
  /** Its number in the catalog. */
  readonly oid: string;
  readonly name: TableName;
  /** The quoted name of the table that it is copied with: itself, or one that it is a part of. */
  readonly table: string;
  /** The number of the topmost partitioned table that it is a part of; its own where it is none. */
  readonly top: string;
}

/** One side of a reference: what to select from, and the files whose rows that gives. */
export interface Side {
  readonly name: TableName;
  /** Without the tables that inherit from it. */
  readonly only: boolean;
  readonly relations: readonly Relation[];
}

/** A foreign key, or a reference that the config declares. */
export interface Edge {
  readonly child: Side;
  readonly parent: Side;
  /** SQL: that a row of the parent, by its alias, is the one that a row of the child refers to. */
  match(parent: string, child: string): string;
}

/** The tables of a subset and what refers to what. */
export interface ReferenceGraph {
  /** By number. */
  readonly relations: ReadonlyMap<string, Relation>;
  readonly edges: readonly Edge[];
  /** The side that a name stands for: the table with all that is a part of it or inherits from it, or without. */
  side(name: TableName, only?: boolean): Side;
}

interface KeyRow {
  child: string;
  parent: string;
  columns: string;
}

interface Pair {
  readonly child: string;
  readonly parent: string;
  /** The operator, with its schema: there may be another of that name. */
  readonly operator: string;
  /** Where the columns' collations differ, the parent's decides. */
  readonly collate: string | null;
}

/**
 * Reads what refers to what among some tables, as the servers see it: a key of a partitioned table is one of all its
 * partitions, a key of a table that others inherit from is its own alone. References that the config declares
 * go by the columns' operator, or where they have none in common, by their text.
 */
export async function readReferenceGraph(
  session: ReadSession,
  tables: readonly TableName[],
  references: readonly Reference[],
): Promise<ReferenceGraph> {
  const files = await readFiles(session);
  const wanted = new Map(tables.map((table) => [quoteTable(table), table]));
  const relations = new Map<string, Relation>();
  for (const file of files.byOid.values())
    if (wanted.has(quoteTable(file.name)))
      for (const { oid, name } of files.below(file.oid, file.partitioned))
        relations.set(oid, { oid, name, table: quoteTable(file.name), top: files.topOf(oid) });
  const sideOf = (oid: string, only: boolean): Side => {
    const file = files.byOid.get(oid);
    if (!file) return { name: { schema: '', name: '' }, only, relations: [] };
    const { name, partitioned } = file;
    const found = files.below(oid, partitioned || !only).flatMap((one) => relations.get(one.oid) ?? []);
    return { name, only: only && !partitioned, relations: found };
  };
  const oidOf = (name: TableName) => files.byName.get(quoteTable(name)) ?? '';
  const edges: Edge[] = (await readKeys(session)).map(({ child, parent, columns }) => {
    const pairs = JSON.parse(columns) as Pair[]; // built below, field by field
    return { child: sideOf(child, true), parent: sideOf(parent, true), match: matching(pairs) };
  });
  for (const reference of references) {
    const child = sideOf(oidOf(reference.table), false);
    const parent = sideOf(oidOf(reference.parent), false);
    edges.push({ child, parent, match: await comparison(session, reference) });
  }
  return {
    relations,
    edges: edges.filter(({ child, parent }) => child.relations.length > 0 && parent.relations.length > 0),
    side: (name, only = false) => sideOf(oidOf(name), only),
  };
}

/** `only "public"."books"` */
export function fromSide({ name, only }: Side): string {
  return `${only ? 'only ' : ''}${quoteTable(name)}`;
}

interface TableFile {
  readonly oid: string;
  readonly name: TableName;
  readonly partitioned: boolean;
}

/** All tables, and which rows each stands for. */
async function readFiles(session: ReadSession) {
  const rows = await session.rows<{ oid: string; schema: string; name: string; kind: string; above: string }>(`
    select c.oid, n.nspname as schema, c.relname as name, c.relkind as kind,
           array_to_json(array(select i.inhparent from pg_inherits i where i.inhrelid = c.oid)) as above
      from pg_class c
      join pg_namespace n on n.oid = c.relnamespace
     where c.relkind in ('r', 'p')`);
  const byOid = new Map<string, TableFile>();
  const children = new Map<string, string[]>();
  const parents = new Map<string, readonly string[]>();
  for (const { oid, schema, name, kind, above } of rows) {
    byOid.set(oid, { oid, name: { schema, name }, partitioned: kind === 'p' });
    parents.set(oid, (JSON.parse(above) as (string | number)[]).map(String)); // built below
    for (const parent of parents.get(oid) ?? []) {
      const siblings = children.get(parent) ?? [];
      siblings.push(oid);
      children.set(parent, siblings);
    }
  }
  const below = (oid: string, withChildren: boolean): TableFile[] => {
    const file = byOid.get(oid);
    const own = file && !file.partitioned ? [file] : [];
    if (!withChildren) return own;
    const all = [...own, ...(children.get(oid) ?? []).flatMap((child) => below(child, true))];
    return [...new Map(all.map((one) => [one.oid, one])).values()]; // a table may inherit twice
  };
  const topOf = (oid: string): string => {
    const above = (parents.get(oid) ?? []).find((parent) => byOid.get(parent)?.partitioned);
    return above === undefined ? oid : topOf(above);
  };
  return { byOid, byName: new Map([...byOid.values()].map(({ oid, name }) => [quoteTable(name), oid])), below, topOf };
}

/** Those that partitions have of their tables are told once; a period of a temporal key meets where it overlaps. */
async function readKeys(session: ReadSession): Promise<KeyRow[]> {
  return session.rows<KeyRow>(`
    select k.conrelid as child, k.confrelid as parent,
           (select json_agg(json_build_object(
                     'child', c.attname, 'parent', p.attname,
                     'operator', case
                       when to_jsonb(k) ->> 'conperiod' = 'true' and u.position = cardinality(k.conkey) then 'operator(pg_catalog.&&)'
                       else format('operator(%I.%s)', n.nspname, o.oprname) end,
                     'collate', ${collation})
                   order by u.position)
              from unnest(k.conkey, k.confkey, k.conpfeqop) with ordinality u(child, parent, operator, position)
              join pg_attribute c on c.attrelid = k.conrelid and c.attnum = u.child
              join pg_attribute p on p.attrelid = k.confrelid and p.attnum = u.parent
              join pg_operator o on o.oid = u.operator
              join pg_namespace n on n.oid = o.oprnamespace
              left join pg_collation l on l.oid = p.attcollation and p.attcollation <> c.attcollation and c.attcollation <> 0
              left join pg_namespace ln on ln.oid = l.collnamespace) as columns
      from pg_constraint k
     where k.contype = 'f' and k.conparentid = 0
     order by k.oid`);
}

const collation = `case when l.oid is not null then format('collate %I.%I', ln.nspname, l.collname) end`;

function matching(pairs: readonly Pair[]): Edge['match'] {
  return (parent, child) =>
    pairs
      .map(
        (pair) =>
          `${parent}.${quoteName(pair.parent)} ${pair.operator} ${child}.${quoteName(pair.child)}${pair.collate === null ? '' : ` ${pair.collate}`}`,
      )
      .join(' and ');
}

/** How a declared reference's columns are compared. */
async function comparison(
  session: ReadSession,
  { table, column, parent, parentColumn }: Reference,
): Promise<Edge['match']> {
  const names = [quoteTable(parent), parentColumn, quoteTable(table), column];
  const [own] = await session.rows<{ operator: string | null; collate: string | null }>(
    `
    select case when p.atttypid = c.atttypid then (
             select format('operator(%I.%s)', n.nspname, o.oprname)
               from pg_opclass s
               join pg_am m on m.oid = s.opcmethod and m.amname = 'btree'
               join pg_amop a on a.amopfamily = s.opcfamily and a.amopstrategy = 3
                             and a.amoplefttype = s.opcintype and a.amoprighttype = s.opcintype
               join pg_operator o on o.oid = a.amopopr
               join pg_namespace n on n.oid = o.oprnamespace
              where s.opcintype = p.atttypid and s.opcdefault) end as operator,
           ${collation} as collate
      from pg_attribute p
      join pg_attribute c on c.attrelid = $3::text::regclass and c.attname = $4
      left join pg_collation l on l.oid = p.attcollation and p.attcollation <> c.attcollation and c.attcollation <> 0
      left join pg_namespace ln on ln.oid = l.collnamespace
     where p.attrelid = $1::text::regclass and p.attname = $2`,
    names,
  );
  const collate = own?.collate ?? null;
  const by = (operator: string) => matching([{ child: column, parent: parentColumn, operator, collate }]);
  if (own?.operator) return by(own.operator);
  const builtIn = by('operator(pg_catalog.=)');
  const tried = `select from ${quoteTable(parent)} as p, ${quoteTable(table)} as c where ${builtIn('p', 'c')} limit 0`;
  if (await works(session, tried)) return builtIn;
  return (p, c) =>
    `${p}.${quoteName(parentColumn)}::pg_catalog.text collate "C" operator(pg_catalog.=) ${c}.${quoteName(column)}::pg_catalog.text collate "C"`;
}

async function works(session: ReadSession, sql: string): Promise<boolean> {
  try {
    await undone(session, () => session.rows(sql));
    return true;
  } catch (error) {
    if (sqlState(error) === undefined) throw error;
    return false;
  }
}

/**
 * Which tables, by quoted name, keys connect with some of them, in whatever direction. The parts of a partitioned table are one
 * table, whatever keys each has.
 */
export function connected({ relations, edges }: ReferenceGraph, start: readonly Side[]): ReadonlySet<string> {
  const reached = new Set(start.flatMap((side) => side.relations.map(({ top }) => top)));
  for (let before = -1; before < reached.size;) {
    before = reached.size;
    for (const { child, parent } of edges) {
      const both = [...child.relations, ...parent.relations];
      if (both.some(({ top }) => reached.has(top))) for (const { top } of both) reached.add(top);
    }
  }
  return new Set([...relations.values()].flatMap(({ table, top }) => (reached.has(top) ? [table] : [])));
}
