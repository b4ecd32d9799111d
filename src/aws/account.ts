import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';
import { fromIni } from '@aws-sdk/credential-providers';
import { loadSharedConfigFiles } from '@smithy/shared-ini-file-loader';
import { keepSecret, RestageError } from '../errors.ts';
import { nearest } from '../nearest.ts';

export interface AccountSettings {
  readonly profile?: string | undefined;
  /** Instead of a profile: what AWS's own tools find by themselves. */
  readonly ambient?: true | undefined;
  /** A role that those keys take on. */
  readonly assumeRole?: { readonly role: string; readonly externalId?: string | undefined } | undefined;
  readonly region?: string | undefined;
  /** The id that the account must turn out to have. */
  readonly account?: string | undefined;
  readonly endpoints?:
    | {
        readonly s3?: string | undefined;
        readonly secretsManager?: string | undefined;
        readonly sts?: string | undefined;
        readonly rds?: string | undefined;
        readonly lambda?: string | undefined;
      }
    | undefined;
}

/** Where the profiles stand, when not in ~/.aws. */
export interface ProfileFiles {
  readonly credentials?: string | undefined;
  readonly config?: string | undefined;
}

export interface Keys {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
  readonly expiration?: Date;
}

/** One AWS account, reached through one profile and known to be the one that was meant. */
export interface Account {
  readonly profile: string;
  readonly region: string;
  /** Undefined where the store has no STS to ask. */
  readonly id: string | undefined;
  readonly arn: string | undefined;
  readonly endpoints: NonNullable<AccountSettings['endpoints']>;
  /** The present keys, renewed before they expire; read anew where `refused` are keys that AWS has called expired. */
  readonly keys: (refused?: Pick<Keys, 'accessKeyId' | 'secretAccessKey' | 'sessionToken'>) => Promise<Keys>;
}

/** How long AWS may take: an endpoint that a VPC has no route to never answers. */
export const patience = {
  maxAttempts: 2,
  requestHandler: { connectionTimeout: 5000, requestTimeout: 10_000, throwOnRequestTimeout: true },
} as const;

/**
 * Profile → keys → identity. Nothing ambient is used: neither AWS_PROFILE nor keys in the environment.
 * Throws `profile-missing` with near names, `credentials-failed`, `account-mismatch`.
 */
export async function openAccount(
  settings: AccountSettings,
  files: ProfileFiles = {},
  signal?: AbortSignal,
): Promise<Account> {
  const { profile, endpoints = {} } = settings;
  if (profile === undefined || settings.assumeRole)
    throw new RestageError('config-invalid', 'aws: only profile can be used yet, without assumeRole');
  const places = {
    ...(files.credentials ? { filepath: files.credentials } : {}),
    ...(files.config ? { configFilepath: files.config } : {}),
  };
  const { configFile, credentialsFile } = await loadSharedConfigFiles(places);
  const known = [
    ...new Set([...Object.keys(credentialsFile), ...Object.keys(configFile).filter((name) => !name.includes('.'))]),
  ];
  if (!known.includes(profile)) {
    const near = nearest(profile, known);
    throw new RestageError('profile-missing', `there is no AWS profile ${profile}`, {
      hint: near
        ? `Did you mean ${near}? Profiles found: ${known.join(', ')}`
        : known.length > 0
          ? `Profiles found: ${known.join(', ')}`
          : 'No profile was found at all: run `aws configure --profile NAME` first.',
    });
  }
  const region = settings.region ?? credentialsFile[profile]?.['region'] ?? configFile[profile]?.['region'];
  if (!region)
    throw new RestageError('config-invalid', `no region is known for the profile ${profile}`, {
      hint: 'Add region beside profile in restage.yaml.',
    });
  // Files are read once by the SDK: keys that are renewed by writing them anew are found by reading past that.
  const provider = (ignoreCache: boolean) => fromIni({ profile, ...places, ignoreCache, clientConfig: { region } })();
  const keys = renewing(provider, profile);
  await keys();
  if (endpoints.sts === undefined && endpoints.s3 !== undefined)
    return { profile, region, id: undefined, arn: undefined, endpoints, keys };
  const sts = new STSClient({
    region,
    credentials: () => keys(),
    ...patience,
    ...(endpoints.sts ? { endpoint: endpoints.sts } : {}),
  });
  try {
    const identity = await sts.send(new GetCallerIdentityCommand({}), signal ? { abortSignal: signal } : {});
    if (settings.account !== undefined && identity.Account !== settings.account)
      throw new RestageError(
        'account-mismatch',
        `the profile ${profile} is account ${identity.Account}, not ${settings.account} as the config says`,
        {
          hint: `It is ${identity.Arn}. Name the other profile, or correct aws.account.`,
        },
      );
    return { profile, region, id: identity.Account, arn: identity.Arn, endpoints, keys };
  } catch (error) {
    if (error instanceof RestageError) throw error;
    if (signal?.aborted) throw new RestageError('interrupted', 'interrupted while AWS was asked who the profile is');
    throw new RestageError(
      'credentials-failed',
      `the keys of the profile ${profile} were not accepted: ${messageOf(error)}`,
      {
        cause: error,
        hint: 'If they are temporary, log in again: aws sso login --profile ' + profile,
      },
    );
  } finally {
    sts.destroy();
  }
}

/** Asks the provider again five minutes before the keys expire; one request at a time. */
function renewing(provider: (ignoreCache: boolean) => Promise<Keys>, profile: string): Account['keys'] {
  let present: Promise<Keys> | undefined;
  let current: Keys | undefined;
  let until = Number.POSITIVE_INFINITY;
  return async (refused) => {
    const isRefused = refused !== undefined && refused === current;
    if (present && Date.now() < until && !isRefused) return present;
    const first = present === undefined;
    until = Number.POSITIVE_INFINITY; // whoever asks meanwhile waits for the same answer
    current = undefined;
    present = provider(!first).then(
      (keys) => {
        current = keys;
        // Keys that have less left than that are all that the provider has: it is not asked again for every request.
        until = keys.expiration
          ? Math.max(keys.expiration.getTime() - 5 * 60_000, Date.now() + 30_000)
          : Number.POSITIVE_INFINITY;
        keepSecret(keys.secretAccessKey);
        if (keys.sessionToken) keepSecret(keys.sessionToken);
        return keys;
      },
      (error: unknown) => {
        present = undefined;
        throw new RestageError('credentials-failed', `the profile ${profile} gives no keys: ${messageOf(error)}`, {
          cause: error,
        });
      },
    );
    return present;
  };
}

function messageOf(error: unknown): string {
  return error instanceof Error ? `${error.message} (${error.name})` : String(error);
}
