import type { Config } from './config.ts';
import { RestageError } from './errors.ts';
import { readForDrift } from './plan-drift.ts';
import { readSourceRules, type RuleChoices } from './plan-rules.ts';
import { proveStatements, type AfterLoad } from './postgres/rules/after-load.ts';
import { readSequences, readTables } from './postgres/catalog.ts';
import { countTables } from './postgres/count-tables.ts';
import { readTextSettings } from './postgres/database-properties.ts';
import {
  readExtensions,
  readOfferedExtensions,
  requireDispensable,
  requireKnownExtensions,
} from './postgres/extensions.ts';
import { countLargeObjects } from './postgres/large-objects.ts';
import { readLosses, readSuperusersOnly, readUncarried } from './postgres/losses.ts';
import { readNamedRoles } from './postgres/named-roles.ts';
import { quoteTable } from './postgres/names.ts';
import { requireUnmarked } from './postgres/protected-marker.ts';
import { readUnreadable, requireReadable } from './postgres/readable.ts';
import { readVersions } from './postgres/version-tables.ts';
import { readRoles, requireRoles } from './postgres/roles.ts';
import { readSkipped } from './postgres/rules/skip.ts';
import { readSchemaPrint } from './postgres/schema-print.ts';
import type { Origin } from './postgres/session.ts';
import type { SourceDatabase } from './postgres/source.ts';
import { readDatabases } from './postgres/databases.ts';
import { readDescription } from './postgres/description.ts';
import type { MigrationChoices } from './revisions/plan-migrations.ts';
import { readIdentity, readTarget, requireSwappable, type TargetDatabase } from './postgres/target.ts';

/** What the config says of the database. */
export type Choices = Pick<
  Config['database'],
  'publications' | 'skipExtensions' | 'mayBeEmpty' | 'mayShrink' | 'owner' | 'grants' | keyof RuleChoices
> &
  Pick<NonNullable<Config['target']['expect']>, 'restoredFromSource'> & {
    /** The statements of `afterLoad`, files read. */
    readonly afterLoad: readonly AfterLoad[];
    readonly migrate: MigrationChoices;
  };

export type SourceReading = Awaited<ReturnType<typeof readSource>>;
export type TargetReading = Awaited<ReturnType<typeof readTargetSide>>;

/** The source's side. Which database it is comes before whether it would do: the wrong one must not be made to do. */
export async function readSource(source: SourceDatabase, choices: Choices, signal: AbortSignal | undefined) {
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
  const found = unfit ? [] : await countTables(session, await readTables(session, skipExtensions));
  const rules = unfit ? undefined : await readSourceRules(session, choices, found);
  const skippedRelations = await readSkipped(session, rules?.skip ?? []);
  const skipped = new Set(skippedRelations.map(quoteTable));
  const fit = !rules
    ? undefined
    : {
        tables: found.filter(({ table }) => !skipped.has(quoteTable(table))),
        rules,
        sequences: (await readSequences(session, skipExtensions)).filter((name) => !skipped.has(quoteTable(name))),
        largeObjects: await countLargeObjects(session),
        namedRoles: await readNamedRoles(session),
        extensions: (await readExtensions(session)).filter(({ name }) => !skipExtensions.includes(name)),
        text: await readTextSettings(session),
        versions: await readVersions(session),
        schema: await readSchemaPrint(session),
        objects: await readForDrift(session, choices.grants),
        skipped: skippedRelations,
        notes: await readUncarried(session, publications),
        superusersOnly: await readSuperusersOnly(session, publications),
      };
  return { origin, readAt, pooled, identity, description, unfit, fit };
}

/** The target's side, with why it may not be one, if that is so. */
export async function readTargetSide(target: TargetDatabase, choices: Choices, signal: AbortSignal | undefined) {
  await using session = await target.session({ label: 'plan', access: 'read-only', signal });
  await session.execute('begin transaction isolation level repeatable read, read only');
  const { pooled } = session;
  const readAt = new Date().toISOString();
  const identity = await readIdentity(session);
  const databases = await readDatabases(session, session.origin.database);
  const description = databases.present?.description;
  const facts = await readTarget(session);
  const marked = await refusalOf(() => requireUnmarked(session, session.origin.database));
  const unfit = await refusalOf(async () => {
    await requireSwappable(session);
    refuseOld(session.origin, 'target');
    await requireRoles(session, [
      ...(choices.owner === undefined ? [] : [choices.owner]),
      ...Object.values(choices.grants),
    ]);
  });
  if (unfit)
    return {
      origin: session.origin,
      readAt,
      pooled,
      identity,
      description,
      databases,
      facts,
      marked,
      unfit,
      fit: undefined,
    };
  const unparsed: RestageError[] = [];
  for (const entry of choices.afterLoad) {
    const refusal = await proveStatements(session, entry);
    if (refusal) unparsed.push(refusal);
  }
  // What is replaced need not be readable: the owner of a database may have no right to its tables.
  const closed = new Set((await readUnreadable(session, [])).map(quoteTable));
  const tables = await countTables(session, await readTables(session), closed);
  const fit = {
    unparsed,
    tables,
    offered: await readOfferedExtensions(session),
    extensions: await readExtensions(session),
    roles: await readRoles(session),
    text: await readTextSettings(session),
    losses: await readLosses(session),
    versions: await readVersions(session),
    schema: await readSchemaPrint(session),
    objects: await readForDrift(session),
  };
  return { origin: session.origin, readAt, pooled, identity, description, databases, facts, marked, unfit, fit };
}

export function refuseVersions(source: Origin, target: Origin): void {
  if (Number.parseInt(source.version, 10) > Number.parseInt(target.version, 10))
    throw new RestageError(
      'database-unfit',
      `the source is PostgreSQL ${source.version}, newer than the target's ${target.version}`,
      { hint: 'A newer schema may not fit an older server: upgrade the target first.' },
    );
}

export function refuseOld({ version }: Origin, side: 'source' | 'target' = 'source'): void {
  if (Number.parseInt(version, 10) < 14)
    throw new RestageError('database-unfit', `the ${side} is PostgreSQL ${version}; restage needs 14 or later`, {
      hint:
        side === 'source'
          ? 'Upgrade the source, or a restored copy of it that then serves as the source.'
          : 'Upgrade the target first: it must be as new as the source.',
    });
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
