import { quoteText } from './names.ts';

/**
 * The relations of these kinds that a clone carries, as `c` of the schema `n`: the users' own, and those that an extension
 * (`x.extension`, with the `x.condition` on its rows) has registered, as pg_dump finds them.
 */
export function carriedRelations(
  kinds: readonly ('r' | 'p' | 'S')[],
  skipExtensions: readonly string[],
  joins = '',
): string {
  // A temporary one is somebody's session's; of an unlogged one a standby has the name only.
  return `from pg_class c
      join pg_namespace n on n.oid = c.relnamespace
      left join (
        select u.oid, u.condition, e.extname as extension
          from pg_extension e
          cross join unnest(e.extconfig, e.extcondition) u(oid, condition)
         where e.oid >= 16384 and e.extname <> all (array[${skipExtensions.map(quoteText).join(', ')}]::name[])) x on x.oid = c.oid
      ${joins}
     where c.relkind in (${kinds.map((kind) => `'${kind}'`).join(', ')})
       and (c.relpersistence = 'p' or c.relpersistence = 'u' and not pg_is_in_recovery())
       and (x.oid is not null or ${ofTheUser('c', 'pg_class')})`;
}

/** The condition that leaves out the system's objects and those that an extension made. */
export function ofTheUser(alias: string, catalog: string): string {
  return `n.nspname not in ('pg_catalog', 'information_schema') and n.nspname !~ '^pg_(toast|temp)'
       and not exists (select from pg_depend d where d.classid = '${catalog}'::regclass and d.objid = ${alias}.oid and d.deptype = 'e')`;
}
