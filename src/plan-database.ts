import { allOf } from './all-of.ts';
import { RestageError } from './errors.ts';
import {
  readLostGrants,
  readRevision,
  readSequences,
  readTables,
  readUncarried,
  type Table,
} from './postgres/catalog.ts';
import { readProperties } from './postgres/database-properties.ts';
import type { Origin, Session } from './postgres/session.ts';
import type { SourceDatabase } from './postgres/source.ts';
import { readIdentity, readTarget, requireSwappable, type TargetDatabase } from './postgres/target.ts';

/** A database as a plan shows it. */
export interface DatabaseFigures {
  readonly origin: Origin;
  readonly tables: number;
  readonly rows: number;
  readonly sizeBytes: number;
  readonly revision?: string;
}

/** Both databases, read once, for the plan. */
export interface PlannedDatabase {
  readonly source: DatabaseFigures;
  readonly target: DatabaseFigures;
  readonly tables: readonly Table[];
  readonly sequences: number;
  readonly sessions: number;
  readonly notes: readonly string[];
}

/**
 * Reads both databases. Throws `target-is-source`, `database-unfit`, and what a connection throws.
 */
export async function planDatabase(
  source: SourceDatabase,
  target: TargetDatabase,
  signal: AbortSignal | undefined,
): Promise<PlannedDatabase> {
  const reading = async () => {
    await using snapshot = await source.snapshot({ label: 'plan', signal });
    const { session } = snapshot;
    return {
      origin: session.origin,
      identity: await readIdentity({ rows: session.rows }),
      tables: await readTables(session),
      sequences: await readSequences(session),
      revision: await readRevision(session),
      notes: await readUncarried(session),
    };
  };
  // Which database it is comes before whether it would do: the wrong one must not be made to do.
  const targetReading = async () => {
    await using session = await target.session({ label: 'plan', access: 'read-only', signal });
    const identity = await readIdentity(session);
    const unfit = await refusalOf(requireSwappable(session));
    const fit = unfit ? undefined : { tables: await readTables(session), lost: await readLosses(session) };
    return {
      identity,
      unfit,
      fit,
      facts: await readTarget(session),
      revision: unfit ? undefined : await readRevision(session),
    };
  };
  const [from, to] = await allOf([reading(), targetReading()] as const);
  if (from.identity === to.identity)
    throw new RestageError(
      'target-is-source',
      `both ends are the same database, by two names: ${describeOrigin(from.origin)} and ${describeOrigin(to.facts.origin)}`,
      { hint: 'target.database in restage.yaml, or the secret that it names, leads to the source.' },
    );
  if (!to.fit) throw to.unfit;
  if (Number.parseInt(from.origin.version, 10) > Number.parseInt(to.facts.origin.version, 10))
    throw new RestageError(
      'database-unfit',
      `the source is PostgreSQL ${from.origin.version}, newer than the target's ${to.facts.origin.version}`,
      {
        hint: 'A newer schema may not fit an older server: upgrade the target first.',
      },
    );
  if (Number.parseInt(from.origin.version, 10) < 14)
    throw new RestageError(
      'database-unfit',
      `the source is PostgreSQL ${from.origin.version}; restage reads 14 and later`,
    );
  return {
    source: {
      origin: from.origin,
      ...sizes(from.tables),
      ...(from.revision === undefined ? {} : { revision: from.revision }),
    },
    target: {
      origin: to.facts.origin,
      ...sizes(to.fit.tables),
      ...(to.revision === undefined ? {} : { revision: to.revision }),
    },
    tables: from.tables,
    sequences: from.sequences.length,
    sessions: to.facts.sessions,
    notes: [...from.notes, ...to.fit.lost],
  };
}

/** What the target has now and the new database will not, in words. */
async function readLosses(session: Session): Promise<string[]> {
  const refused = (await readProperties(session, session.origin.database)).filter(({ allowed }) => !allowed);
  return [
    ...(await readLostGrants(session)),
    ...refused.map(
      ({ what }) =>
        `the setting ${what} is not carried over to the new database: ${session.origin.user} may not make it`,
    ),
  ];
}

/** The error that a check ends with, if it ends with one. */
async function refusalOf(check: Promise<void>): Promise<unknown> {
  try {
    await check;
    return undefined;
  } catch (error) {
    return error;
  }
}

function sizes(tables: readonly Table[]): { tables: number; rows: number; sizeBytes: number } {
  return {
    tables: tables.length,
    rows: tables.reduce((total, table) => total + table.rows, 0),
    sizeBytes: tables.reduce((total, table) => total + table.sizeBytes + table.indexBytes, 0),
  };
}

/** bluemoxon at host:5432 as user */
function describeOrigin(origin: Origin): string {
  return `${origin.database} at ${origin.host}:${origin.port} as ${origin.user}`;
}
