import { readAfterLoad } from './after-load.ts';
import { allOf } from './all-of.ts';
import type { App } from './app/client.ts';
import { readVersion, type Version } from './app/version.ts';
import type { Config } from './config.ts';
import type { Ends } from './connect.ts';
import { RestageError, type Failure } from './errors.ts';
import type { Drift } from './postgres/drift/drift.ts';
import type { PlannedMigrations } from './revisions/planned-migrations.ts';
import { readRevisionFiles } from './revisions/read-revision-files.ts';
import type { UnmaskedColumn } from './postgres/rules/unmasked.ts';
import type { DatabaseFigures, PlannedDatabase } from './plan-database.ts';
import { planObjects, type ObjectsPlanOptions, type PlannedBucket } from './plan-objects.ts';
import { planSteps } from './plan-steps.ts';
import { replacedBy, type Replaced } from './replaces.ts';
import type { Choices } from './plan-readings.ts';
import type { SourceDatabase } from './postgres/source.ts';
import type { TargetDatabase } from './postgres/target.ts';
import type { Step } from './step.ts';

/** The dry run, and exactly what `run` will do: plain JSON, no secret in it. */
export interface Plan {
  readonly version: 1;
  readonly madeAt: string;
  /** The part that was asked for; absent: all. */
  readonly only?: 'database' | 'objects';
  /** The function that makes a part of it, or all; absent: everything is made from where it was planned. */
  readonly onLambda?: PlannedFunction;
  readonly source: PlannedEnd;
  readonly target: PlannedEnd;
  readonly objects: readonly PlannedBucket[];
  /** What of the target is replaced, ended, overwritten or deleted; absent where it stays as it is. */
  readonly replaces?: Replaced;
  /** How many tables, or parts of them, are copied at once. */
  readonly jobs: number;
  readonly steps: readonly Step[];
  /** Where a migration or a check fails after the swap: the previous database is put back, or it stays beside the new one. Absent without a swap. */
  readonly onFailure?: 'rollback' | 'keep';
  /** What brings the source's schema to the target's code; absent where no table says what was applied. */
  readonly migrations?: readonly PlannedMigrations[];
  /** How the schemas of both databases differ now. */
  readonly drift?: Drift;
  /** Columns of the source that look personal and have no rule; absent where there is no database, empty where there are none. */
  readonly unmasked?: readonly UnmaskedColumn[];
  /** What a reader should know before agreeing, in whole sentences. */
  readonly notes: readonly string[];
  /** Why it may not be run; absent where nothing stands against it. */
  readonly refusals?: readonly Failure[];
}

/** The function that steps of a plan are made in. */
export interface PlannedFunction {
  readonly name: string;
  /** Absent where it does not say. */
  readonly timeoutSeconds?: number;
  readonly memoryBytes?: number;
  /** From where the steps on objects are made; absent where there are none. */
  readonly objects?: 'here' | 'function';
}

export interface PlannedEnd {
  readonly name: string;
  readonly account?: string;
  readonly database?: DatabaseFigures;
  readonly app?: { readonly url: string } & Partial<Version>;
}

export type PlanOptions = ObjectsPlanOptions;

/**
 * Reads both ends and says what a run would do. Writes nothing anywhere.
 * What stands against a run is told as `refusals`; throws what any of the ends throws, and `target-is-source`,
 * `database-unfit`, `app-unexpected`.
 */
