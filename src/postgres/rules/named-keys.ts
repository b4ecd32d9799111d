import { RestageError } from '../../errors.ts';
import { nearest } from '../../nearest.ts';
import { lettingLocksGo } from '../catalog.ts';
import { ofTheUser } from '../carried-relations.ts';
import {
  displayTable,
  namedColumn,
  quoteName,
  quoteTable,
  quoteText,
  type ColumnName,
  type TableName,
} from '../names.ts';
import { sqlState } from '../session-error.ts';
import type { Origin, ReadSession } from '../session.ts';

// Keys of objects, as rows name them.

/** A column whose values, or whose arrays' values, are keys. */
export interface KeyColumn extends ColumnName {
  readonly isArray: boolean;
}

/** Rows whose values in a column are keys. */
export interface NamingRows extends KeyColumn {
  /** What to select from, as SQL; of a table with parts: all of them. */
  readonly rows: string;
  /** The user's SQL: which of them. */
  readonly where?: string | undefined;
}

const pageRows = 10_000;

/**
 * What kind each column is. Throws `config-invalid` for a table or column that is not there, with the near one, and for a type that
 * holds no keys.
 */
export async function findKeyColumns(
  session: ReadSession,
  names: readonly string[],
  setting: string,
): Promise<readonly KeyColumn[]> {
  const found: KeyColumn[] = [];
  for (const name of names) found.push(await findKeyColumn(session, name, `${setting}: ${name}`));
  return found;
}

async function findKeyColumn(session: ReadSession, name: string, where: string): Promise<KeyColumn> {
  const { table, column } = namedColumn(name);
  const columns = await session.rows<{ name: string; type: string; kind: string }>(`
    with recursive below(oid, base) as (
      select oid, oid from pg_type
      union all
      select b.oid, t.typbasetype from below b join pg_type t on t.oid = b.base where t.typtype = 'd')
    select a.attname as name, format_type(a.atttypid, a.atttypmod) as type,
           case when t.typcategory = 'S' then 'text'
                when t.typcategory = 'A' and e.typcategory = 'S' then 'array'
                else 'other' end as kind
      from pg_class c
      join pg_namespace n on n.oid = c.relnamespace
      join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
      join below b on b.oid = a.atttypid
      join pg_type t on t.oid = b.base and t.typtype <> 'd'
      left join pg_type e on e.oid = t.typelem
     where n.nspname = ${quoteText(table.schema)} and c.relname = ${quoteText(table.name)} and c.relkind in ('r', 'p')
     order by a.attnum`);
  const at = placeOf(session.origin);
  if (columns.length === 0) throw await unknownTable(session, table, where);
  const found = columns.find((one) => one.name === column);
  if (!found) {
    const near = nearest(
      column,
      columns.map((one) => one.name),
    );
    throw new RestageError(
      'config-invalid',
      `${where}: ${displayTable(table)} in ${at} has no column ${column}${near === undefined ? '' : `; did you mean ${near}?`}`,
    );
  }
  if (found.kind === 'other')
    throw new RestageError('config-invalid', `${where}: the column is of type ${found.type}, which holds no keys`, {
      hint: 'Keys are read from columns of text, varchar, citext and domains over them, and from arrays of these.',
    });
  return { table, column, isArray: found.kind === 'array' };
}

async function unknownTable(session: ReadSession, table: TableName, where: string): Promise<RestageError> {
  const tables = await session.rows<TableName>(`
    select n.nspname as schema, c.relname as name
      from pg_class c join pg_namespace n on n.oid = c.relnamespace
     where c.relkind in ('r', 'p') and ${ofTheUser('c', 'pg_class')}`);
  const plain = ({ schema, name }: TableName) => (schema === 'public' ? name : `${schema}.${name}`);
  const near = nearest(plain(table), tables.map(plain));
  return new RestageError(
    'config-invalid',
    `${where}: ${placeOf(session.origin)} has no table ${plain(table)}${near === undefined ? '' : `; did you mean ${near}?`}`,
    { hint: 'Bare names are of the schema public; all others are schema.table, as in the database.' },
  );
}

function placeOf({ database, host, port }: Origin): string {
  return `${database} at ${host}:${port}`;
}

/** All rows of a table, with those of its parts. */
export function allRows(column: KeyColumn): NamingRows {
  return { ...column, rows: quoteTable(column.table) };
}

/**
 * Gives the hash of each key that these rows name: the first 8 bytes of the SHA-256 of its UTF-8, in hexadecimal; page by page,
 * and one as often as it is named. Nulls and empty texts name nothing. In a transaction of the session; its locks are let go.
 */
export async function readKeyHashes(
  session: ReadSession,
  rows: NamingRows,
  add: (keyHash: string) => void,
): Promise<void> {
  await lettingLocksGo(session, async () => {
    await inPublic(session, rows);
    await session.rows(`
      declare restage_keys no scroll cursor for
      select ${hashSql} as hash from ${keysSql(rows)}`);
    for (;;) {
      const page = await session.rows<{ hash: string }>(`fetch ${pageRows} from restage_keys`);
      for (const { hash } of page) add(hash);
      if (page.length < pageRows) break;
    }
    await session.rows('close restage_keys');
  });
}

/** The same; false where the rows' `where` could not be asked, so that the keys of all rows were given. */
export async function readSelectedHashes(
  session: ReadSession,
  rows: NamingRows,
  add: (keyHash: string) => void,
): Promise<boolean> {
  try {
    await readKeyHashes(session, rows, add);
    return true;
  } catch (error) {
    if (rows.where === undefined || sqlState(error) === undefined) throw error;
    await session.rows('rollback to savepoint reading');
    await session.rows('release savepoint reading');
    await readKeyHashes(session, { ...rows, where: undefined }, add);
    return false;
  }
}

/** Some of the keys that have these hashes, as far as they are among these rows or any others of their table. */
export async function readKeys(
  session: ReadSession,
  { where: _all, ...rows }: NamingRows,
  hashes: readonly string[],
): Promise<readonly string[]> {
  if (hashes.length === 0) return [];
  const found = await lettingLocksGo(session, () =>
    session.rows<{ key: string }>(`
      select distinct k.key
        from ${keysSql(rows)}
       where ${hashSql} = any (array[${hashes.map(quoteText).join(', ')}])
       limit ${hashes.length}`),
  );
  return found.map(({ key }) => key);
}

const hashSql = `encode(substr(sha256(convert_to(k.key, 'UTF8')), 1, 8), 'hex')`;

/** The keys as `k.key`. What the user wrote stands by itself, up to its line's end. */
function keysSql({ table, column, isArray, rows, where }: NamingRows): string {
  const value = `${quoteName(table.name)}.${quoteName(column)}`;
  const from = `${rows} as ${quoteName(table.name)}`;
  const chosen = where === undefined ? '' : `where (${where}\n)`;
  const keys = isArray
    ? `select unnest(${value}::text[]) as key from ${from} ${chosen}`
    : `select ${value}::text as key from ${from} ${chosen}`;
  return `(select n.key collate "C" as key from (${keys}) n where n.key <> '') k`;
}

/** What a user wrote means what it means to a user. */
async function inPublic(session: ReadSession, { where }: NamingRows): Promise<void> {
  if (where !== undefined) await session.rows(`set local search_path = public`);
}
