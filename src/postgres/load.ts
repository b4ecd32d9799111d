import { RestageError } from '../errors.ts';
import { lettingLocksGo, type Table } from './catalog.ts';
import type { Relayed } from './copy-relay.ts';
import { Checksum, copyRows, readBack } from './copy-rows.ts';
import { addDigests, type Digest } from './digest.ts';
import { inStages } from './indexes.ts';
import { displayTable, quoteTable } from './names.ts';
import { blockRanges, inRange } from './ranges.ts';
import { restore } from './restore.ts';
import { requireSameFile } from './rewritten.ts';
import type { SchemaEntry } from './schema-entries.ts';
import type { ReadSession, Session } from './session.ts';
import { digestSource, digestTarget } from './table-digests.ts';
import { changesRows, changesValues } from './rules/table-rows.ts';
import { hasNoRows, limitsRows, type TableRule } from './rules/table-rule.ts';

/** Lends sessions for a while: as many at once as the run may have, the others wait. */
export interface Lanes {
  /** One that reads in the source's snapshot. */
  withReader<T>(work: (reader: ReadSession) => Promise<T>): Promise<T>;
  /** One that makes and loads the new database. */
  withWriter<T>(work: (writer: Session) => Promise<T>): Promise<T>;
}

export interface LoadOptions {
  /** In how many parts the rows are read side by side. */
  readonly parts: number;
  readonly verify: 'content' | 'rows';
  /** Zero rows are believed, whatever the source's statistics say. */
  readonly mayBeEmpty: boolean;
  /** What becomes of the rows on the way; absent: all are copied as they are. */
  readonly rule?: TableRule | undefined;
  /** SQL of ours that some rows are selected by, each read by a statement of its own: no row is in two. Absent: all rows. */
  readonly conditions?: readonly string[] | undefined;
  /** False where the table's statistics come with those of its parent. */
  readonly analyze: boolean;
  readonly onBytes?: (bytes: number) => void;
  readonly signal?: AbortSignal | undefined;
}

export interface LoadedTable {
  readonly rows: number;
  /** As COPY frames. */
  readonly bytes: number;
  readonly copyMs: number;
  readonly indexMs: number;
  readonly analyzeMs: number;
  /** Beside the indexes, where sessions are free. */
  readonly digestMs: number;
  readonly source: Digest;
  readonly target: Digest;
}

/**
 * Settings for a session that makes and loads what nobody reads yet. All of them together may take twice as much
 * memory for building indexes as the server has in its buffers, and 1 GiB each at most: the buffers are the one figure that
 * tells how large the server is, a quarter of its memory as a rule. Half as much cost a tenth more of the server's time.
 */
export async function prepareLoading(session: Session, jobs: number): Promise<void> {
  await session.execute(`
    set check_function_bodies = off;
    set lock_timeout = 0;
    set synchronize_seqscans = off;
    set max_parallel_workers_per_gather = 0;
    set max_parallel_maintenance_workers = 0`);
  await session.rows(`
    select set_config('maintenance_work_mem', greatest(m.setting::bigint, least(1048576, b.setting::bigint * 16 / ${jobs})) || 'kB', false)
      from pg_settings m, pg_settings b
     where m.name = 'maintenance_work_mem' and b.name = 'shared_buffers'`);
}

/** From here on a table's indexes are built side by side. */
const largeBytes = 64 * 1024 * 1024;
/** So much of a table is digested in one go, where its parts are. */
const pieceBytes = 256 * 1024 * 1024;

/**
 * Copies a table's rows, builds its indexes, gathers its statistics, and digests it at both ends: what the source sends
 * in its snapshot, and what the target has of it.
 * Throws `statement-failed`, `schema-failed`, `data-differs`, `rule-unfit`; `table-empty` where the source's statistics say
 * that there are rows, and there are none.
 */
