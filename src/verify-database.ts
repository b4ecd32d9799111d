import type { Config } from './config.ts';
import type { Ends } from './connect.ts';
import { comparable, lettingLocksGo, readTables, type Column, type Table } from './postgres/catalog.ts';
import { digestTable, type Digest } from './postgres/digest.ts';
import { quoteTable, type TableName } from './postgres/names.ts';
import { readForeignKeys, type ForeignKey } from './postgres/references.ts';
import { isVersionTable, readVersionTables, revisionOf, type VersionTable } from './postgres/version-tables.ts';
import { maskReferences } from './postgres/rules/referring-masks.ts';
import { digestByRule } from './postgres/rules/rule-reading.ts';
import type { Origin, ReadSession } from './postgres/session.ts';
import { readDescription, type ChangedRows } from './postgres/description.ts';
import { matchesTable } from './postgres/rules/table-pattern.ts';
import { changesRows, comparedColumns, isLasting, isRepeatableWhere } from './postgres/rules/table-rows.ts';
import type { TableRule } from './postgres/rules/table-rule.ts';
import { counted } from './report/format.ts';
import { resolveRules } from './resolve-rules.ts';

export interface VerifiedDatabase {
  readonly source: Origin;
  readonly target: Origin;
  readonly sourceRevision?: string;
  readonly targetRevision?: string;
  readonly tables: readonly VerifiedTable[];
  /** Tables that cannot be compared, each with the reason. */
  readonly leftOut: readonly LeftOut[];
  readonly onlyInTarget: readonly TableName[];
}

export interface LeftOut {
  readonly table: TableName;
  /** In words: for it holds the revision. */
  readonly reason: string;
}

export interface VerifiedTable {
  readonly table: TableName;
  readonly source: Digest;
  /** Absent where the target has no such table. */
  readonly target?: Digest;
  /** Columns that only the source has, so that nothing could be compared. */
  readonly missingColumns: readonly string[];
  /** Columns that are the target's own by a rule, or another value each time: not compared. */
  readonly ownColumns: readonly string[];
  readonly equal: boolean;
}

/**
 * Compares every table of both databases by digest, as both are now: the source's rows as the config's rules have them, with the
 * target's as they are. Throws `config-invalid` and `rule-unfit` for rules that cannot be followed.
 */
export async function verifyDatabase(
  config: Config,
  ends: Ends,
  signal: AbortSignal | undefined,
): Promise<VerifiedDatabase | undefined> {
  const { skipExtensions } = config.database;
  if (!ends.source.database || !ends.target.database) return undefined;
  await using moment = await ends.source.database.snapshot({ label: 'verify', signal });
  await using target = await ends.target.database.session({ label: 'verify', access: 'read-only', signal });
  await target.execute('begin transaction isolation level repeatable read, read only');
  const { session: source } = moment;
  const theirs = new Map((await readTables(target, skipExtensions)).map((table) => [quoteTable(table.table), table]));
  const tables: VerifiedTable[] = [];
  const leftOut: LeftOut[] = [];
  const found = await readTables(source, skipExtensions);
  const { changed = [] } = (await readDescription(target, target.origin.database)) ?? {};
  const versions = { source: await readVersionTables(source), target: await readVersionTables(target) };
  const { byTable, reasonFor } = await comparison(source, config, found, changed, [
    ...versions.source,
    ...versions.target,
  ]);
  for (const ours of found) {
    const name = quoteTable(ours.table);
    const reason = reasonFor(ours);
    if (reason !== undefined) leftOut.push({ table: ours.table, reason });
    else tables.push(await verifyTable(source, ours, target, theirs.get(name), byTable.get(name)));
    theirs.delete(name);
  }
  const sourceRevision = revisionOf(versions.source);
  const targetRevision = revisionOf(versions.target);
  return {
    source: source.origin,
    target: target.origin,
    ...(sourceRevision === undefined ? {} : { sourceRevision }),
    ...(targetRevision === undefined ? {} : { targetRevision }),
    tables,
    leftOut,
    onlyInTarget: [...theirs.values()].map(({ table }) => table),
  };
}

