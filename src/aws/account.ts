import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';
import { RestageError } from '../errors.ts';
import { unreachable, wordsOf } from './aws-error.ts';
import { ambientKeys, expired, profileKeys, roleKeys, type KeySource } from './keys.ts';
import { readProfiles, requireProfile, type ProfileFiles } from './profiles.ts';
import type { Refused } from './renewing.ts';
import { isExpired, keyAdvice } from './role.ts';
import { clientOf, nothingAmbient } from './service.ts';

export type { ProfileFiles } from './profiles.ts';

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
        readonly ssm?: string | undefined;
      }
    | undefined;
}

export interface Keys {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
  readonly expiration?: Date;
}

/** One AWS account, reached with the keys that the config names and known to be the one that was meant. */
export interface Account {
  /** What it was reached with, in words: the profile bmx-prod; the ambient keys; the role … taken on by … */
  readonly name: string;
  readonly region: string;
  /** Undefined where the store has no STS to ask. */
  readonly id: string | undefined;
  readonly arn: string | undefined;
  readonly endpoints: NonNullable<AccountSettings['endpoints']>;
  /** What to do when the keys have expired and there are no new ones. */
  readonly renewal: string;
  /** What a command of AWS's own needs to speak to the same place: --profile bmx-prod --region us-west-2 */
  readonly flags: string;
  /** The present keys, renewed before they expire; read anew where `refused` are keys that AWS has called expired. */
  readonly keys: (refused?: Refused) => Promise<Keys>;
}

/**
 * Profile → keys → role → identity. Nothing ambient is used unless the settings say so.
 * Throws `profile-missing` with near names, `config-invalid` without a region, `credentials-failed`, `aws-unreachable`,
 * `account-mismatch`.
 */
export async function openAccount(
  settings: AccountSettings,
  files: ProfileFiles = {},
  signal?: AbortSignal,
): Promise<Account> {
  // A program that gives keys may wait for somebody, and AWS for a route.
  return orInterrupted((abort) => open(settings, files, abort), signal);
}

async function open(settings: AccountSettings, files: ProfileFiles, abort: AbortSignal): Promise<Account> {
  const { profile, endpoints = {} } = settings;
  const hasSts = endpoints.sts !== undefined || endpoints.s3 === undefined;
  if (settings.assumeRole && !hasSts)
    throw new RestageError('config-invalid', 'aws.assumeRole needs an STS, and aws.endpoints names none beside s3', {
      hint: 'Add aws.endpoints.sts: the address that gives the keys of roles.',
    });
  const profiles = profile === undefined ? {} : await readProfiles(files);
  if (profile !== undefined) requireProfile(profiles, profile);
  const region = settings.region ?? (profile === undefined ? await ambientRegion() : profiles[profile]?.['region']);
  if (region === undefined || region === '')
    throw new RestageError(
      'config-invalid',
      `no region is known for ${profile === undefined ? 'the ambient keys' : `the profile ${profile}`}`,
      {
        hint:
          profile === undefined
            ? 'Add region beside ambient in restage.yaml, or set AWS_REGION.'
            : 'Add region beside profile in restage.yaml.',
      },
    );
  const place = { region, endpoints, abort };
  const base = profile === undefined ? ambientKeys(files, place) : profileKeys(profile, profiles, files, place);
  const source = settings.assumeRole ? roleKeys(base, settings.assumeRole, place) : base;
  await source.keys();
  const { name, renewal, keys } = source;
  // A role that was taken on is no profile's.
  const flags = `${profile === undefined || settings.assumeRole ? '' : `--profile ${profile} `}--region ${region}`;
  const account = { name, region, endpoints, renewal, flags, keys };
  if (!hasSts) return { ...account, id: undefined, arn: undefined };
  const identity = await identify(account, source, abort);
  if (settings.account !== undefined && identity.id !== settings.account)
    throw new RestageError(
      'account-mismatch',
      `account ${identity.id} is reached with ${source.name}, not ${settings.account} as the config says`,
      {
        hint: `It is ${identity.arn}. Name ${profile === undefined ? 'other keys' : 'the other profile'}, or correct aws.account.`,
      },
    );
  return { ...account, ...identity };
}

/** Whose the keys are, by their account. */
async function identify(
  account: Pick<Account, 'region' | 'endpoints' | 'keys'>,
  source: KeySource,
  abort: AbortSignal,
): Promise<Pick<Account, 'id' | 'arn'>> {
  const sts = new STSClient(clientOf(account, 'sts'));
  try {
    const { Account: id, Arn: arn } = await sts.send(new GetCallerIdentityCommand({}), { abortSignal: abort });
    return { id, arn };
  } catch (error) {
    if (error instanceof RestageError) throw error;
    if (isExpired(error)) throw expired(error, source);
    const silent = unreachable(error, account, 'sts');
    if (silent) throw silent;
    const { accessKeyId } = await source.keys();
    throw new RestageError(
      'credentials-failed',
      `the keys of ${source.name} (${accessKeyId}) were not accepted: ${wordsOf(error)}`,
      { cause: error, hint: keyAdvice(error) },
    );
  } finally {
    sts.destroy();
  }
}

/** The region of AWS_REGION, or of the profile that AWS_PROFILE names: for who has asked for what is ambient. */
async function ambientRegion(): Promise<string | undefined> {
  const client = new STSClient(nothingAmbient);
  try {
    return await client.config.region();
  } catch {
    return undefined;
  } finally {
    client.destroy();
  }
}

/** The work, which is told to stop when the signal is aborted, and is not waited for then. */
async function orInterrupted<Value>(
  work: (abort: AbortSignal) => Promise<Value>,
  signal: AbortSignal | undefined,
): Promise<Value> {
  // Of its own: keys are renewed after an interrupt too, for what puts the target back.
  const controller = new AbortController();
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const abort = () => {
    controller.abort();
    reject(new RestageError('interrupted', 'interrupted while AWS was asked for keys'));
  };
  if (signal?.aborted) abort();
  signal?.addEventListener('abort', abort, { once: true });
  const working = work(controller.signal);
  working.catch(() => undefined); // after an interrupt it is told to nobody
  try {
    return await Promise.race([aborted, working]);
  } finally {
    signal?.removeEventListener('abort', abort);
  }
}