export async function loadTable(
  lanes: Lanes,
  table: Table,
  indexes: readonly SchemaEntry[],
  options: LoadOptions,
): Promise<LoadedTable> {
  if (hasNoRows(options.rule)) return { ...nothing, ...(await build(lanes, table, indexes, options)) };
  // It may be the superuser's who made the extension, and closed to us: without rows there is nothing to ask of it.
  if (table.ofExtension !== undefined && (await lanes.withReader((reader) => isEmpty(reader, table)))) return nothing;
  return (options.parts === 1 && !options.conditions ? loadStream : loadParts)(lanes, table, indexes, options);
}

const nothing: LoadedTable = {
  rows: 0,
  bytes: 0,
  copyMs: 0,
  indexMs: 0,
  analyzeMs: 0,
  digestMs: 0,
  source: { rows: 0 },
  target: { rows: 0 },
};

/** Whether none of its rows is the users' own. */
export async function isEmpty(reader: ReadSession, { table, condition = '' }: Table): Promise<boolean> {
  const rows = await lettingLocksGo(reader, () =>
    reader.rows(`select from only ${quoteTable(table)} ${condition} limit 1`),
  );
  return rows.length === 0;
}

async function loadStream(
  lanes: Lanes,
  table: Table,
  indexes: readonly SchemaEntry[],
  options: LoadOptions,
): Promise<LoadedTable> {
  const clock = stopwatch();
  const checksum = options.verify === 'content' && liesAsItCame(table, options) ? new Checksum() : undefined;
  const [copied, known] = await lanes.withReader(async (reader) => {
    const done = await lanes.withWriter((writer) => copyRows(reader, writer, table, { ...options, checksum }));
    // One stream reads one file; that of another moment shows an older snapshot nothing, or all.
    if ((done.rows === 0 && !options.mayBeEmpty) || table.wholeTree) await requireSameFile(reader, table);
    // What a rule says of the time holds in this session's transaction.
    const apart = options.verify === 'content' && !checksum && changesRows(table, options.rule);
    return [done, apart ? await digestSource(reader, table, options) : undefined] as const;
  });
  requireRows(table, copied.rows, options);
  const copyMs = clock();
  const [built, digests] = await Promise.all([
    build(lanes, table, indexes, options),
    digestBoth(lanes, table, copied, { checksum, known }, options),
  ]);
  return { ...copied, copyMs, ...built, ...digests };
}

/**
 * Whether what the target gives back is, byte for byte, what it was given: one stream, all columns, in its order. What is
 * generated is not sent; where a rule has other values than the source, it cannot be compared with the source's either.
 */
function liesAsItCame(table: Table, { rule }: LoadOptions): boolean {
  const { columns, ofExtension, wholeTree } = table;
  const isWhole = changesValues(table, rule) || !columns.some(({ generated }) => generated);
  return ofExtension === undefined && !wholeTree && isWhole;
}

/**
 * The digests of a table that came in one stream. Reading it back costs the target what a digest by SQL would, and the
 * source nothing: its own digest is that of the bytes it sent.
 */
async function digestBoth(
  lanes: Lanes,
  table: Table,
  { rows }: Relayed,
  { checksum, known }: { readonly checksum: Checksum | undefined; readonly known: Digest | undefined },
  options: LoadOptions,
): Promise<Pick<LoadedTable, 'source' | 'target' | 'digestMs'>> {
  const clock = stopwatch();
  if (options.verify === 'rows') return { source: { rows }, target: { rows }, digestMs: 0 }; // as both servers counted
  if (checksum) {
    const source = { rows, content: checksum.content };
    const target = await lanes.withWriter((writer) => readBack(writer, table, options));
    if (target.rows === rows && target.content === source.content) return { source, target, digestMs: clock() };
    // Nothing says that rows lie in the order they came in: the servers' own sums, which know no order, decide.
  }
  const [source, target] = await Promise.all([
    known ?? lanes.withReader((reader) => digestSource(reader, table, options)),
    lanes.withWriter((writer) => digestTarget(writer, table, options)),
  ]);
  return { source, target, digestMs: clock() };
}

