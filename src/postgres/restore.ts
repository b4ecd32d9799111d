import { RestageError } from '../errors.ts';
import type { Table } from './catalog.ts';
import { quoteTable, type TableName } from './names.ts';
import { tableOf, type SchemaDump, type SchemaEntry } from './schema-entries.ts';
import { sqlState } from './session-error.ts';
import type { Session } from './session.ts';

/** A dump, arranged by when each part can be made. */
export interface RestoreOrder {
  /** Before the rows, in the dump's order. */
  readonly before: readonly SchemaEntry[];
  /** Indexes, keys and extended statistics of the tables that hold rows, to be made as soon as each is loaded. */
  readonly byTable: ReadonlyMap<string, readonly SchemaEntry[]>;
  /** Everything else that must wait for the rows, in the dump's order. */
  readonly rest: readonly SchemaEntry[];
  readonly foreignKeys: readonly SchemaEntry[];
  /** Comments on what waits for the rows. */
  readonly comments: readonly SchemaEntry[];
  /** Materialized views in an order in which each can be filled. */
  readonly views: readonly TableName[];
  /** What would hide rows from the views' queries: behind them. */
  readonly last: readonly SchemaEntry[];
  /** What acts on statements and on logins, and comments on it: behind every other statement, and no session is opened after. */
  readonly eventTriggers: readonly SchemaEntry[];
}

type Part = 'before' | 'rest' | 'foreignKeys' | 'comments' | 'last' | 'eventTriggers';
const partOf: Readonly<Record<string, Part>> = {
  'FK CONSTRAINT': 'foreignKeys',
  COMMENT: 'comments',
  POLICY: 'last',
  'ROW SECURITY': 'last',
  'EVENT TRIGGER': 'eventTriggers',
};

/** Arranges a dump around the tables that will be loaded. Views that the source holds unfilled, by quoted name, stay so. */
export function arrange(
  dump: SchemaDump,
  tables: readonly Table[],
  unfilled: ReadonlySet<string> = new Set(),
): RestoreOrder {
  const byTable = new Map<string, SchemaEntry[]>(tables.map(({ table }) => [quoteTable(table), []]));
  const parts: Record<Part, SchemaEntry[]> = {
    before: attachedFromTheRoot(dump.before),
    rest: [],
    foreignKeys: [],
    comments: [],
    last: [],
    eventTriggers: [],
  };
  for (const entry of dump.after) {
    const table = tableOf(entry);
    const own = table && byTable.get(quoteTable(table));
    const part = isOnEventTrigger(entry) ? 'eventTriggers' : (partOf[entry.type] ?? 'rest');
    (own ?? parts[part]).push(entry);
  }
  // pg_dump puts every view behind those it reads, and behind the primary keys it groups by.
  const views = [...dump.before, ...dump.after]
    .flatMap((entry) => (entry.type === 'MATERIALIZED VIEW' ? (tableOf(entry) ?? []) : []))
    .filter((view) => !unfilled.has(quoteTable(view)));
  return { ...parts, byTable, views };
}

const attach = /^ALTER TABLE ONLY ((?:"(?:[^"]|"")+"|[^\s"])+) ATTACH PARTITION ((?:"(?:[^"]|"")+"|[^\s"])+) /;

/**
 * Partitions joined to their tables from the topmost downwards. pg_dump may join the lower ones first, and then an
 * identity column of the topmost does not reach them (seen in 17 and 18).
 */
function attachedFromTheRoot(entries: readonly SchemaEntry[]): SchemaEntry[] {
  const last = entries.findLastIndex(({ type }) => type === 'TABLE ATTACH');
  const joining = entries.filter(({ type }) => type === 'TABLE ATTACH');
  const parents = new Map(joining.map(({ sql }) => [attach.exec(sql)?.[2] ?? '', attach.exec(sql)?.[1] ?? '']));
  const depth = ({ sql }: SchemaEntry) => {
    let above = 0;
    for (let at = attach.exec(sql)?.[1]; at !== undefined && at !== ''; at = parents.get(at)) above++;
    return above;
  };
  const others = (some: readonly SchemaEntry[]) => some.filter(({ type }) => type !== 'TABLE ATTACH');
  return [
    ...others(entries.slice(0, last + 1)),
    ...joining.toSorted((a, b) => depth(a) - depth(b)),
    ...others(entries.slice(last + 1)),
  ];
}

function isOnEventTrigger({ type, name }: SchemaEntry): boolean {
  return type === 'COMMENT' && name.startsWith('EVENT TRIGGER ');
}

