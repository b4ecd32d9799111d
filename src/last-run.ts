import * as z from 'zod';
import type { Config } from './config.ts';
import type { Ends } from './connect.ts';
import { quoteTable, type TableName } from './postgres/names.ts';
import type { Origin } from './postgres/session.ts';
import { hasNoRows, limitsRows } from './postgres/rules/table-rule.ts';
import { endOf } from './report/report.ts';
import type { BucketOrigin } from './s3/origin.ts';
import type { Selection } from './s3/selection.ts';
import { selectionOf } from './selection-of.ts';

/** Which run a figure is of, and where it is known from. */
export interface RunOrigin {
  readonly run: string;
  /** ISO 8601. */
  readonly endedAt: string;
  /** E.g. the file of its report. */
  readonly from: string;
}

/** What a run that ended well read of the source, to measure the next one's figures by: plain data. */
export interface LastRun extends RunOrigin {
  readonly database?: {
    readonly source: DatabasePlace;
    readonly target: DatabasePlace;
    readonly tables: readonly LastTable[];
    /** Absent in what earlier versions noted. */
    readonly took?: Took;
  };
  readonly buckets: readonly LastBucket[];
}

/** How long the database's part of a run took: the time that its steps were at work, without waiting for objects or for a next part. */
export interface Took {
  /** All of it, milliseconds. */
  readonly durationMs: number;
  /** While tables were copied, indexed and compared, side by side. */
  readonly copyMs: number;
  /** After the last of them: keys, statistics, verification, swap, migrations, checks. */
  readonly afterMs: number;
  /** Of the tables, as the plan knew them. */
  readonly bytes: number;
}

export interface LastTable {
  readonly table: TableName;
  /** What was copied. */
  readonly rows: number;
  /** Its size as the plan knew it. */
  readonly bytes?: number;
  /** How long its rows, indexes, statistics and digests took. */
  readonly ms?: number;
  /** Only some of the source's rows were copied: by that `where`, or by what else limits them. The figure is none of the whole. */
  readonly limited?: { readonly where?: string };
}

export type DatabasePlace = Pick<Origin, 'host' | 'port' | 'database'>;

export interface LastBucket {
  readonly bucket: string;
  readonly source: Place;
  readonly target: Place;
  readonly selection: Keys;
  readonly objects: number;
  readonly bytes: number;
}

type Place = Pick<BucketOrigin, 'bucket'> & { readonly endpoint?: string | undefined };
type Keys = Omit<Selection, 'prefix'> & { readonly prefix?: string | undefined };

const amount = z.object({ objects: z.number(), bytes: z.number() });
const databaseEnd = z.object({
  database: z.object({ origin: z.object({ host: z.string(), port: z.number(), database: z.string() }) }).optional(),
});
const bucketEnd = z.object({ bucket: z.string(), endpoint: z.string().optional() });

const endedWell = z.object({
  run: z.string(),
  startedAt: z.iso.datetime(),
  durationMs: z.number(),
  parts: z.array(z.object({ startedAt: z.iso.datetime(), durationMs: z.number() })).exactOptional(),
  outcome: z.literal('done'),
  source: databaseEnd,
  target: databaseEnd,
  objects: z.array(
    z.object({
      bucket: z.string(),
      source: bucketEnd,
      target: bucketEnd,
      selection: z.object({
        prefix: z.string().optional(),
        include: z.array(z.string()),
        exclude: z.array(z.string()),
        renames: z.record(z.string(), z.string()),
        only: z.literal('referenced').exactOptional(),
        referencedBy: z.array(z.string()).exactOptional(),
      }),
      totals: z.object({ source: amount }),
    }),
  ),
  steps: z.array(z.looseObject({ kind: z.string() })),
});

const tableName = z.object({ schema: z.string(), name: z.string() });
const copied = z.object({
  table: tableName,
  bytes: z.number().optional().catch(undefined),
  rule: z.object({ rows: z.string(), where: z.string().optional() }).optional(),
  outcome: z.object({
    durationMs: z.number().optional().catch(undefined),
    facts: z.object({ source: z.object({ rows: z.number() }) }),
  }),
});
const timed = z.object({
  kind: z.string(),
  outcome: z.object({ startedAt: z.iso.datetime(), durationMs: z.number() }),
});
const selected = z.object({ tables: z.array(z.object({ table: tableName })) });
const listed = z.object({
  bucket: z.string(),
  outcome: z.object({ facts: z.object({ source: amount }) }),
});

/**
 * What a report says of the source, if it is the report of a run that ended well; undefined for anything else. `from`
 * says where it was read.
 */