/** In as many sessions as are free. The first failure is told at once: the run then ends all its sessions. */
async function loadParts(
  lanes: Lanes,
  table: Table,
  indexes: readonly SchemaEntry[],
  options: LoadOptions,
): Promise<LoadedTable> {
  const clock = stopwatch();
  const conditions =
    options.conditions ??
    (await lanes.withReader((reader) => blockRanges(reader, table.table, options.parts))).map((range) =>
      inRange(range),
    );
  const parts = conditions.map((condition) => copyPart(lanes, table, condition, options));
  const sources = Promise.all(parts.map(({ source }) => source));
  sources.catch(() => {}); // told below, after what it may have been the cause of
  const copied = await Promise.all(parts.map((part) => part.copied));
  await lanes.withReader((reader) => requireSameFile(reader, table));
  const rows = copied.reduce((sum, part) => sum + part.rows, 0);
  const bytes = copied.reduce((sum, part) => sum + part.bytes, 0);
  requireRows(table, rows, options);
  const copyMs = clock();
  const digestPieces = async () => {
    const started = stopwatch();
    if (options.verify === 'rows') return { target: { rows }, digestMs: 0 };
    const count = Math.max(1, Math.ceil(table.sizeBytes / pieceBytes));
    const pieces = await lanes.withWriter((writer) => blockRanges(writer, table.table, count));
    const digests = pieces.map((piece) =>
      lanes.withWriter((writer) => digestTarget(writer, table, options, inRange(piece))),
    );
    return { target: addDigests(await Promise.all(digests)), digestMs: started() };
  };
  const [built, digested, source] = await Promise.all([
    build(lanes, table, indexes, options),
    digestPieces(),
    sources.then(addDigests),
  ]);
  return { rows, bytes, copyMs, ...built, ...digested, source };
}

/** Copies a part of a table. The reading session then digests it, while the target goes on without it. */
function copyPart(
  lanes: Lanes,
  table: Table,
  condition: string,
  options: LoadOptions,
): { readonly copied: Promise<Relayed>; readonly source: Promise<Digest> } {
  const copied = Promise.withResolvers<Relayed>();
  const source = lanes.withReader(async (reader): Promise<Digest> => {
    const done = await lanes.withWriter((writer) => copyRows(reader, writer, table, { ...options, condition }));
    copied.resolve(done);
    if (options.verify === 'rows') return { rows: done.rows };
    return digestSource(reader, table, options, condition);
  });
  source.catch(copied.reject);
  return { copied: copied.promise, source };
}

/** Indexes, keys and statistics of a table that has its rows. */
async function build(
  lanes: Lanes,
  table: Table,
  indexes: readonly SchemaEntry[],
  options: LoadOptions,
): Promise<Pick<LoadedTable, 'indexMs' | 'analyzeMs'>> {
  const clock = stopwatch();
  const stages = table.sizeBytes > largeBytes ? inStages(indexes) : [];
  for (const stage of stages)
    await Promise.all(stage.map((index) => lanes.withWriter((writer) => restore(writer, [index]))));
  return lanes.withWriter(async (writer) => {
    if (stages.length === 0) await restore(writer, indexes);
    const indexMs = clock();
    if (options.analyze) await writer.execute(`analyze ${quoteTable(table.table)}`);
    return { indexMs, analyzeMs: clock() };
  });
}

/**
 * A source that reads empty without a reason is the first sign of a role that does not see what is there. Throws `table-empty`.
 */
export function requireRows(
  { table, estimatedRows }: Table,
  rows: number,
  { mayBeEmpty, rule, conditions }: Pick<LoadOptions, 'mayBeEmpty' | 'rule' | 'conditions'>,
): void {
  if (rows > 0 || estimatedRows === 0 || mayBeEmpty || limitsRows(rule) || conditions) return;
  throw new RestageError(
    'table-empty',
    `${displayTable(table)} read zero rows, but the source's statistics say that it has about ${estimatedRows}`,
    {
      hint: `If it really is empty, at the source: analyze ${quoteTable(table)}; or name it in database.mayBeEmpty in restage.yaml.`,
    },
  );
}

/** Milliseconds since it was asked last. */
function stopwatch(): () => number {
  let last = performance.now();
  return () => {
    const now = performance.now();
    const passed = Math.round(now - last);
    last = now;
    return passed;
  };
}
