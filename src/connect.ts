import { allOf } from './all-of.ts';
import { appClient, type App } from './app/client.ts';
import type { Account, AccountSettings, ProfileFiles } from './aws/account.ts';
import type { Config, DatabaseConfig, EndConfig } from './config.ts';
import { keepSecret, RestageError } from './errors.ts';
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
 * Throws `profile-missing`, `credentials-failed`, `account-mismatch`, `secret-missing`, `secret-denied`,
 * `secret-invalid`, `config-invalid`; `target-is-source` where both ends name the same database or bucket.
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

/** Where a database is and how to log in: from its secret, its URL or its parts. */
export async function addressOf(
  database: DatabaseConfig,
  end: string,
  account: Account | undefined,
  passwords: Config['passwords'],
  signal?: AbortSignal,
): Promise<Address> {
  if (database.url !== undefined) return addressOfUrl(database.url, database.tls, end);
  const secret =
    database.secret !== undefined && account
      ? await (await import('./aws/secret.ts')).readDatabaseSecret(account, database.secret, signal)
      : undefined;
  const host = database.host ?? secret?.host;
  const name = database.database ?? secret?.database;
  const user = database.user ?? secret?.user;
  const password =
    secret?.password ?? (database.passwordEnv === undefined ? undefined : passwords[database.passwordEnv]);
  for (const [key, value] of Object.entries({ host, database: name }))
    if (value === undefined)
      throw new RestageError(
        'config-invalid',
        `no ${key} is known for the database of ${end}: the secret ${database.secret} has none`,
        { hint: `Add ${key} beside secret in restage.yaml.` },
      );
  if (host === undefined || name === undefined || user === undefined || password === undefined)
    throw new RestageError('internal', 'an address without its parts');
  keepSecret(password);
  return {
    host,
    port: database.port ?? secret?.port ?? 5432,
    database: name,
    user,
    password,
    tls: database.tls ?? tlsFor(host),
  };
}

function addressOfUrl(text: string, tls: DatabaseConfig['tls'], end: string): Address {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const [database, user, secret] = [url?.pathname.slice(1) ?? '', url?.username ?? '', url?.password ?? ''].map(
    (part) => decoded(part, end),
  ) as [string, string, string]; // as many as were given
  if (!url || !/^postgres(ql)?:$/.test(url.protocol) || !url.hostname || !url.username || database === '')
    throw new RestageError(
      'config-invalid',
      `the database url of ${end} is not postgres://user:password@host:port/database`,
    );
  const password = keepSecret(secret);
  return {
    host: url.hostname.replace(/^\[(.*)\]$/, '$1'),
    port: Number(url.port || 5432),
    database,
    user,
    password,
    tls: tls ?? tlsFor(url.hostname),
  };
}

/** A part of a URL as it was meant; the part itself may be a password, and is not told. */
function decoded(part: string, end: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    throw new RestageError(
      'config-invalid',
      `the database url of ${end} has a % that is not followed by two hex digits`,
      {
        hint: 'In user, password and database name a % is written %25, a @ %40, a / %2F.',
      },
    );
  }
}

function tlsFor(host: string): Address['tls'] {
  return /^(localhost|127\.\d+\.\d+\.\d+|\[?::1\]?)$/.test(host) ? 'disable' : 'verify-full';
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
  if (source.address && target.address && place(source.address) === place(target.address))
    throw new RestageError('target-is-source', `both ends are the same database: ${place(source.address)}`, {
      hint: 'target.database in restage.yaml, or the secret that it names, leads to the source.',
    });
  const ours = new Set(source.buckets.map(([, settings]) => bucketPlace(settings)));
  for (const [name, settings] of target.buckets)
    if (ours.has(bucketPlace(settings)))
      throw new RestageError(
        'target-is-source',
        `target.buckets.${name} is a bucket of the source: ${settings.bucket}`,
      );
}
