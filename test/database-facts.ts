import { openSession, type Row, type Session } from './sql.ts';

/** What a database holds, in lines by subject: two databases are alike only if all lines are. */
export type DatabaseFacts = Readonly<Record<string, readonly string[]>>;

/**
 * Reads the catalog, not the text of pg_dump: the state of constraints, indexes, triggers and sequences, what is stored
 * and how, every object's comment, and every row. Objects of extensions are the extensions' own.
 */
export async function factsOf(url: string): Promise<DatabaseFacts> {
  await using session = await openSession(url);
  await session.query(`set search_path = ''; set lc_monetary = 'C'; set extra_float_digits = 1`);
  const facts: Record<string, readonly string[]> = {};
  for (const [subject, sql] of Object.entries(catalog)) facts[subject] = linesOf(await session.query(sql));
  facts['sequence states'] = await statesOf(session);
  facts['rows'] = await rowsOf(session);
  return facts;
}

const ofTheUser = (catalogName: string, alias: string) =>
  `${alias}.oid >= 16384 and not exists (
     select from pg_depend d where d.classid = '${catalogName}'::regclass and d.objid = ${alias}.oid and d.deptype = 'e')`;

const relations = `
  select c.* from pg_class c join pg_namespace n on n.oid = c.relnamespace
   where n.nspname <> 'pg_toast' and c.relpersistence <> 't' and ${ofTheUser('pg_class', 'c')}`;

// Each catalog that holds objects, and which of its rows are objects of their own.
const catalogs: Readonly<Record<string, string>> = {
  pg_am: '',
  pg_amop: `and o.amopfamily in (select f.oid from pg_opfamily f where ${ofTheUser('pg_opfamily', 'f')})`,
  pg_amproc: `and o.amprocfamily in (select f.oid from pg_opfamily f where ${ofTheUser('pg_opfamily', 'f')})`,
  pg_attrdef: '',
  pg_cast: '',
  pg_class: `and o.relkind <> 't' and o.relnamespace <> 'pg_toast'::regnamespace`,
  pg_collation: '',
  // Not-null constraints are PostgreSQL 18's, until then a property of the column; a partition's parts are named by number.
  pg_constraint: `and o.contype <> 'n' and o.conparentid = 0`,
  pg_conversion: '',
  pg_event_trigger: '',
  pg_extension: '',
  pg_foreign_data_wrapper: '',
  pg_foreign_server: '',
  pg_language: '',
  pg_namespace: `and o.nspname !~ '^pg_(toast|temp)'`,
  pg_opclass: '',
  pg_operator: '',
  pg_opfamily: '',
  pg_policy: '',
  pg_proc: '',
  pg_publication: '',
  pg_publication_rel: '',
  pg_rewrite: '',
  pg_statistic_ext: '',
  pg_transform: '',
  pg_trigger: 'and (not o.tgisinternal or o.tgconstraint = 0)', // a partition's are internal in PostgreSQL 14
  pg_ts_config: '',
  pg_ts_dict: '',
  pg_ts_parser: '',
  pg_ts_template: '',
  pg_type: 'and not exists (select from pg_type e where e.typarray = o.oid)',
  pg_user_mapping: '',
};

const objects = Object.entries(catalogs).map(
  ([name, which]) =>
    `select '${name}'::regclass::oid as catalog, o.oid from ${name} o where ${ofTheUser(name, 'o')} ${which}`,
);

