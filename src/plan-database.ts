import { allOf } from './all-of.ts';
import { failureOf, RestageError, type Failure } from './errors.ts';
import { isSameDatabase, lastOfDatabase, type LastRun } from './last-run.ts';
import {
  acceptanceNote,
  goneNote,
  lastingNotes,
  otherKeyNote,
  otherSourceNote,
  ownerNote,
  poolerNotes,
  superuserNote,
  textNotes,
} from './plan-notes.ts';
import { driftBetween } from './plan-drift.ts';
import { maskKeyOf, readOwnRows, type OwnRows, type SourceRules } from './plan-rules.ts';
import {
  readSource,
  readTargetSide,
  refuseVersions,
  type Choices,
  type SourceReading,
  type TargetReading,
} from './plan-readings.ts';
import type { Table } from './postgres/catalog.ts';
import { isGood, type SideDatabase } from './postgres/databases.ts';
import { emptyTables, emptyTablesError, unknownTables } from './postgres/empty-tables.ts';
import { matchExtensions } from './postgres/extensions.ts';
import { requireNamedRoles } from './postgres/named-roles.ts';
import { quoteTable } from './postgres/names.ts';
import type { Drift } from './postgres/drift/drift.ts';
import { revisionOf, type Versions, type VersionTable } from './postgres/version-tables.ts';
import { planMigrations } from './revisions/plan-migrations.ts';
import type { PlannedMigrations } from './revisions/planned-migrations.ts';
import type { SchemaPrint } from './postgres/schema-print.ts';
import type { Origin } from './postgres/session.ts';
import type { SourceDatabase } from './postgres/source.ts';
import type { OpenSessions, TargetDatabase } from './postgres/target.ts';
import { hasNoRows } from './postgres/rules/table-rule.ts';
import { goneTables, leastRows, likeWithLike, shrunkTables, shrunkTotal, type LeastRows } from './shrink.ts';
import { kinNote, refuseWrongEnds } from './wrong-ends.ts';

/** A database as a plan shows it. */
export interface DatabaseFigures {
  readonly origin: Origin;
  /** When these figures were read, ISO 8601. */
  readonly readAt: string;
  readonly tables: number;
  readonly rows: number;
  readonly sizeBytes: number;
  readonly revision?: string;
  /** What the tables of migration tools hold; absent where there are none. */
  readonly versions?: readonly VersionTable[];
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
  /** What earlier refreshes replaced and is still there, newest first. */
  readonly previous: readonly SideDatabase[];
  /** Whether what is replaced was accepted by its run, or is none of restage's. */
  readonly isAccepted: boolean;
  readonly notes: readonly string[];
  /** Why it may not be run, as far as what the databases hold says so. */
  readonly refusals: readonly Failure[];
  /** What tables must have at least, where they could only be estimated: by quoted name. */
  readonly least: ReadonlyMap<string, LeastRows>;
  readonly rules: SourceRules;
  /** What tells the masks' key from others; absent where no mask needs one. */
  readonly maskKey?: string;
  /** Staging's own rows that stay or are carried over, by quoted name. */
  readonly own: ReadonlyMap<string, OwnRows>;
  /** For each version table that either has. */
  readonly migrations: readonly PlannedMigrations[];
  readonly drift?: Drift;
}

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
  const { tables, rules } = from.fit;
  const maskKey = maskKeyOf(rules, choices.masks.key);
  const own = await readOwnRows(target, rules, tables, signal);
  const refusals: Failure[] = [...rules.refusals, ...own.refusals, ...to.fit.unparsed.map(failureOf)];
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
  const isRead = ({ table }: Table) => !hasNoRows(rules.byTable.get(quoteTable(table)));
  const empty = emptyTables(tables.filter(isRead), choices.mayBeEmpty);
  if (empty.length > 0) refuse(emptyTablesError(empty, from.origin));
  const since = sinceLastRun(
    from,
    to,
    tables.filter((table) => !empty.includes(table)),
    choices,
    earlier,
  );
  refuse(since.refusal);
  const migrations = planMigrations(
    { ...from.fit.versions, origin: from.origin },
    { ...to.fit.versions, origin: to.facts.origin },
    choices.migrate,
  );
  refusals.push(...migrations.refusals);
  const { roles, offered } = to.fit;
  const { namedRoles, extensions } = from.fit;
  const unmapped = ask(() => requireNamedRoles(namedRoles, choices.grants, roles, to.facts.origin));
  const matched = ask(() => matchExtensions(extensions, offered, to.facts.origin));
  const { drift, notes: driftNotes } = driftBetween(from.fit, to.fit, choices.skipExtensions);
  return {
    source: figuresOf(from, tables, from.fit),
    target: figuresOf({ ...to, origin: to.facts.origin }, to.fit.tables, to.fit),
    tables,
    sequences: from.fit.sequences.length,
    largeObjects: from.fit.largeObjects,
    sessions: to.facts.sessions,
    previous: to.databases.previous,
    isAccepted: isGood(to),
    refusals,
    least: since.least,
    rules,
    ...(maskKey === undefined ? {} : { maskKey }),
    own: own.own,
    migrations: migrations.planned,
    ...(drift ? { drift } : {}),
    notes: [
      ...migrations.notes,
      ...rules.notes,
      ...own.notes,
      ...otherKeyNote(maskKey, to),
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
      ...driftNotes,
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
  to: TargetReading,
  tables: readonly Table[],
  { mayShrink, mayBeEmpty }: Choices,
  { maxShrinkPercent, last }: Earlier,
): {
  readonly refusal: RestageError | undefined;
  readonly notes: readonly string[];
  readonly least: PlannedDatabase['least'];
} {
  const { facts, description } = to;
  const rules = from.fit?.rules;
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
    // Of what was not read at all now the total has nothing.
    const refusal = rules?.skip.length ? undefined : shrunkTotal(reading, then, allowed);
    return { refusal, notes: [], least: new Map() };
  }
  if (!known) return { refusal: undefined, notes: otherSourceNote(from, to), least: new Map() };
  const alike = rules ? likeWithLike(tables, known, rules) : { read: tables, copied: tables };
  const skipped = rules?.skip.map((table) => ({ table })) ?? [];
  return {
    refusal: shrunkTables({ ...reading, tables: alike.read }, known, allowed),
    notes: goneTables([...(from.fit?.tables ?? []), ...skipped], known),
    least: leastRows(alike.copied, known, allowed),
  };
}

function figuresOf(
  { origin, readAt, identity }: Pick<SourceReading, 'origin' | 'readAt' | 'identity'>,
  tables: readonly Table[],
  { versions, schema }: { readonly versions: Versions; readonly schema: SchemaPrint },
): DatabaseFigures {
  const revision = revisionOf(versions.tables);
  return {
    origin,
    readAt,
    tables: tables.length,
    rows: tables.reduce((total, table) => total + table.rows, 0),
    sizeBytes: tables.reduce((total, table) => total + table.sizeBytes + table.indexBytes, 0),
    ...(revision === undefined ? {} : { revision }),
    ...(versions.tables.length === 0 ? {} : { versions: versions.tables }),
    schema,
    ...(identity.disk === undefined ? {} : { identity: identity.disk }),
  };
}
