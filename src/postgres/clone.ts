import { RestageError } from '../errors.ts';
import { lettingLocksGo, type Table } from './catalog.ts';
import { relayCopy, type Relay } from './copy-relay.ts';
import { digestTable, type Digest } from './digest.ts';
import { displayTable, quoteName, quoteTable, quoteText, type TableName } from './names.ts';
import { tableOf, type SchemaDump, type SchemaEntry } from './schema-entries.ts';
import type { ReadSession, Session } from './session.ts';

/** A dump, arranged by when each part can be made. */
export interface RestoreOrder {
  /** Before the rows, in the dump's order. */
  readonly before: readonly SchemaEntry[];
  /** Indexes and keys of the tables that hold rows, to be built as soon as each is loaded. */
  readonly byTable: ReadonlyMap<string, readonly SchemaEntry[]>;
  /** Everything else that must wait for the rows, foreign keys among it, in the dump's order. */
  readonly rest: readonly SchemaEntry[];
  /** Materialized views in an order in which each can be filled. */
  readonly views: readonly TableName[];
  /** What would hide rows from the views' queries, or act on statements: at the very end. */
  readonly last: readonly SchemaEntry[];
}

const veryLast: ReadonlySet<string> = new Set(['POLICY', 'ROW SECURITY', 'EVENT TRIGGER']);

/** Arranges a dump around the tables that will be loaded. Views that the source holds unfilled, by quoted name, stay so. */
export function arrange(
  dump: SchemaDump,
  tables: readonly Table[],
  unfilled: ReadonlySet<string> = new Set(),
): RestoreOrder {
  const byTable = new Map<string, SchemaEntry[]>(tables.map(({ table }) => [quoteTable(table), []]));
  const rest: SchemaEntry[] = [];
  const last: SchemaEntry[] = [];
  for (const entry of dump.after) {
    const table = tableOf(entry);
    const own = table && byTable.get(quoteTable(table));
    (own ?? (veryLast.has(entry.type) ? last : rest)).push(entry);
  }
  // pg_dump puts every view behind those it reads, and behind the primary keys it groups by.
  const views = [...dump.before, ...dump.after]
    .filter((entry) => entry.type === 'MATERIALIZED VIEW')
    .map(({ schema, name }) => ({ schema, name }))
    .filter((view) => !unfilled.has(quoteTable(view)));
  return { before: dump.before, byTable, rest, views, last };
}

/**
 * Makes the objects of a dump, one after the other.
 * Throws `schema-failed`, naming the object that could not be made.
 */
export async function restore(session: Session, entries: readonly SchemaEntry[]): Promise<void> {
  for (const entry of entries) {
    try {
      await session.execute(entry.sql);
    } catch (error) {
      if (!(error instanceof RestageError) || error.code !== 'statement-failed') throw error;
      const name = entry.schema === '' ? entry.name : `${entry.schema}.${entry.name}`;
      throw new RestageError(
        'schema-failed',
        `${entry.type.toLowerCase()} ${name} could not be made: ${error.message}`,
        { cause: error.cause, hint: error.hint },
      );
    }
  }
}

/** Settings for a session that makes and loads what nobody reads yet. */
export async function prepareLoading(session: Session): Promise<void> {
  await session.execute(`set check_function_bodies = off; set maintenance_work_mem = '256MB'; set lock_timeout = 0`);
}

export interface LoadedTable {
  readonly rows: number;
  /** As COPY frames. */
  readonly bytes: number;
  readonly copyMs: number;
  readonly indexMs: number;
  readonly digestMs: number;
  readonly source: Digest;
  readonly target: Digest;
}

/**
 * Copies a table's rows, builds its indexes, and digests it at both ends: at the source inside the snapshot that
 * `reader` sees.
 */
export async function loadTable(
  reader: ReadSession,
  writer: Session,
  { table, columns }: Table,
  indexes: readonly SchemaEntry[],
  more: { readonly onBytes?: (bytes: number) => void; readonly signal?: AbortSignal | undefined },
): Promise<LoadedTable> {
  const copied = columns.filter((column) => !column.generated);
  const format = copied.length > 0 && copied.every(({ nature }) => nature !== 'text') ? 'binary' : 'text';
  const names = copied.length === 0 ? '' : ` (${copied.map(({ name }) => quoteName(name)).join(', ')})`;
  const started = performance.now();
  // Rows that come in the transaction that emptied the table can be written frozen: no one has to visit them again.
  await writer.execute(`begin; truncate only ${quoteTable(table)}`);
  const relay: Relay = {
    read: `copy ${quoteTable(table)}${names} to stdout (format ${format})`,
    write: `copy ${quoteTable(table)}${names} from stdin (format ${format}, freeze)`,
    ...more,
  };
  const { rows, bytes } = await lettingLocksGo(reader, () => relayCopy(reader, writer, relay));
  await writer.execute('commit');
  const loaded = performance.now();
  await restore(writer, indexes);
  const indexed = performance.now();
  const [source, target] = await Promise.all([
    lettingLocksGo(reader, () => digestTable(reader, table, columns)),
    digestTable(writer, table, columns),
  ]);
  return {
    rows,
    bytes,
    copyMs: Math.round(loaded - started),
    indexMs: Math.round(indexed - loaded),
    digestMs: Math.round(performance.now() - indexed),
    source,
    target,
  };
}

/** Fills the materialized views, in order. */
export async function refreshViews(session: Session, views: readonly TableName[]): Promise<void> {
  for (const view of views) await session.execute(`refresh materialized view ${quoteTable(view)}`);
}

/** Sets every sequence to where the source's stands now: sequences are not part of any snapshot. Returns how many. */
export async function carrySequences(
  source: ReadSession,
  target: Session,
  sequences: readonly TableName[],
): Promise<number> {
  // A hundred at a time: a statement's text and its columns have limits, a round trip is cheap.
  for (let start = 0; start < sequences.length; start += 100) {
    const some = sequences.slice(start, start + 100);
    const read = some.map(
      (name, index) =>
        `select ${index} as index, last_value as last, is_called::text as called from ${quoteTable(name)}`,
    );
    const states = await source.rows<{ index: string; last: string; called: string }>(read.join(' union all '));
    const set = states.map(({ index, last, called }) => {
      const name = some[Number(index)];
      return `setval(${quoteText(name ? quoteTable(name) : '')}, ${last}, ${called})`;
    });
    await target.rows(`select ${set.join(', ')}`);
  }
  return sequences.length;
}

/** How two digests of a table differ, in words; undefined when they are equal. */
export function difference(table: TableName, source: Digest, target: Digest): string | undefined {
  if (source.rows !== target.rows)
    return `${displayTable(table)}: ${source.rows} rows at the source, ${target.rows} at the target`;
  if (source.content !== target.content)
    return `${displayTable(table)}: the same ${source.rows} rows by number, but not by content`;
  return undefined;
}
