import { randomBytes } from 'node:crypto';
import { keepSecret, RestageError } from '../../errors.ts';
import { lettingLocksGo, type Table } from '../catalog.ts';
import { relayCopy } from '../copy-relay.ts';
import { setByCall } from '../function-call.ts';
import { isAmong, readSearchedTables, withoutExcept, type SearchedTable } from './leaks/searched-tables.ts';
import { searchFunctions, selectFound } from './leaks/search.ts';
import {
  commonLimit,
  leastBytes,
  mayBeChance,
  originsOf,
  padOf,
  selectValues,
  type Encodings,
  type MaskedColumn,
  type Origin,
} from './leaks/telling-values.ts';
import type { Lanes } from '../load.ts';
import { quoteTable, type ColumnName, type TableName } from '../names.ts';
import { blockRanges } from '../ranges.ts';
import { statementError } from '../session-error.ts';
import type { ReadSession, Session } from '../session.ts';

/** Real values of a masked column where they must not be. */
export interface Leak {
  readonly table: TableName;
  /** One, or two that stand side by side: a first name and a last name. */
  readonly columns: readonly string[];
  /** Whose values they are: a column, or a first name's and a last name's. */
  readonly of: { readonly table: TableName; readonly columns: readonly string[] };
  /** How many rows have one. */
  readonly rows: number;
}

export interface LeakScan {
  /** How many different values were looked for. */
  readonly values: number;
  /** The tables that were searched. */
  readonly tables: readonly TableName[];
  readonly leaks: readonly Leak[];
}

export interface LeakOptions {
  /** Every column that has a mask. */
  readonly columns: readonly MaskedColumn[];
  /** Where real values may stand. */
  readonly except: readonly ColumnName[];
  /** The source's tables, by quoted name. */
  readonly tables: ReadonlyMap<string, Table>;
  /** In lower case, the words that masks write of themselves: a name that has no others proves nothing. */
  readonly ownWords: readonly string[];
  readonly signal?: AbortSignal | undefined;
}

/** A table beyond this is read and searched in pieces, in as many sessions as are free. */
const pieceBytes = 64 * 1024 * 1024;
/** From so many of a hundred rows on a masked column that may hold real values by chance holds them for another reason. */
const chancePercent = 1;

/**
 * Searches the new database for the source's real values of masked columns. Both servers hash what they have under a key of
 * this run alone, so that nothing goes from one to the other that tells of a value. Throws what a statement throws.
 */
export async function findLeaks(lanes: Lanes, options: LeakOptions): Promise<LeakScan> {
  const origins = originsOf(options.columns);
  if (origins.length === 0) return { values: 0, tables: [], leaks: [] };
  const schema = `restage_scan_${randomBytes(6).toString('hex')}`;
  const settings = {
    'restage.scan_key': keepSecret(randomBytes(32).toString('hex')),
    'restage.scan_seed': keepSecret(randomBytes(8).readBigInt64BE().toString()),
  };
  const keyed: Lanes = {
    withReader: (work) => lanes.withReader((reader) => give(reader, settings).then(() => work(reader))),
    withWriter: (work) => lanes.withWriter((writer) => give(writer, settings).then(() => work(writer))),
  };
  await lanes.withWriter((writer) =>
    writer.execute(`
      create schema ${schema};
      create unlogged table ${schema}.told (n integer, extra boolean, hash bytea, bits bigint);
      ${searchFunctions(schema)}`),
  );
  const encodings = { alike: (await lanes.withReader(encodingOf)) === (await lanes.withWriter(encodingOf)) };
  await tellValues(keyed, schema, origins, encodings, options);
  const values = await keyed.withWriter((writer) => gather(writer, schema, origins));
  if (values === 0) {
    await drop(lanes, schema);
    return { values, tables: [], leaks: [] };
  }
  const kinds = new Set(origins.map(({ kind }) => kind));
  const all = await lanes.withWriter((writer) =>
    readSearchedTables(writer, schema, { ip: kinds.has('ip'), uuid: kinds.has('uuid') }),
  );
  const searched = withoutExcept(all, options.except);
  const mask = filterBits(values) - 1;
  const found = await Promise.all(
    searched.map((table) => searchTable(keyed, table, { schema, mask, encodings, leastBytes, origins })),
  );
  const leaks: Leak[] = [];
  for (const one of found.flat()) {
    if (await isChance(lanes, one, options.columns)) continue;
    const { searched: where, columns, origin, rows } = one;
    leaks.push({ table: where.table, columns, of: { table: origin.table, columns: origin.columns }, rows });
  }
  await drop(lanes, schema);
  return {
    values,
    tables: searched.map(({ table }) => table),
    leaks: leaks.toSorted((one, other) => other.rows - one.rows),
  };
}

async function give(session: ReadSession, settings: Readonly<Record<string, string>>): Promise<void> {
  try {
    await setByCall(session.wire.take, settings);
  } catch (error) {
    throw statementError(error, session.origin, 'set_config');
  }
}

/** Only where all went well: after a failure the database that it stands in is dropped. */
async function drop(lanes: Lanes, schema: string): Promise<void> {
  await lanes.withWriter((writer) =>
    writer.execute(`set client_min_messages = warning; drop schema ${schema} cascade`),
  );
}

async function encodingOf(session: ReadSession): Promise<string> {
  const [row] = await session.rows<{ encoding: string }>(`select current_setting('server_encoding') as encoding`);
  return String(row?.encoding);
}

