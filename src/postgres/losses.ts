import { ofTheUser } from './carried-relations.ts';
import { readProperties, readTablespace } from './database-properties.ts';
import { readPrivilegeNotes } from './privileges/notes.ts';
import type { ReadSession } from './session.ts';
import { someOf } from './some-of.ts';

/** What of the source the new database will not have, or will have otherwise, in words for the plan. */
export async function readUncarried(session: ReadSession, publications: boolean): Promise<string[]> {
  const rows = await session.rows<{ what: string; name: string }>(`
    select 'invalid index' as what, format('%I.%I', n.nspname, c.relname) as name
      from pg_index i
      join pg_class c on c.oid = i.indexrelid
      join pg_class t on t.oid = i.indrelid
      join pg_namespace n on n.oid = c.relnamespace
     where not ((i.indisvalid or t.relkind = 'p') and i.indisready) and ${ofTheUser('t', 'pg_class')}
    union all
    select distinct 'tablespace', s.spcname
      from pg_tablespace s
      join pg_class c on c.reltablespace = s.oid
     where s.spcname <> 'pg_global'
    union all
    select 'publication', pubname from pg_publication where not ${publications}
    union all
    select 'subscription', subname from pg_subscription
     where subdbid = (select oid from pg_database where datname = current_database())
    union all
    select 'exclusion constraint', format('%I of %I.%I', k.conname, n.nspname, c.relname)
      from pg_constraint k
      join pg_class c on c.oid = k.conrelid
      join pg_namespace n on n.oid = c.relnamespace
     where k.contype = 'x' and c.relkind = 'p' and ${ofTheUser('c', 'pg_class')}
    union all
    select 'default privilege', concat_ws(' in ', pg_get_userbyid(a.defaclrole), a.defaclnamespace::regnamespace)
      from (select distinct defaclrole, nullif(defaclnamespace, 0) as defaclnamespace from pg_default_acl) a
    union all
    select 'security label', format('%s', l.objoid) from pg_seclabel l
    union all
    select 'unlogged table', format('%I.%I', n.nspname, c.relname)
      from pg_class c
      join pg_namespace n on n.oid = c.relnamespace
     where c.relkind = 'r' and c.relpersistence = 'u' and pg_is_in_recovery() and ${ofTheUser('c', 'pg_class')}
     order by what, name`);
  const of = (what: string) => rows.filter((row) => row.what === what).map(({ name }) => name);
  const note = (what: string, many: string, words: (names: string) => string) => {
    const names = of(what);
    return names.length === 0
      ? []
      : [`${names.length} ${names.length === 1 ? what : many} of the source ${words(someOf(names))}`];
  };
  return [
    ...note('invalid index', 'invalid indexes', (names) => `will not be made, as no query uses them: ${names}`),
    ...note(
      'tablespace',
      'tablespaces',
      (names) => `will not be used, everything lands in the database's own: ${names}`,
    ),
    ...note('publication', 'publications', (names) => `will not be made, database.publications is false: ${names}`),
    ...note('subscription', 'subscriptions', (names) => `will not be made, they never are: ${names}`),
    ...note(
      'exclusion constraint',
      'exclusion constraints',
      (names) => `will hold in each partition, but the partitions' may not be joined to the whole table's: ${names}`,
    ),
    ...note(
      'default privilege',
      'default privileges',
      (names) => `will not be carried, staging's own stay: those of ${names}`,
    ),
    ...note('security label', 'security labels', () => 'will not be set'),
    ...note('unlogged table', 'unlogged tables', (names) => `will have no rows, a standby has none of them: ${names}`),
    ...(await readForeignServers(session)),
  ];
}

/** Where foreign servers lead. Of their options only those that cannot be secret. */
async function readForeignServers(session: ReadSession): Promise<string[]> {
  const rows = await session.rows<{ name: string; place: string | null; mappings: string }>(`
    select s.srvname as name,
           (select string_agg(o.option_name || ' ' || o.option_value, ', ' order by o.option_name = 'dbname', o.option_name)
              from pg_options_to_table(s.srvoptions) o
             where o.option_name in ('host', 'hostaddr', 'port', 'dbname')) as place,
           (select count(*) from pg_user_mappings m where m.srvid = s.oid) as mappings
      from pg_foreign_server s
     order by s.srvname`);
  return rows.map(
    ({ name, place, mappings }) =>
      `the foreign server ${name} will lead where the source's leads${place === null ? '' : ` (${place})`}, with ${mappings} user mapping${mappings === '1' ? '' : 's'}`,
  );
}

/** What of the source only a superuser can make, in words; of no matter where the target's role is one. */
export async function readSuperusersOnly(session: ReadSession, publications: boolean): Promise<string[]> {
  const rows = await session.rows<{ what: string; name: string }>(`
    select 'event trigger' as what, e.evtname as name
      from pg_event_trigger e
     where not exists (
             select from pg_depend d
              where d.classid = 'pg_event_trigger'::regclass and d.objid = e.oid and d.deptype = 'e')
    union all
    select 'operator class', o.opcname
      from pg_opclass o
      join pg_namespace n on n.oid = o.opcnamespace
     where ${ofTheUser('o', 'pg_opclass')}
    union all
    select case when p.proleakproof then 'leakproof function' else 'function in C' end, p.proname
      from pg_proc p
      join pg_namespace n on n.oid = p.pronamespace
      join pg_language l on l.oid = p.prolang
     where (p.proleakproof or l.lanname in ('c', 'internal')) and ${ofTheUser('p', 'pg_proc')}
    union all
    select 'publication of all tables', pubname from pg_publication where puballtables and ${publications}
     order by what, name`);
  return rows.map(({ what, name }) => `${what} ${name}`);
}

/** What the present target has and the new database will not, in words for the plan. */
export async function readLosses(session: ReadSession): Promise<string[]> {
  const tablespace = await readTablespace(session, session.origin.database);
  const refused = (await readProperties(session, session.origin.database)).filter(({ allowed }) => !allowed);
  return [
    ...(await readPrivilegeNotes(session)),
    ...(tablespace && !tablespace.allowed
      ? [
          `the tablespace ${tablespace.name} is not carried over to the new database: ${session.origin.user} may not create in it`,
        ]
      : []),
    ...refused.map(
      ({ what }) =>
        `the setting ${what} is not carried over to the new database: ${session.origin.user} may not make it`,
    ),
  ];
}
