import { allOf } from './all-of.ts';
import type { Config } from './config.ts';
import { failureOf, RestageError, type Failure } from './errors.ts';
import { isSameDatabase, lastOfDatabase, type LastRun } from './last-run.ts';
import { countTables, readSequences, readTables, type Table } from './postgres/catalog.ts';
import { readTextSettings, type TextSettings } from './postgres/database-properties.ts';
import {
  matchExtensions,
  readExtensions,
  requireDispensable,
  readOfferedExtensions,
  requireKnownExtensions,
} from './postgres/extensions.ts';
import { countLargeObjects } from './postgres/large-objects.ts';
import { readLosses, readSuperusersOnly, readUncarried } from './postgres/losses.ts';
import { emptyTables, emptyTablesError, unknownTables } from './postgres/empty-tables.ts';
import { readNamedRoles, requireNamedRoles } from './postgres/named-roles.ts';
import { displayTable, quoteName, quoteTable } from './postgres/names.ts';
import { readUnreadable, requireReadable } from './postgres/readable.ts';
import { requireUnmarked } from './postgres/protected-marker.ts';
import { readRevision } from './postgres/revision.ts';
import { readRoles, requireRoles, type Roles } from './postgres/roles.ts';
import { readSchemaPrint, type SchemaPrint } from './postgres/schema-print.ts';
import { someOf } from './postgres/some-of.ts';
import { readDescription } from './postgres/swap.ts';
import type { Origin } from './postgres/session.ts';
import type { SourceDatabase } from './postgres/source.ts';
import {
  readIdentity,
  readTarget,
  requireSwappable,
  type OpenSessions,
  type TargetDatabase,
} from './postgres/target.ts';
import { goneTables, leastRows, shrunkTables, shrunkTotal, type LeastRows } from './shrink.ts';
import { describeOrigin, kinNote, refuseWrongEnds } from './wrong-ends.ts';

/** A database as a plan shows it. */
export interface DatabaseFigures {
  readonly origin: Origin;
  /** When these figures were read, ISO 8601. */
  readonly readAt: string;
  readonly tables: number;
  readonly rows: number;
  readonly sizeBytes: number;
  readonly revision?: string;
  readonly schema: SchemaPrint;
  /** The system identifier and the database's number, where the role may read them. */
  readonly identity?: string;
}

/** Both databases, read once, for the plan. */
export interface PlannedDatabase {
  readonly source: DatabaseFigures;
  readonly target: DatabaseFigures;
  readonly tables: readonly Table[];
  readonly sequences: number;
  readonly largeObjects: number;
  readonly sessions: readonly OpenSessions[];
  readonly notes: readonly string[];
  /** Why it may not be run, as far as what the databases hold says so. */
  readonly refusals: readonly Failure[];
  /** What tables must have at least, where they could only be estimated: by quoted name. */
  readonly least: ReadonlyMap<string, LeastRows>;
}

/** What the config says of the database. */
export type Choices = Pick<
  Config['database'],
  'publications' | 'skipExtensions' | 'mayBeEmpty' | 'mayShrink' | 'owner' | 'grants'
> &
  Pick<NonNullable<Config['target']['expect']>, 'restoredFromSource'>;

/** What figures are measured by, and how far they may have fallen. */
export interface Earlier {
  readonly maxShrinkPercent: number;
  /** Newest first. */
  readonly last: readonly LastRun[];
}

/**
 * Reads both databases, each in one transaction. What they hold and must not is told as refusals; throws
 * `target-is-source`, `protected`, `ends-swapped`, `database-unfit`, and what a connection throws.
 */
