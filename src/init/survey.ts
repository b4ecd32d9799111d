import type { Account, AccountSettings } from '../aws/account.ts';
import type { Listing, ListedFunction, ListedSecret } from '../aws/listing.ts';
import type { ListedProfile } from '../aws/profiles.ts';
import type { DatabaseServer } from '../aws/database-server.ts';
import type { ConnectOptions } from '../connect.ts';
import { meaningOf } from './name-words.ts';
import { pairNames, type Pairing } from './pair-names.ts';

/** What an account has, as far as its keys may see it. */
export interface Survey {
  readonly account: Account;
  readonly buckets: Listing<string>;
  readonly secrets: Listing<ListedSecret>;
  readonly databases: Listing<DatabaseServer>;
  readonly functions: Listing<ListedFunction>;
}

/** The profiles of the AWS files. */
export async function findProfiles({ profileFiles }: ConnectOptions = {}): Promise<readonly ListedProfile[]> {
  return (await import('../aws/profiles.ts')).listProfiles(profileFiles);
}

/**
 * Opens an account and lists what it has; what may not be listed is told in each listing. Throws what opening it throws:
 * `profile-missing`, `config-invalid` without a region, `credentials-failed`, `aws-unreachable`.
 */
export async function surveyAccount(settings: AccountSettings, options: ConnectOptions = {}): Promise<Survey> {
  const { profileFiles, signal } = options;
  const [{ openAccount }, listing, { listBuckets }] = await Promise.all([
    import('../aws/account.ts'),
    import('../aws/listing.ts'),
    import('../s3/list-buckets.ts'),
  ]);
  const account = await openAccount(settings, profileFiles, signal);
  const { region, endpoints, keys } = account;
  const [buckets, secrets, databases, functions] = await Promise.all([
    listBuckets({ region, endpoint: endpoints.s3, credentials: keys }, signal),
    listing.listSecrets(account, signal),
    listing.listDatabases(account, signal),
    listing.listFunctions(account, signal),
  ]);
  return { account, buckets, secrets, databases, functions };
}

/** What belongs together at both ends, by likeness of name. */
export interface Proposal {
  readonly buckets: readonly Pairing[];
  /** Those that are called a database first. */
  readonly secrets: readonly Pairing[];
  /** By their identifiers; none that is a replica at the target. */
  readonly databases: readonly Pairing[];
}

/** Proposes pairs of what both accounts have. They are for a person to agree to. */
export function propose(source: Survey, target: Survey): Proposal {
  const oneAccount =
    source.account.id !== undefined
      ? source.account.id === target.account.id
      : source.account.endpoints.s3 === target.account.endpoints.s3;
  const names = ({ found }: Listing<{ readonly name: string }>) => found.map(({ name }) => name);
  const isDatabase = ({ source: name }: Pairing) => Number(meaningOf(name).includes('database'));
  return {
    buckets: pairNames(source.buckets.found, target.buckets.found, oneAccount),
    secrets: pairNames(names(source.secrets), names(target.secrets), oneAccount).toSorted(
      (a, b) => isDatabase(b) - isDatabase(a),
    ),
    databases: pairNames(
      source.databases.found.filter(isPostgres).map(({ identifier }) => identifier),
      target.databases.found.filter((one) => isPostgres(one) && !one.isReplica).map(({ identifier }) => identifier),
      oneAccount,
    ),
  };
}

export function isPostgres({ engine }: Pick<DatabaseServer, 'engine'>): boolean {
  return engine.includes('postgres');
}

/** A secret's login without its password. */
export interface SecretLogin {
  readonly host: string | undefined;
  /** Of RDS, which knows the host. */
  readonly identifier: string | undefined;
  readonly port: number | undefined;
  readonly database: string | undefined;
  readonly user: string;
}

/** What a secret says of its database. Throws `secret-missing`, `secret-denied`, `secret-invalid`. */
export async function readLogin({ account }: Survey, secret: string, signal?: AbortSignal): Promise<SecretLogin> {
  const { readDatabaseSecret } = await import('../aws/secret.ts');
  const { host, identifier, port, database, user } = await readDatabaseSecret(account, secret, signal);
  return { host, identifier, port, database, user };
}
