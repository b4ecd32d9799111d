import type { Config } from './config.ts';
import type { Ends } from './connect.ts';
import { comparable, lettingLocksGo, readTables, type Table } from './postgres/catalog.ts';
import { digestTable, type Digest } from './postgres/digest.ts';
import { quoteTable, type TableName } from './postgres/names.ts';
import { readRevision, versionTables } from './postgres/revision.ts';
import type { Origin, ReadSession } from './postgres/session.ts';

export interface VerifiedDatabase {
  readonly source: Origin;
  readonly target: Origin;
  readonly sourceRevision?: string;
  readonly targetRevision?: string;
  readonly tables: readonly VerifiedTable[];
  /** Tables that hold the revision: told as that, and not compared. */
  readonly leftOut: readonly TableName[];
  readonly onlyInTarget: readonly TableName[];
}

export interface VerifiedTable {
  readonly table: TableName;
  readonly source: Digest;
  /** Absent where the target has no such table. */
  readonly target?: Digest;
  /** Columns that only the source has, so that nothing could be compared. */
  readonly missingColumns: readonly string[];
  readonly equal: boolean;
}

/** Compares every table of both databases by digest, as both are now. */
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
  const leftOut: TableName[] = [];
  for (const ours of await readTables(source, skipExtensions)) {
    const name = quoteTable(ours.table);
    if (versionTables.has(ours.table.name)) leftOut.push(ours.table);
    else tables.push(await verifyTable(source, ours, target, theirs.get(name)));
    theirs.delete(name);
  }
  const [sourceRevision, targetRevision] = [await readRevision(source), await readRevision(target)];
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

async function verifyTable(
  source: ReadSession,
  ours: Table,
  target: ReadSession,
  theirs: Table | undefined,
): Promise<VerifiedTable> {
  const columns = theirs ? comparable(ours, theirs) : ours.columns;
  const [sourceDigest, targetDigest] = await Promise.all([
    lettingLocksGo(source, () => digestTable(source, ours, columns, ours.condition)),
    theirs ? lettingLocksGo(target, () => digestTable(target, theirs, columns, ours.condition)) : undefined,
  ]);
  const missingColumns = ours.columns
    .filter(({ name }) => !columns.some((column) => column.name === name))
    .map(({ name }) => name);
  return {
    table: ours.table,
    source: sourceDigest,
    ...(targetDigest ? { target: targetDigest } : {}),
    missingColumns,
    equal:
      targetDigest !== undefined &&
      missingColumns.length === 0 &&
      targetDigest.rows === sourceDigest.rows &&
      targetDigest.content === sourceDigest.content,
  };
}
