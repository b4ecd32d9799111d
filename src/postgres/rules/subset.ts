import { RestageError } from '../../errors.ts';
import { displayTable, quoteName, quoteTable, type TableName } from '../names.ts';
import { fromSide, readReferenceGraph, type Edge, type ReferenceGraph, type Relation } from './reference-graph.ts';
import { requireSameFile } from '../rewritten.ts';
import { eachRowId, rowIdArray, rowIdSet, type RowIdSet, type RowsOfFile } from './row-ids.ts';
import { sqlState } from '../session-error.ts';
import type { ReadSession } from '../session.ts';
import type { StartingRows, Subset } from './table-rule.ts';
import { undone } from '../undone.ts';

/** A part of the source's rows. */
export interface SelectedRows {
  /** How many of each table, in the order of the tables that were given. */
  readonly tables: readonly { readonly table: TableName; readonly rows: number }[];
  /** Which, by quoted name; a table that is taken whole is absent. */
  readonly rows: ReadonlyMap<string, readonly RowsOfFile[]>;
}

/** A subset is small: from here on it is a mistake, and would take much memory. */
const mostRows = 20_000_000;
/** So many rows' references are followed by one statement. */
const rowsAtOnce = 100_000;

/**
 * Finds the rows of a subset in the session's snapshot: the starting ones, the rows of `children` that refer to them or to each other, and
 * then all that these refer to, until nothing is new. Rows that only others needed bring no children: nearly everything would
 * come. It only reads: the client knows what was taken already, by where rows lie. `tables`: those that take part; what refers to others
 * is not followed.
 * Throws `rule-unfit` with the server's words where a predicate cannot be evaluated, or where there are too many rows; `data-differs` where
 * a table was rewritten meanwhile.
 */
export async function selectSubset(
  session: ReadSession,
  { from, also, children, references }: Subset,
  tables: readonly TableName[],
  limit = mostRows,
): Promise<SelectedRows> {
  const graph = await readReferenceGraph(session, tables, references);
  const taken = takenRows(graph, limit);
  const start = async ({ table, where, only }: StartingRows, setting: string) => {
    const side = graph.side(table, only);
    if (where === undefined) return taken.addWhole(side.relations);
    const select = `select tableoid, ctid from ${fromSide(side)} where (\n${where}\n)`;
    taken.add(await findRows(session, { select, of: `${setting}: ${displayTable(table)}` }, limit), side.relations);
  };
  const follow = async (searches: (edge: Edge, relation: Relation, some: string) => readonly Search[]) => {
    for (let next = taken.next(); next; next = taken.next()) {
      const { relation, ids } = next;
      const some = ids ? 'ctid = any ($1::pg_catalog.tid[])' : 'true';
      const parameters = ids ? [rowIdArray(ids)] : [];
      for (const edge of graph.edges)
        for (const search of searches(edge, relation, some))
          if (taken.mayLack(search.among)) taken.add(await findRows(session, search, limit, parameters), search.among);
    }
  };
  for (const rows of from) await start(rows, 'database.subset.from');
  const wheres = childrenOf(children, graph);
  await follow((edge, relation, some) => downwards(edge, relation, some, wheres));
  for (const rows of also) await start(rows, 'database.tables: where');
  taken.again();
  await follow(upwards);
  // What was rewritten since the snapshot shows it nothing, or rows that lie elsewhere now.
  for (const { name } of graph.relations.values()) await requireSameFile(session, { table: name });
  return resultOf(session, taken, graph, tables);
}

async function resultOf(
  session: ReadSession,
  taken: TakenRows,
  graph: ReferenceGraph,
  tables: readonly TableName[],
): Promise<SelectedRows> {
  const counts = new Map<string, number>();
  const rows = new Map<string, RowsOfFile[]>();
  for (const relation of graph.relations.values()) {
    const ids = taken.rowsOf(relation);
    const count = ids ? ids.length : await countRows(session, relation);
    counts.set(relation.table, (counts.get(relation.table) ?? 0) + count);
    if (!ids) continue;
    const files = rows.get(relation.table) ?? [];
    if (ids.length > 0) files.push({ relation: relation.oid, ids });
    rows.set(relation.table, files);
  }
  return { tables: tables.map((table) => ({ table, rows: counts.get(quoteTable(table)) ?? 0 })), rows };
}

async function countRows(session: ReadSession, { name }: Relation): Promise<number> {
  const [row] = await undone(session, () =>
    session.rows<{ rows: string }>(`select count(*) as rows from only ${quoteTable(name)}`),
  );
  return Number(row?.rows);
}

interface Search {
  readonly select: string;
  /** The files whose rows are wanted. */
  readonly among: readonly Relation[];
  /** Whose SQL it holds, if somebody's. */
  readonly of?: string;
}

// Names that no column's table has.
const found = '"restage: found"';
const known = '"restage: known"';

/** What some rows of a file refer to. */
function upwards({ child, parent, match }: Edge, relation: Relation, some: string): Search[] {
  if (!child.relations.includes(relation)) return [];
  const select = `
    select ${found}.tableoid, ${found}.ctid
      from ${fromSide(parent)} as ${found}
     where exists (select from only ${quoteTable(relation.name)} as ${known} where ${some} and ${match(found, known)})`;
  return [{ select, among: parent.relations }];
}

