import { leftoversAmong, runIn } from './database-names.ts';
import { descriptionIn, type Description } from './description.ts';
import { quoteText } from './names.ts';
import { marker } from './protected-marker.ts';
import type { ReadSession } from './session.ts';

/** A database of the target's server, as far as it has to do with restage. */
export interface FoundDatabase {
  readonly name: string;
  /** By which it is known whatever it is called. */
  readonly oid: string;
  /** On disk; absent where the role may neither connect to it nor read all statistics. */
  readonly sizeBytes?: number;
  /** What restage noted on it; absent where restage has not made it. */
  readonly description?: Description;
  readonly isProtected: boolean;
}

/** A database beside the target's own, with the run in its name: that replaced it, or that built it. */
export interface SideDatabase extends FoundDatabase {
  readonly run: string;
}

export interface Databases {
  /** The target's own; absent where there is none of that name. */
  readonly present?: FoundDatabase;
  /** What it replaced, newest first. */
  readonly previous: readonly SideDatabase[];
  /** What is being built, or was when its run died. */
  readonly incoming: readonly SideDatabase[];
}

/** What of a server is the target's database, and what earlier runs put beside it. Any role may ask. */
export async function readDatabases(session: Pick<ReadSession, 'rows'>, current: string): Promise<Databases> {
  const names = await session.rows<{ name: string }>(`select datname as name from pg_database`);
  const beside = leftoversAmong(
    names.map(({ name }) => name),
    current,
  );
  const wanted = [current, ...beside.previous, ...beside.incoming];
  const rows = await session.rows<{ name: string; oid: string; comment: string | null; size: string | null }>(`
    select datname as name, oid, shobj_description(oid, 'pg_database') as comment,
           case when has_database_privilege(oid, 'connect') or pg_has_role('pg_read_all_stats', 'usage')
                then pg_database_size(oid) end as size
      from pg_database
     where datname in (${wanted.map(quoteText).join(', ')})`);
  const found = new Map(
    rows.map(({ name, oid, comment, size }) => {
      const description = descriptionIn(comment ?? undefined);
      const one: FoundDatabase = {
        name,
        oid,
        ...(size === null ? {} : { sizeBytes: Number(size) }),
        ...(description ? { description } : {}),
        isProtected: comment?.includes(marker) ?? false,
      };
      return [name, one];
    }),
  );
  const present = found.get(current);
  const side = (some: readonly string[]) =>
    some.toReversed().flatMap((name) => {
      const one = found.get(name);
      return one ? [{ ...one, run: runIn(name) }] : [];
    });
  return { ...(present ? { present } : {}), previous: side(beside.previous), incoming: side(beside.incoming) };
}

/** Whether everything was verified when it became the target's, or restage has not made it: nothing is known against it. */
export function isGood({ description }: { readonly description?: Description | undefined }): boolean {
  return !description || description.acceptedAt !== undefined;
}

/**
 * Of the databases that the target's replaced, newest first, those that stay after a refresh: the last few, and what bears the
 * marker. What was never accepted must not push out the last that was.
 */
export function keptOf(previous: readonly SideDatabase[], keep: number): readonly SideDatabase[] {
  const latest = previous.filter(isGood).slice(0, keep);
  return previous.filter((one) => one.isProtected || latest.includes(one));
}
