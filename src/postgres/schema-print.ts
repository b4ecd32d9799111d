import { lettingLocksGo } from './catalog.ts';
import { ofTheUser } from './carried-relations.ts';
import type { ReadSession } from './session.ts';

/** What a database's schema is, kind by kind, in so few letters that two readings can be compared: plain JSON. */
export type SchemaPrint = Readonly<Record<string, { readonly objects: number; readonly hash: string }>>;

// Every object of the users' as one text: by names, not by numbers, which another database has others of. What a view or
// a rule does is taken as it is stored: pg_get_viewdef would lock all that it reads until the transaction ends.
const objects = `
  with relation as materialized (
    select c.*, n.nspname as schema
      from pg_class c
      join pg_namespace n on n.oid = c.relnamespace
     where c.relkind in ('r', 'p', 'v', 'm', 'f', 'c', 'S') and c.relpersistence <> 't' and ${ofTheUser('c', 'pg_class')}
  ), type as materialized (
    select t.*, n.nspname as schema
      from pg_type t
      join pg_namespace n on n.oid = t.typnamespace
     where t.typtype in ('e', 'd', 'r', 'b') and t.typcategory <> 'A' and ${ofTheUser('t', 'pg_type')}
  )
  select 'schemas' as kind, json_build_array(n.nspname)::text as object
    from pg_namespace n
   where ${ofTheUser('n', 'pg_namespace')}
  union all
  select case when relkind in ('v', 'm') then 'views' when relkind = 'S' then 'sequences' when relkind = 'c' then 'types' else 'tables' end,
         json_build_array(schema, relname, relkind, relpersistence, relrowsecurity, relforcerowsecurity, reloptions,
           case when relispartition then pg_get_expr(relpartbound, oid) end, case when relkind = 'p' then pg_get_partkeydef(oid) end,
           (select json_agg(i.inhparent::regclass::text order by i.inhseqno) from pg_inherits i where i.inhrelid = r.oid))::text
    from relation r
  union all
  select 'columns',
         json_build_array(r.schema, r.relname, a.attnum, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attidentity, a.attgenerated,
           case when a.attcollation <> t.typcollation then a.attcollation::regcollation::text end, pg_get_expr(d.adbin, d.adrelid))::text
    from relation r
    join pg_attribute a on a.attrelid = r.oid and a.attnum > 0 and not a.attisdropped
    join pg_type t on t.oid = a.atttypid
    left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
   where r.relkind <> 'S'
  union all
  -- Since PostgreSQL 18 a NOT NULL is a constraint too: the columns have it.
  select case when k.contype in ('p', 'u', 'x', 'f') then 'keys' else 'constraints' end, json_build_array(r.schema, r.relname, t.schema, t.typname, k.conname, pg_get_constraintdef(k.oid))::text
    from pg_constraint k
    left join relation r on r.oid = k.conrelid
    left join type t on t.oid = k.contypid
   where k.contype not in ('n', 't') and coalesce(r.oid, t.oid) is not null
  union all
  select 'indexes', json_build_array(pg_get_indexdef(i.indexrelid), i.indisvalid, i.indisprimary, i.indisreplident)::text
    from pg_index i
    join relation r on r.oid = i.indrelid
  union all
  select 'view definitions', json_build_array(r.schema, r.relname, w.rulename, w.ev_type, w.ev_enabled, w.is_instead, w.ev_qual::text, w.ev_action::text)::text
    from pg_rewrite w
    join relation r on r.oid = w.ev_class
  union all
  select 'sequences',
         json_build_array(r.schema, r.relname, format_type(s.seqtypid, null), s.seqstart, s.seqincrement, s.seqmin, s.seqmax, s.seqcache, s.seqcycle)::text
    from pg_sequence s
    join relation r on r.oid = s.seqrelid
  union all
  select 'functions',
         json_build_array(n.nspname, p.proname, p.prokind, pg_get_function_arguments(p.oid), pg_get_function_result(p.oid), l.lanname,
           p.provolatile, p.proisstrict, p.prosecdef, p.proleakproof, p.proparallel, p.procost, p.prorows, p.proconfig,
           p.prosrc, p.probin, p.prosqlbody::text, a.aggtransfn::text, a.aggfinalfn::text, a.aggtranstype::regtype::text, a.agginitval)::text
    from pg_proc p
    join pg_namespace n on n.oid = p.pronamespace
    join pg_language l on l.oid = p.prolang
    left join pg_aggregate a on a.aggfnoid = p.oid
   where ${ofTheUser('p', 'pg_proc')}
  union all
  select 'types',
         json_build_array(t.schema, t.typname, t.typtype, case when t.typtype = 'd' then format_type(t.typbasetype, t.typtypmod) end, t.typnotnull, t.typdefault,
           (select json_agg(e.enumlabel order by e.enumsortorder) from pg_enum e where e.enumtypid = t.oid),
           (select format_type(g.rngsubtype, null) from pg_range g where g.rngtypid = t.oid))::text
    from type t
  union all
  select 'triggers', json_build_array(pg_get_triggerdef(g.oid), g.tgenabled)::text
    from pg_trigger g
    join relation r on r.oid = g.tgrelid
   where not g.tgisinternal
  union all
  select 'policies',
         json_build_array(r.schema, r.relname, y.polname, y.polcmd, y.polpermissive,
           (select json_agg(pg_get_userbyid(nullif(role, 0)) order by role) from unnest(y.polroles) role),
           pg_get_expr(y.polqual, y.polrelid), pg_get_expr(y.polwithcheck, y.polrelid))::text
    from pg_policy y
    join relation r on r.oid = y.polrelid
  union all
  select 'extensions', json_build_array(x.extname, x.extversion, x.extnamespace::regnamespace::text)::text
    from pg_extension x
  union all
  select 'statistics', json_build_array(pg_get_statisticsobjdef(s.oid))::text
    from pg_statistic_ext s
    join relation r on r.oid = s.stxrelid
  union all
  select 'other objects', json_build_array('event trigger', evtname, evtevent, evtenabled, evttags, evtfoid::regproc::text)::text
    from pg_event_trigger
  union all
  select 'other objects', json_build_array('publication', pubname, puballtables, pubinsert, pubupdate, pubdelete, pubtruncate)::text
    from pg_publication
  union all
  select 'other objects', json_build_array('foreign server', srvname, srvtype, srvoptions)::text
    from pg_foreign_server
  union all
  select 'other objects', json_build_array('operator', o.oid::regoperator::text, o.oprcode::text)::text
    from pg_operator o
    join pg_namespace n on n.oid = o.oprnamespace
   where ${ofTheUser('o', 'pg_operator')}
  union all
  select 'other objects', json_build_array('collation', n.nspname, c.collname, c.collprovider, c.collcollate)::text
    from pg_collation c
    join pg_namespace n on n.oid = c.collnamespace
   where ${ofTheUser('c', 'pg_collation')}
  union all
  select 'other objects', json_build_array('text search', n.nspname, c.cfgname, (
           select json_agg(json_build_array(m.maptokentype, m.mapseqno, m.mapdict::regdictionary::text) order by m.maptokentype, m.mapseqno)
             from pg_ts_config_map m where m.mapcfg = c.oid))::text
    from pg_ts_config c
    join pg_namespace n on n.oid = c.cfgnamespace
   where ${ofTheUser('c', 'pg_ts_config')}`;

