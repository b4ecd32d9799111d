import { RestageError } from '../errors.ts';
import { lettingLocksGo, rowsOf, type Table } from './catalog.ts';
import { relayCopy, type Relayed } from './copy-relay.ts';
import { addDigests, digestTable, type Digest } from './digest.ts';
import { inStages } from './indexes.ts';
import { displayTable, quoteName, quoteTable } from './names.ts';
import { blockRanges, inRange, type BlockRange } from './ranges.ts';
import { restore } from './restore.ts';
import type { SchemaEntry } from './schema-entries.ts';
import type { ReadSession, Session } from './session.ts';

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
  /** At the target; the source's digest goes on beside it. */
  readonly digestMs: number;
  readonly source: Digest;
  readonly target: Digest;
}

/**
 * Settings for a session that makes and loads what nobody reads yet. All of them together may take as much memory for
 * building indexes as the server has in its buffers: the one figure that tells how large the server is.
 */
export async function prepareLoading(session: Session, jobs: number): Promise<void> {
  await session.execute(`
    set check_function_bodies = off;
    set lock_timeout = 0;
    set max_parallel_workers_per_gather = 0;
    set max_parallel_maintenance_workers = 0`);
  await session.rows(`
    select set_config('maintenance_work_mem', greatest(m.setting::bigint, least(1048576, b.setting::bigint * 16 / ${jobs})) || 'kB', false)
      from pg_settings m, pg_settings b
     where m.name = 'maintenance_work_mem' and b.name = 'shared_buffers'`);
}

/** From here on a table's indexes are built side by side, and its digest is taken so. */
const largeBytes = 64 * 1024 * 1024;
/** From here on rows are written frozen. */
const frozenBytes = 1024 * 1024;
const digestPartBytes = 256 * 1024 * 1024;

/**
 * Copies a table's rows, builds its indexes, gathers its statistics, and digests it at both ends: at the source inside
 * the snapshot that the readers see, while the target is busy with the rest.
 * Throws `statement-failed`, `schema-failed`, `data-differs`; `table-empty` where the source's statistics say that there
 * are rows, and there are none.
 */
