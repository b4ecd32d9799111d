import { RestageError } from '../errors.ts';
import { carriedRelations } from './carried-relations.ts';
import { displayTable, quoteName, type TableName } from './names.ts';
import type { ReadSession } from './session.ts';
import { someOf } from './some-of.ts';

/** A relation whose rows the session's role may not read, or not all of them. */
export interface Unreadable extends TableName {
  /** As in pg_class: table, partitioned table, sequence. */
  readonly kind: 'r' | 'p' | 'S';
  /** What stands in the way: no USAGE of the schema, no SELECT, or a policy that would hide rows. */
  readonly lacks: 'usage' | 'select' | 'bypassrls';
}

/**
 * What a clone would read and the role may not. Partitioned tables have no rows of their own, but pg_dump locks them,
 * which takes SELECT too.
 */
export async function readUnreadable(session: ReadSession, skipExtensions: readonly string[]): Promise<Unreadable[]> {
  return session.rows<{ schema: string; name: string; kind: Unreadable['kind']; lacks: Unreadable['lacks'] }>(`
    with found as (
      select n.nspname as schema, c.relname as name, c.relkind as kind,
             case when not has_schema_privilege(n.oid, 'usage') then 'usage'
                  when not has_table_privilege(c.oid, 'select') then 'select'
                  when c.relkind = 'r' and row_security_active(c.oid) then 'bypassrls' end as lacks
        ${carriedRelations(['r', 'p', 'S'], skipExtensions)}
    )
    select * from found where lacks is not null order by schema, name`);
}

/** Large objects that the role may not read. No server before 18 has a function that tells. */
async function readUnreadableLargeObjects(session: ReadSession): Promise<string[]> {
  const rows = await session.rows<{ oid: string }>(`
    select m.oid
      from pg_largeobject_metadata m
      join pg_roles me on me.rolname = current_user
     where not me.rolsuper
       and current_setting('lo_compat_privileges') = 'off'
       and not pg_has_role(m.lomowner, 'usage')
       and not exists (
             select from aclexplode(m.lomacl) a
              where a.privilege_type = 'SELECT' and (a.grantee = 0 or pg_has_role(a.grantee, 'usage')))
     order by m.oid`);
  return rows.map(({ oid }) => oid);
}

/**
 * Refuses a database that its role cannot read whole: everything that is missing at once. Rows that a policy hides are
 * never taken for rows that are not there. `reads`: of the target, only what is compared.
 * Throws `database-unfit` with the statements that mend it.
 */
export async function requireReadable(
  session: ReadSession,
  skipExtensions: readonly string[],
  {
    side = 'source',
    reads = () => true,
  }: { side?: 'source' | 'target'; reads?: (relation: TableName) => boolean } = {},
): Promise<void> {
  const found = (await readUnreadable(session, skipExtensions)).filter(reads);
  const objects = await readUnreadableLargeObjects(session);
  if (found.length === 0 && objects.length === 0) return;
  const { origin } = session;
  const role = quoteName(origin.user);
  const of = (lacks: Unreadable['lacks'], ...kinds: Unreadable['kind'][]) =>
    found.filter((one) => one.lacks === lacks && kinds.includes(one.kind));
  const closed = schemasOf(of('usage', 'r', 'p', 'S'));
  const tables = of('select', 'r', 'p');
  const sequences = of('select', 'S');
  const guarded = of('bypassrls', 'r');
  const names = (relations: readonly TableName[]) => someOf(relations.map(displayTable));
  const problems = [
    closed.length > 0 && `the schema ${someOf(closed)}: no right to use it`,
    tables.length > 0 && `${counted(tables, 'table')}: no right to select from ${names(tables)}`,
    sequences.length > 0 && `${counted(sequences, 'sequence')}: no right to select from ${names(sequences)}`,
    objects.length > 0 && `${counted(objects, 'large object')}: no right to select from ${someOf(objects)}`,
    guarded.length > 0 && `${counted(guarded, 'table')}: row-level security would hide rows of ${names(guarded)}`,
  ];
  // Below a closed schema nothing is known to be granted: its tables and sequences are put into the statements too.
  const grants = (what: string, relations: readonly TableName[]) =>
    relations.length > 0 && `grant select on all ${what} in schema ${quoted(schemasOf(relations))} to ${role}`;
  const statements = [
    closed.length > 0 && `grant usage on schema ${quoted(closed)} to ${role}`,
    grants('tables', [...of('usage', 'r', 'p'), ...tables]),
    grants('sequences', [...of('usage', 'S'), ...sequences]),
    objects.length > 0 &&
      `do $$ declare o oid; begin for o in select oid from pg_largeobject_metadata loop execute format('grant select on large object %s to ${role.replaceAll("'", "''")}', o); end loop; end $$`,
    guarded.length > 0 && `alter role ${role} bypassrls`,
  ];
  throw new RestageError(
    'database-unfit',
    `${origin.user} cannot read the whole of ${origin.database} at ${origin.host}:${origin.port}:\n  ${problems.filter(Boolean).join('\n  ')}`,
    { hint: `At the ${side}, as a superuser or RDS's master user: ${statements.filter(Boolean).join('; ')}` },
  );
}

function schemasOf(relations: readonly TableName[]): string[] {
  return [...new Set(relations.map(({ schema }) => schema))].toSorted((a, b) => a.localeCompare(b, 'en'));
}

function quoted(names: readonly string[]): string {
  return names.map(quoteName).join(', ');
}

function counted(things: readonly unknown[], one: string): string {
  return `${things.length} ${one}${things.length === 1 ? '' : 's'}`;
}
