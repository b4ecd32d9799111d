import { readPath, unmet } from './app/client.ts';
import { awaitHealth } from './app/health.ts';
import type { Config } from './config.ts';
import type { Ends } from './connect.ts';
import { failureOf, type Failure } from './errors.ts';
import { comparable, lettingLocksGo, readTables, type Table } from './postgres/catalog.ts';
import { digestTable, type Digest } from './postgres/digest.ts';
import { displayTable, quoteTable, type TableName } from './postgres/names.ts';
import { readRevision, versionTables } from './postgres/revision.ts';
import type { Origin, ReadSession } from './postgres/session.ts';
import type { BucketOrigin } from './s3/origin.ts';
import { countDifferences, diffBuckets, type DiffTotals } from './s3/diff.ts';

/** How the target compares with the source, now. Plain JSON. */
export interface Verification {
  readonly version: 1;
  readonly madeAt: string;
  readonly durationMs: number;
  readonly source: string;
  readonly target: string;
  readonly database?: VerifiedDatabase;
  readonly objects: readonly {
    readonly bucket: string;
    readonly source: BucketOrigin;
    readonly target: BucketOrigin;
    readonly totals: DiffTotals;
  }[];
  readonly health?: {
    readonly path: string;
    readonly healthy: boolean;
    readonly answer?: unknown;
    readonly failure?: Failure;
  };
  readonly totals: readonly {
    readonly path: string;
    readonly read: string;
    readonly source: unknown;
    readonly target: unknown;
  }[];
  /** Every difference in a sentence; none: equal. */
  readonly differences: readonly string[];
}

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

export interface VerifyOptions {
  readonly only?: 'database' | 'objects' | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Compares the target with the source as both are now: every table by digest, every bucket by listing, the
 * application's health and totals. Tables of migration versions are told as revisions, for they should differ.
 * Differences are data; it throws what the ends throw.
 */
export async function verify(config: Config, ends: Ends, options: VerifyOptions = {}): Promise<Verification> {
  const clock = performance.now();
  const madeAt = new Date().toISOString();
  const { signal, only } = options;
  const database = only === 'objects' ? undefined : await verifyDatabase(config, ends, signal);
  const objects: Verification['objects'][number][] = [];
  for (const [bucket, source] of only === 'database' ? [] : ends.source.buckets) {
    const target = ends.target.buckets.get(bucket);
    if (target)
      objects.push({
        bucket,
        source: source.origin,
        target: target.origin,
        totals: await countDifferences(diffBuckets(source, target, signal)),
      });
  }
  const health = only === undefined ? await verifyHealth(config, ends, signal) : undefined;
  const totals: Verification['totals'][number][] = [];
  for (const { path, read } of only === undefined ? config.verify.totals : []) {
    const value = async (end: 'source' | 'target') =>
      readPath((await ends[end].app?.send({ method: 'GET', path, signal }))?.body, read);
    totals.push({ path, read, source: await value('source'), target: await value('target') });
  }
  const found = { ...(database ? { database } : {}), objects, ...(health ? { health } : {}), totals };
  return {
    version: 1,
    madeAt,
    durationMs: Math.round(performance.now() - clock),
    source: ends.source.name,
    target: ends.target.name,
    ...found,
    differences: differencesOf(found),
  };
}

async function verifyDatabase(
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

async function verifyHealth(
  config: Config,
  { target }: Ends,
  signal: AbortSignal | undefined,
): Promise<Verification['health']> {
  const { health } = config.verify;
  if (!health || !target.app) return undefined;
  try {
    const answer = await awaitHealth(target.app, { ...health, withinSeconds: 0 }, signal);
    return { path: health.path, healthy: unmet(answer, health.expect).length === 0, answer: answer.body };
  } catch (error) {
    return { path: health.path, healthy: false, failure: failureOf(error) };
  }
}

function differencesOf({
  database,
  objects,
  health,
  totals,
}: Pick<Verification, 'database' | 'objects' | 'health' | 'totals'>): string[] {
  const tables = (database?.tables ?? []).flatMap(({ table, source, target, missingColumns, equal }) => {
    const name = displayTable(table);
    if (equal) return [];
    if (!target) return [`table ${name} is missing in the target; the source has ${source.rows} rows`];
    if (missingColumns.length > 0) return [`table ${name} lacks ${missingColumns.join(', ')} in the target`];
    if (source.rows !== target.rows)
      return [`table ${name} has ${source.rows} rows in the source and ${target.rows} in the target`];
    return [`table ${name} has the same ${source.rows} rows by number, but not by content`];
  });
  const buckets = objects.flatMap(({ bucket, totals: { missing, changed } }) => {
    if (missing.objects + changed.objects === 0) return [];
    return [`bucket ${bucket}: ${missing.objects} objects are missing in the target, ${changed.objects} are different`];
  });
  const app = health && !health.healthy ? [health.failure?.message ?? `${health.path} is not healthy`] : [];
  const unequal = totals.filter(
    ({ source, target }) => source === undefined || JSON.stringify(source) !== JSON.stringify(target),
  );
  return [
    ...tables,
    ...buckets,
    ...app,
    ...unequal.map(
      ({ path, read, source, target }) =>
        `${read} of GET ${path} is ${JSON.stringify(source)} at the source and ${JSON.stringify(target)} at the target`,
    ),
  ];
}
