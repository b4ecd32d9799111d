import { RestageError } from '../../errors.ts';
import { castColumns, type CastProof, type ColumnCast, type ColumnCasts } from './casts.ts';
import { lettingLocksGo, rowsOf, type Table } from '../catalog.ts';
import { displayTable, quoteTable } from '../names.ts';
import { sqlState } from '../session-error.ts';
import type { ReadSession } from '../session.ts';
import type { TableRule } from './table-rule.ts';

/** What staging has of a table whose rows or values stay. */
export interface OwnTable {
  /** Staging's rows that the rule is about. */
  readonly rows: number;
  readonly casts: readonly ColumnCast[];
}

export interface PlannedOwn {
  /** By quoted name. */
  readonly tables: ReadonlyMap<string, OwnTable>;
  readonly problems: RestageError[];
  readonly notes: string[];
}

/**
 * What of staging's present database stays, by the rules `keep`, `merge` and `carry`: how many rows, and how each column of the
 * new database's tables (`incoming`) gets its value from those that staging has now (`own`). Every cast is evaluated over
 * staging's rows, in a read-only transaction of the session. Problems are `rule-unfit`: nothing that would be lost or cannot be is
 * left for the run to find out.
 */
export async function planOwn(
  session: ReadSession,
  rules: ReadonlyMap<string, TableRule>,
  incoming: readonly Table[],
  own: readonly Table[],
): Promise<PlannedOwn> {
  const present = new Map(own.map((table) => [quoteTable(table.table), table]));
  const tables = new Map<string, OwnTable>();
  const problems: RestageError[] = [];
  const notes: string[] = [];
  const unfit: string[] = [];
  // What an extension brings along is there before anybody has put anything into it.
  const isNew = own.every(({ ofExtension }) => ofExtension !== undefined);
  for (const table of incoming) {
    const rule = rules.get(quoteTable(table.table));
    if (!rule || (!hasOwnRows(rule) && !rule.carry)) continue;
    const staging = present.get(quoteTable(table.table));
    if (!staging) {
      const told = withoutTable(table, rule, session, isNew);
      if (told instanceof RestageError) problems.push(told);
      else notes.push(told);
      continue;
    }
    const found = await planTable(session, staging, table, rule);
    problems.push(...found.problems);
    notes.push(...found.notes);
    unfit.push(...found.unfit);
    if (found.own) tables.set(quoteTable(table.table), found.own);
  }
  problems.push(...(await lostPartitions(session, rules, incoming, own)));
  if (unfit.length > 0)
    problems.push(
      new RestageError(
        'rule-unfit',
        `rows of ${placeOf(session)} do not fit into the new database:\n  ${unfit.join('\n  ')}`,
        {
          hint: "The new database has the source's columns. Change staging's columns or values to what fits, leave such rows out by keep: { where: … }, or give these tables another rule in database.tables.",
        },
      ),
    );
  return { tables, problems, notes };
}

/**
 * How staging's columns become those of one table of the new database, at the moment that the session reads: whatever staging has
 * written since the plan is proven to fit. Throws `rule-unfit`.
 */
export async function castsOfNow(
  session: ReadSession,
  { table }: Table,
  rule: TableRule,
  incoming: readonly Table[],
  own: readonly Table[],
): Promise<readonly ColumnCast[]> {
  const name = quoteTable(table);
  const { tables, problems } = await planOwn(session, new Map([[name, rule]]), incoming, own);
  const [problem] = problems;
  if (problem) throw problem;
  return tables.get(name)?.casts ?? [];
}

function hasOwnRows({ rows }: TableRule): boolean {
  return rows === 'keep' || rows === 'merge';
}

