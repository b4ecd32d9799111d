import { ofTheUser } from './catalog.ts';
import { readProperties } from './database-properties.ts';
import type { ReadSession } from './session.ts';

/** What of the source a clone of this release does not carry, in words for the plan. */
export async function readUncarried(session: ReadSession): Promise<string[]> {
  const rows = await session.rows<{ what: string; count: string }>(`
    select 'large objects' as what, count(*) as count from pg_largeobject_metadata
    union all
    select 'foreign tables'' rows', count(*) from pg_foreign_table
    union all
    select 'publications', count(*) from pg_publication
    union all
    select 'tablespaces used', count(distinct reltablespace) from pg_class where reltablespace not in (0, 1664)`);
  const settings = await session.rows<{ name: string; extension: string }>(`
    select t.oid::regclass::text as name, e.extname as extension
      from pg_extension e
      join pg_class t on t.oid = any (e.extconfig) and t.relkind = 'r'
     order by extension, name`);
  return [
    ...rows
      .filter((row) => row.count !== '0')
      .map((row) => `${row.count} ${row.what} of the source are not carried over`),
    ...settings.map(
      ({ name, extension }) => `the rows of ${name} belong to the extension ${extension} and are not carried over`,
    ),
  ];
}

/** What the present target has and the new database will not, in words for the plan. */
export async function readLosses(session: ReadSession): Promise<string[]> {
  const refused = (await readProperties(session, session.origin.database)).filter(({ allowed }) => !allowed);
  return [
    ...(await readLostGrants(session)),
    ...refused.map(
      ({ what }) =>
        `the setting ${what} is not carried over to the new database: ${session.origin.user} may not make it`,
    ),
  ];
}

/** Owners and grants inside the database: everything in a clone is the own role's, and granted to nobody else. */
async function readLostGrants(session: ReadSession): Promise<string[]> {
  const grantee = `coalesce(pg_get_userbyid(nullif(g.grantee, 0)), 'public')`;
  const rows = await session.rows<{ role: string; what: string; kind: string; count: string }>(`
    select role, what, kind, count(*) as count
      from (
        select pg_get_userbyid(c.relowner) as role, 'owns' as what, 'tables, views or sequences' as kind
          from pg_class c
          join pg_namespace n on n.oid = c.relnamespace
         where c.relkind in ('r', 'p', 'v', 'm', 'S', 'f') and ${ofTheUser('c', 'pg_class')}
        union all
        select * from (
          select distinct on (c.oid, g.grantee) ${grantee}, 'was granted', 'tables, views or sequences'
            from pg_class c
            join pg_namespace n on n.oid = c.relnamespace
            cross join aclexplode(c.relacl) g
           where g.grantee <> c.relowner and ${ofTheUser('c', 'pg_class')}) relations
        union all
        select * from (
          select distinct on (a.attrelid, a.attnum, g.grantee) ${grantee}, 'was granted', 'columns'
            from pg_attribute a
            join pg_class c on c.oid = a.attrelid
            join pg_namespace n on n.oid = c.relnamespace
            cross join aclexplode(a.attacl) g
           where g.grantee <> c.relowner and ${ofTheUser('c', 'pg_class')}) columns
        union all
        select * from (
          select distinct on (n.oid, g.grantee) ${grantee}, 'was granted', 'schemas'
            from pg_namespace n
            cross join aclexplode(n.nspacl) g
           where g.grantee <> n.nspowner and ${ofTheUser('n', 'pg_namespace')}
             and not (n.nspname = 'public' and g.grantee = 0)) schemas
        union all
        select * from (
          select distinct on (p.oid, g.grantee) ${grantee}, 'was granted', 'functions'
            from pg_proc p
            join pg_namespace n on n.oid = p.pronamespace
            cross join aclexplode(p.proacl) g
           where g.grantee not in (0, p.proowner) and ${ofTheUser('p', 'pg_proc')}) functions
        union all
        select distinct ${grantee}, 'has', 'default privileges'
          from pg_default_acl a
          cross join aclexplode(a.defaclacl) g
      ) lost
     where role <> current_user
     group by role, what, kind
     order by role, what, kind`);
  return rows.map(
    ({ role, what, kind, count }) =>
      `at the target, ${role} ${what} ${count} ${kind}; this is not carried over to the new database`,
  );
}
