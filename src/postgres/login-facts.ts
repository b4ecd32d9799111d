import { RestageError } from '../errors.ts';
import { quoteText } from './names.ts';
import { sqlState } from './session-error.ts';
import type { ReadSession } from './session.ts';

/** The role of a session, and how the session came about. */
export interface LoginFacts {
  readonly superuser: boolean;
  /** What else the role may do, as CREATE ROLE calls it; without LOGIN and INHERIT. */
  readonly attributes: readonly string[];
  /** Its protocol, where the server sees TLS. */
  readonly tls: string | undefined;
}

export async function readLogin(session: ReadSession): Promise<LoginFacts> {
  const [row] = await session.rows<{ superuser: string; attributes: string; tls: string | null }>(`
    select r.rolsuper::text as superuser,
           concat_ws(' ', case when r.rolsuper then 'superuser' end, case when r.rolcreatedb then 'createdb' end,
             case when r.rolcreaterole then 'createrole' end, case when r.rolreplication then 'replication' end,
             case when r.rolbypassrls then 'bypassrls' end) as attributes,
           case when s.ssl then concat_ws(', ', s.version, s.cipher) end as tls
      from pg_roles r
      left join pg_stat_ssl s on s.pid = pg_backend_pid()
     where r.rolname = current_user`);
  return {
    superuser: row?.superuser === 'true',
    attributes: (row?.attributes ?? '').split(' ').filter(Boolean),
    tls: row?.tls ?? undefined,
  };
}

/** What the role of a session could write in its database, in words; none where it can only read. */
export async function readWriteRights(session: ReadSession): Promise<string[]> {
  const [row] = await session.rows<{
    superuser: string;
    owner: string;
    creates: string;
    tables: string;
    of: string;
    schemas: string;
  }>(`
    with relation as (
      select has_table_privilege(c.oid, 'insert, update, delete, truncate') as writable
        from pg_class c
        join pg_namespace n on n.oid = c.relnamespace
       where c.relkind in ('r', 'p') and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
    )
    select r.rolsuper::text as superuser, pg_has_role(d.datdba, 'usage')::text as owner,
           has_database_privilege(d.oid, 'create')::text as creates,
           (select count(*) from relation where writable) as tables,
           (select count(*) from relation) as of,
           (select count(*) from pg_namespace
             where nspname !~ '^pg_' and nspname <> 'information_schema'
               and has_schema_privilege(oid, 'create')) as schemas
      from pg_roles r, pg_database d
     where r.rolname = current_user and d.datname = current_database()`);
  if (row?.superuser === 'true') return ['is a superuser'];
  return [
    row?.owner === 'true' && 'owns the database',
    Number(row?.tables) > 0 && `may write to ${row?.tables} of ${row?.of} tables`,
    row?.owner !== 'true' && row?.creates === 'true' && 'may create schemas',
    row?.owner !== 'true' && Number(row?.schemas) > 0 && `may create tables in ${row?.schemas} schemas`,
  ].filter((words) => words !== false);
}

/**
 * Tries to write in a session that must only read. The statement concerns no row of a catalog, which has no triggers, so
 * that it would change nothing if it were let through. Throws `database-unfit` where the server does not refuse it for
 * that reason.
 */
export async function requireWriteRefused(session: ReadSession): Promise<void> {
  const { user, database, host, port } = session.origin;
  let words = 'it let a DELETE of no row through';
  try {
    await session.rows('delete from pg_catalog.pg_description where false');
  } catch (error) {
    if (sqlState(error) === '25006') return;
    words = error instanceof Error ? error.message : String(error);
  }
  throw new RestageError(
    'database-unfit',
    `the server did not refuse a write in a read-only session with ${database} at ${host}:${port} as ${user}: ${words}`,
    { hint: 'Something in between does not keep session settings. Name the PostgreSQL server itself.' },
  );
}

/** In bytes; of a server's databases those that the role may connect to. */
export interface Sizes {
  readonly own: number;
  readonly server: number;
}

export async function readSizes(session: ReadSession): Promise<Sizes> {
  const [row] = await session.rows<{ own: string; server: string }>(`
    select pg_database_size(current_database()) as own,
           (select sum(pg_database_size(oid)) from pg_database where has_database_privilege(oid, 'connect')) as server`);
  return { own: Number(row?.own), server: Number(row?.server) };
}

/** What else than sessions holds a database: prepared transactions keep it from being renamed, slots from being dropped. */
export interface Holds {
  readonly prepared: readonly { readonly id: string; readonly owner: string; readonly since: string }[];
  readonly slots: readonly string[];
}

export async function readHolds(session: ReadSession): Promise<Holds> {
  const database = quoteText(session.origin.database);
  return {
    prepared: await session.rows<{ id: string; owner: string; since: string }>(`
      select gid as id, owner, to_char(prepared at time zone 'UTC', 'YYYY-MM-DD HH24:MI "UTC"') as since
        from pg_prepared_xacts
       where database = ${database}
       order by prepared`),
    slots: (
      await session.rows<{ name: string }>(
        `select slot_name as name from pg_replication_slots where database = ${database} order by slot_name`,
      )
    ).map(({ name }) => name),
  };
}
