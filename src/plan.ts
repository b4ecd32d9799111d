import { readVersion, type App, type Version } from './app/client.ts';
import type { AppConfig, Config } from './config.ts';
import type { Ends } from './connect.ts';
import { RestageError } from './errors.ts';
import {
  readLostGrants,
  readRevision,
  readSequences,
  readTables,
  readUncarried,
  type Table,
} from './postgres/catalog.ts';
import { displayTable } from './postgres/names.ts';
import type { Origin } from './postgres/session.ts';
import type { SourceDatabase } from './postgres/source.ts';
import { readIdentity, readTarget, requireSwappable, type TargetDatabase } from './postgres/target.ts';
import type { BucketOrigin } from './s3/bucket.ts';
import { countDifferences, diffBuckets, type DiffTotals } from './s3/diff.ts';
import type { Act, Step } from './step.ts';

/** The dry run, and exactly what `run` will do: plain JSON, no secret in it. */
export interface Plan {
  readonly version: 1;
  readonly madeAt: string;
  readonly source: PlannedEnd;
  readonly target: PlannedEnd;
  readonly objects: readonly PlannedBucket[];
  readonly steps: readonly Step[];
  /** What a reader should know before agreeing, in whole sentences. */
  readonly notes: readonly string[];
}

export interface PlannedEnd {
  readonly name: string;
  readonly account?: string;
  readonly database?: {
    readonly origin: Origin;
    readonly tables: number;
    readonly rows: number;
    readonly sizeBytes: number;
    readonly revision?: string;
  };
  readonly app?: { readonly url: string } & Partial<Version>;
}

export interface PlannedBucket {
  /** The config's name for the pair. */
  readonly bucket: string;
  readonly source: BucketOrigin;
  readonly target: BucketOrigin;
  readonly totals: DiffTotals;
}

export interface PlanOptions {
  readonly only?: 'database' | 'objects' | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Reads both ends and says what a run would do. Writes nothing anywhere.
 * Throws what any of the ends throws, and `target-is-source`, `database-unfit`, `app-unexpected`.
 */
export async function plan(config: Config, ends: Ends, options: PlanOptions = {}): Promise<Plan> {
  const withDatabase = options.only !== 'objects';
  const withObjects = options.only !== 'database';
  const [database, objects, sourceApp, targetApp] = await allOf([
    withDatabase && ends.source.database && ends.target.database
      ? planDatabase(ends.source.database, ends.target.database, options.signal)
      : undefined,
    withObjects ? planObjects(ends, options.signal) : [],
    withDatabase ? planApp(ends.source.app, config.source.app, options.signal) : undefined,
    withDatabase ? planApp(ends.target.app, config.target.app, options.signal) : undefined,
  ]);
  const side = (end: 'source' | 'target', app: PlannedEnd['app']): PlannedEnd => ({
    name: ends[end].name,
    ...(ends[end].account?.id ? { account: ends[end].account.id } : {}),
    ...(database ? { database: database[end] } : {}),
    ...(app ? { app } : {}),
  });
  return {
    version: 1,
    madeAt: new Date().toISOString(),
    source: side('source', sourceApp),
    target: side('target', targetApp),
    objects,
    steps: steps(config, database, objects, withDatabase),
    notes: database?.notes ?? [],
  };
}

/** Promise.all that waits for every part, so that nothing goes on in the background after a failure. */
async function allOf<T extends readonly unknown[]>(parts: T): Promise<{ -readonly [K in keyof T]: Awaited<T[K]> }> {
  const results = await Promise.allSettled(parts);
  for (const result of results) if (result.status === 'rejected') throw result.reason;
  return Promise.all(parts);
}

interface PlannedDatabase {
  readonly source: NonNullable<PlannedEnd['database']>;
  readonly target: NonNullable<PlannedEnd['database']>;
  readonly tables: readonly Table[];
  readonly sequences: number;
  readonly sessions: number;
  readonly notes: readonly string[];
}

async function planDatabase(
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
  const targetReading = async () => {
    await using session = await target.session({ label: 'plan', access: 'read-only', signal });
    await requireSwappable(session);
    return {
      identity: await readIdentity(session),
      facts: await readTarget(session),
      tables: await readTables(session),
      revision: await readRevision(session),
      lost: await readLostGrants(session),
    };
  };
  const [from, to] = await allOf([reading(), targetReading()] as const);
  if (from.identity !== undefined && from.identity === to.identity)
    throw new RestageError(
      'target-is-source',
      `both ends are the same database, by two names: ${describeOrigin(from.origin)} and ${describeOrigin(to.facts.origin)}`,
    );
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
      ...sizes(to.tables),
      ...(to.revision === undefined ? {} : { revision: to.revision }),
    },
    tables: from.tables,
    sequences: from.sequences.length,
    sessions: to.facts.sessions,
    notes: [...from.notes, ...to.lost],
  };
}

