import { query } from '../test/sql.ts';

/** How much there is of each kind of thing in a database: what a complete copy has as much of. */
export type Shape = Readonly<Record<string, number>>;

export async function readShape(url: string): Promise<Shape> {
  const objects = await query(
    url,
    `select 'relations of kind ' || relkind::text as what, count(*) as n
       from pg_class
      where relnamespace not in (select oid from pg_namespace where nspname ~ '^pg_' or nspname = 'information_schema')
      group by relkind
     union all
     select 'constraints of type ' || contype::text || case when convalidated then '' else ', not valid' end, count(*)
       from pg_constraint
      where connamespace not in (select oid from pg_namespace where nspname ~ '^pg_' or nspname = 'information_schema')
      group by contype, convalidated
     order by what`,
  );
  const tables = await query(
    url,
    `select oid::regclass::text as name
       from pg_class
      where relkind = 'r' and relnamespace not in (select oid from pg_namespace where nspname ~ '^pg_' or nspname = 'information_schema')
      order by oid::regclass::text collate "C"`,
  );
  const counts = tables.map(({ name }) => `select 'rows of ${name}' as what, count(*) as n from only ${name}`);
  const rows = counts.length === 0 ? [] : await query(url, counts.join(' union all '));
  return Object.fromEntries([...objects, ...rows].map(({ what, n }) => [String(what), Number(n)]));
}

/** What there is not as much of as wanted. */
export function difference(wanted: Shape, found: Shape): readonly string[] {
  const names = [...new Set([...Object.keys(wanted), ...Object.keys(found)])];
  return names
    .filter((name) => (wanted[name] ?? 0) !== (found[name] ?? 0))
    .map((name) => `${name}: ${found[name] ?? 0} for ${wanted[name] ?? 0}`);
}

/** `157 tables, 7,400,000 rows, 1.30 GB` */
export async function describeDatabase(url: string): Promise<string> {
  const shape = await readShape(url);
  const tables = Object.keys(shape).filter((name) => name.startsWith('rows of '));
  const rows = tables.reduce((total, name) => total + (shape[name] ?? 0), 0);
  const [size] = await query(
    url,
    `select pg_database_size(current_database()) as bytes,
            (select format('%s of %s MB', oid::regclass, pg_total_relation_size(oid) / 1000000)
               from pg_class
              where relkind = 'r'
              order by pg_total_relation_size(oid) desc
              limit 1) as largest`,
  );
  const kind = (what: string) => shape[what] ?? 0;
  return [
    `${tables.length} tables, ${rows.toLocaleString('en')} rows, ${(Number(size?.['bytes']) / 1e9).toFixed(2)} GB`,
    `${kind('relations of kind i')} indexes, ${kind('constraints of type f')} foreign keys, the largest table ${size?.['largest']}`,
  ].join(', ');
}
