import type { PostgresServer } from '../demo/postgres-server.ts';
import { openSession, type Row, type Session } from './sql.ts';

/** All that a refresh may change of a database, as digests: two of them are equal only if the databases are. */
export interface Contents {
  /** Every database of the server, with its oid, owner, connection limit, grants and settings. */
  readonly databases: readonly Row[];
  /** Rows, by table. */
  readonly tables: Readonly<Record<string, string>>;
  /** last_value and is_called, by sequence. */
  readonly sequences: Readonly<Record<string, string>>;
  /** Columns, constraints, indexes, triggers. */
  readonly schema: string;
}

export async function contentsOf(server: PostgresServer, database: string): Promise<Contents> {
  await using session = await openSession(server.adminUrl(database));
  const databases = await session.query(`
    select d.datname as name, d.oid, d.datdba::regrole as owner, d.datconnlimit as "limit",
           array(select grant_::text from unnest(d.datacl) grant_ order by 1) as grants,
           array(select concat(s.setrole, s.setconfig) from pg_db_role_setting s where s.setdatabase = d.oid) as settings
      from pg_database d
     where not d.datistemplate
     order by d.datname`);
  const tables = await tablesOf(session);
  const rows = tables.map(
    (table) =>
      `select '${table}' as name, md5(string_agg(t::text, chr(10) order by t::text collate "C")) as digest from public.${table} t`,
  );
  const sequences = await session.query(`select relname as name from pg_class where relkind = 'S' order by relname`);
  const states = sequences.map(
    ({ name }) => `select '${name}' as name, concat(last_value, ' ', is_called) as state from public.${name}`,
  );
  const [schema] = await session.query(`
    select md5(string_agg(line, chr(10) order by line collate "C")) as digest
      from (select concat(attrelid::regclass, attname, format_type(atttypid, atttypmod), attnotnull) as line
              from pg_attribute where attrelid in (select oid from pg_class where relnamespace = 'public'::regnamespace)
            union all select concat(conrelid::regclass, conname, pg_get_constraintdef(oid)) from pg_constraint
            union all select indexdef from pg_indexes where schemaname = 'public'
            union all select pg_get_triggerdef(oid) from pg_trigger where not tgisinternal) as lines`);
  return {
    databases,
    tables: byName(await session.query(rows.join(' union all ')), 'digest'),
    sequences: byName(states.length === 0 ? [] : await session.query(states.join(' union all ')), 'state'),
    schema: schema?.['digest'] ?? '',
  };
}

/** Every row of every table, each column as text, in an order of the rows' own; the columns are those given. */
export async function rowsAsText(
  session: Session,
  columns: ReadonlyMap<string, readonly string[]>,
): Promise<ReadonlyMap<string, readonly Row[]>> {
  const rows = new Map<string, readonly Row[]>();
  for (const [table, names] of columns) {
    const values = names.map((name) => `"${name}"::text`);
    const order = values.map((value) => `${value} collate "C"`);
    rows.set(
      table,
      await session.query(`select ${values.join(', ')} from public.${table} order by ${order.join(', ')}`),
    );
  }
  return rows;
}

/** The columns of every table. */
export async function columnsOf(session: Session): Promise<ReadonlyMap<string, readonly string[]>> {
  const columns = new Map<string, readonly string[]>();
  for (const table of await tablesOf(session)) {
    const found = await session.query(`
      select attname as name from pg_attribute
       where attrelid = 'public.${table}'::regclass and attnum > 0 and not attisdropped order by attnum`);
    columns.set(
      table,
      found.map(({ name }) => name ?? ''),
    );
  }
  return columns;
}

async function tablesOf(session: Session): Promise<string[]> {
  const rows = await session.query(`select tablename as name from pg_tables where schemaname = 'public' order by 1`);
  return rows.map(({ name }) => name ?? '');
}

function byName(rows: readonly Row[], field: string): Readonly<Record<string, string>> {
  return Object.fromEntries(rows.map((row) => [row['name'] ?? '', row[field] ?? '']));
}
