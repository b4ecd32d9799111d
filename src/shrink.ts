import { RestageError } from './errors.ts';
import type { LastBucket, LastRun, RunOrigin } from './last-run.ts';
import type { Table } from './postgres/catalog.ts';
import { plainName } from './postgres/empty-tables.ts';
import { displayTable, isCalled, quoteTable, type TableName } from './postgres/names.ts';
import type { Origin } from './postgres/session.ts';
import { someOf } from './postgres/some-of.ts';
import { hasNoRows, limitsRows, type TableRule } from './postgres/rules/table-rule.ts';
import { bytes, count, counted, moment } from './report/format.ts';
import type { Amount } from './s3/diff.ts';
import { describeBucket, type BucketOrigin } from './s3/origin.ts';

/** Below so many rows or objects a lost share says nothing. */
const fewest = 10;

/** What has been read of the source now. */
export interface Reading {
  readonly origin: Origin;
  /** ISO 8601. */
  readonly readAt: string;
  readonly tables: readonly Table[];
}

/** What rules leave of the source's rows now. */
export interface Limits {
  readonly byTable: ReadonlyMap<string, TableRule>;
  /** How many rows a rule or the subset selects, by quoted name. */
  readonly selected: ReadonlyMap<string, number>;
  readonly subset?: { readonly tables: readonly { readonly table: TableName }[] };
}

/**
 * The tables whose figures are of the same rows as at the last run: of all, or of what the same `where` selects. Rows that a rule
 * leaves behind are not lost. `read`: all of it that can be compared now; `copied`: what can be once it is copied.
 */
export function likeWithLike(
  tables: readonly Table[],
  last: Pick<NonNullable<LastRun['database']>, 'tables'>,
  { byTable, selected, subset }: Limits,
): { readonly read: readonly Table[]; readonly copied: readonly Table[] } {
  const before = new Map(last.tables.map((one) => [quoteTable(one.table), one]));
  const partly = new Set(subset?.tables.map(({ table }) => quoteTable(table)));
  const read: Table[] = [];
  const copied: Table[] = [];
  for (const table of tables) {
    const key = quoteTable(table.table);
    const rule = byTable.get(key);
    const then = before.get(key);
    if (hasNoRows(rule)) continue;
    if (!then?.limited) {
      read.push(table);
      if (!limitsRows(rule) && !partly.has(key)) copied.push(table);
      continue;
    }
    const rows = selected.get(key);
    if (rows === undefined || partly.has(key) || then.limited.where !== rule?.where) continue;
    read.push({ ...table, rows });
    copied.push({ ...table, rows });
  }
  return { read, copied };
}

/** What the config allows. */
export interface ShrinkChoices {
  readonly maxShrinkPercent: number;
  readonly mayShrink: readonly string[];
  readonly mayBeEmpty: readonly string[];
}

/**
 * Whether a source has lost more than it may: more than the share, where there was enough to speak of a share; or all of
 * it, however little it was.
 */
export function hasShrunk(then: number, now: number, maxPercent: number): boolean {
  if (then === 0 || now >= then) return false;
  return now === 0 || (then >= fewest && lostPercent(then, now) > maxPercent);
}

