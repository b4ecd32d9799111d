import { ofTheUser } from '../carried-relations.ts';

/** An object as the catalog has it; what it is made of depends on its kind. */
export type CatalogObject = { readonly schema: string } & (
  | { readonly kind: 'schema'; readonly name: string; readonly parts: null }
  | {
      readonly kind: 'extension';
      readonly name: string;
      readonly parts: { readonly version: string; readonly offered: string | null };
    }
  | { readonly kind: 'table'; readonly name: string; readonly parts: TableParts }
  | { readonly kind: 'view'; readonly name: string; readonly parts: ViewParts }
  | { readonly kind: 'sequence'; readonly name: string; readonly parts: SequenceParts }
  | { readonly kind: 'function'; readonly name: string; readonly parts: FunctionParts }
  | { readonly kind: 'type'; readonly name: string; readonly parts: TypeParts }
  | {
      readonly kind: 'statistics';
      readonly name: string;
      readonly parts: { readonly definition: string; readonly table: Place };
    }
  | ({ readonly relation: string; readonly name: string } & (
      | { readonly kind: 'column'; readonly parts: ColumnParts }
      | { readonly kind: 'constraint'; readonly parts: { readonly definition: string; readonly refers: Place | null } }
      | { readonly kind: 'index'; readonly parts: { readonly definition: string; readonly valid: boolean } }
      | { readonly kind: 'trigger' | 'rule'; readonly parts: { readonly definition: string; readonly enabled: string } }
      | { readonly kind: 'policy'; readonly parts: PolicyParts }
    ))
);

/** Schema and name. */
type Place = readonly [string, string];

export interface TableParts {
  readonly relkind: 'r' | 'p' | 'f';
  readonly persistence: string;
  readonly method: string | null;
  readonly options: readonly string[] | null;
  readonly secured: boolean;
  readonly forced: boolean;
  readonly identity: string;
  readonly identityIndex: string | null;
  readonly bound: string | null;
  readonly key: string | null;
  readonly parents: readonly Place[] | null;
  readonly ofType: string | null;
  readonly server: string | null;
}

export interface ColumnParts {
  readonly type: string;
  readonly required: boolean;
  readonly requiredNotValid: boolean;
  readonly requiredNotInherited: boolean;
  readonly default: string | null;
  readonly generated: string;
  readonly identity: string;
  readonly collation: string | null;
  readonly ofView: boolean;
}

export interface ViewParts {
  readonly materialized: boolean;
  readonly query: string;
  readonly options: readonly string[] | null;
}

export interface SequenceParts {
  readonly type: string;
  readonly start: number | string;
  readonly increment: number | string;
  readonly least: number | string;
  readonly most: number | string;
  readonly cache: number | string;
  readonly cycles: boolean;
  readonly persistence: string;
  /** Schema, table and column. */
  readonly owner: readonly [string, string, string] | null;
}

export interface FunctionParts {
  readonly prokind: 'f' | 'p' | 'w' | 'a';
  readonly types: readonly string[];
  readonly language: string;
  readonly definition: string | null;
  readonly body: string;
  readonly aggregate: Readonly<Record<string, string | boolean | null>> | null;
}

export interface TypeParts {
  readonly typtype: 'e' | 'd' | 'r' | 'c' | 'b';
  readonly labels: readonly string[] | null;
  readonly base: string | null;
  readonly required: boolean;
  readonly default: string | null;
  readonly collation: string | null;
  readonly checks: readonly (readonly [string, string])[] | null;
  readonly attributes: readonly (readonly [string, string, string | null])[] | null;
  readonly range: Readonly<Record<string, string | null>> | null;
  readonly input: string | null;
}

export interface PolicyParts {
  readonly command: string;
  readonly permissive: boolean;
  readonly roles: readonly string[] | null;
  readonly using: string | null;
  readonly check: string | null;
}

