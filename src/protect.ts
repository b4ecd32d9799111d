import { allOf } from './all-of.ts';
import type { Config } from './config.ts';
import { locate, type ConnectOptions, type Located } from './connect.ts';
import { failureOf, RestageError } from './errors.ts';
import { requireExpectedHost } from './expected-host.ts';
import type { Address } from './postgres/session.ts';
import type { BucketSettings } from './s3/bucket.ts';
import { describeBucket } from './s3/origin.ts';

/** A database or a bucket that bears the protected marker, or could. */
export interface Markable {
  readonly kind: 'database' | 'bucket';
  /** `shop at db.example.com:5432`, or a bucket and its account. */
  readonly place: string;
  readonly isMarked: boolean;
  /** What puts the marker on by hand, for somebody who may: a statement of SQL, or a command of AWS's own tool. */
  readonly byHand: string;
  /** Why restage cannot. */
  readonly obstacle?: string;
}

/** What became of one of them. */
export interface Marked extends Markable {
  readonly outcome: 'marked' | 'was-marked' | 'refused';
}

export interface ProtectOptions extends ConnectOptions {
  readonly side: 'source' | 'target';
}

/** Reads what of an end bears the marker. Writes nothing. Throws what the way to an end throws, and `host-unexpected`. */
export function readProtection(config: Config, options: ProtectOptions): Promise<readonly Markable[]> {
  return forEach(config, options, {
    database: (address, signal) => withDatabase(address, 'read-only', signal, async ({ found }) => found),
    bucket: (settings, signal) => withBucket(settings, 'read-only', signal, async ({ found }) => found),
  });
}

/**
 * Puts the marker on an end's database and buckets: the one thing in restage that writes to a source, and nothing else
 * here does. Other comments and tags stay. What cannot be marked is told, with what does it by hand.
 */
export function protect(config: Config, options: ProtectOptions): Promise<readonly Marked[]> {
  return forEach(config, options, {
    database: (address, signal) =>
      withDatabase(address, 'read-write', signal, async ({ found, mark }) => outcomeOf(found, mark)),
    bucket: (settings, signal) =>
      withBucket(settings, 'read-write', signal, async ({ found, mark }) => outcomeOf(found, mark)),
  });
}

async function outcomeOf(found: Markable, mark: () => Promise<void>): Promise<Marked> {
  if (found.isMarked) return { ...found, outcome: 'was-marked' };
  if (found.obstacle !== undefined) return { ...found, outcome: 'refused' };
  try {
    await mark();
    return { ...found, isMarked: true, outcome: 'marked' };
  } catch (error) {
    const { code, message } = failureOf(error);
    if (code === 'interrupted') throw error;
    return { ...found, obstacle: message, outcome: 'refused' };
  }
}

interface Acts<T> {
  database(address: Address, signal: AbortSignal | undefined): Promise<T>;
  bucket(settings: BucketSettings, signal: AbortSignal | undefined): Promise<T>;
}

async function forEach<T>(config: Config, { side, ...options }: ProtectOptions, acts: Acts<T>): Promise<readonly T[]> {
  const { address, buckets }: Located = await locate(config[side], config, options);
  using _tunnel = address?.tunnel;
  requireExpectedHost(side, config[side], address?.host);
  const { signal } = options;
  // One bucket may bear several names in the config.
  const distinct = [...new Map(buckets.map(([, settings]) => [settings.bucket, settings])).values()];
  return await allOf([
    ...(address ? [acts.database(address, signal)] : []),
    ...distinct.map((settings) => acts.bucket(settings, signal)),
  ]);
}

interface Door {
  readonly found: Markable;
  mark(): Promise<void>;
}

async function withDatabase<T>(
  address: Address,
  access: 'read-only' | 'read-write',
  signal: AbortSignal | undefined,
  work: (door: Door) => Promise<T>,
): Promise<T> {
  const [{ openSession }, { commentStatement, mark, readRawComment, withMarker, marker }] = await Promise.all([
    import('./postgres/session.ts'),
    import('./postgres/protected-marker.ts'),
  ]);
  await using session = await openSession(address, { access, label: 'protect', signal });
  const { database, host, port, user, standby } = session.origin;
  const comment = await readRawComment(session, database);
  const [row] = await session.rows<{ owns: string; owner: string }>(
    `select pg_has_role(datdba, 'usage')::text as owns, pg_get_userbyid(datdba) as owner
       from pg_database where datname = current_database()`,
  );
  const obstacle = standby
    ? 'it is a standby: the marker must be put on its primary, and comes from there'
    : row?.owns === 'true'
      ? undefined
      : `only its owner may comment on it: that is ${row?.owner}, and ${user} is not a member`;
  return await work({
    found: {
      kind: 'database',
      place: `${database} at ${host}:${port}`,
      isMarked: comment?.includes(marker) ?? false,
      byHand: `${commentStatement(database, withMarker(comment))};`,
      ...(obstacle === undefined ? {} : { obstacle }),
    },
    mark: async () => {
      await mark(session, database);
      if ((await readRawComment(session, database))?.includes(marker)) return;
      throw new RestageError('statement-failed', `the comment on ${database} does not hold ${marker} after all`);
    },
  });
}

async function withBucket<T>(
  settings: BucketSettings,
  access: 'read-only' | 'read-write',
  signal: AbortSignal | undefined,
  work: (door: Door) => Promise<T>,
): Promise<T> {
  const [{ s3Client }, { isMarked, mark, readBucketTags, tagCommand, withMarker }] = await Promise.all([
    import('./s3/client.ts'),
    import('./s3/protected-marker.ts'),
  ]);
  using client = s3Client({ ...settings, access });
  const { bucket, account, endpoint, region } = settings;
  const origin = { bucket, account, endpoint, region };
  const tags = await readBucketTags(client, origin, signal);
  const byHand = tags.known
    ? tagCommand(origin, withMarker(tags.tags))
    : `${tagCommand(origin, withMarker([]))} # replaces its other tags: add those of aws s3api get-bucket-tagging --bucket ${bucket}`;
  return await work({
    found: {
      kind: 'bucket',
      place: describeBucket(origin),
      isMarked: tags.known && isMarked(tags.tags),
      byHand,
      ...(tags.known ? {} : { obstacle: `its tags cannot be read: ${tags.reason}` }),
    },
    mark: () => mark(client, origin, signal),
  });
}