/** `source-shrunk` for the tables that have lost too much since the last run, all of them in one. */
export function shrunkTables(
  { origin, readAt, tables }: Reading,
  last: RunOrigin & NonNullable<LastRun['database']>,
  { maxShrinkPercent, mayShrink, mayBeEmpty }: ShrinkChoices,
): RestageError | undefined {
  const then = new Map(last.tables.map(({ table, rows }) => [quoteTable(table), rows]));
  const shrunk = tables
    .map((table) => ({ ...table, before: then.get(quoteTable(table.table)) ?? 0 }))
    .filter((table) => hasShrunk(table.before, table.rows, maxShrinkPercent))
    .filter((table) => !names(table, mayShrink) && !(table.rows === 0 && names(table, mayBeEmpty)));
  if (shrunk.length === 0) return undefined;
  const lines = shrunk.map(
    ({ table, rows, rowsAreEstimated, before }) =>
      `${displayTable(table)}: ${rowsAreEstimated ? 'about ' : ''}${counted(rows, 'row')} now, ${count(before)} then`,
  );
  const estimated = shrunk.filter(({ rowsAreEstimated }) => rowsAreEstimated).map(({ table }) => quoteTable(table));
  const [empty, fewer] = [shrunk.filter(({ rows }) => rows === 0), shrunk.filter(({ rows }) => rows > 0)];
  const list = (key: string, some: readonly Table[]) =>
    some.length === 0 ? [] : [`${key}: [${someOf(some.map(({ table }) => JSON.stringify(plainName(table))))}]`];
  const settings = [...list('mayBeEmpty', empty), ...list('mayShrink', fewer)].join(', ');
  return new RestageError(
    'source-shrunk',
    `${counted(shrunk.length, 'table')} of the source ${shrunk.length === 1 ? 'has' : 'have'} lost more than guards.maxShrinkPercent (${maxShrinkPercent} %) allows, or all rows, since the last run:\n${linesOf(lines)}\n${origins(databaseNow(origin, readAt), last)}`,
    {
      hint: `Is this the right database, and is nothing amiss with it? Where it is meant so, in restage.yaml: database: { ${settings} }${estimated.length === 0 ? '' : `. What is told with about is the server's own estimate; to mend one that is stale, at the source: analyze ${someOf(estimated)}`}`,
    },
  );
}

/** How many rows a table must turn out to have when it is copied, as the last run read so many. */
export interface LeastRows extends RunOrigin {
  readonly rows: number;
  readonly before: number;
  /** None at all are as good. */
  readonly mayBeEmpty: boolean;
}

/** What tables must have at least of which the plan has only the server's own estimate: it may be of before a loss. By quoted name. */
export function leastRows(
  tables: readonly Table[],
  { run, endedAt, from, tables: before }: RunOrigin & NonNullable<LastRun['database']>,
  { maxShrinkPercent, mayShrink, mayBeEmpty }: ShrinkChoices,
): ReadonlyMap<string, LeastRows> {
  const then = new Map(before.map(({ table, rows }) => [quoteTable(table), rows]));
  return new Map(
    tables.flatMap((table): [string, LeastRows][] => {
      const key = quoteTable(table.table);
      const rows = then.get(key) ?? 0;
      const least = Math.ceil((rows * (100 - maxShrinkPercent)) / 100);
      if (!table.rowsAreEstimated || rows < fewest || least === 0 || names(table, mayShrink)) return [];
      return [[key, { run, endedAt, from, rows: least, before: rows, mayBeEmpty: names(table, mayBeEmpty) }]];
    }),
  );
}

/** Throws `source-shrunk` where a table that could only be estimated has turned out to have lost too much. */
export function requireLeast(table: TableName, rows: number, least: LeastRows | undefined, origin: Origin): void {
  if (!least || rows >= least.rows || (rows === 0 && least.mayBeEmpty)) return;
  throw new RestageError(
    'source-shrunk',
    `${displayTable(table)} has ${counted(rows, 'row')} at the source, and had ${count(least.before)} at the last run: it has lost more than guards.maxShrinkPercent allows, which leaves ${count(least.rows)}\n${origins(databaseNow(origin, new Date().toISOString()), least)}`,
    {
      hint: `Is nothing amiss with it? Where it is meant so, in restage.yaml: database: { mayShrink: [${JSON.stringify(plainName(table))}] }`,
    },
  );
}

