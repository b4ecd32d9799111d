import { RestageError } from '../errors.ts';
import { nearest } from '../nearest.ts';
import { quoteName, quoteText } from './names.ts';
import type { SchemaEntry } from './schema-entries.ts';
import type { ReadSession } from './session.ts';
import { someOf } from './some-of.ts';

/** An extension that a database has. */
export interface Extension {
  readonly name: string;
  readonly version: string;
}

/** Those that pg_dump makes anew: what initdb installed is in every database. */
export async function readExtensions(session: ReadSession): Promise<Extension[]> {
  return session.rows<{ name: string; version: string }>(`
    select extname as name, extversion as version
      from pg_extension
     where oid >= 16384 and extname <> 'plpgsql'
     order by extname`);
}

/** Refuses to leave out extensions that something uses: it could not be made. Throws `database-unfit`, naming it. */
export async function requireDispensable(session: ReadSession, skipExtensions: readonly string[]): Promise<void> {
  if (skipExtensions.length === 0) return;
  const rows = await session.rows<{ extension: string; object: string }>(`
    with needs as (
      select distinct e.extname as extension, coalesce(r.oid::regclass::text, p.oid::regprocedure::text) as object
        from pg_extension e
        join pg_depend m on m.refclassid = 'pg_extension'::regclass and m.refobjid = e.oid and m.deptype = 'e'
        join pg_depend d on d.refclassid = m.classid and d.refobjid = m.objid and d.deptype = 'n'
        left join pg_rewrite w on d.classid = 'pg_rewrite'::regclass and w.oid = d.objid
        left join pg_index i on d.classid = 'pg_class'::regclass and i.indexrelid = d.objid
        left join pg_class r on r.oid = coalesce(w.ev_class, i.indrelid, case d.classid when 'pg_class'::regclass then d.objid end)
        left join pg_proc p on d.classid = 'pg_proc'::regclass and p.oid = d.objid
       where e.extname = any (array[${skipExtensions.map(quoteText).join(', ')}]::name[])
         and not exists (
               select from pg_depend o
                where o.deptype = 'e'
                  and (o.classid, o.objid) in (('pg_class'::regclass, r.oid), ('pg_proc'::regclass, p.oid)))
    )
    select extension, object from needs where object is not null order by extension, object`);
  if (rows.length === 0) return;
  const problems = [...Map.groupBy(rows, ({ extension }) => extension)].map(
    ([extension, needs]) =>
      `the extension ${extension} is to be left out, but it is needed by ${someOf(needs.map(({ object }) => object))}`,
  );
  throw new RestageError('database-unfit', problems.join('; '), {
    hint: 'Take it out of database.skipExtensions: what needs it cannot be made without.',
  });
}

/** What the target's server offers, by extension: the version that CREATE EXTENSION installs. */
export interface OfferedExtension extends Extension {
  /** Whether the session's role may install it in a database of its own. */
  readonly allowed: boolean;
}

// Roles to whom a managed server lets extensions be installed that elsewhere only a superuser may install.
const managers = ['rds_superuser', 'azure_pg_admin', 'cloudsqlsuperuser', 'alloydbsuperuser', 'neon_superuser'];

export async function readOfferedExtensions(session: ReadSession): Promise<OfferedExtension[]> {
  const rows = await session.rows<{ name: string; version: string; allowed: string }>(`
    with me as (
      select r.rolsuper
             or exists (select from pg_roles m
                         where m.rolname in (${managers.map((name) => `'${name}'`).join(', ')}) and pg_has_role(m.oid, 'member')) as trusted
        from pg_roles r
       where r.rolname = current_user
    )
    select a.name, a.default_version as version, (me.trusted or not v.superuser or v.trusted)::text as allowed
      from pg_available_extensions a
      join pg_available_extension_versions v on v.name = a.name and v.version = a.default_version
      cross join me`);
  return rows.map(({ allowed, ...extension }) => ({ ...extension, allowed: allowed === 'true' }));
}

/** Refuses names that the source has no extension of. Throws `config-invalid` with near names. */
export function requireKnownExtensions(names: readonly string[], found: readonly Extension[]): void {
  const known = found.map(({ name }) => name);
  const unknown = names.filter((name) => !known.includes(name));
  if (unknown.length === 0) return;
  const problems = unknown.map((name) => {
    const near = nearest(name, known);
    return `the source has no extension ${name}${near === undefined ? '' : `; it has ${near}`}`;
  });
  throw new RestageError('config-invalid', `database.skipExtensions: ${problems.join('; ')}`, {
    hint: known.length === 0 ? 'It has none at all.' : `Its extensions are ${known.join(', ')}.`,
  });
}

/**
 * Compares the source's extensions with what the target's server can make. Returns notes for the plan.
 * Throws `database-unfit`, naming all that cannot be made.
 */
export function matchExtensions(
  wanted: readonly Extension[],
  offered: readonly OfferedExtension[],
  target: ReadSession['origin'],
): string[] {
  const byName = new Map(offered.map((extension) => [extension.name, extension]));
  const missing = wanted.filter(({ name }) => !byName.has(name));
  const forbidden = wanted.filter(({ name }) => byName.get(name)?.allowed === false);
  const namesOf = (extensions: readonly Extension[]) => extensions.map(({ name }) => name).join(', ');
  if (missing.length > 0 || forbidden.length > 0) {
    const problems = [
      missing.length > 0 && `it does not have ${namesOf(missing)}`,
      forbidden.length > 0 && `${target.user} may not make ${namesOf(forbidden)}, only a superuser may`,
    ];
    const ways = [
      missing.length > 0 && `install the packages of ${namesOf(missing)} on the target's server`,
      forbidden.length > 0 &&
        `let restage log in to it as a superuser, or have "trusted = true" put into ${forbidden.map(({ name }) => `${name}.control`).join(', ')} there`,
    ];
    throw new RestageError(
      'database-unfit',
      `the target's server ${target.host}:${target.port} cannot make what the source has: ${problems.filter(Boolean).join('; ')}`,
      {
        hint: `Either ${ways.filter(Boolean).join(', and ')}, or leave them out in restage.yaml: database: { skipExtensions: [${namesOf([...missing, ...forbidden])}] }`,
      },
    );
  }
  return wanted.flatMap(({ name, version }) => {
    const other = byName.get(name)?.version;
    return other === undefined || other === version
      ? []
      : [`the extension ${name} is ${version} at the source and will be ${other} in the new database`];
  });
}

/** Whether an entry of a dump makes or describes one of these extensions, which are to be left out. */
export function belongsToExtension(entry: SchemaEntry, names: readonly string[]): boolean {
  return names.some(
    (name) =>
      (entry.type === 'EXTENSION' && entry.name === name) ||
      (entry.type === 'COMMENT' &&
        (entry.name === `EXTENSION ${name}` || entry.name === `EXTENSION ${quoteName(name)}`)),
  );
}
