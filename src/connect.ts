import { addressOf } from './address.ts';
import { allOf } from './all-of.ts';
import { appClient, type App } from './app/client.ts';
import type { Account, AccountSettings, ProfileFiles } from './aws/account.ts';
import type { Config, EndConfig } from './config.ts';
import { RestageError } from './errors.ts';
import { isLoopback } from './loopback.ts';
import type { Address } from './postgres/session.ts';
import type { SourceDatabase } from './postgres/source.ts';
import type { TargetDatabase } from './postgres/target.ts';
import type { BucketSettings, SourceBucket, TargetBucket } from './s3/bucket.ts';

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
}

export interface ConnectOptions {
  readonly profileFiles?: ProfileFiles;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Profile → keys → account → secret → address, for both ends. No database is connected to yet.
 * Throws `profile-missing`, `credentials-failed`, `aws-unreachable`, `account-mismatch`, `secret-missing`, `secret-denied`,
 * `secret-invalid`, `identifier-missing`, `rds-denied`, `config-invalid`; `target-is-source` where both ends name the same
 * database or bucket.
 */
export async function connect(config: Config, options: ConnectOptions = {}): Promise<Ends> {
  const [from, to] = await allOf([locate(config.source, config, options), locate(config.target, config, options)]);
  refuseSame(from, to);
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
    [Symbol.dispose]: () => {
      for (const bucket of [...source.buckets.values(), ...target.buckets.values()]) bucket[Symbol.dispose]();
      for (const end of [from, to]) end.address?.tunnel?.[Symbol.dispose]();
    },
  };
}

interface Located {
  readonly name: string;
  readonly account: Account | undefined;
  readonly address: Address | undefined;
  readonly buckets: readonly (readonly [string, BucketSettings])[];
  readonly app: App | undefined;
}

async function locate(end: EndConfig, config: Config, options: ConnectOptions): Promise<Located> {
  const account = end.aws && (await openEndAccount(end.aws, options));
  const address = end.database && (await addressOf(end.database, end.name, account, config.passwords, options.signal));
  const buckets = account
    ? Object.entries(end.buckets).map(([name, bucket]): [string, BucketSettings] => [
        name,
        {
          bucket,
          region: account.region,
          endpoint: account.endpoints.s3,
          credentials: account.keys,
          account: account.id,
        },
      ])
    : [];
  return { name: end.name, account, address, buckets, app: end.app && appClient(end.app.url, end.app.headers) };
}

/** The AWS SDK is loaded where it is used: it is half of the time and memory that a start takes. */
async function openEndAccount(settings: AccountSettings, { profileFiles, signal }: ConnectOptions): Promise<Account> {
  const { openAccount } = await import('./aws/account.ts');
  return openAccount(settings, profileFiles, signal);
}

/** One text for a bucket, however its store is written. */
function bucketPlace({ endpoint, bucket }: BucketSettings): string {
  const url = endpoint === undefined ? undefined : new URL(endpoint);
  if (!url || url.hostname.endsWith('.amazonaws.com')) return `aws ${bucket}`;
  return `${url.host.replace(/^(localhost|\[::1\])(?=:|$)/, '127.0.0.1')} ${bucket}`;
}

/** What can be seen to be the same from the names alone; the plan asks the servers too. */
function refuseSame(source: Located, target: Located): void {
  const place = (address: Address) => `${address.host.toLowerCase()}:${address.port}/${address.database}`;
  // Through a tunnel localhost is another machine's.
  const isElsewhere = ({ tunnel, host }: Address) => tunnel !== undefined && isLoopback(host);
  if (
    source.address &&
    target.address &&
    place(source.address) === place(target.address) &&
    !isElsewhere(source.address) &&
    !isElsewhere(target.address)
  )
    throw new RestageError('target-is-source', `both ends are the same database: ${place(source.address)}`, {
      hint: 'target.database in restage.yaml, or the secret that it names, leads to the source.',
    });
  const ours = source.buckets.map(([, settings]) => settings);
  for (const [name, settings] of target.buckets) refuseSameBucket(name, ours, settings);
}

/** Throws `target-is-source` where a bucket of the target is one of the source's. */
export function refuseSameBucket(name: string, source: readonly BucketSettings[], target: BucketSettings): void {
  if (!source.some((one) => bucketPlace(one) === bucketPlace(target))) return;
  throw new RestageError('target-is-source', `target.buckets.${name} is a bucket of the source: ${target.bucket}`);
}