/** The rules that hold, and why a table cannot be compared, if so. */
async function comparison(
  source: ReadSession,
  { database }: Config,
  tables: readonly Table[],
  changed: readonly ChangedRows[],
  versions: readonly VersionTable[],
): Promise<{ byTable: ReadonlyMap<string, TableRule>; reasonFor(table: Table): string | undefined }> {
  const resolved = resolveRules(database.tables, tables);
  const [problem] = resolved.problems;
  if (problem) throw problem;
  const isRuled = resolved.byTable.size > 0 || database.subset !== undefined;
  const foreignKeys = isRuled ? await readForeignKeys(source) : [];
  // What refers to a masked column has its mask; what only the config connects is left out below.
  const byTable = maskReferences(tables, resolved.byTable, foreignKeys).rules;
  const skipped = new Set(resolved.skip.map(quoteTable));
  const partly = database.subset ? connected(database.subset, tables, foreignKeys) : () => false;
  const reasonFor = (table: Table): string | undefined => {
    const name = quoteTable(table.table);
    const rule = byTable.get(name);
    if (isVersionTable(table.table, versions)) return 'for it holds the revision';
    if (skipped.has(name)) return 'by its rule it is not made';
    if (rule?.rows === 'empty') return "by its rule the source's rows are not copied";
    if (rule?.rows === 'keep') return "its rows are staging's own";
    if (rule?.rows === 'merge') return "staging's own rows are among them";
    if (partly(table)) return 'the subset has some of its rows only';
    if (rule && !isRepeatableWhere(rule)) return 'its where selects others each time';
    const names = new Set([table.table, ...table.parents].map(quoteTable));
    return reasonOf(changed.filter((one) => names.has(quoteTable(one.table))));
  };
  return { byTable, reasonFor };
}

/** What the run itself has done to a table after it was copied. */
function reasonOf(changed: readonly ChangedRows[]): string | undefined {
  const rows = changed.reduce((sum, one) => sum + one.rows, 0);
  if (changed.length === 0) return undefined;
  if (changed.some(({ by }) => by === 'afterLoad'))
    return rows === 0 ? 'afterLoad changed it' : `afterLoad changed ${counted(rows, 'row')} of it`;
  return `${counted(rows, 'row')} of it had no parent`;
}

/** The tables of which a subset takes some rows: those that keys connect to a starting table, in whichever direction. */
function connected(
  { from, references }: NonNullable<Config['database']['subset']>,
  tables: readonly Table[],
  foreignKeys: readonly ForeignKey[],
): (table: Table) => boolean {
  const all = tables.flatMap(({ table, parents }) => [table, ...parents]);
  const called = (name: string) => all.filter((table) => matchesTable(table, name)).map(quoteTable);
  const ofColumn = (column: string) => called(column.slice(0, column.lastIndexOf('.')));
  const links: (readonly string[])[] = [
    ...foreignKeys.map(({ table, parent }) => [quoteTable(table), quoteTable(parent)]),
    ...references.map((one) => [...ofColumn(one.from), ...ofColumn(one.to)]),
    // A key of a partitioned table is one of its parts.
    ...tables.map(({ table, parents }) => [table, ...parents].map(quoteTable)),
  ];
  const reached = new Set(Object.keys(from).flatMap(called));
  for (let before = -1; before < reached.size;) {
    before = reached.size;
    for (const link of links) if (link.some((name) => reached.has(name))) for (const name of link) reached.add(name);
  }
  return ({ table }) => reached.has(quoteTable(table));
}

async function verifyTable(
  source: ReadSession,
  ours: Table,
  target: ReadSession,
  theirs: Table | undefined,
  rule: TableRule | undefined,
): Promise<VerifiedTable> {
  const carried = rule?.carry?.columns ?? [];
  const isOwn = (column: Column) => carried.includes(column.name) || (rule !== undefined && !isLasting(column, rule));
  const compared = comparedColumns(ours, rule);
  // What is generated may be made of what is the target's own.
  const own = ours.columns.filter(
    (column) => !compared.includes(column) || isOwn(column) || (carried.length > 0 && column.generated),
  );
  const columns = (theirs ? comparable(ours, theirs) : ours.columns).filter(
    ({ name }) => !own.some((column) => column.name === name),
  );
  const [sourceDigest, targetDigest] = await Promise.all([
    rule && changesRows(ours, rule)
      ? digestByRule(source, ours, rule, columns)
      : lettingLocksGo(source, () => digestTable(source, ours, columns, ours.condition)),
    theirs ? lettingLocksGo(target, () => digestTable(target, theirs, columns, ours.condition)) : undefined,
  ]);
  const known = new Set((theirs?.columns ?? ours.columns).map(({ name }) => name));
  const missingColumns = ours.columns.filter(({ name }) => !known.has(name)).map(({ name }) => name);
  return {
    table: ours.table,
    source: sourceDigest,
    ...(targetDigest ? { target: targetDigest } : {}),
    missingColumns,
    ownColumns: own.map(({ name }) => name),
    equal:
      targetDigest !== undefined &&
      missingColumns.length === 0 &&
      targetDigest.rows === sourceDigest.rows &&
      targetDigest.content === sourceDigest.content,
  };
}