export async function planDatabase(
  source: SourceDatabase,
  target: TargetDatabase,
  signal: AbortSignal | undefined,
  choices: Choices,
  earlier: Earlier,
): Promise<PlannedDatabase> {
  const [from, to] = await allOf([readSource(source, choices, signal), readTargetSide(target, choices, signal)]);
  refuseWrongEnds(from, to, choices.restoredFromSource);
  if (!to.fit) throw to.unfit;
  refuseVersions(from.origin, to.facts.origin);
  if (!from.fit) throw from.unfit;
  const { tables } = from.fit;
  const refusals: Failure[] = [];
  const refuse = (error: RestageError | undefined) => void (error && refusals.push(failureOf(error)));
  /** The words of a check, or its refusal. */
  const ask = (check: () => string[]): string[] => {
    try {
      return check();
    } catch (error) {
      if (!(error instanceof RestageError)) throw error;
      refuse(error);
      return [];
    }
  };
  refuse(unknownTables('database.mayBeEmpty', choices.mayBeEmpty, tables));
  refuse(unknownTables('database.mayShrink', choices.mayShrink, tables));
  const empty = emptyTables(tables, choices.mayBeEmpty);
  if (empty.length > 0) refuse(emptyTablesError(empty, from.origin));
  const since = sinceLastRun(
    from,
    to,
    tables.filter((table) => !empty.includes(table)),
    choices,
    earlier,
  );
  refuse(since.refusal);
  const { roles, offered } = to.fit;
  const { namedRoles, extensions } = from.fit;
  const unmapped = ask(() => requireNamedRoles(namedRoles, choices.grants, roles, to.facts.origin));
  const matched = ask(() => matchExtensions(extensions, offered, to.facts.origin));
  return {
    source: figuresOf(from, tables, from.fit),
    target: figuresOf({ ...to, origin: to.facts.origin }, to.fit.tables, to.fit),
    tables,
    sequences: from.fit.sequences.length,
    largeObjects: from.fit.largeObjects,
    sessions: to.facts.sessions,
    refusals,
    least: since.least,
    notes: [
      ...kinNote(from, to),
      ...poolerNotes(from, to),
      ...acceptanceNote(to),
      ...lastingNotes(to),
      ...goneNote(from.fit.tables, to.fit.tables, to.facts.origin),
      ...since.notes,
      ...choices.skipExtensions
        .filter((name) => to.fit?.extensions.some((one) => one.name === name))
        .map(
          (name) =>
            `the extension ${name} will not be made, by database.skipExtensions; ${to.facts.origin.database} has it now`,
        ),
      ...ownerNote(choices.owner, to.fit.roles, to.facts.origin),
      ...from.fit.notes,
      ...unmapped,
      ...matched,
      ...textNotes(from.fit.text, to.fit.text),
      ...superuserNote(from.fit.superusersOnly, to),
      ...to.fit.losses,
    ],
  };
}

/**
 * What the source has lost since the last run: by that run's report, table by table; or, where the target's database
 * is of a later run that left no report here, by the totals that are noted there.
 */
function sinceLastRun(
  from: SourceReading,
  { facts, description }: TargetReading,
  tables: readonly Table[],
  { mayShrink, mayBeEmpty }: Choices,
  { maxShrinkPercent, last }: Earlier,
): {
  readonly refusal: RestageError | undefined;
  readonly notes: readonly string[];
  readonly least: PlannedDatabase['least'];
} {
  const reading = { origin: from.origin, readAt: from.readAt, tables };
  const allowed = { maxShrinkPercent, mayShrink, mayBeEmpty };
  const known = lastOfDatabase(last, from.origin, facts.origin);
  const noted = description?.acceptedAt !== undefined && isSameDatabase(description.source, from.origin);
  if (noted && description.rows !== undefined && (known === undefined || known.run < description.run)) {
    const { run, acceptedAt: endedAt = '', rows, tables: number = 0 } = description;
    const { database, host, port } = facts.origin;
    const then = {
      run,
      endedAt,
      tables: number,
      rows,
      from: `the comment of the database ${database} at ${host}:${port}`,
    };
    return { refusal: shrunkTotal(reading, then, allowed), notes: [], least: new Map() };
  }
  if (!known) return { refusal: undefined, notes: [], least: new Map() };
  return {
    refusal: shrunkTables(reading, known, allowed),
    notes: goneTables(from.fit?.tables ?? [], known),
    least: leastRows(tables, known, allowed),
  };
}

