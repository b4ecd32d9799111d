import { allOf } from './all-of.ts';
import type { Config } from './config.ts';
import type { Ends } from './connect.ts';
import { count, counted } from './report/format.ts';
import { judgeIntegrity } from './integrity.ts';
import { lettingLocksGo, readTables, type Table } from './postgres/catalog.ts';
import type { Digest } from './postgres/digest.ts';
import { readDeclared, type Integrity } from './postgres/integrity.ts';
import { countLargeObjects, digestLargeObjects } from './postgres/large-objects.ts';
import { displayTable, isCalled, quoteTable, type TableName } from './postgres/names.ts';
import { requireReadable } from './postgres/readable.ts';
import { limitsRows } from './postgres/rules/table-rule.ts';
import { readLags } from './postgres/sequence-lag.ts';
import type { Origin, ReadSession } from './postgres/session.ts';
import { readDescription } from './postgres/description.ts';
import { readVersions, revisionOf } from './postgres/version-tables.ts';
import { readComparison } from './verify-comparison.ts';
import { isMigratedFurther } from './verify-migrated.ts';
import {
  missingColumnsOf,
  verifyMerged,
  verifyTable,
  type Compared,
  type MergedTable,
  type Sides,
  type VerifiedTable,
} from './verify-table.ts';

export interface VerifiedDatabase {
  readonly source: Origin;
  readonly target: Origin;
  /** What was compared of every table. */
  readonly compared: Compared;
  readonly sourceRevision?: string;
  readonly targetRevision?: string;
  /** The target has been through more migrations than the source: tables and columns that only the source has are no difference. */
  readonly migratedFurther?: true;
  readonly tables: readonly VerifiedTable[];
  /** Tables in which staging's own rows stand beside the source's. */
  readonly merged: readonly MergedTable[];
  /** Tables that cannot be compared, each with the reason. */
  readonly leftOut: readonly LeftOut[];
  readonly onlyInTarget: readonly TableName[];
  /** Absent where neither has any. */
  readonly largeObjects?: { readonly source: Digest; readonly target: Digest };
  /** Of the target. */
  readonly integrity: Integrity;
  /** Tables that read empty at the source though its statistics say that they have rows, with how many. */
  readonly suspect: readonly { readonly table: TableName; readonly estimatedRows: number }[];
}

export interface LeftOut {
  readonly table: TableName;
  /** In words: for it holds the revision. */
  readonly reason: string;
}

/**
 * Compares every table of both databases, as both are now: the source's rows as the config's rules have them, with the
 * target's as they are; and looks whether the target holds what it declares of itself. Throws `config-invalid` and `rule-unfit` for
 * rules that cannot be followed, `database-unfit` where either role cannot read all that is compared.
 */
export async function verifyDatabase(
  config: Config,
  ends: Ends,
  { sample = false, signal }: { readonly sample?: boolean | undefined; readonly signal?: AbortSignal | undefined },
): Promise<VerifiedDatabase | undefined> {
  const { skipExtensions, mayBeEmpty } = config.database;
  if (!ends.source.database || !ends.target.database) return undefined;
  const compared = config.verify.tables === 'rows' ? 'rows' : sample ? 'sample' : 'content';
  await using moment = await ends.source.database.snapshot({ label: 'verify', signal });
  await using target = await ends.target.database.session({ label: 'verify', access: 'read-only', signal });
  await target.execute('begin transaction isolation level repeatable read, read only');
  const { session: source } = moment;
  await requireReadable(source, skipExtensions);
  const theirs = new Map((await readTables(target, skipExtensions)).map((table) => [quoteTable(table.table), table]));
  const found = await readTables(source, skipExtensions);
  const { changed = [] } = (await readDescription(target, target.origin.database)) ?? {};
  const versions = { source: await readVersions(source), target: await readVersions(target) };
  const known = [...versions.source.tables, ...versions.target.tables];
  const migratedFurther = await isMigratedFurther(
    config,
    { ...versions.source, origin: source.origin },
    { ...versions.target, origin: target.origin },
  );
  const { byTable, reasonFor } = await readComparison(source, config, found, changed, known);
  const isRead = new Set(found.filter((table) => reasonFor(table) === undefined).map(({ table }) => quoteTable(table)));
  await requireReadable(target, skipExtensions, { side: 'target', reads: (name) => isRead.has(quoteTable(name)) });
  const tables: VerifiedTable[] = [];
  const merged: MergedTable[] = [];
  const leftOut: LeftOut[] = [];
  const suspect: Table[] = [];
  for (const ours of found) {
    const name = quoteTable(ours.table);
    const sides = { source, ours, target, theirs: theirs.get(name), rule: byTable.get(name) };
    const reason = reasonFor(ours) ?? (migratedFurther ? reasonOfMigrations(sides) : undefined);
    theirs.delete(name);
    if (reason !== undefined) {
      leftOut.push({ table: ours.table, reason });
      continue;
    }
    const isMerged = sides.rule?.rows === 'merge' && sides.theirs;
    const part = isMerged ? await verifyMerged({ ...sides, theirs: isMerged }) : undefined;
    if (part) merged.push(part);
    else tables.push(await verifyTable({ ...sides, migratedFurther }, compared));
    const rows = part?.source ?? tables.at(-1)?.source.rows;
    const mayHaveNone = limitsRows(sides.rule) || mayBeEmpty.some((called) => isCalled(ours.table, called));
    if (rows === 0 && ours.estimatedRows > 0 && !mayHaveNone) suspect.push(ours);
  }
  const lags = await readLags(target);
  const { integrity } = await judgeIntegrity(
    { declared: await readDeclared(target), lags },
    { declared: await readDeclared(source), lags: () => readLags(source) },
  );
  const largeObjects = await verifyLargeObjects(source, target, compared);
  const sourceRevision = revisionOf(versions.source.tables);
  const targetRevision = revisionOf(versions.target.tables);
  return {
    source: source.origin,
    target: target.origin,
    compared,
    ...(sourceRevision === undefined ? {} : { sourceRevision }),
    ...(targetRevision === undefined ? {} : { targetRevision }),
    ...(migratedFurther ? { migratedFurther } : {}),
    tables,
    merged,
    leftOut,
    onlyInTarget: [...theirs.values()].map(({ table }) => table),
    ...(largeObjects ? { largeObjects } : {}),
    integrity,
    suspect: suspect.map(({ table, estimatedRows }) => ({ table, estimatedRows })),
  };
}