export async function plan(config: Config, ends: Ends, options: PlanOptions = {}): Promise<Plan> {
  refuseProduction(ends.target.name, 'target.name');
  requireSome(config, options.only);
  const withDatabase = options.only !== 'objects';
  const withObjects = options.only !== 'database';
  const afterLoad = withDatabase ? await readAfterLoad(config) : [];
  const [database, objects, references, sourceApp, targetApp] = await allOf([
    withDatabase && ends.source.database && ends.target.database
      ? planDatabases(ends.source.database, ends.target.database, options, { ...config, afterLoad })
      : undefined,
    withObjects ? planObjects(config, ends, options) : [],
    config.verify.references.length > 0 ? planReferencesOf(config, ends, options) : undefined,
    planApp(ends, config, 'source', options.signal),
    planApp(ends, config, 'target', options.signal),
  ]);
  const side = (end: 'source' | 'target', app: PlannedEnd['app']): PlannedEnd => ({
    name: ends[end].name,
    ...(ends[end].account?.id ? { account: ends[end].account.id } : {}),
    ...(database ? { database: database[end] } : {}),
    ...(app ? { app } : {}),
  });
  const refusals = [
    ...(database?.refusals ?? []),
    ...(references?.refusals ?? []),
    ...objects.flatMap((bucket) => bucket.refusals),
  ];
  const replaces = replacedBy(config, database, objects);
  return {
    version: 1,
    madeAt: new Date().toISOString(),
    ...(options.only === undefined ? {} : { only: options.only }),
    source: side('source', sourceApp),
    target: side('target', targetApp),
    objects,
    ...(replaces ? { replaces } : {}),
    jobs: config.database.jobs,
    steps: planSteps(config, database && { ...database, afterLoad }, objects, withDatabase),
    ...(database ? { onFailure: config.database.onFailure } : {}),
    ...(database && database.migrations.length > 0 ? { migrations: database.migrations } : {}),
    ...(database?.drift ? { drift: database.drift } : {}),
    ...(database ? { unmasked: database.rules.unmasked } : {}),
    notes: [
      ...(database?.notes ?? []),
      ...(references?.notes ?? []),
      ...(withObjects ? ends.doubts : []),
      ...objects.flatMap(({ notes }) => notes),
    ],
    ...(refusals.length > 0 ? { refusals } : {}),
  };
}

/** Loaded for plans that have databases: the driver is a good part of what a start takes. */
async function planDatabases(
  source: SourceDatabase,
  target: TargetDatabase,
  { signal, last = [] }: PlanOptions,
  config: Config & Pick<Choices, 'afterLoad'>,
): Promise<PlannedDatabase> {
  const { planDatabase } = await import('./plan-database.ts');
  const { maxShrinkPercent } = config.guards;
  const { versions, policy, steps } = config.migrate;
  const files = versions === undefined ? [] : await readRevisionFiles(versions);
  const choices = {
    ...config.database,
    ...config.target.expect,
    afterLoad: config.afterLoad,
    migrate: { policy, files, migrates: steps.length > 0 },
  };
  return planDatabase(source, target, signal, choices, { maxShrinkPercent, last });
}

async function planReferencesOf(config: Config, ends: Ends, options: PlanOptions) {
  const { planReferences } = await import('./plan-references.ts');
  return planReferences(config, ends, options);
}

async function planApp(
  ends: Ends,
  settings: Config,
  side: 'source' | 'target',
  signal: AbortSignal | undefined,
): Promise<PlannedEnd['app']> {
  const { app } = ends[side];
  const { app: config } = settings[side];
  if (!app || !config) return undefined;
  if (!config.version) return { url: app.url };
  const version = await readVersion(app, config.version, signal);
  if (side === 'target') refuseProduction(version.environment, `the environment of ${app.url}`);
  requireEnvironment(side, app, version);
  const known = Object.fromEntries(
    Object.entries(version).filter(([, value]) => value !== undefined),
  ) as Partial<Version>; // fewer of the same
  return { url: app.url, ...known };
}

/** Throws `app-unexpected` where an application says that it is another environment than the config does. */
export function requireEnvironment(
  side: 'source' | 'target',
  { url, environment }: Pick<App, 'url' | 'environment'>,
  version: Version,
): void {
  if (environment === undefined || version.environment === environment) return;
  throw new RestageError(
    'app-unexpected',
    `${url} says that its environment is ${version.environment ?? 'unknown'}, not ${environment}`,
    { hint: `${side}.app.url leads to another environment, or ${side}.app.environment is wrong.` },
  );
}

/** Throws `config-invalid` where nothing of what was asked for is there: that must not look like success. */
export function requireSome(config: Config, only: PlanOptions['only']): void {
  if (only === 'database' && config.target.database === undefined)
    throw new RestageError('config-invalid', 'the config names no database', { hint: 'Leave --only database out.' });
  if (only === 'objects' && Object.keys(config.target.buckets).length === 0)
    throw new RestageError('config-invalid', 'the config names no buckets', { hint: 'Leave --only objects out.' });
}

/** A target that calls itself production is refused, whatever else the config says. */
export function refuseProduction(name: string | undefined, where: string): void {
  if (name !== undefined && /^(prod|production|live)$/i.test(name))
    throw new RestageError('ends-swapped', `${where} is ${name}: what is called production is never a target`, {
      hint: 'source in restage.yaml is production, target is what is replaced. Are the ends the wrong way round?',
    });
}