type SourceReading = Awaited<ReturnType<typeof readSource>>;
type TargetReading = Awaited<ReturnType<typeof readTargetSide>>;

// Which database it is comes before whether it would do: the wrong one must not be made to do.
async function readSource(source: SourceDatabase, choices: Choices, signal: AbortSignal | undefined) {
  await using snapshot = await source.snapshot({ label: 'plan', signal });
  const readAt = snapshot.takenAt;
  const { session } = snapshot;
  const { origin, pooled } = session;
  const identity = await readIdentity(session);
  const description = await readDescription(session, origin.database);
  const { publications, skipExtensions } = choices;
  const unfit = await refusalOf(async () => {
    refuseOld(origin);
    requireKnownExtensions(skipExtensions, await readExtensions(session));
    await requireDispensable(session, skipExtensions);
    await requireRoles(session, Object.keys(choices.grants), 'source');
    await requireReadable(session, skipExtensions);
  });
  const fit = unfit
    ? undefined
    : {
        tables: await countTables(session, await readTables(session, skipExtensions)),
        sequences: await readSequences(session, skipExtensions),
        largeObjects: await countLargeObjects(session),
        namedRoles: await readNamedRoles(session),
        extensions: (await readExtensions(session)).filter(({ name }) => !skipExtensions.includes(name)),
        text: await readTextSettings(session),
        revision: await readRevision(session),
        schema: await readSchemaPrint(session),
        notes: await readUncarried(session, publications),
        superusersOnly: await readSuperusersOnly(session, publications),
      };
  return { origin, readAt, pooled, identity, description, unfit, fit };
}

async function readTargetSide(target: TargetDatabase, choices: Choices, signal: AbortSignal | undefined) {
  await using session = await target.session({ label: 'plan', access: 'read-only', signal });
  await session.execute('begin transaction isolation level repeatable read, read only');
  const { pooled } = session;
  const readAt = new Date().toISOString();
  const identity = await readIdentity(session);
  const description = await readDescription(session, session.origin.database);
  const facts = await readTarget(session);
  const marked = await refusalOf(() => requireUnmarked(session, session.origin.database));
  const unfit = await refusalOf(async () => {
    await requireSwappable(session);
    await requireRoles(session, [
      ...(choices.owner === undefined ? [] : [choices.owner]),
      ...Object.values(choices.grants),
    ]);
  });
  if (unfit)
    return { origin: session.origin, readAt, pooled, identity, description, facts, marked, unfit, fit: undefined };
  // What is replaced need not be readable: the owner of a database may have no right to its tables.
  const closed = new Set((await readUnreadable(session, [])).map(quoteTable));
  const tables = await countTables(session, await readTables(session), closed);
  const fit = {
    tables,
    offered: await readOfferedExtensions(session),
    extensions: await readExtensions(session),
    roles: await readRoles(session),
    text: await readTextSettings(session),
    losses: await readLosses(session),
    revision: await readRevision(session),
    schema: await readSchemaPrint(session),
  };
  return { origin: session.origin, readAt, pooled, identity, description, facts, marked, unfit, fit };
}

export function refuseVersions(source: Origin, target: Origin): void {
  if (Number.parseInt(source.version, 10) > Number.parseInt(target.version, 10))
    throw new RestageError(
      'database-unfit',
      `the source is PostgreSQL ${source.version}, newer than the target's ${target.version}`,
      { hint: 'A newer schema may not fit an older server: upgrade the target first.' },
    );
}

export function refuseOld({ version }: Origin): void {
  if (Number.parseInt(version, 10) < 14)
    throw new RestageError('database-unfit', `the source is PostgreSQL ${version}; restage reads 14 and later`, {
      hint: 'Upgrade the source, or a restored copy of it that then serves as the source.',
    });
}