const mostEntries = 100; // each locks what it makes until the batch's end, and the server's lock table has an end
const mostCharacters = 256 * 1024;

/**
 * Makes the objects of a dump, in order. Returns in words what the server would not let this role make and a clone can
 * be without. Throws `schema-failed`, naming the object that could not be made.
 */
export async function restore(session: Session, entries: readonly SchemaEntry[]): Promise<string[]> {
  const refused: string[] = [];
  for (const batch of batches(entries)) {
    try {
      await session.execute(batch.map(({ sql }) => sql).join('\n'));
      continue;
    } catch (error) {
      if (sqlState(error) === undefined) throw error;
    }
    // Nothing of a batch stays when one of it fails: once more, to know which.
    for (const entry of batch) refused.push(...(await restoreOne(session, entry)));
  }
  return refused;
}

function* batches(entries: readonly SchemaEntry[]): Generator<readonly SchemaEntry[]> {
  let batch: SchemaEntry[] = [];
  let characters = 0;
  for (const entry of entries) {
    if (batch.length === mostEntries || (batch.length > 0 && characters + entry.sql.length > mostCharacters)) {
      yield batch;
      batch = [];
      characters = 0;
    }
    batch.push(entry);
    characters += entry.sql.length;
  }
  if (batch.length > 0) yield batch;
}

async function restoreOne(session: Session, entry: SchemaEntry): Promise<string[]> {
  try {
    await session.execute(entry.sql);
    return [];
  } catch (error) {
    if (!(error instanceof RestageError) || sqlState(error) === undefined) throw error;
    const what = describeEntry(entry);
    if ((mayBeMissed(entry) && isRefusal(error)) || isTaken(entry, error) || isUnattachable(entry, error))
      return [`${what} was not made: ${error.message}`];
    throw new RestageError('schema-failed', `${what} could not be made: ${error.message}`, {
      cause: error.cause,
      hint: mayHoldSecret(entry) ? undefined : error.hint,
    });
  }
}

/** E.g. `table shop.books`. Of a user mapping pg_dump's name says already what it is. */
function describeEntry({ type, schema, name }: SchemaEntry): string {
  const kind = type.toLowerCase();
  if (type === 'USER MAPPING') return `${kind} ${name.replace(/^USER MAPPING /, '')}`;
  return `${kind} ${schema === '' ? name : `${schema}.${name}`}`;
}

/** A hint may hold the statement, and options may be passwords. */
function mayHoldSecret({ type }: SchemaEntry): boolean {
  return ['USER MAPPING', 'SERVER', 'FOREIGN DATA WRAPPER'].includes(type);
}

/**
 * What only a superuser or an extension's owner may make: managed servers keep both to themselves. And the way to
 * another server of a role that this one may not have.
 */
function mayBeMissed({ type, name }: SchemaEntry): boolean {
  return (
    type === 'EVENT TRIGGER' ||
    type === 'USER MAPPING' ||
    (type === 'COMMENT' && /^(EXTENSION|EVENT TRIGGER) /.test(name))
  );
}

/** Two roles of the source that are one at the target had a user mapping each: one there has room for one. */
function isTaken({ type }: SchemaEntry, error: RestageError): boolean {
  return type === 'USER MAPPING' && sqlState(error) === '42710';
}

/**
 * PostgreSQL finds no two exclusion constraints alike (seen in 17 and 18): a partition's stays its own, in force, and is
 * not made a part of the whole table's.
 */
function isUnattachable({ type }: SchemaEntry, error: RestageError): boolean {
  return type === 'INDEX ATTACH' && sqlState(error) === '42P17';
}

/** The role may not, or the thing was refused before. */
function isRefusal(error: RestageError): boolean {
  return ['42501', '42704'].includes(sqlState(error) ?? '');
}

/**
 * Fills the materialized views, in order; one that reads another through a function's body, of which PostgreSQL does not
 * know, again after the others.
 */
export async function refreshViews(session: Session, views: readonly TableName[]): Promise<void> {
  const unfilled: { readonly view: TableName; readonly error: unknown }[] = [];
  for (const view of views) {
    try {
      await session.execute(`refresh materialized view ${quoteTable(view)}`);
    } catch (error) {
      if (sqlState(error) !== '55000') throw error; // it reads what is not filled yet
      unfilled.push({ view, error });
    }
  }
  if (unfilled.length === 0) return;
  if (unfilled.length === views.length) throw unfilled[0]?.error;
  const again = unfilled.map(({ view }) => view);
  await refreshViews(session, again);
}