/** What a leak scan leaves behind where it was killed. */
const leftover = '^restage_scan_[0-9a-f]{12}$';

function collationOf(alias: string, type: string): string {
  return `case when ${alias} <> 0 and ${alias} is distinct from (select b.typcollation from pg_type b where b.oid = ${type}) then ${alias}::regcollation::text end`;
}

/**
 * Every object of the users' as JSON, by names and not by numbers, with names qualified as an empty search_path has them. What
 * a part has of its whole (indexes, keys and triggers of partitions, checks of children) is told of the whole only.
 */
export const catalogObjects = `
  with relation as materialized (
    select c.*, n.nspname as schema
      from pg_class c
      join pg_namespace n on n.oid = c.relnamespace
     where c.relkind in ('r', 'p', 'v', 'm', 'f', 'S') and c.relpersistence <> 't' and ${ofTheUser('c', 'pg_class')}
       and n.nspname !~ '${leftover}'
  )
  select 'schema' as kind, n.nspname::text as schema, null::text as relation, n.nspname::text as name, null::text as parts, 0 as place
    from pg_namespace n
   where ${ofTheUser('n', 'pg_namespace')} and n.nspname !~ '${leftover}'
  union all
  select 'extension', '', null, x.extname, json_build_object('version', x.extversion, 'offered', a.default_version)::text, 0
    from pg_extension x
    left join pg_available_extensions() a on a.name = x.extname
   where x.oid >= 16384 and x.extname <> 'plpgsql'
  union all
  select 'table', r.schema, null, r.relname,
         json_build_object(
           'relkind', r.relkind, 'persistence', r.relpersistence, 'options', r.reloptions, 'secured', r.relrowsecurity, 'forced', r.relforcerowsecurity,
           'method', (select a.amname from pg_am a where a.oid = r.relam and a.amname <> 'heap'),
           'identity', r.relreplident,
           'identityIndex', (select c.relname from pg_index i join pg_class c on c.oid = i.indexrelid where i.indrelid = r.oid and i.indisreplident),
           'bound', case when r.relispartition then pg_get_expr(r.relpartbound, r.oid) end,
           'key', case when r.relkind = 'p' then pg_get_partkeydef(r.oid) end,
           'parents', (select json_agg(json_build_array(n.nspname, p.relname) order by i.inhseqno)
                         from pg_inherits i join pg_class p on p.oid = i.inhparent join pg_namespace n on n.oid = p.relnamespace
                        where i.inhrelid = r.oid),
           'ofType', case when r.reloftype <> 0 then format_type(r.reloftype, null) end,
           'server', (select s.srvname from pg_foreign_table f join pg_foreign_server s on s.oid = f.ftserver where f.ftrelid = r.oid))::text, 0
    from relation r
   where r.relkind in ('r', 'p', 'f')
  union all
  select 'column', r.schema, r.relname, a.attname,
         json_build_object(
           'type', format_type(a.atttypid, a.atttypmod), 'required', a.attnotnull,
           'requiredNotValid', not coalesce(k.convalidated, true), 'requiredNotInherited', coalesce(k.connoinherit, false),
           'default', pg_get_expr(d.adbin, d.adrelid), 'generated', a.attgenerated,
           -- A partition has it of its whole, which the catalog says since 17.
           'identity', case when r.relispartition then '' else a.attidentity end,
           'collation', case when a.attcollation <> t.typcollation then a.attcollation::regcollation::text end,
           'ofView', r.relkind in ('v', 'm'))::text, a.attnum
    from relation r
    join pg_attribute a on a.attrelid = r.oid and a.attnum > 0 and not a.attisdropped
    join pg_type t on t.oid = a.atttypid
    left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
    left join pg_constraint k on k.conrelid = a.attrelid and k.contype = 'n' and k.conkey = array[a.attnum]
   where r.relkind in ('r', 'p', 'f') or r.relkind = 'v' and d.oid is not null
  union all
  -- Since PostgreSQL 18 a NOT NULL is a constraint too: the columns have it.
  select 'constraint', r.schema, r.relname, k.conname,
         json_build_object('definition', pg_get_constraintdef(k.oid), 'refers', (
           select json_build_array(n.nspname, c.relname) from pg_class c join pg_namespace n on n.oid = c.relnamespace where c.oid = k.confrelid))::text, 0
    from relation r
    join pg_constraint k on k.conrelid = r.oid and k.contype in ('c', 'f', 'p', 'u', 'x') and k.conparentid = 0
   where k.contype <> 'c' or k.coninhcount = 0
  union all
  select 'index', r.schema, r.relname, c.relname, json_build_object('definition', pg_get_indexdef(i.indexrelid), 'valid', i.indisvalid)::text, 0
    from relation r
    join pg_index i on i.indrelid = r.oid
    join pg_class c on c.oid = i.indexrelid and not c.relispartition
   where not exists (select from pg_constraint k where k.conindid = i.indexrelid and k.conrelid = r.oid and k.contype in ('p', 'u', 'x'))
  union all
  select 'view', r.schema, null, r.relname,
         json_build_object('materialized', r.relkind = 'm', 'query', pg_get_viewdef(r.oid), 'options', r.reloptions)::text, 0
    from relation r
   where r.relkind in ('v', 'm')
  union all
  select 'sequence', r.schema, null, r.relname,
         json_build_object(
           'type', format_type(s.seqtypid, null), 'start', s.seqstart::text, 'increment', s.seqincrement::text, 'least', s.seqmin::text,
           'most', s.seqmax::text, 'cache', s.seqcache::text, 'cycles', s.seqcycle, 'persistence', r.relpersistence,
           'owner', (select json_build_array(n.nspname, c.relname, a.attname)
                       from pg_depend o
                       join pg_class c on c.oid = o.refobjid
                       join pg_namespace n on n.oid = c.relnamespace
                       join pg_attribute a on a.attrelid = c.oid and a.attnum = o.refobjsubid
                      where o.classid = 'pg_class'::regclass and o.objid = r.oid and o.refclassid = 'pg_class'::regclass
                        and o.deptype in ('a', 'i') and o.refobjsubid > 0))::text, 0
    from relation r
    join pg_sequence s on s.seqrelid = r.oid
  union all
  select 'trigger', r.schema, r.relname, g.tgname, json_build_object('definition', pg_get_triggerdef(g.oid), 'enabled', g.tgenabled)::text, 0
    from relation r
    -- Until 15 that of a partition, made of its whole's, is an internal one.
    join pg_trigger g on g.tgrelid = r.oid and (not g.tgisinternal or g.tgparentid <> 0 and g.tgconstraint = 0)
    left join pg_trigger w on w.oid = g.tgparentid
   where w.oid is null or w.tgenabled <> g.tgenabled
  union all
  select 'rule', r.schema, r.relname, w.rulename, json_build_object('definition', pg_get_ruledef(w.oid), 'enabled', w.ev_enabled)::text, 0
    from relation r
    join pg_rewrite w on w.ev_class = r.oid and w.rulename <> '_RETURN'
  union all
  select 'policy', r.schema, r.relname, y.polname,
         json_build_object(
           'command', y.polcmd, 'permissive', y.polpermissive,
           'roles', (select json_agg(pg_get_userbyid(role) order by pg_get_userbyid(role)) from unnest(y.polroles) role where role <> 0),
           'using', pg_get_expr(y.polqual, y.polrelid), 'check', pg_get_expr(y.polwithcheck, y.polrelid))::text, 0
    from relation r
    join pg_policy y on y.polrelid = r.oid
  union all
  select 'statistics', n.nspname, null, s.stxname,
         json_build_object('definition', pg_get_statisticsobjdef(s.oid), 'table', json_build_array(r.schema, r.relname))::text, 0
    from relation r
    join pg_statistic_ext s on s.stxrelid = r.oid
    join pg_namespace n on n.oid = s.stxnamespace
  union all
  select 'type', n.nspname, null, t.typname,
         json_build_object(
           'typtype', t.typtype, 'required', t.typnotnull, 'default', coalesce(pg_get_expr(t.typdefaultbin, 0), t.typdefault),
           'base', case when t.typtype = 'd' then format_type(t.typbasetype, t.typtypmod) end,
           'collation', case when t.typtype = 'd' then ${collationOf('t.typcollation', 't.typbasetype')} end,
           'labels', (select json_agg(e.enumlabel order by e.enumsortorder) from pg_enum e where e.enumtypid = t.oid),
           'checks', (select json_agg(json_build_array(k.conname, pg_get_constraintdef(k.oid)) order by k.conname)
                        from pg_constraint k where k.contypid = t.oid and k.contype = 'c'),
           'attributes', (select json_agg(json_build_array(a.attname, format_type(a.atttypid, a.atttypmod), ${collationOf('a.attcollation', 'a.atttypid')}) order by a.attnum)
                            from pg_attribute a where a.attrelid = t.typrelid and a.attnum > 0 and not a.attisdropped),
           'range', (select json_build_object(
                       'subtype', format_type(g.rngsubtype, null), 'multirange', m.typname, 'class', case when o.opcdefault then null else o.opcname end,
                       'collation', ${collationOf('g.rngcollation', 'g.rngsubtype')},
                       'canonical', nullif(g.rngcanonical::text, '-'), 'difference', nullif(g.rngsubdiff::text, '-'))
                       from pg_range g join pg_opclass o on o.oid = g.rngsubopc left join pg_type m on m.oid = g.rngmultitypid
                      where g.rngtypid = t.oid),
           'input', case when t.typtype = 'b' then t.typinput::text end)::text, 0
    from pg_type t
    join pg_namespace n on n.oid = t.typnamespace
    left join pg_class c on c.oid = t.typrelid
   where t.typtype in ('e', 'd', 'r', 'b', 'c') and t.typcategory <> 'A' and (t.typtype <> 'c' or c.relkind = 'c')
     and t.typisdefined and ${ofTheUser('t', 'pg_type')} and n.nspname !~ '${leftover}'
  union all
  select 'function', n.nspname, null, p.proname,
         json_build_object(
           'prokind', p.prokind, 'types', coalesce((select json_agg(format_type(t.type, null) order by t.n) from unnest(p.proargtypes) with ordinality t(type, n)), '[]'),
           'language', l.lanname, 'body', case when p.prosqlbody is null then p.prosrc else '' end,
           'definition', case when p.prokind <> 'a' then pg_get_functiondef(p.oid) end,
           'aggregate', (select json_build_object(
                           'arguments', pg_get_function_arguments(p.oid), 'result', pg_get_function_result(p.oid), 'sfunc', a.aggtransfn::text,
                           'stype', format_type(a.aggtranstype, null), 'finalfunc', nullif(a.aggfinalfn::text, '-'), 'initcond', a.agginitval,
                           'combinefunc', nullif(a.aggcombinefn::text, '-'), 'msfunc', nullif(a.aggmtransfn::text, '-'),
                           'kind', a.aggkind, 'sortop', case when a.aggsortop <> 0 then a.aggsortop::regoperator::text end, 'parallel', p.proparallel)
                           from pg_aggregate a where a.aggfnoid = p.oid))::text, 0
    from pg_proc p
    join pg_namespace n on n.oid = p.pronamespace
    join pg_language l on l.oid = p.prolang
   where ${ofTheUser('p', 'pg_proc')} and n.nspname !~ '${leftover}'
     -- Those that make the values of a range come with it.
     and not exists (select from pg_depend d where d.classid = 'pg_proc'::regclass and d.objid = p.oid and d.refclassid = 'pg_type'::regclass and d.deptype = 'i')
   order by place`;
