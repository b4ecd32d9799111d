import { allOf } from './all-of.ts';
import { RestageError } from './errors.ts';
import { countTables, readSequences, readTables, type Table } from './postgres/catalog.ts';
import { readLosses, readUncarried } from './postgres/losses.ts';
import { readRevision } from './postgres/revision.ts';
import { readDescription } from './postgres/swap.ts';
import type { Origin } from './postgres/session.ts';
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
 * Reads both databases, each in one transaction. Throws `target-is-source`, `ends-swapped`, `database-unfit`, and what a
 * connection throws.
 */
export async function planDatabase(
  source: SourceDatabase,
  target: TargetDatabase,
  signal: AbortSignal | undefined,
): Promise<PlannedDatabase> {
  const [from, to] = await allOf([readSource(source, signal), readTargetSide(target, signal)]);
  refuseWrongEnds(from, to);
  if (!to.fit) throw to.unfit;
  refuseVersions(from.origin, to.facts.origin);
  return {
    source: figuresOf(from.origin, from.tables, from.revision),
    target: figuresOf(to.facts.origin, to.fit.tables, to.fit.revision),
    tables: from.tables,
    sequences: from.sequences.length,
    sessions: to.facts.sessions,
    notes: [...standbyNote(from, to), ...acceptanceNote(to), ...from.notes, ...to.fit.losses],
  };
}

type SourceReading = Awaited<ReturnType<typeof readSource>>;
type TargetReading = Awaited<ReturnType<typeof readTargetSide>>;

async function readSource(source: SourceDatabase, signal: AbortSignal | undefined) {
  await using snapshot = await source.snapshot({ label: 'plan', signal });
  const { session } = snapshot;
  return {
    origin: session.origin,
    identity: await readIdentity(session),
    description: await readDescription(session, session.origin.database),
    tables: await countTables(session, await readTables(session)),
    sequences: await readSequences(session),
    revision: await readRevision(session),
    notes: await readUncarried(session),
  };
}

// Which database it is comes before whether it would do: the wrong one must not be made to do.
async function readTargetSide(target: TargetDatabase, signal: AbortSignal | undefined) {
  await using session = await target.session({ label: 'plan', access: 'read-only', signal });
  await session.execute('begin transaction isolation level repeatable read, read only');
  const identity = await readIdentity(session);
  const description = await readDescription(session, session.origin.database);
  const facts = await readTarget(session);
  const unfit = await refusalOf(requireSwappable(session));
  const fit = unfit
    ? undefined
    : {
        tables: await countTables(session, await readTables(session)),
        losses: await readLosses(session),
        revision: await readRevision(session),
      };
  return { identity, description, facts, unfit, fit };
}

function refuseWrongEnds(from: SourceReading, to: TargetReading): void {
  const ends = `${describeOrigin(from.origin)} and ${describeOrigin(to.facts.origin)}`;
  if (from.identity.database === to.identity.database)
    throw new RestageError('target-is-source', `both ends are the same database, by two names: ${ends}`, {
      hint: 'target.database in restage.yaml, or the secret that it names, leads to the source.',
    });
  const { origin } = to.facts;
  const made = from.description?.source;
  if (made && made.host === origin.host && made.port === origin.port && made.database === origin.database)
    throw new RestageError(
      'ends-swapped',
      `the ends are the wrong way round: ${describeOrigin(from.origin)} was itself made from ${describeOrigin(origin)}, by the run ${from.description?.run}`,
      { hint: 'source in restage.yaml is production, target is what is replaced.' },
    );
}

function refuseVersions(source: Origin, target: Origin): void {
  if (Number.parseInt(source.version, 10) > Number.parseInt(target.version, 10))
    throw new RestageError(
      'database-unfit',
      `the source is PostgreSQL ${source.version}, newer than the target's ${target.version}`,
      { hint: 'A newer schema may not fit an older server: upgrade the target first.' },
    );
  if (Number.parseInt(source.version, 10) < 14)
    throw new RestageError('database-unfit', `the source is PostgreSQL ${source.version}; restage reads 14 and later`);
}

/** A standby and its primary are two servers with one disk: only a person knows whether the target is that primary. */
function standbyNote({ identity, origin }: SourceReading, to: TargetReading): string[] {
  if (!identity.standby || identity.disk === undefined || identity.disk !== to.identity.disk) return [];
  return [
    `the source ${describeOrigin(origin)} is a standby, and the target has the same system identifier: make sure that the target is not its primary`,
  ];
}

function acceptanceNote({ description, facts }: TargetReading): string[] {
  if (!description || description.acceptedAt) return [];
  return [
    `${facts.origin.database} was put in place by the run ${description.run}, which did not end: nothing after its swap was verified`,
  ];
}

function figuresOf(origin: Origin, tables: readonly Table[], revision: string | undefined): DatabaseFigures {
  return {
    origin,
    tables: tables.length,
    rows: tables.reduce((total, table) => total + table.rows, 0),
    sizeBytes: tables.reduce((total, table) => total + table.sizeBytes + table.indexBytes, 0),
    ...(revision === undefined ? {} : { revision }),
  };
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

/** bluemoxon at host:5432 as user */
function describeOrigin(origin: Origin): string {
  return `${origin.database} at ${origin.host}:${origin.port} as ${origin.user}`;
}