function sizes(tables: readonly Table[]): { tables: number; rows: number; sizeBytes: number } {
  return {
    tables: tables.length,
    rows: tables.reduce((total, table) => total + table.rows, 0),
    sizeBytes: tables.reduce((total, table) => total + table.sizeBytes + table.indexBytes, 0),
  };
}

async function planObjects(ends: Ends, signal: AbortSignal | undefined): Promise<PlannedBucket[]> {
  const pairs = [...ends.source.buckets].flatMap(([bucket, source]) => {
    const target = ends.target.buckets.get(bucket);
    return target ? [{ bucket, source, target }] : [];
  });
  return allOf(
    pairs.map(async ({ bucket, source, target }) => ({
      bucket,
      source: source.origin,
      target: target.origin,
      totals: await countDifferences(diffBuckets(source, target, signal)),
    })),
  );
}

async function planApp(
  app: App | undefined,
  config: AppConfig | undefined,
  signal: AbortSignal | undefined,
): Promise<PlannedEnd['app']> {
  if (!app || !config) return undefined;
  const version = await readVersion(app, config.version, signal);
  if (config.environment !== undefined && version.environment !== config.environment)
    throw new RestageError(
      'app-unexpected',
      `${app.url} says that its environment is ${version.environment ?? 'unknown'}, not ${config.environment}`,
      {
        hint: 'The URL leads to another environment, or app.environment in restage.yaml is wrong.',
      },
    );
  const known = Object.fromEntries(
    Object.entries(version).filter(([, value]) => value !== undefined),
  ) as Partial<Version>; // fewer of the same
  return { url: app.url, ...known };
}

/** The steps with what each waits for: the database and the buckets side by side, the swap when both are verified. */
function steps(
  config: Config,
  database: PlannedDatabase | undefined,
  objects: readonly PlannedBucket[],
  withApp: boolean,
): Step[] {
  const list: Step[] = [];
  const add = (id: string, after: readonly string[], act: Act): string => {
    list.push({ id, after, ...act });
    return id;
  };
  const verified: string[] = [];
  let snapshot: string[] = [];
  if (database) {
    const name = database.target.origin.database;
    snapshot = [add('take-snapshot', [], { kind: 'take-snapshot', database: database.source.origin.database })];
    const created = add('create-database', [], { kind: 'create-database', database: name });
    const schema = add('copy-schema', [...snapshot, created], { kind: 'copy-schema', tables: database.tables.length });
    // What takes longest starts first.
    const longest = database.tables.toSorted((a, b) => b.sizeBytes + b.indexBytes - (a.sizeBytes + a.indexBytes));
    const copied = longest.map(({ table, rows, rowsAreEstimated, sizeBytes }) =>
      add(`copy-table ${displayTable(table)}`, [schema], {
        kind: 'copy-table',
        table,
        rows,
        rowsAreEstimated,
        bytes: sizeBytes,
      }),
    );
    const keys = add('add-keys', [schema, ...copied], { kind: 'add-keys' });
    const sequences = add('set-sequences', [schema, ...copied], {
      kind: 'set-sequences',
      sequences: database.sequences,
    });
    const analyzed = add('analyze', [keys], { kind: 'analyze' });
    verified.push(
      add('verify-tables', [keys, sequences, analyzed], { kind: 'verify-tables', tables: database.tables.length }),
    );
  }
  for (const { bucket, totals } of objects) {
    const copied = add(`copy-objects ${bucket}`, snapshot, {
      kind: 'copy-objects',
      bucket,
      objects: totals.missing.objects + totals.changed.objects,
      bytes: totals.missing.bytes + totals.changed.bytes,
    });
    verified.push(add(`verify-objects ${bucket}`, [copied], { kind: 'verify-objects', bucket }));
  }
  let last = verified;
  if (database)
    last = [
      add('swap', verified, { kind: 'swap', database: database.target.origin.database, sessions: database.sessions }),
    ];
  if (withApp) {
    for (const [index, { http }] of config.migrate.entries())
      last = [
        add(config.migrate.length === 1 ? 'migrate' : `migrate ${index + 1}`, last, {
          kind: 'migrate',
          method: http.method,
          path: http.path,
          expect: http.expect,
          timeoutSeconds: http.timeoutSeconds,
        }),
      ];
    const { health, totals } = config.verify;
    if (health) last = [add('check-health', last, { kind: 'check-health', ...health })];
    for (const { path, read } of totals)
      last = [add(`compare-total ${path} ${read}`, last, { kind: 'compare-total', path, read })];
  }
  if (database)
    add('drop-previous', last, {
      kind: 'drop-previous',
      database: database.target.origin.database,
      keep: config.database.keepPrevious,
    });
  return list;
}

/** bluemoxon at host:5432 as user */
function describeOrigin(origin: Origin): string {
  return `${origin.database} at ${origin.host}:${origin.port} as ${origin.user}`;
}
