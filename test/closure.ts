import { query } from './sql.ts';

/**
 * The rows of a subset, found another way than restage does: in the server, until nothing is new. `from` are
 * predicates by table, `children` tables whose rows come along with those. How many rows of each table, and a digest of where they lie.
 */
export async function closureOf(
  url: string,
  from: Readonly<Record<string, string>>,
  children: readonly string[] = [],
): Promise<Readonly<Record<string, { readonly rows: number; readonly ids: string }>>> {
  const starts = Object.entries(from).map(
    ([table, where]) => `insert into taken select tableoid, ctid from ${table} where ${where} on conflict do nothing;`,
  );
  const rows = await query(
    url,
    `
    create temp table taken (tab oid, id tid, primary key (tab, id));
    ${starts.join('\n')}
    do $$
    declare
      edge record;
      added bigint;
      news bigint;
      phase text;
    begin
      foreach phase in array array['children', 'parents'] loop loop
        added := 0;
        for edge in
          select case when c.relkind = 'p' then '' else 'only ' end || c.oid::regclass as child, c.oid,
                 case when p.relkind = 'p' then '' else 'only ' end || p.oid::regclass as parent,
                 (select string_agg(format('c.%I = p.%I', ca.attname, pa.attname), ' and ')
                    from unnest(k.conkey, k.confkey) u(c, p)
                    join pg_attribute ca on ca.attrelid = c.oid and ca.attnum = u.c
                    join pg_attribute pa on pa.attrelid = p.oid and pa.attnum = u.p) as match
            from pg_constraint k join pg_class c on c.oid = k.conrelid join pg_class p on p.oid = k.confrelid
           where k.contype = 'f' and k.conparentid = 0
        loop
          if phase = 'children' then
            continue when not edge.oid::regclass::text = any (array[${children.map((name) => `'${name}'`).join(', ')}]::text[]);
            execute format('insert into taken select c.tableoid, c.ctid from taken t join %s p on p.tableoid = t.tab and p.ctid = t.id join %s c on %s on conflict do nothing', edge.parent, edge.child, edge.match);
          else
            execute format('insert into taken select p.tableoid, p.ctid from taken t join %s c on c.tableoid = t.tab and c.ctid = t.id join %s p on %s on conflict do nothing', edge.child, edge.parent, edge.match);
          end if;
          get diagnostics news = row_count;
          added := added + news;
        end loop;
        exit when added = 0;
      end loop; end loop;
    end $$;
    select tab::regclass::text as name, count(*) as rows, string_agg(id::text, '' order by id) as ids
      from taken group by tab order by 1`,
  );
  return Object.fromEntries(
    rows.map(({ name, rows: count, ids }) => [name ?? '', { rows: Number(count), ids: ids ?? '' }]),
  );
}

/** How many rows of each foreign key have no parent, for those that have some. */
export async function orphansOf(url: string): Promise<Readonly<Record<string, number>>> {
  const keys = await query(
    url,
    `
    select k.conname as name,
           format('select count(*) as rows from %s%s c where not exists (select from %s%s p where %s) and %s',
                  case when c.relkind = 'p' then '' else 'only ' end, c.oid::regclass,
                  case when p.relkind = 'p' then '' else 'only ' end, p.oid::regclass,
                  string_agg(format('c.%I = p.%I', ca.attname, pa.attname), ' and '),
                  string_agg(format('c.%I is not null', ca.attname), ' and ')) as sql
      from pg_constraint k
      join pg_class c on c.oid = k.conrelid
      join pg_class p on p.oid = k.confrelid
      cross join unnest(k.conkey, k.confkey) u(c, p)
      join pg_attribute ca on ca.attrelid = c.oid and ca.attnum = u.c
      join pg_attribute pa on pa.attrelid = p.oid and pa.attnum = u.p
     where k.contype = 'f' and k.conparentid = 0
     group by 1, c.oid, c.relkind, p.oid, p.relkind`,
  );
  const counted = await Promise.all(
    keys.map(async ({ name, sql }) => [name ?? '', Number((await query(url, sql ?? ''))[0]?.['rows'])] as const),
  );
  return Object.fromEntries(counted.filter(([, rows]) => rows > 0));
}