export function lastRunOf(report: unknown, from: string): LastRun | undefined {
  const { data } = endedWell.safeParse(report);
  if (!data) return undefined;
  const { run, source, target, objects, steps } = data;
  const of = <T>(kind: string, shape: z.ZodType<T>): T[] =>
    steps.flatMap((step) => (step.kind === kind ? (shape.safeParse(step).data ?? []) : []));
  const subset = new Set(
    of('select-subset', selected).flatMap((step) => step.tables.map(({ table }) => quoteTable(table))),
  );
  const tables = of('copy-table', copied).map(({ table, bytes, rule, outcome }): LastTable => {
    const ms = outcome.durationMs;
    const known = {
      table,
      rows: outcome.facts.source.rows,
      ...(bytes === undefined ? {} : { bytes }),
      ...(ms === undefined ? {} : { ms }),
    };
    if (!limitsRows(rule) && !subset.has(quoteTable(table))) return known;
    const where = hasNoRows(rule) || subset.has(quoteTable(table)) ? undefined : rule?.where;
    return { ...known, limited: where === undefined ? {} : { where } };
  });
  const took = tookOf(steps, tables);
  const checked = of('verify-objects', listed);
  return {
    run,
    endedAt: new Date(endOf(data)).toISOString(),
    from,
    ...(source.database && target.database && tables.length > 0
      ? {
          database: {
            source: source.database.origin,
            target: target.database.origin,
            tables,
            ...(took ? { took } : {}),
          },
        }
      : {}),
    buckets: objects.map(({ totals, ...pair }) => ({
      ...pair,
      // Listed again at the end of the run, where it copied something.
      ...(checked.find(({ bucket }) => bucket === pair.bucket)?.outcome.facts.source ?? totals.source),
    })),
  };
}

/** Undefined where a table's size or time is not told. */
function tookOf(steps: readonly unknown[], tables: readonly LastTable[]): Took | undefined {
  if (tables.length === 0 || tables.some(({ bytes, ms }) => bytes === undefined || ms === undefined)) return undefined;
  const spans = steps.flatMap((step): (Span & { readonly kind: string })[] => {
    const { data } = timed.safeParse(step);
    if (!data || data.kind.includes('objects')) return [];
    const start = Date.parse(data.outcome.startedAt);
    return [{ kind: data.kind, start, end: start + data.outcome.durationMs }];
  });
  const copies = spans.filter(({ kind }) => kind === 'copy-table');
  const lastCopied = Math.max(...copies.map(({ end }) => end));
  return {
    durationMs: covered(spans),
    copyMs: covered(copies),
    afterMs: covered(spans.filter(({ start }) => start >= lastCopied)),
    bytes: tables.reduce((sum, { bytes = 0 }) => sum + bytes, 0),
  };
}

interface Span {
  readonly start: number;
  readonly end: number;
}

/** How long at least one of them was under way, milliseconds: most steps go on side by side. */
function covered(spans: readonly Span[]): number {
  let total = 0;
  let reached = Number.NEGATIVE_INFINITY;
  for (const { start, end } of spans.toSorted((a, b) => a.start - b.start)) {
    total += Math.max(0, end - Math.max(start, reached));
    reached = Math.max(reached, end);
  }
  return total;
}

/** The newest run between these two databases, of runs that stand newest first. */
export function lastOfDatabase(
  last: readonly LastRun[],
  source: DatabasePlace,
  target: DatabasePlace,
): (RunOrigin & NonNullable<LastRun['database']>) | undefined {
  for (const { database, run, endedAt, from } of last)
    if (database && isSameDatabase(database.source, source) && isSameDatabase(database.target, target))
      return { run, endedAt, from, ...database };
  return undefined;
}

/** The newest run between these two buckets that looked at the same keys. */
export function lastOfBucket(
  last: readonly LastRun[],
  source: Place,
  target: Place,
  selection: Keys,
): (RunOrigin & LastBucket) | undefined {
  for (const { buckets, run, endedAt, from } of last) {
    const found = buckets.find(
      (one) =>
        isSameBucket(one.source, source) &&
        isSameBucket(one.target, target) &&
        keysOf(one.selection) === keysOf(selection),
    );
    if (found) return { run, endedAt, from, ...found };
  }
  return undefined;
}

/** Whether these runs have a figure for everything that the ends are: no older one is needed. */
export function measures(
  last: readonly LastRun[],
  { source, target }: Pick<Ends, 'source' | 'target'>,
  config: Pick<Config, 'objects'>,
): boolean {
  const [from, to] = [source.database?.address, target.database?.address];
  if (from && to && !lastOfDatabase(last, from, to)) return false;
  return [...source.buckets].every(([name, { origin }]) => {
    const other = target.buckets.get(name)?.origin;
    return !other || lastOfBucket(last, origin, other, selectionOf(config, name)) !== undefined;
  });
}

export function isSameDatabase(one: DatabasePlace, other: DatabasePlace): boolean {
  return (
    one.host.toLowerCase() === other.host.toLowerCase() && one.port === other.port && one.database === other.database
  );
}

function isSameBucket(one: Place, other: Place): boolean {
  return one.bucket === other.bucket && one.endpoint === other.endpoint;
}

/** Which keys of the source count, as one text. */
function keysOf({ prefix = '', include, exclude, renames, only, referencedBy = [] }: Keys): string {
  const pairs = Object.entries(renames).toSorted(([one], [other]) => (one < other ? -1 : 1));
  return JSON.stringify([
    prefix,
    include.toSorted(),
    exclude.toSorted(),
    pairs,
    ...(only ? referencedBy.toSorted() : []),
  ]);
}