/**
 * The print of the whole schema, by one query, in a transaction of the session. It changes with whatever a clone would make otherwise;
 * not with rows, statistics, where a sequence stands, or who owns what.
 */
export async function readSchemaPrint(session: ReadSession): Promise<SchemaPrint> {
  const rows = await lettingLocksGo(session, () =>
    session.rows<{ kind: string; objects: string; sum: string }>(`
      select kind, count(*) as objects, sum(hashtextextended(object collate "C", 0)) as sum
        from (${objects}) o
       group by kind
       order by kind collate "C"`),
  );
  return Object.fromEntries(
    rows.map(({ kind, objects: number, sum }) => [
      kind,
      { objects: Number(number), hash: BigInt.asUintN(64, BigInt(sum)).toString(16).padStart(16, '0') },
    ]),
  );
}

/** What of a schema is another one than it was, in words: `columns (132, before 131)`. */
export function schemaChanges(then: SchemaPrint, now: SchemaPrint): string[] {
  const none = { objects: 0, hash: '' };
  return [...new Set([...Object.keys(then), ...Object.keys(now)])].toSorted().flatMap((kind) => {
    const [before, after] = [then[kind] ?? none, now[kind] ?? none];
    if (before.hash === after.hash) return [];
    return before.objects === after.objects
      ? [`${kind} (${after.objects}, as many as then)`]
      : [`${kind} (${after.objects}, before ${before.objects})`];
  });
}