/** Why a table cannot be compared with one that further migrations have dropped, renamed or made narrower. */
function reasonOfMigrations({ ours, theirs, rule }: Sides): string | undefined {
  if (!theirs) return "for the target's migrations go further, and it has no such table";
  const missing = missingColumnsOf(ours, theirs);
  return rule?.rows === 'merge' && missing.length > 0
    ? `for the target's migrations go further, and it has no ${missing.join(', ')} there to know rows by`
    : undefined;
}

/** By digest, or by number where not all is compared: each of them is read whole for its digest. */
async function verifyLargeObjects(
  source: ReadSession,
  target: ReadSession,
  compared: Compared,
): Promise<VerifiedDatabase['largeObjects']> {
  const [from, to] = await allOf([countLargeObjects(source), countLargeObjects(target)]);
  if (from + to === 0) return undefined;
  if (compared !== 'content') return { source: { rows: from }, target: { rows: to } };
  const digest = (session: ReadSession) => lettingLocksGo(session, () => digestLargeObjects(session));
  const [ours, theirs] = await allOf([digest(source), digest(target)]);
  return { source: ours, target: theirs };
}

/** Every difference in a sentence; none: equal. */
export function databaseDifferences({
  tables,
  merged,
  leftOut,
  largeObjects,
  integrity,
  suspect,
  migratedFurther,
  source: { database, host, port },
}: VerifiedDatabase): string[] {
  const asTables = tables.flatMap(({ table, source, target, missingColumns, equal }) => {
    const name = displayTable(table);
    if (equal) return [];
    if (!target) return [`table ${name} is missing in the target; the source has ${counted(source.rows, 'row')}`];
    if (missingColumns.length > 0 && !migratedFurther)
      return [`table ${name} lacks ${missingColumns.join(', ')} in the target`];
    if (source.rows !== target.rows)
      return [`table ${name} has ${counted(source.rows, 'row')} in the source and ${count(target.rows)} in the target`];
    const of = source.sampled === undefined ? '' : `; ${count(source.sampled)} of them were compared`;
    const why = migratedFurther ? "; the target's migrations go further, and may have changed it" : '';
    return [`table ${name} has the same ${counted(source.rows, 'row')} by number, but not by content${of}${why}`];
  });
  const asMerged = merged.flatMap(({ table, source, missing, different, same, ownWins, equal }) => {
    if (equal) return [];
    const name = displayTable(table);
    if (ownWins) return [`table ${name} has none of the source's ${source} rows as they are`];
    return [
      `table ${name}, beside staging's own rows: of the source's ${counted(source, 'row')}, ${count(same)} in the target, ${count(missing)} missing, ${count(different)} different`,
    ];
  });
  const isSame =
    largeObjects?.source.rows === largeObjects?.target.rows &&
    largeObjects?.source.content === largeObjects?.target.content;
  return [
    ...(tables.length + merged.length + leftOut.length === 0
      ? [`${database} at ${host}:${port} has no table: nothing was compared`]
      : []),
    ...asTables,
    ...asMerged,
    ...suspect.map(
      ({ table, estimatedRows }) =>
        `table ${displayTable(table)} reads no rows in the source, though its statistics say that it has about ${estimatedRows}: nothing was compared`,
    ),
    ...(largeObjects && !isSame
      ? [
          `large objects: ${largeObjects.source.rows} in the source and ${largeObjects.target.rows} in the target, or not the same`,
        ]
      : []),
    ...integrity.wrong.map((words) => `in the target ${words}`),
  ];
}
