/** What may have an owner or grants. A table and a view that bear one name are one kind: who may read one may read the other. */
export type ObjectKind =
  | 'relation'
  | 'column'
  | 'sequence'
  | 'routine'
  | 'type'
  | 'schema'
  | 'language'
  | 'foreign data wrapper'
  | 'foreign server'
  | 'large object'
  | 'operator'
  | 'operator class'
  | 'operator family'
  | 'collation'
  | 'conversion'
  | 'text search configuration'
  | 'text search dictionary'
  | 'statistics'
  | 'event trigger'
  | 'publication'
  | 'extension';

/** Whatever in a database has an owner, as SQL; but large objects, of which there may be millions. */
export const objects = `
  select case when c.relkind = 'S' then 'sequence' else 'relation' end as kind, 'pg_class'::regclass as class, c.oid, 0 as part,
         n.nspname as schema, c.relowner as owner, c.relacl as acl, owning.refobjid as follows
    from pg_class c
    join pg_namespace n on n.oid = c.relnamespace
    left join pg_depend owning
      on c.relkind = 'S' and owning.classid = 'pg_class'::regclass and owning.objid = c.oid and owning.objsubid = 0
     and owning.refclassid = 'pg_class'::regclass and owning.refobjsubid > 0 and owning.deptype in ('a', 'i')
   where c.relkind in ('r', 'p', 'v', 'm', 'S', 'f')
  union all
  select 'column', 'pg_class'::regclass, c.oid, a.attnum, n.nspname, c.relowner, a.attacl, c.oid
    from pg_attribute a
    join pg_class c on c.oid = a.attrelid
    join pg_namespace n on n.oid = c.relnamespace
   where a.attacl is not null and not a.attisdropped and c.relkind in ('r', 'p', 'v', 'm', 'f')
  union all
  select 'routine', 'pg_proc'::regclass, p.oid, 0, n.nspname, p.proowner, p.proacl, null
    from pg_proc p
    join pg_namespace n on n.oid = p.pronamespace
  union all
  -- The types of rows, arrays and multiranges go with their makers.
  select 'type', 'pg_type'::regclass, t.oid, 0, n.nspname, t.typowner, t.typacl, null
    from pg_type t
    join pg_namespace n on n.oid = t.typnamespace
    left join pg_class c on c.oid = t.typrelid
   where t.typtype <> 'm' and coalesce(c.relkind, 'c') = 'c' and not exists (select from pg_type e where e.typarray = t.oid)
  union all
  select 'schema', 'pg_namespace'::regclass, oid, 0, nspname, nspowner, nspacl, null from pg_namespace
  union all
  select 'language', 'pg_language'::regclass, oid, 0, null, lanowner, lanacl, null from pg_language
  union all
  select 'foreign data wrapper', 'pg_foreign_data_wrapper'::regclass, oid, 0, null, fdwowner, fdwacl, null from pg_foreign_data_wrapper
  union all
  select 'foreign server', 'pg_foreign_server'::regclass, oid, 0, null, srvowner, srvacl, null from pg_foreign_server
  union all
  select 'operator', 'pg_operator'::regclass, o.oid, 0, n.nspname, o.oprowner, null, null
    from pg_operator o join pg_namespace n on n.oid = o.oprnamespace
  union all
  select 'operator class', 'pg_opclass'::regclass, o.oid, 0, n.nspname, o.opcowner, null, null
    from pg_opclass o join pg_namespace n on n.oid = o.opcnamespace
  union all
  select 'operator family', 'pg_opfamily'::regclass, o.oid, 0, n.nspname, o.opfowner, null, null
    from pg_opfamily o join pg_namespace n on n.oid = o.opfnamespace
  union all
  select 'collation', 'pg_collation'::regclass, c.oid, 0, n.nspname, c.collowner, null, null
    from pg_collation c join pg_namespace n on n.oid = c.collnamespace
  union all
  select 'conversion', 'pg_conversion'::regclass, c.oid, 0, n.nspname, c.conowner, null, null
    from pg_conversion c join pg_namespace n on n.oid = c.connamespace
  union all
  select 'text search configuration', 'pg_ts_config'::regclass, c.oid, 0, n.nspname, c.cfgowner, null, null
    from pg_ts_config c join pg_namespace n on n.oid = c.cfgnamespace
  union all
  select 'text search dictionary', 'pg_ts_dict'::regclass, d.oid, 0, n.nspname, d.dictowner, null, null
    from pg_ts_dict d join pg_namespace n on n.oid = d.dictnamespace
  union all
  select 'statistics', 'pg_statistic_ext'::regclass, s.oid, 0, n.nspname, s.stxowner, null, null
    from pg_statistic_ext s join pg_namespace n on n.oid = s.stxnamespace
  union all
  select 'event trigger', 'pg_event_trigger'::regclass, oid, 0, null, evtowner, null, null from pg_event_trigger
  union all
  select 'publication', 'pg_publication'::regclass, oid, 0, null, pubowner, null, null from pg_publication
  union all
  select 'extension', 'pg_extension'::regclass, oid, 0, null, extowner, null, null from pg_extension`;

/** Large objects by their numbers, which are the statement's parameter. */
export const largeObjects = `
  select 'large object' as kind, 'pg_largeobject'::regclass as class, oid, 0 as part, null::name as schema,
         lomowner as owner, lomacl as acl, null::oid as follows
    from pg_largeobject_metadata
   where oid = any ($1::oid[])`;

/** The first number that is not one of the server's own objects (FirstNormalObjectId). */
export const firstOfUsers = 16384;

/** Of the server's own objects those that have grants: what is granted on the others is the same in every database. */
export const ofUsersOrGranted = `(o.oid >= ${firstOfUsers} or o.acl is not null or o.kind = 'large object') and (o.schema is null or o.schema !~ '^pg_(temp|toast)')`;