/** What refers to some rows of a file: in one go, or where a rule narrows them, table by table. */
function downwards(
  { child, parent, match }: Edge,
  relation: Relation,
  some: string,
  children: ReadonlyMap<string, string | undefined>,
): Search[] {
  if (!parent.relations.includes(relation)) return [];
  const among = child.relations.filter(({ table }) => children.has(table));
  const refers = (alias: string) =>
    `exists (select from only ${quoteTable(relation.name)} as ${known} where ${some} and ${match(known, alias)})`;
  const plain = among.filter(({ table }) => children.get(table) === undefined);
  const narrowed = among.flatMap((one): Search[] => {
    const where = children.get(one.table);
    if (where === undefined) return [];
    const { name } = one;
    const select = `
    select tableoid, ctid from only ${quoteTable(name)} where ${refers(quoteName(name.name))} and (\n${where}\n)`;
    return [{ select, among: [one], of: `database.tables: where of ${displayTable(name)}` }];
  });
  if (plain.length === 0) return narrowed;
  const select = `
    select ${found}.tableoid, ${found}.ctid from ${fromSide(child)} as ${found} where ${refers(found)}`;
  return [{ select, among: plain }, ...narrowed];
}

function childrenOf(children: Subset['children'], graph: ReferenceGraph): ReadonlyMap<string, string | undefined> {
  return new Map(
    children.flatMap(({ table, where }) =>
      graph.side(table, true).relations.map((relation): [string, string | undefined] => [relation.table, where]),
    ),
  );
}

interface FoundRows {
  readonly relation: string;
  /** `(0,1)(0,2)…` */
  readonly ids: string;
}

async function findRows(
  session: ReadSession,
  { select, of }: Pick<Search, 'select' | 'of'>,
  limit: number,
  parameters: readonly unknown[] = [],
): Promise<readonly FoundRows[]> {
  // Many ids to a row of the answer.
  const sql = `
    select relation, string_agg(id, '') as ids
      from (select tableoid as relation, ctid::pg_catalog.text as id, row_number() over () / 8192 as part
              from (${select}
                     limit ${limit + 1}) rows) parts
     group by relation, part`;
  try {
    return await undone(session, async () => {
      // Ours names every schema; a bare name that a user wrote is of the one that users mean.
      if (of !== undefined) await session.rows('set local search_path = public');
      return session.rows<FoundRows>(sql, parameters);
    });
  } catch (error) {
    if (of === undefined || sqlState(error) === undefined || !(error instanceof RestageError)) throw error;
    throw new RestageError('rule-unfit', `${of} cannot be evaluated: ${error.message}`, {
      cause: error.cause,
      hint: 'It is a condition on the columns of that table, as after WHERE; bare names are of the schema public.',
    });
  }
}

/** What is taken so far, and of what the references were not followed yet. */
interface TakenRows {
  add(rows: readonly FoundRows[], among: readonly Relation[]): void;
  addWhole(relations: readonly Relation[]): void;
  /** Whether some rows of these may not have been taken. */
  mayLack(relations: readonly Relation[]): boolean;
  /** The references of all are to be followed anew. */
  again(): void;
  /** Rows whose references are to be followed; without ids: all of the file. */
  next(): { readonly relation: Relation; readonly ids?: readonly number[] } | undefined;
  /** In ascending order; undefined: all. */
  rowsOf(relation: Relation): Float64Array | undefined;
}

function takenRows({ relations }: ReferenceGraph, limit: number): TakenRows {
  const sets = new Map<string, RowIdSet>();
  const pending = new Map<string, number[]>();
  const whole = new Map<string, Relation>();
  let wholePending: Relation[] = [];
  let size = 0;
  const addTo = (relation: string, text: string) => {
    const set = sets.get(relation) ?? rowIdSet();
    const unfollowed = pending.get(relation) ?? [];
    sets.set(relation, set);
    pending.set(relation, unfollowed);
    eachRowId(text, (id) => {
      if (!set.add(id)) return;
      unfollowed.push(id);
      size += 1;
    });
    if (size > limit) throw tooMany(limit, relations, sets);
  };
  return {
    add: (rows, among) => {
      const wanted = new Set(among.map(({ oid }) => oid));
      for (const { relation, ids } of rows)
        if (wanted.has(relation) && relations.has(relation) && !whole.has(relation)) addTo(relation, ids);
    },
    addWhole: (some) => {
      for (const relation of some) {
        if (whole.has(relation.oid)) continue;
        whole.set(relation.oid, relation);
        size -= sets.get(relation.oid)?.size ?? 0;
        sets.delete(relation.oid);
        pending.delete(relation.oid);
        wholePending.push(relation);
      }
    },
    mayLack: (some) => some.some(({ oid }) => !whole.has(oid)),
    again: () => {
      wholePending = [...whole.values()];
      for (const [oid, set] of sets) pending.set(oid, [...set.sorted()]);
    },
    next: () => {
      const all = wholePending.pop();
      if (all) return { relation: all };
      // The more at once, the fewer statements.
      const [oid, ids] = [...pending].reduce((most, one) => (one[1].length > most[1].length ? one : most), ['', []]);
      const relation = relations.get(oid);
      if (!relation) return undefined;
      return { relation, ids: ids.splice(-rowsAtOnce) };
    },
    rowsOf: ({ oid }) => (whole.has(oid) ? undefined : (sets.get(oid)?.sorted() ?? new Float64Array(0))),
  };
}

function tooMany(
  limit: number,
  relations: ReferenceGraph['relations'],
  sets: ReadonlyMap<string, RowIdSet>,
): RestageError {
  const most = [...sets].toSorted(([, a], [, b]) => b.size - a.size).slice(0, 3);
  const named = most.map(([oid, { size }]) => `${displayTable(relations.get(oid)?.name ?? noName)} (${size} so far)`);
  return new RestageError(
    'rule-unfit',
    `the subset has more than ${limit.toLocaleString('en')} rows, most of them of ${named.join(', ')}`,
    {
      hint: 'Start from fewer rows in database.subset.from, or take a table out of database.subset.children.',
    },
  );
}

const noName: TableName = { schema: '', name: '' };
