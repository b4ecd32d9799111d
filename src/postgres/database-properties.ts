import { quoteName, quoteText } from './names.ts';
import type { ReadSession } from './session.ts';

/** A setting of a database, or a grant on it: what a new database needs to be as the present one is. */
export interface DatabaseProperty {
  /** E.g. `work_mem`, `work_mem of reader`, `connect to reader`. */
  readonly what: string;
  /** Whether the session's role may give it to another database. */
  readonly allowed: boolean;
  /** The statement that gives it to a database. */
  sql(database: string): string;
  /** The statement that takes it from one. */
  undo(database: string): string;
}

// Settings that hold a list of names are stored as SQL has them, quotes included; all others as plain text.
const lists = ['search_path', 'session_preload_libraries', 'local_preload_libraries', 'temp_tablespaces'];

/** ALTER DATABASE … SET, ALTER ROLE … IN DATABASE … SET, and GRANT … ON DATABASE, as a database has them. */
export async function readProperties(session: ReadSession, database: string): Promise<DatabaseProperty[]> {
  return [...(await readSettings(session, database)), ...(await readGrants(session, database))];
}

/** How a database holds and sorts text, in words that two databases of any versions can be compared by. */
export interface TextSettings {
  readonly encoding: string;
  /** Who sorts and how, e.g. `libc en_US.UTF-8`. */
  readonly order: string;
}

export async function readTextSettings(session: ReadSession): Promise<TextSettings> {
  const [row] = await session.rows<{ encoding: string; order: string }>(`
    select pg_encoding_to_char(encoding) as encoding,
           case to_jsonb(d) ->> 'datlocprovider'
             when 'i' then concat('ICU ', coalesce(to_jsonb(d) ->> 'datlocale', to_jsonb(d) ->> 'daticulocale'))
             when 'b' then concat('built-in ', to_jsonb(d) ->> 'datlocale')
             else concat('libc ', datcollate) end as order
      from pg_database d
     where datname = current_database()`);
  return { encoding: String(row?.encoding), order: String(row?.order) };
}

/** A database's tablespace, where it is not the one that a new database has by itself. */
export async function readTablespace(
  session: ReadSession,
  database: string,
): Promise<{ readonly name: string; readonly allowed: boolean } | undefined> {
  const [row] = await session.rows<{ name: string; allowed: string }>(`
    select s.spcname as name, has_tablespace_privilege(s.oid, 'create')::text as allowed
      from pg_database d
      join pg_tablespace s on s.oid = d.dattablespace
     where d.datname = ${quoteText(database)}
       and d.dattablespace <> (select dattablespace from pg_database where datname = 'template0')`);
  return row && { name: row.name, allowed: row.allowed === 'true' };
}

async function readSettings(session: ReadSession, database: string): Promise<DatabaseProperty[]> {
  // Since PostgreSQL 15 a role may be allowed to set what otherwise only a superuser may.
  const granted =
    Number.parseInt(session.origin.version, 10) >= 15 ? `has_parameter_privilege(p.name, 'set')` : 'false';
  const rows = await session.rows<{ role: string | null; name: string; value: string; allowed: string }>(`
    select r.rolname as role, split_part(c.setting, '=', 1) as name, substr(c.setting, strpos(c.setting, '=') + 1) as value,
           (me.rolsuper
            or (r.oid is null or r.oid = me.oid or (me.rolcreaterole and pg_has_role(r.oid, 'member with admin option')))
               and (p.name is null or p.context = 'user' or ${granted}))::text as allowed
      from pg_db_role_setting s
      join pg_database d on d.oid = s.setdatabase
      cross join unnest(s.setconfig) with ordinality c(setting, position)
      join pg_roles me on me.rolname = current_user
      left join pg_roles r on r.oid = s.setrole
      left join pg_settings p on p.name = split_part(c.setting, '=', 1)
     where d.datname = ${quoteText(database)}
     order by role nulls first, c.position`);
  return rows.map(({ role, name, value, allowed }) => {
    const alter = (other: string) =>
      `alter ${role === null ? '' : `role ${quoteName(role)} in `}database ${quoteName(other)}`;
    return {
      what: role === null ? name : `${name} of ${role}`,
      allowed: allowed === 'true',
      sql: (other) => `${alter(other)} set ${quoteName(name)} to ${lists.includes(name) ? value : quoteText(value)}`,
      undo: (other) => `${alter(other)} reset ${quoteName(name)}`,
    };
  });
}

async function readGrants(session: ReadSession, database: string): Promise<DatabaseProperty[]> {
  const rows = await session.rows<{ privilege: string; grantee: string | null; grantable: string }>(`
    select a.privilege_type as privilege, pg_get_userbyid(nullif(a.grantee, 0)) as grantee, a.is_grantable::text as grantable
      from pg_database d
      cross join aclexplode(d.datacl) a
     where d.datname = ${quoteText(database)} and a.grantee <> d.datdba`);
  const [stored] = await session.rows<{ acl: string }>(
    `select (datacl is not null)::text as acl from pg_database where datname = ${quoteText(database)}`,
  );
  if (stored?.acl !== 'true') return [];
  const nothing: DatabaseProperty = {
    what: 'nothing to public',
    allowed: true,
    sql: (other) => `revoke all on database ${quoteName(other)} from public`,
    undo: (other) => `grant connect, temporary on database ${quoteName(other)} to public`, // as a new database has them
  };
  const grants = rows.map(({ privilege, grantee, grantable }) => ({
    what: `${privilege.toLowerCase()} to ${grantee ?? 'public'}`,
    allowed: true,
    sql: (other: string) =>
      `grant ${privilege} on database ${quoteName(other)} to ${grantee === null ? 'public' : quoteName(grantee)}${grantable === 'true' ? ' with grant option' : ''}`,
    undo: (other: string) =>
      `revoke ${privilege} on database ${quoteName(other)} from ${grantee === null ? 'public' : quoteName(grantee)}`,
  }));
  return [nothing, ...grants];
}