/** `source-shrunk` for the database as a whole, where nothing is known of its tables one by one. */
export function shrunkTotal(
  { origin, readAt, tables }: Reading,
  last: RunOrigin & { readonly tables: number; readonly rows: number },
  { maxShrinkPercent, mayShrink, mayBeEmpty }: ShrinkChoices,
): RestageError | undefined {
  const rows = tables.reduce((sum, table) => sum + table.rows, 0);
  if (!hasShrunk(last.rows, rows, maxShrinkPercent)) return undefined;
  const unnamed = tables.filter(({ table }) => ![...mayShrink, ...mayBeEmpty].some((name) => isCalled(table, name)));
  if (rows === 0 && unnamed.length === 0) return undefined;
  const setting =
    rows === 0
      ? `database: { mayBeEmpty: [${someOf(unnamed.map(({ table }) => JSON.stringify(plainName(table))))}] }`
      : `guards: { maxShrinkPercent: ${Math.ceil(lostPercent(last.rows, rows))} }`;
  return new RestageError(
    'source-shrunk',
    `the source has ${counted(rows, 'row')} in ${counted(tables.length, 'table')} now, and had ${count(last.rows)} in ${count(last.tables)} at the last run: it has lost more than guards.maxShrinkPercent (${maxShrinkPercent} %) allows\n${origins(databaseNow(origin, readAt), last)}`,
    { hint: `Is this the right database? Where it is meant so, in restage.yaml: ${setting}` },
  );
}

/** `source-shrunk` for a bucket; one without any object is refused as such. */
export function shrunkBucket(
  bucket: string,
  now: Amount & { readonly origin: BucketOrigin; readonly readAt: string },
  last: RunOrigin & LastBucket,
  maxShrinkPercent: number,
): RestageError | undefined {
  if (now.objects === 0 || !hasShrunk(last.objects, now.objects, maxShrinkPercent)) return undefined;
  const amount = (some: Amount) => `${counted(some.objects, 'object')}, ${bytes(some.bytes)},`;
  const place = now.origin.endpoint === undefined ? '' : ` at ${now.origin.endpoint}`;
  return new RestageError(
    'source-shrunk',
    `the source bucket of ${bucket} has ${amount(now)} now, and had ${amount(last)} at the last run: it has lost more than guards.maxShrinkPercent (${maxShrinkPercent} %) allows\n${origins(`listed in ${describeBucket(now.origin)}${place}, ${moment(now.readAt)}`, last)}`,
    {
      hint: `Is it the right bucket, and is nothing amiss with it? Where it is meant so, in restage.yaml: objects: { ${bucket}: { mayShrink: true } }`,
    },
  );
}

/** Which tables of the last run the source has no more: no fault, and worth knowing. */
export function goneTables(
  tables: readonly Pick<Table, 'table'>[],
  last: RunOrigin & NonNullable<LastRun['database']>,
): string[] {
  const present = new Set(tables.map(({ table }) => quoteTable(table)));
  const gone = last.tables.filter(({ table, rows }) => rows > 0 && !present.has(quoteTable(table)));
  if (gone.length === 0) return [];
  const told = gone.map(({ table, rows }) => `${displayTable(table)} (${counted(rows, 'row')})`);
  return [`the source has these tables no more, which the run ${last.run} copied: ${someOf(told)}`];
}

function lostPercent(then: number, now: number): number {
  return (100 * (then - now)) / then;
}

function databaseNow({ database, host, port, user }: Origin, readAt: string): string {
  return `read from ${database} at ${host}:${port} as ${user}, ${moment(readAt)}`;
}

/** Where both figures come from. */
function origins(now: string, { run, endedAt, from }: RunOrigin): string {
  return `  now: ${now}\n  then: the run ${run}, ended ${moment(endedAt)}, by ${from}`;
}

function linesOf(lines: readonly string[]): string {
  const told = lines.slice(0, 20).map((line) => `  ${line}`);
  return [...told, ...(lines.length > told.length ? [`  and ${count(lines.length - told.length)} more`] : [])].join(
    '\n',
  );
}

function names({ table }: Table, list: readonly string[]): boolean {
  return list.some((name) => isCalled(table, name));
}