export async function loadTable(
  lanes: Lanes,
  table: Table,
  indexes: readonly SchemaEntry[],
  options: LoadOptions,
): Promise<LoadedTable> {
  // It may be the superuser's who made the extension, and closed to us: without rows there is nothing to ask of it.
  if (table.ofExtension !== undefined && (await lanes.withReader((reader) => isEmpty(reader, table)))) return nothing;
  const large = options.parts > 1 || (table.sizeBytes > largeBytes && !table.wholeTree); // which has no blocks of its own
  return (large ? loadLarge : loadSmall)(lanes, table, indexes, options);
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

async function isEmpty(reader: ReadSession, { table, condition = '' }: Table): Promise<boolean> {
  const rows = await lettingLocksGo(reader, () =>
    reader.rows(`select from only ${quoteTable(table)} ${condition} limit 1`),
  );
  return rows.length === 0;
}

/** In one session at each end: the table is in their buffers. */
async function loadSmall(
  lanes: Lanes,
  table: Table,
  indexes: readonly SchemaEntry[],
  options: LoadOptions,
): Promise<LoadedTable> {
  const clock = stopwatch();
  return lanes.withReader((reader) =>
    lanes.withWriter(async (writer) => {
      const copied = await copyRows(reader, writer, table, undefined, options);
      requireRows(table, copied.rows, options);
      const copyMs = clock();
      const finishing = async () => {
        await restore(writer, indexes);
        const indexMs = clock();
        await analyze(writer, table, options);
        const analyzeMs = clock();
        return {
          indexMs,
          analyzeMs,
          target: await digest(writer, table, undefined, options, copied.rows),
          digestMs: clock(),
        };
      };
      const [source, finished] = await Promise.all([
        lettingLocksGo(reader, () => digest(reader, table, undefined, options, copied.rows)),
        finishing(),
      ]);
      return { ...copied, copyMs, ...finished, source };
    }),
  );
}

/** In as many sessions as are free. The first failure is told at once: the run then ends all its sessions. */
async function loadLarge(
  lanes: Lanes,
  table: Table,
  indexes: readonly SchemaEntry[],
  options: LoadOptions,
): Promise<LoadedTable> {
  const clock = stopwatch();
  const ranges =
    options.parts === 1
      ? [undefined]
      : await lanes.withReader((reader) => blockRanges(reader, table.table, options.parts));
  const parts = ranges.map((range) => copyPart(lanes, table, range, options));
  const sources = Promise.all(parts.map(({ source }) => source));
  sources.catch(() => {}); // told below, after what it may have been the cause of
  const copied = await Promise.all(parts.map((part) => part.copied));
  const rows = copied.reduce((sum, part) => sum + part.rows, 0);
  const bytes = copied.reduce((sum, part) => sum + part.bytes, 0);
  requireRows(table, rows, options);
  const copyMs = clock();
  for (const stage of inStages(indexes))
    await Promise.all(stage.map((index) => lanes.withWriter((writer) => restore(writer, [index]))));
  const indexMs = clock();
  await lanes.withWriter((writer) => analyze(writer, table, options));
  const analyzeMs = clock();
  const whole = options.verify === 'rows' || table.condition !== undefined;
  const pieces = Math.ceil(table.sizeBytes / digestPartBytes);
  const blocks = whole ? [undefined] : await lanes.withWriter((writer) => blockRanges(writer, table.table, pieces));
  const target = await Promise.all(
    blocks.map((range) => lanes.withWriter((writer) => digest(writer, table, range, options, rows))),
  );
  const digestMs = clock();
  return {
    rows,
    bytes,
    copyMs,
    indexMs,
    analyzeMs,
    digestMs,
    source: addDigests(await sources),
    target: addDigests(target),
  };
}

/** Copies a part of a table. The reading session then digests it, while the target goes on without it. */
function copyPart(
  lanes: Lanes,
  table: Table,
  range: BlockRange | undefined,
  options: LoadOptions,
): { readonly copied: Promise<Relayed>; readonly source: Promise<Digest> } {
  const copied = Promise.withResolvers<Relayed>();
  const source = lanes.withReader(async (reader) => {
    const done = await lanes.withWriter((writer) => copyRows(reader, writer, table, range, options));
    copied.resolve(done);
    return lettingLocksGo(reader, () => digest(reader, table, range, options, done.rows));
  });
  source.catch(copied.reject);
  return { copied: copied.promise, source };
}

/** Of the whole table, where no range is given. */
function copyRows(
  reader: ReadSession,
  writer: Session,
  from: Table,
  range: BlockRange | undefined,
  { onBytes, signal }: LoadOptions,
): Promise<Relayed> {
  const { table, columns, condition, ofExtension, sizeBytes, wholeTree } = from;
  const copied = columns.filter((column) => !column.generated);
  const format = copied.length > 0 && copied.every(({ nature }) => nature !== 'text') ? 'binary' : 'text';
  const list = copied.map(({ name }) => quoteName(name)).join(', ');
  const names = list === '' ? '' : ` (${list})`;
  const name = quoteTable(table);
  const some = range ? `where ${inRange(range)}` : (condition ?? (wholeTree ? '' : undefined));
  const rows = some === undefined ? `${name}${names}` : `(select ${list} from ${rowsOf(from)} ${some})`;
  // Rows that come in the transaction that emptied the table can be written frozen: no one has to visit them again. That
  // is for one session alone, and for a table that an extension has not filled already; and emptying costs new files,
  // which is more than a few rows are worth.
  const frozen = range === undefined && ofExtension === undefined && !wholeTree && sizeBytes >= frozenBytes;
  const load = (more: string) => `copy ${name}${names} from stdin (format ${format}${more})`;
  // All in one message each: a round trip is a long time where there are thousands of tables.
  return relayCopy(reader, writer, {
    read: `savepoint reading; copy ${rows} to stdout (format ${format}); rollback to savepoint reading; release savepoint reading`,
    write: frozen ? `begin; truncate only ${name}; ${load(', freeze')}; commit` : load(''),
    onBytes,
    signal,
  });
}

/** A source that reads empty without a reason is the first sign of a role that does not see what is there. */
function requireRows({ table, estimatedRows }: Table, rows: number, { mayBeEmpty }: LoadOptions): void {
  if (rows > 0 || estimatedRows === 0 || mayBeEmpty) return;
  throw new RestageError(
    'table-empty',
    `${displayTable(table)} read zero rows, but the source's statistics say that it has about ${estimatedRows}`,
    {
      hint: `If it really is empty, at the source: analyze ${quoteTable(table)}; or name it in database.mayBeEmpty in restage.yaml.`,
    },
  );
}

async function analyze(writer: Session, { table }: Table, options: LoadOptions): Promise<void> {
  if (options.analyze) await writer.execute(`analyze ${quoteTable(table)}`);
}

async function digest(
  session: ReadSession,
  table: Table,
  range: BlockRange | undefined,
  { verify }: LoadOptions,
  rows: number,
): Promise<Digest> {
  if (verify === 'rows') return { rows }; // as the two servers counted them
  return digestTable(session, table, table.columns, range ? `where ${inRange(range)}` : table.condition);
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
