import { addressOf } from './address.ts';
import { allOf } from './all-of.ts';
import { appClient, type App } from './app/client.ts';
import type { Account, AccountSettings, ProfileFiles } from './aws/account.ts';
import type { Config, EndConfig } from './config.ts';
import { requireExpectedHost } from './expected-host.ts';
import { maskSettings } from './postgres/mask-key.ts';
import type { Address } from './postgres/session.ts';
import type { SourceDatabase } from './postgres/source.ts';
import type { TargetDatabase } from './postgres/target.ts';
import type { BucketSettings, SourceBucket, TargetBucket } from './s3/bucket.ts';
import { refuseSameBuckets } from './same-bucket.ts';
import { refuseSameDatabase } from './same-database.ts';

/** One end, found and logged in: what the config names, as far as it names it. */
export interface End<Database, Bucket> {
  readonly name: string;
  readonly account: Account | undefined;
  readonly database: Database | undefined;
  /** By the config's name for them, the same at both ends. */
  readonly buckets: ReadonlyMap<string, Bucket>;
  readonly app: App | undefined;
}

/** Both ends, ready for use. The source's types have no method that writes. */
export interface Ends extends Disposable {
  readonly source: End<SourceDatabase, SourceBucket>;
  readonly target: End<TargetDatabase, TargetBucket>;
  /** Where it could not be found out whether the target is the source, in whole sentences. */
  readonly doubts: readonly string[];
}

export interface ConnectOptions {
  readonly profileFiles?: ProfileFiles;
  /** The other part is not looked for: its secret may not be this machine's to read. Rows that name objects are the objects' part. */
  readonly only?: 'database' | 'objects' | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Profile → keys → account → secret → address, for both ends. No database is connected to yet.
 * Throws `profile-missing`, `credentials-failed`, `aws-unreachable`, `account-mismatch`, `secret-missing`, `secret-denied`,
 * `secret-invalid`, `identifier-missing`, `rds-denied`, `config-invalid`; `database-unreachable` where RDS says that the
 * server is stopped; `host-unexpected`; `target-is-source` where both ends' names lead to the same database or bucket;
 * `interrupted`.
 */
export async function connect(config: Config, options: ConnectOptions = {}): Promise<Ends> {
  const [from, to] = await allOf([locate(config.source, config, options), locate(config.target, config, options)]);
  requireExpectedHost('source', config.source, from.address?.host);
  requireExpectedHost('target', config.target, to.address?.host);
  const [doubts] = await allOf([
    refuseSameBuckets(from.buckets, to.buckets, options.signal),
    refuseSameDatabase(config, from.address, to.address),
  ]);
  // Like the AWS SDK: what is not used is not loaded, neither an HTTP client nor a database's driver.
  const [s3, sources, targets] = await Promise.all([
    from.buckets.length > 0 ? import('./s3/bucket.ts') : undefined,
    from.address ? import('./postgres/source.ts') : undefined,
    to.address ? import('./postgres/target.ts') : undefined,
  ]);
  const open = <Bucket>(buckets: Located['buckets'], how: ((settings: BucketSettings) => Bucket) | undefined) =>
    new Map(how ? buckets.map(([name, settings]): [string, Bucket] => [name, how(settings)]) : []);
  const source = {
    ...from,
    database: from.address && sources?.sourceDatabase(from.address),
    buckets: open(from.buckets, s3?.sourceBucket),
  };
  const target = {
    ...to,
    database: to.address && targets?.targetDatabase(to.address),
    buckets: open(to.buckets, s3?.targetBucket),
  };
  return {
    source,
    target,
    doubts,
    [Symbol.dispose]: () => {
      for (const bucket of [...source.buckets.values(), ...target.buckets.values()]) bucket[Symbol.dispose]();
      for (const end of [from, to]) end.address?.tunnel?.[Symbol.dispose]();
    },
  };
}

/** An end whose names have been followed as far as they lead without a connection to what they name. */
export interface Located {
  readonly name: string;
  readonly account: Account | undefined;
  readonly address: Address | undefined;
  readonly buckets: readonly (readonly [string, BucketSettings])[];
  readonly app: App | undefined;
}

/** Profile → keys → account → secret → address of one end. Throws as `connect` does. */
export async function locate(end: EndConfig, config: Config, options: ConnectOptions): Promise<Located> {
  const account = end.aws && (await openEndAccount(end.aws, options));
  const { only, signal } = options;
  const found =
    end.database && (only !== 'objects' || (end === config.target && namesObjects(config)))
      ? await addressOf(end.database, end.name, account, config.passwords, signal)
      : undefined;
  const { key } = config.database.masks;
  // Both ends compute the same masks: the source what is sent, the target what of it is there already.
  const address = found && key !== undefined ? { ...found, settings: maskSettings(key) } : found;
  const buckets =
    account && only !== 'database'
      ? Object.entries(end.buckets).map(([name, bucket]) => [name, bucketOf(account, bucket)] as const)
      : [];
  return {
    name: end.name,
    account,
    address,
    buckets,
    app: appOf(end, config),
  };
}

/** The application behind an end; the source's is only read. */
export function appOf(end: EndConfig, config: Config): App | undefined {
  if (!end.app) return undefined;
  const { url, headers, version, environment } = end.app;
  return appClient(url, headers, { version, environment, readOnly: end === config.source });
}

/** Whether rows decide which objects are copied. */
function namesObjects({ objects }: Config): boolean {
  return Object.values(objects).some(({ only }) => only !== undefined);
}

/** A bucket as an account reaches it. */
export function bucketOf({ region, endpoints, keys, id }: Account, bucket: string): BucketSettings {
  return { bucket, region, endpoint: endpoints.s3, credentials: keys, account: id };
}

/** The AWS SDK is loaded where it is used: it is half of the time and memory that a start takes. */
async function openEndAccount(settings: AccountSettings, { profileFiles, signal }: ConnectOptions): Promise<Account> {
  const { openAccount } = await import('./aws/account.ts');
  return openAccount(settings, profileFiles, signal);
}
