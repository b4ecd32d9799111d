import { createHash } from 'node:crypto';
import type { Session } from './session.ts';

/** The three names a target database has in a run's life. */
export interface SwapNames {
  readonly current: string;
  readonly incoming: string;
  readonly previous: string;
}

const longestName = 63; // bytes, NAMEDATALEN - 1

/** The names for one run; the run's id keeps them apart from those of other runs. */
export function swapNames(database: string, run: string): SwapNames {
  return {
    current: database,
    incoming: `${stem(database, run)}__incoming_${run}`,
    previous: `${stem(database, run)}__previous_${run}`,
  };
}

/** The name itself, or its beginning with a hash of it: two long names that begin alike must not share their leftovers. */
function stem(database: string, run: string): string {
  const room = longestName - '__incoming_'.length - Buffer.byteLength(run);
  if (Buffer.byteLength(database) <= room) return database;
  const hash = createHash('sha256').update(database).digest('hex').slice(0, 8);
  const characters = Array.from(database);
  while (Buffer.byteLength(characters.join('')) + 1 + hash.length > room) characters.pop();
  return `${characters.join('')}~${hash}`;
}

/** What a run left on the target's server: half-built databases, and those it replaced, oldest first. */
export interface Leftovers {
  readonly incoming: readonly string[];
  readonly previous: readonly string[];
}

/** The form of a run's id; it sorts by time. A database that a person named alike is not restage's to drop. */
const runId = /^\d{8}-\d{6}-[0-9a-f]{4}$/;

export async function findLeftovers(maintenance: Session, database: string): Promise<Leftovers> {
  const rows = await maintenance.rows<{ name: string }>(`select datname as name from pg_database order by datname`);
  return leftoversAmong(
    rows.map(({ name }) => name),
    database,
  );
}

/** Finds them by their names, which hold the database's name, what they are, and the run. */
export function leftoversAmong(names: readonly string[], database: string): Leftovers {
  const of = (kind: 'incoming' | 'previous') =>
    names
      .filter((name) => {
        const run = name.slice(name.lastIndexOf('__') + kind.length + 3);
        return runId.test(run) && name === swapNames(database, run)[kind];
      })
      .toSorted((a, b) => runIn(a).localeCompare(runIn(b), 'en'));
  return { incoming: of('incoming'), previous: of('previous') };
}

/** The run in the name of what it left: of a database beside the target's, the one that built or replaced it. */
export function runIn(leftover: string): string {
  return leftover.slice(leftover.lastIndexOf('__')).replace(/^__(incoming|previous)_/, '');
}
