import { ofTheUser } from './carried-relations.ts';
import { displayName, displayTable, quoteName, quoteTable } from './names.ts';
import type { ReadSession } from './session.ts';

/** What was looked at, and what does not hold, in whole sentences. */
export interface Integrity {
  readonly constraints: number;
  readonly indexes: number;
  readonly sequences: number;
  readonly wrong: readonly string[];
  /** What is no fault of the copy, or could not be looked at, in whole sentences; absent where there is nothing of the kind. */
  readonly told?: readonly string[];
}

/** The constraints and indexes of a database, each by its place and name, and which of them hold. */
export interface Declared {
  readonly constraints: ReadonlyMap<string, DeclaredConstraint>;
  readonly indexes: ReadonlyMap<string, DeclaredIndex>;
}

interface DeclaredConstraint {
  /** In words: constraint books_year of books */
  readonly called: string;
  /** The statement that proves it. */
  readonly mend: string;
  /** Its server has proven it for every row. */
  readonly isValid: boolean;
}

interface DeclaredIndex extends DeclaredConstraint {
  /** Of a partitioned table: it is valid once every part has one. */
  readonly isPartitioned: boolean;
  readonly isBeingBuilt: boolean;
}

/**
 * Every constraint that a table or domain has by itself, and every index, of the user's. What is inherited is as valid as what it
 * comes from; what is NOT ENFORCED promises nothing.
 */
export async function readDeclared(session: ReadSession): Promise<Declared> {
  const constraints = await session.rows<{
    schema: string;
    owner: string;
    name: string;
    domain: string;
    valid: string;
  }>(`
    select n.nspname as schema, coalesce(c.relname, t.typname) as owner, k.conname as name,
           (t.oid is not null)::text as domain, k.convalidated::text as valid
      from pg_constraint k
      left join pg_class c on c.oid = k.conrelid
      left join pg_type t on t.oid = k.contypid
      join pg_namespace n on n.oid = coalesce(c.relnamespace, t.typnamespace)
     where (k.contype in ('c', 'f', 'p', 'u', 'x') or k.contype = 'n' and not k.convalidated)
       and k.conparentid = 0 and k.coninhcount = 0
       and coalesce(to_jsonb(k) ->> 'conenforced', 'true') = 'true'
       and (t.oid is null or ${ofTheUser('t', 'pg_type')})
       and (c.oid is null or ${ofTheUser('c', 'pg_class')})
     order by 1, 2, 3`);
  const indexes = await session.rows<{
    schema: string;
    owner: string;
    name: string;
    valid: string;
    partitioned: string;
    building: string;
  }>(`
    select n.nspname as schema, c.relname as owner, i.relname as name,
           (x.indisvalid and x.indisready and x.indislive)::text as valid, (i.relkind = 'I')::text as partitioned,
           exists (select from pg_stat_progress_create_index p
                    where p.datname = current_database() and p.index_relid = i.oid)::text as building
      from pg_index x
      join pg_class i on i.oid = x.indexrelid
      join pg_class c on c.oid = x.indrelid
      join pg_namespace n on n.oid = c.relnamespace
     where ${ofTheUser('c', 'pg_class')}
     order by 1, 2, 3`);
  return {
    constraints: new Map(
      constraints.map(({ schema, owner, name, domain, valid }) => {
        const called = `constraint ${displayName(name)} of ${domain === 'true' ? 'the domain ' : ''}${displayTable({ schema, name: owner })}`;
        const mend = `alter ${domain === 'true' ? 'domain' : 'table'} ${quoteTable({ schema, name: owner })} validate constraint ${quoteName(name)}`;
        return [called, { called, mend, isValid: valid === 'true' }];
      }),
    ),
    indexes: new Map(
      indexes.map(({ schema, owner, name, valid, partitioned, building }) => {
        const called = `index ${displayName(name)} of ${displayTable({ schema, name: owner })}`;
        const index = {
          called,
          mend: `reindex index ${quoteTable({ schema, name })}`,
          isValid: valid === 'true',
          isPartitioned: partitioned === 'true',
          isBeingBuilt: building === 'true',
        };
        return [called, index];
      }),
    ),
  };
}

/** Something that does not hold, in words, and the statement that mends it. */
export interface Fault {
  readonly words: string;
  readonly mend: string;
}

/**
 * What of a database's constraints and indexes does not hold, though the source's do. `before`: what they were before staging's own
 * commands changed them; absent where there were none. A constraint that the source does not have at all, or that a migration made
 * NOT VALID, is somebody's will; an index that is not valid is what a failed build left behind.
 */
export function judgeDeclared(
  now: Declared,
  source: Declared,
  before?: Declared,
): { readonly faults: readonly Fault[]; readonly told: readonly string[] } {
  const faults: Fault[] = [];
  const told: string[] = [];
  for (const { called, mend, isValid } of now.constraints.values()) {
    if (isValid) continue;
    const theirs = source.constraints.get(called);
    if (theirs && !theirs.isValid) continue;
    if (!theirs) told.push(`${called} is NOT VALID; the source has none of that name`);
    else if (before?.constraints.get(called)?.isValid) told.push(`${called} is NOT VALID since the migration`);
    else faults.push({ words: `${called} is not valid, and the source's is: rows may break it`, mend });
  }
  for (const { called, mend, isValid, isPartitioned, isBeingBuilt } of now.indexes.values()) {
    if (isValid) continue;
    const theirs = source.indexes.get(called);
    if (isPartitioned && theirs?.isPartitioned && !theirs.isValid) continue;
    if (isBeingBuilt) told.push(`${called} is being built at this moment`);
    else if (isPartitioned) told.push(`${called} is not valid: not every part of the table has one of its own`);
    else faults.push({ words: `${called} is not valid: its build failed, and no query uses it`, mend });
  }
  return { faults, told };
}