function poolerNotes(from: SourceReading, to: TargetReading): string[] {
  return [from, to.pooled && { pooled: true, origin: to.facts.origin }].flatMap((end) =>
    end && end.pooled
      ? [
          `a connection pooler in session mode is between restage and ${describeOrigin(end.origin)}: it must have room for all of restage's sessions`,
        ]
      : [],
  );
}

export function textNotes(from: TextSettings, to: TextSettings): string[] {
  const plain = (order: string) => order.toLowerCase().replaceAll('-', '');
  return [
    ...(from.encoding === to.encoding
      ? []
      : [
          `the source's text is ${from.encoding} and the target's is ${to.encoding}: a character that it lacks stops the copy`,
        ]),
    ...(plain(from.order) === plain(to.order)
      ? []
      : [`the source sorts text by ${from.order} and the target by ${to.order}, as it does now`]),
  ];
}

function superuserNote(names: readonly string[], { facts }: TargetReading): string[] {
  if (facts.superuser || names.length === 0) return [];
  return [
    `made only where the target's server lets ${facts.origin.user} do what elsewhere a superuser does: ${someOf(names)}`,
  ];
}

/** The swap cannot be done while a session is there that this role may not end. */
function lastingNotes({ facts: { origin, sessions } }: TargetReading): string[] {
  const lasting = Map.groupBy(
    sessions.filter(({ mayEnd }) => !mayEnd),
    ({ user }) => user,
  );
  if (lasting.size === 0) return [];
  const sum = (some: readonly OpenSessions[]) => some.reduce((total, { count }) => total + count, 0);
  const whose = [...lasting].map(([user, some]) => `${user} (${sum(some)})`).join(', ');
  return [
    `${origin.user} may not end these sessions with ${origin.database}, and the swap fails while they are there: ${whose}. End them before; or as a superuser or RDS's master user: grant pg_signal_backend to ${quoteName(origin.user)}`,
  ];
}

/** Tables that staging alone has are in the previous database afterwards, for as long as that is kept. */
function goneNote(source: readonly Table[], target: readonly Table[], { database }: Origin): string[] {
  const known = new Set(source.map(({ table }) => quoteTable(table)));
  const gone = target.filter(({ table, rows }) => rows > 0 && !known.has(quoteTable(table)));
  if (gone.length === 0) return [];
  return [
    `only ${database} has these tables, and the new database will not: ${someOf(gone.map(({ table }) => displayTable(table)))}`,
  ];
}

function ownerNote(owner: string | undefined, { own, byName }: Roles, { user }: Origin): string[] {
  if (owner === undefined || byName.get(owner)?.settable || byName.get(own)?.superuser) return [];
  return [
    `database.owner is ${owner}, whose member ${user} is not: what staging did not have before stays ${user}'s, granted to ${owner}`,
  ];
}

function acceptanceNote({ description, facts }: TargetReading): string[] {
  if (!description || description.acceptedAt) return [];
  return [
    `${facts.origin.database} was put in place by the run ${description.run}, which did not end: nothing after its swap was verified`,
  ];
}

function figuresOf(
  { origin, readAt, identity }: Pick<SourceReading, 'origin' | 'readAt' | 'identity'>,
  tables: readonly Table[],
  { revision, schema }: { readonly revision: string | undefined; readonly schema: SchemaPrint },
): DatabaseFigures {
  return {
    origin,
    readAt,
    tables: tables.length,
    rows: tables.reduce((total, table) => total + table.rows, 0),
    sizeBytes: tables.reduce((total, table) => total + table.sizeBytes + table.indexBytes, 0),
    ...(revision === undefined ? {} : { revision }),
    schema,
    ...(identity.disk === undefined ? {} : { identity: identity.disk }),
  };
}

/** The error that a check ends with, if it ends with one. */
async function refusalOf(check: () => Promise<void>): Promise<unknown> {
  try {
    await check();
    return undefined;
  } catch (error) {
    return error;
  }
}