/** A table that staging lacks. In a database without any, nothing can have got lost; among others, it may have been renamed. */
function withoutTable(
  { table }: Table,
  { rows }: TableRule,
  session: ReadSession,
  isNew: boolean,
): RestageError | string {
  const name = displayTable(table);
  if (rows === 'keep' && isNew)
    return `${placeOf(session)} has no tables yet, so there is nothing to keep: ${name} will be empty`;
  if (rows === 'keep')
    return new RestageError('rule-unfit', `${placeOf(session)} has no table ${name}, whose rows are to be kept`, {
      hint: `In database.tables: \`${name}: empty\` for the first refresh, or \`copy\`; and keep once staging has it.`,
    });
  return `${placeOf(session)} has no table ${name}: nothing of it ${rows === 'merge' ? 'is merged' : 'can be carried over'}`;
}

interface TableFindings {
  readonly own?: OwnTable;
  /** In words, with table, column and types. */
  readonly unfit: readonly string[];
  readonly problems: readonly RestageError[];
  readonly notes: readonly string[];
}

async function planTable(session: ReadSession, own: Table, table: Table, rule: TableRule): Promise<TableFindings> {
  const name = displayTable(table.table);
  const all = castColumns(own, table);
  const { casts, impossible, proofs, lost } = hasOwnRows(rule) ? all : ofCarry(all, rule);
  const unfit = impossible.map(({ column, why }) => `${name}.${column}: ${why}`);
  const counted = await countOwn(session, own, rule);
  if (counted instanceof RestageError) return { unfit, problems: [counted], notes: [] };
  if (counted > 0) unfit.push(...(await prove(session, own, rule, proofs)));
  const absent = casts.filter(({ sql }) => sql === undefined).map(({ column }) => column);
  const missing = rule.carry ? [...rule.carry.match, ...rule.carry.columns].filter((one) => absent.includes(one)) : [];
  unfit.push(...missing.map((column) => `${name}.${column}: staging has no such column, to carry values over by`));
  const notes = [
    ...(lost.length > 0 && counted > 0
      ? [
          `${name}: staging's ${lost.length === 1 ? `column ${lost[0]} is` : `columns ${lost.join(', ')} are`} not in the new database, and what the kept rows hold there is lost with it`,
        ]
      : []),
    ...(absent.length > 0 && counted > 0 && hasOwnRows(rule)
      ? [`${name}: staging has no ${absent.join(', ')}; its own rows get the default there`]
      : []),
  ];
  return { own: { rows: counted, casts }, unfit, problems: [], notes };
}

function ofCarry({ casts, impossible, proofs }: ColumnCasts, { carry }: TableRule): ColumnCasts {
  const named = new Set([...(carry?.match ?? []), ...(carry?.columns ?? [])]);
  return {
    casts: casts.filter(({ column }) => named.has(column)),
    impossible: impossible.filter(({ column }) => named.has(column)),
    proofs: proofs.filter(({ cast }) => named.has(cast.column)),
    lost: [],
  };
}

/** What to select staging's own rows from; what the user wrote sees the schema public. */
export function ownRowsOf(table: Table, { ownWhere }: Pick<TableRule, 'ownWhere'>): string {
  const conditions = [
    ...(table.condition === undefined ? [] : [table.condition.replace(/^\s*where\b/i, '')]),
    ...(ownWhere === undefined ? [] : [ownWhere]),
  ];
  // On lines of their own: what is written may end in a comment.
  return `${rowsOf(table)}${conditions.length === 0 ? '' : ` where ${conditions.map((one) => `(\n${one}\n)`).join(' and ')}`}`;
}

async function countOwn(session: ReadSession, own: Table, rule: TableRule): Promise<number | RestageError> {
  try {
    const [row] = await withPublic(session, `select count(*) as count from ${ownRowsOf(own, rule)}`);
    return Number(row?.['count']);
  } catch (error) {
    if (!(error instanceof RestageError) || sqlState(error) === undefined) throw error;
    const what = rule.ownWhere === undefined ? 'rows' : 'keep: where';
    return new RestageError('rule-unfit', `${what} of ${displayTable(own.table)}: ${error.message}`, {
      cause: error.cause,
      hint:
        rule.ownWhere === undefined
          ? `The target's role must be able to read ${quoteTable(own.table)} in staging.`
          : `It is SQL over staging's row, evaluated by the target's server, in database.tables of restage.yaml.`,
    });
  }
}

