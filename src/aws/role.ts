import {
  AssumeRoleCommand,
  AssumeRoleWithWebIdentityCommand,
  GetCallerIdentityCommand,
  STSClient,
} from '@aws-sdk/client-sts';
import type { AssumeRoleCommandInput, AssumeRoleWithWebIdentityCommandInput, Credentials } from '@aws-sdk/client-sts';
import { RestageError } from '../errors.ts';
import type { Account, Keys } from './account.ts';
import { isDenied, isNamed, unreachable, wordsOf } from './aws-error.ts';
import { clientOf } from './service.ts';

/** Where STS is asked. */
export interface StsPlace extends Pick<Account, 'region' | 'endpoints'> {
  /** Ends what is being asked: an open request would keep the process alive. */
  readonly abort?: AbortSignal;
}

/**
 * The keys of a role, for an hour or as long as asked for.
 * Throws `credentials-failed` with the role, who asked, and what its trust policy must hold; `aws-unreachable`.
 * @param asker who takes it on, in words
 */
export async function assumeRole(
  place: StsPlace,
  keys: Keys,
  wanted: AssumeRoleCommandInput,
  asker: string,
): Promise<Keys> {
  const client = new STSClient(clientOf({ ...place, keys: async () => keys }, 'sts'));
  // CloudTrail shows it; the SDK's own name for who gives none says only what time it is.
  const named = wanted.RoleSessionName?.startsWith('aws-sdk-js-') === false;
  try {
    const answer = await client.send(
      new AssumeRoleCommand({ ...wanted, RoleSessionName: named ? wanted.RoleSessionName : 'restage' }),
      place.abort ? { abortSignal: place.abort } : {},
    );
    return keysOf(answer.Credentials, wanted.RoleArn);
  } catch (error) {
    if (error instanceof RestageError || isExpired(error)) throw error;
    throw unreachable(error, place, 'sts') ?? (await refusal(client, error, wanted, asker));
  } finally {
    client.destroy();
  }
}

/** The same with the token of another identity provider, which stands in a file that the profile names. */
export async function assumeRoleWithToken(
  place: StsPlace,
  wanted: AssumeRoleWithWebIdentityCommandInput,
): Promise<Keys> {
  const client = new STSClient(
    clientOf({ ...place, keys: async () => ({ accessKeyId: '', secretAccessKey: '' }) }, 'sts'),
  );
  try {
    const answer = await client.send(
      new AssumeRoleWithWebIdentityCommand(wanted),
      place.abort ? { abortSignal: place.abort } : {},
    );
    return keysOf(answer.Credentials, wanted.RoleArn);
  } catch (error) {
    throw unreachable(error, place, 'sts') ?? error;
  } finally {
    client.destroy();
  }
}

/** Whether the keys that signed a request were good once. */
export function isExpired(error: unknown): error is Error {
  return isNamed(error, 'ExpiredToken', 'ExpiredTokenException');
}

function keysOf(found: Credentials | undefined, role: string | undefined): Keys {
  const { AccessKeyId: accessKeyId, SecretAccessKey: secretAccessKey } = found ?? {};
  if (accessKeyId === undefined || secretAccessKey === undefined)
    throw new RestageError('credentials-failed', `STS gave no keys for the role ${role}`);
  return {
    accessKeyId,
    secretAccessKey,
    ...(found?.SessionToken === undefined ? {} : { sessionToken: found.SessionToken }),
    ...(found?.Expiration === undefined ? {} : { expiration: found.Expiration }),
  };
}

async function refusal(
  client: STSClient,
  error: unknown,
  { RoleArn: role, ExternalId: externalId }: AssumeRoleCommandInput,
  asker: string,
): Promise<RestageError> {
  const more = { cause: error };
  if (!isDenied(error))
    return new RestageError('credentials-failed', `${asker} cannot take on the role ${role}: ${wordsOf(error)}`, {
      ...more,
      hint: keyAdvice(error),
    });
  // AWS names the caller in its refusal; where it does not, it can be asked.
  const told = /\barn:[\w-]+:(?:iam|sts)::\d{12}:\S+/.exec(error.message)?.[0];
  const arn = told ?? (await client.send(new GetCallerIdentityCommand({})).catch(() => undefined))?.Arn;
  const who = arn === undefined ? asker : `${asker} (${arn})`;
  const sent = externalId === undefined ? 'no external id was sent' : 'an external id was sent';
  return new RestageError('credentials-failed', `${who} may not take on the role ${role}, ${sent}: ${wordsOf(error)}`, {
    ...more,
    hint: trustAdvice(role, arn, externalId !== undefined),
  });
}

function trustAdvice(role: string | undefined, arn: string | undefined, sentExternalId: boolean): string {
  const principal = principalOf(arn);
  return [
    `The role's trust policy must hold {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": "${principal}"}}`,
    sentExternalId
      ? 'and where it has a condition on sts:ExternalId, that must be the external id sent;'
      : 'and where it has a condition on sts:ExternalId, the external id belongs into aws.assumeRole.externalId, or external_id of the profile;',
    `a policy of ${principal} must allow sts:AssumeRole on ${role}, where that is another account's.`,
  ].join(' ');
}

/** Of a session, the role that stands behind it: what a policy can name for longer than an hour. */
export function principalOf(arn: string | undefined): string {
  if (arn === undefined) return 'the ARN of your user or role';
  const session = /^(arn:[\w-]+):sts::(\d{12}):assumed-role\/([^/]+)\//.exec(arn);
  return session ? `${session[1]}:iam::${session[2]}:role/${session[3]}` : arn;
}

/** What to do about keys that AWS does not take, as far as that is told by its answer alone. */
export function keyAdvice(error: unknown): string | undefined {
  if (isNamed(error, 'InvalidClientTokenId', 'UnrecognizedClientException'))
    return 'AWS does not know the access key: it was deleted or switched off, is of another partition, or the region is not switched on for the account.';
  if (isNamed(error, 'SignatureDoesNotMatch', 'InvalidSignatureException', 'RequestExpired', 'RequestTimeTooSkewed'))
    return isClock(error)
      ? "This machine's clock is wrong, by more than the 5 minutes that AWS allows: set it (timedatectl set-ntp true)."
      : 'The secret access key does not belong to the access key: copy both once more.';
  return undefined;
}

function isClock(error: Error): boolean {
  return (
    /expired|not yet current/i.test(error.message) ||
    error.name === 'RequestExpired' ||
    error.name === 'RequestTimeTooSkewed'
  );
}
