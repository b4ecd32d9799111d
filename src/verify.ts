import type { Config } from './config.ts';
import type { Ends } from './connect.ts';
import { differencesOfApps, noApps, verifyApps, type VerifiedApps } from './verify-app.ts';
import type { VerifiedDatabase } from './verify-database.ts';
import type { BucketOrigin } from './s3/origin.ts';
import { checkContent, type ContentCheck } from './s3/content.ts';
import { countDifferences, type DiffTotals } from './s3/diff.ts';
import { requireSome } from './plan.ts';
import { referenceFaults, type ReferenceCheck } from './references.ts';
import { count } from './report/format.ts';
import { emptyBucket } from './plan-objects.ts';
import { filterOf, type Selection } from './s3/selection.ts';
import { keysWanted, selectionOf } from './selection-of.ts';

/** How the target compares with the source, now. Plain JSON. */
export interface Verification extends VerifiedApps {
  readonly version: 1;
  readonly madeAt: string;
  readonly durationMs: number;
  readonly source: string;
  readonly target: string;
  readonly database?: VerifiedDatabase;
  readonly objects: readonly {
    readonly bucket: string;
    readonly source: BucketOrigin;
    readonly target: BucketOrigin;
    readonly selection: Selection;
    readonly totals: DiffTotals;
    /** Where only keys that the target's rows name count: how many, and how many of them the source's bucket has not. */
    readonly referenced?: { readonly keys: number; readonly absent: number };
    /** Where objects were read back, as `verify.objects` says. */
    readonly content?: ContentCheck;
  }[];
  /** What rows of the target name, for each bucket of `verify.references`; absent where there are none. */
  readonly references?: readonly ReferenceCheck[];
  /** What was asked for in the config and not looked at, in whole sentences. */
  readonly notes?: readonly string[];
  /** Every difference in a sentence; none: equal. */
  readonly differences: readonly string[];
}

/** How many objects a quick look reads back, where the config says that all are. */
const objectsSampled = 200;

export interface VerifyOptions {
  /**
   * The part that is compared; absent: all. `references`: neither tables nor objects, but what lies between the parts: the objects that
   * rows name, and what the applications say.
   */
  readonly only?: 'database' | 'objects' | 'references' | undefined;
  /** A quick look: the content of small tables and of a sample of the rows and objects of others. */
  readonly sample?: boolean | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Compares the target with the source as both are now: every table by digest, every bucket by listing, the
 * application's health and totals. Tables of migration versions are told as revisions, for they should differ.
 * Differences are data; it throws what the ends throw.
 */
export async function verify(config: Config, ends: Ends, options: VerifyOptions = {}): Promise<Verification> {
  const clock = performance.now();
  const madeAt = new Date().toISOString();
  const { signal, only, sample = false } = options;
  requireSome(config, only === 'references' ? undefined : only);
  const hasDatabase = (only === undefined || only === 'database') && ends.source.database && ends.target.database;
  const databases = hasDatabase ? await import('./verify-database.ts') : undefined;
  const database = await databases?.verifyDatabase(config, ends, { sample, signal });
  const empty: string[] = [];
  const objects: Verification['objects'][number][] = [];
  for (const [bucket, source] of only === 'database' || only === 'references' ? [] : ends.source.buckets) {
    const target = ends.target.buckets.get(bucket);
    if (!target) continue;
    const pair = { source, target, selection: selectionOf(config, bucket) };
    const naming = keysWanted(bucket, pair.selection, { label: 'verify', signal });
    const read = naming && ends.target.database && (await import('./referenced-keys.ts')).readPresentKeys;
    const named = read && ends.target.database && (await read(ends.target.database, naming));
    const filter = filterOf(pair.selection, named?.keys);
    const totals = await countDifferences(pair, { signal, filter });
    if (totals.source.objects === 0 && !config.objects[bucket]?.mayBeEmpty)
      empty.push(emptyBucket(bucket, source.origin, pair.selection).message);
    const wanted = sample && config.verify.objects === 'content' ? { sample: objectsSampled } : config.verify.objects;
    const some = typeof wanted === 'object' ? { count: wanted.sample, of: totals.same.objects } : undefined;
    const content = wanted === 'listing' ? undefined : await checkContent(pair, { sample: some, signal, filter });
    const referenced = named && { keys: named.keys.size, absent: named.keys.absent() };
    objects.push({
      bucket,
      source: source.origin,
      target: target.origin,
      selection: pair.selection,
      totals,
      ...(referenced ? { referenced } : {}),
      ...(content ? { content } : {}),
    });
  }
  const references =
    only === 'database' || config.verify.references.length === 0
      ? []
      : await (await import('./verify-references.ts')).verifyReferences(config, ends, signal);
  const unseen = unseenReferences(config, ends, only);
  const apps = only === undefined || only === 'references' ? await verifyApps(config, ends, signal) : noApps;
  const found = {
    ...(database ? { database } : {}),
    objects,
    ...(references.length > 0 ? { references } : {}),
    ...apps,
  };
  return {
    version: 1,
    madeAt,
    durationMs: Math.round(performance.now() - clock),
    source: ends.source.name,
    target: ends.target.name,
    ...found,
    ...(unseen === undefined ? {} : { notes: [unseen] }),
    differences: [
      ...(database && databases ? databases.databaseDifferences(database) : []),
      ...differencesOf(found),
      ...references.flatMap(referenceFaults),
      ...differencesOfApps(apps),
      ...empty,
      ...(comparesNothing(found) ? ['no table could be compared, for every one is left out: nothing was'] : []),
    ],
  };
}

/** Rows cannot be asked what they name where only one part is looked at. */
function unseenReferences({ verify: { references } }: Config, { target }: Ends, only: VerifyOptions['only']) {
  if (references.length === 0 || only === undefined || only === 'references') return undefined;
  if (only === 'objects' && target.database) return undefined;
  return `verify.references was not looked at: --only ${only} compares one part alone`;
}

/** That nothing differs would say nothing then. */
function comparesNothing({
  database,
  objects,
  health,
  totals,
  expectations,
}: Pick<Verification, 'database' | 'objects' | 'health' | 'totals' | 'expectations'>): boolean {
  const isLeftOut = database && database.tables.length + database.merged.length === 0 && database.leftOut.length > 0;
  return isLeftOut === true && objects.length + totals.length + expectations.length === 0 && !health;
}

function differencesOf({ objects }: Pick<Verification, 'objects'>): string[] {
  const buckets = objects.flatMap(({ bucket, totals: { missing, changed, examples }, content }) => {
    const listed =
      missing.objects + changed.objects === 0
        ? []
        : [
            `bucket ${bucket}: missing in the target ${count(missing.objects)}, different ${count(changed.objects)}; e.g. ${examples.map((key) => JSON.stringify(key)).join(', ')}`,
          ];
    const read = (content?.different ?? []).map(
      ({ key, reason }) => `bucket ${bucket}, ${JSON.stringify(key)}: ${reason}`,
    );
    const more = (content?.differences ?? 0) - read.length;
    return [
      ...listed,
      ...read,
      ...(more > 0 ? [`bucket ${bucket}: ${count(more)} more that were read back differ`] : []),
    ];
  });
  return buckets;
}