/** Which columns have values that do not fit, in words, without any value. */
async function prove(
  session: ReadSession,
  own: Table,
  rule: TableRule,
  proofs: readonly CastProof[],
): Promise<string[]> {
  if (proofs.length === 0) return [];
  try {
    return await evaluate(session, own, rule, proofs);
  } catch (error) {
    if (sqlState(error) === undefined) throw error;
  }
  // One of them failed: each by itself, to know which.
  const unfit: string[] = [];
  for (const proof of proofs)
    try {
      unfit.push(...(await evaluate(session, own, rule, [proof])));
    } catch (error) {
      if (!(error instanceof RestageError) || sqlState(error) === undefined) throw error;
      const { column, from, to } = proof.cast;
      unfit.push(`${displayTable(own.table)}.${column}: ${from} cannot become ${to} in every row: ${error.message}`);
    }
  return unfit;
}

async function evaluate(
  session: ReadSession,
  own: Table,
  rule: TableRule,
  proofs: readonly CastProof[],
): Promise<string[]> {
  const figures = proofs.flatMap(({ reads, unfit }, index) => [
    `count(${reads}) as read_${index}`,
    ...unfit.map(({ sql }, at) => `count(*) filter (where ${sql}) as unfit_${index}_${at}`),
  ]);
  const [row] = await withPublic(session, `select ${figures.join(',\n       ')} from ${ownRowsOf(own, rule)}`);
  return proofs.flatMap(({ cast, unfit }, index) =>
    unfit.flatMap(({ words }, at) => {
      const rows = Number(row?.[`unfit_${index}_${at}`]);
      const types = cast.from === cast.to ? cast.to : `${cast.from} to ${cast.to}`;
      return rows === 0
        ? []
        : [`${displayTable(own.table)}.${cast.column}, ${types}: ${rows} ${rows === 1 ? 'value' : 'values'} ${words}`];
    }),
  );
}

/** SQL that holds words of the user's: those see the schema public. The transaction goes on after a failure. */
async function withPublic(session: ReadSession, sql: string): Promise<Record<string, string | null>[]> {
  let failure: unknown;
  const rows = await lettingLocksGo(session, async () => {
    try {
      await session.rows('set local search_path = public');
      return await session.rows<Record<string, string | null>>(sql);
    } catch (error) {
      failure = error;
      if (sqlState(error) === undefined) throw error; // the session is gone
      return [];
    }
  });
  if (failure !== undefined) throw failure;
  return rows;
}

/** Partitions that only staging has, of tables whose rows stay: no table of the new database would take theirs. */
async function lostPartitions(
  session: ReadSession,
  rules: ReadonlyMap<string, TableRule>,
  incoming: readonly Table[],
  own: readonly Table[],
): Promise<RestageError[]> {
  const kept = incoming.filter(({ table }) => {
    const rule = rules.get(quoteTable(table));
    return rule !== undefined && hasOwnRows(rule);
  });
  const roots = new Set(kept.flatMap(({ parents }) => parents.map(quoteTable)));
  const known = new Set(incoming.map(({ table }) => quoteTable(table)));
  const problems: RestageError[] = [];
  for (const part of own) {
    if (known.has(quoteTable(part.table)) || !part.parents.some((one) => roots.has(quoteTable(one)))) continue;
    const [row] = await session.rows(`select from ${rowsOf(part)} limit 1`);
    if (row === undefined) continue;
    problems.push(
      new RestageError(
        'rule-unfit',
        `${placeOf(session)} has rows in ${displayTable(part.table)}, a part of ${part.parents.map(displayTable).join(', ')}, which the source has not`,
        {
          hint: `Make this part at the source too, or empty it in staging: its rows would be lost, though they are to be kept.`,
        },
      ),
    );
  }
  return problems;
}

function placeOf({ origin }: ReadSession): string {
  return `${origin.database} at ${origin.host}:${origin.port}`;
}