const catalog: Readonly<Record<string, string>> = {
  objects: `
    select i.type || ' ' || replace(i.identity, ' on language ', ' language ') as line
      from (${objects.join('\n union all ')}) o, pg_identify_object(o.catalog, o.oid, 0) i`,
  comments: `
    select concat_ws(' ', i.type, i.identity, 'is', d.description) as line
      from pg_description d, pg_identify_object(d.classoid, d.objoid, d.objsubid) i
     where (d.objoid >= 16384 or d.classoid = 'pg_namespace'::regclass)
       and not exists (
         select from pg_depend e where e.classid = d.classoid and e.objid = d.objoid and e.deptype = 'e')`,
  relations: `
    select concat_ws(' ', c.oid::regclass, c.relkind, c.relpersistence, a.amname, c.reloptions, t.reloptions,
                     'row security', c.relrowsecurity, c.relforcerowsecurity, 'replica identity', c.relreplident,
                     'populated', c.relispopulated, nullif(c.reloftype, 0)::regtype, pg_get_expr(c.relpartbound, c.oid),
                     pg_get_partkeydef(c.oid)) as line
      from (${relations}) c
      left join pg_am a on a.oid = c.relam
      left join pg_class t on t.oid = c.reltoastrelid`,
  columns: `
    select concat_ws(' ', c.oid::regclass, quote_ident(a.attname), format_type(a.atttypid, a.atttypmod),
                     case when a.attnotnull then 'not null' end, 'storage', a.attstorage, a.attcompression,
                     'statistics', nullif(a.attstattarget, -1), a.attoptions, a.attfdwoptions,
                     -- A partition has its own since 17, but below the second level ATTACH PARTITION leaves it out.
                     'identity', case when not c.relispartition then a.attidentity end, 'generated', a.attgenerated, 'inherited', a.attislocal, a.attinhcount,
                     nullif(a.attcollation, 0)::regcollation, pg_get_expr(d.adbin, d.adrelid)) as line
      from (${relations}) c
      join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
      left join pg_attrdef d on d.adrelid = c.oid and d.adnum = a.attnum`,
  constraints: `
    select concat_ws(' ', c.conrelid::regclass, c.contypid::regtype, quote_ident(c.conname), pg_get_constraintdef(c.oid),
                     'validated', c.convalidated, 'deferrable', c.condeferrable, c.condeferred, 'local', c.conislocal,
                     c.coninhcount, case when c.contype = 'c' then c.connoinherit end, c.conindid::regclass) as line
      from pg_constraint c
     where c.contype <> 'n' and c.conparentid = 0 and ${ofTheUser('pg_constraint', 'c')}`,
  indexes: `
    select concat_ws(' ', pg_get_indexdef(c.oid), 'valid', i.indisvalid, 'ready', i.indisready, 'key', i.indisprimary,
                     i.indisexclusion, i.indimmediate, 'clustered', i.indisclustered, 'identity', i.indisreplident) as line
      from (${relations}) c
      join pg_index i on i.indexrelid = c.oid`,
  triggers: `
    select concat_ws(' ', pg_get_triggerdef(t.oid), 'enabled', t.tgenabled) as line
      from pg_trigger t
     where not t.tgisinternal or t.tgconstraint = 0
    union all
    select concat_ws(' ', 'event trigger', evtname, evtevent, evtenabled, evttags, evtfoid::regproc) from pg_event_trigger`,
  rules: `
    select concat_ws(' ', r.ev_class::regclass, r.rulename, 'enabled', r.ev_enabled, r.ev_type, r.is_instead) as line
      from pg_rewrite r
     where ${ofTheUser('pg_rewrite', 'r')}`,
  policies: `
    select concat_ws(' ', tablename, policyname, permissive, roles, cmd, qual, with_check) as line from pg_policies`,
  sequences: `
    select concat_ws(' ', schemaname, sequencename, data_type, start_value, min_value, max_value, increment_by, cycle,
                     cache_size) as line
      from pg_sequences`,
  enums: `select concat_ws(' ', enumtypid::regtype, row_number() over (partition by enumtypid order by enumsortorder),
                           enumlabel) as line
            from pg_enum`,
  'extended statistics gathered': `
    select concat_ws(' ', s.stxname, 'ndistinct', d.stxdndistinct is not null, 'dependencies',
                     d.stxddependencies is not null, 'mcv', d.stxdmcv is not null, 'expressions', d.stxdexpr is not null) as line
      from pg_statistic_ext s
      join pg_statistic_ext_data d on d.stxoid = s.oid`,
  'large objects': `
    select concat_ws(' ', oid, length(lo_get(oid)), md5(lo_get(oid))) as line from pg_largeobject_metadata`,
  publications: `
    select concat_ws(' ', p.pubname, p.puballtables, p.pubinsert, p.pubupdate, p.pubdelete, p.pubtruncate, p.pubviaroot,
                     (select array_agg(t.schemaname || '.' || t.tablename order by t.schemaname, t.tablename) from pg_publication_tables t where t.pubname = p.pubname)) as line
      from pg_publication p`,
};

/** last_value and is_called of every sequence. */
async function statesOf(session: Session): Promise<string[]> {
  const sequences = await session.query(`select oid::regclass as name from (${relations}) c where relkind = 'S'`);
  const states = sequences.map(
    ({ name }) => `select '${quoted(name)} ' || last_value || ' ' || is_called as line from ${name}`,
  );
  return states.length === 0 ? [] : linesOf(await session.query(states.join(' union all ')));
}

/** Number and digest of the rows of every table, their columns in the order of their names. */
async function rowsOf(session: Session): Promise<string[]> {
  const tables = await session.query(`
    select c.oid::regclass as name,
           (select string_agg(quote_ident(attname), ', ' order by attname collate "C")
              from pg_attribute where attrelid = c.oid and attnum > 0 and not attisdropped) as columns
      from (${relations}) c
     where relkind in ('r', 'm') and relispopulated`);
  const digests = tables.map(
    ({ name, columns }) => `
      select '${quoted(name)} ' || count(*) || ' ' || coalesce(md5(string_agg(line, chr(10) order by line collate "C")), '') as line
        from (select row(${columns ?? ''})::text as line from only ${name}) rows`,
  );
  return digests.length === 0 ? [] : linesOf(await session.query(digests.join(' union all ')));
}

function linesOf(rows: readonly Row[]): string[] {
  return rows.map(({ line }) => line ?? '').toSorted();
}

function quoted(name: string | null | undefined): string {
  return (name ?? '').replaceAll("'", "''");
}