/** Hashes of all values go from the source's snapshot to the new database. */
async function tellValues(
  { withReader, withWriter }: Lanes,
  schema: string,
  origins: readonly Origin[],
  encodings: Encodings,
  { tables, ownWords, signal }: LeakOptions,
): Promise<void> {
  const byTable = Map.groupBy(origins, ({ table }) => quoteTable(table));
  const works = [...byTable].map(async ([name, some]) => {
    const table = tables.get(name);
    if (!table) throw new RestageError('internal', `${name} has masks, and is no table of the source`);
    const count = table.wholeTree ? 1 : Math.max(1, Math.ceil(table.sizeBytes / pieceBytes));
    const ranges = count === 1 ? [undefined] : await withReader((reader) => blockRanges(reader, table.table, count));
    await Promise.all(
      ranges.map((range) =>
        withReader((reader) =>
          withWriter((writer) =>
            lettingLocksGo(reader, () =>
              relayCopy(reader, writer, {
                read: `copy (${selectValues(table, some, { ...(range ? { range } : {}), ownWords, encodings })}) to stdout (format binary)`,
                write: `copy ${schema}.told from stdin (format binary)`,
                signal,
              }),
            ),
          ),
        ),
      ),
    );
  });
  await Promise.all(works);
}

/** How many bits the filter has for so many values: two of them are set for each, and one in ten or fewer is. */
function filterBits(values: number): number {
  return 2 ** Math.min(27, Math.max(16, Math.ceil(Math.log2(values * 40))));
}

/** Makes the table of values, without those that stand in too many rows to be somebody's, and the filter. How many there are. */
async function gather(writer: Session, schema: string, origins: readonly Origin[]): Promise<number> {
  await writer.execute(`
    set work_mem = '64MB';
    create unlogged table ${schema}.values as
      with each as (
        select n, hash, count(*) filter (where not extra) as times, min(bits) as bits from ${schema}.told group by n, hash
      ), sums as (
        select n, sum(times) as total from each group by n
      )
      select hash, n, bits from each join sums using (n) where times <= ${commonLimit(origins)};
    drop table ${schema}.told;
    create index on ${schema}.values (hash);
    analyze ${schema}.values`);
  const [row] = await writer.rows<{ count: string }>(`select count(*) as count from ${schema}.values`);
  const values = Number(row?.count);
  const bits = filterBits(values);
  // By words of 32 bits, each as hexadecimal text whose bytes stand in the order of get_bit.
  await writer.execute(`
    create unlogged table ${schema}.filter as
      with places as (
        select unnest(array[plain >> 32, plain]) & ${bits - 1} as bit
          from (select bits # ${padOf('hash')} as plain from ${schema}.values offset 0) v
      ), filled as (
        select bit >> 5 as word, bit_or(1::bigint << (8 * (3 - (bit >> 3 & 3)) + (bit & 7))::integer) as content
          from places group by 1
      )
      select decode(string_agg(lpad(to_hex(coalesce(f.content, 0)), 8, '0'), '' order by word), 'hex') as bits
        from generate_series(0::bigint, ${bits / 32 - 1}) word left join filled f using (word);
    reset work_mem`);
  return values;
}

interface Found {
  readonly searched: SearchedTable;
  readonly columns: readonly string[];
  readonly origin: Origin;
  readonly rows: number;
}

type Search = Omit<Parameters<typeof selectFound>[1], 'range' | 'long'> & { readonly origins: readonly Origin[] };

/** Where anything is found the table is searched once more, column by column: so that it can be said where. */
async function searchTable(lanes: Lanes, searched: SearchedTable, search: Search): Promise<Found[]> {
  const any = await searchColumns(lanes, searched, search);
  if (any.length === 0) return [];
  const some = (first: number, count: number) =>
    searchColumns(lanes, { ...searched, columns: searched.columns.slice(first, first + count) }, search);
  const places = searched.columns.map((_, index) => index);
  const single = (await Promise.all(places.map((place) => some(place, 1)))).flat();
  const told = new Set(single.map(({ origin }) => origin));
  if (any.every(({ origin }) => told.has(origin))) return single;
  const pairs = (await Promise.all(places.slice(1).map((place) => some(place - 1, 2)))).flat();
  return [...single, ...pairs.filter(({ origin }) => !told.has(origin))];
}

async function searchColumns({ withWriter }: Lanes, searched: SearchedTable, search: Search): Promise<Found[]> {
  const count = Math.max(1, Math.ceil(searched.sizeBytes / pieceBytes));
  const ranges = count === 1 ? [undefined] : await withWriter((writer) => blockRanges(writer, searched.table, count));
  const passes = searched.mayBeLong ? [false, true] : [false];
  const parts = await Promise.all(
    ranges.flatMap((range) =>
      passes.map((long) =>
        withWriter((writer) =>
          writer.rows<{ origin: string; rows: string }>(
            selectFound(searched, { ...search, ...(range ? { range } : {}), long }),
          ),
        ),
      ),
    ),
  );
  const columns = searched.columns.map(({ name }) => name);
  return [...Map.groupBy(parts.flat(), ({ origin }) => Number(origin))].flatMap(([number, found]) => {
    const origin = search.origins[number - 1];
    const rows = found.reduce((sum, part) => sum + Number(part.rows), 0);
    return origin ? [{ searched, columns, origin, rows }] : [];
  });
}

/**
 * What a mask writes may be somebody's real phone number: in a masked column a few such are no leak. And a few of those whose first
 * and last name stand side by side are other people of the same names.
 */
async function isChance(
  { withWriter }: Lanes,
  { searched, columns, origin, rows }: Found,
  masked: readonly MaskedColumn[],
): Promise<boolean> {
  const isMasked = columns.every((column) => isAmong(searched, column, masked));
  if (columns.length === 1 && !(isMasked && mayBeChance(origin.kind))) return false;
  const [row] = await withWriter((writer) =>
    writer.rows<{ count: string }>(`select count(*) as count from only ${quoteTable(searched.table)}`),
  );
  return rows * 100 <= Number(row?.count) * chancePercent;
}
