import { DescribeSecretCommand, type SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { RestageError } from '../errors.ts';
import { nearest } from '../nearest.ts';
import type { Account } from './account.ts';
import { isDenied, isNamed, unreachable, wordsOf } from './aws-error.ts';
import { expired } from './keys.ts';
import { listSecrets } from './listing.ts';
import { isExpired, keyAdvice, principalOf } from './role.ts';

/** What a secret was not read for, in words for whoever named it, with what would let it be read. */
export async function secretError(
  error: unknown,
  account: Account,
  name: string,
  where: string,
  client: SecretsManagerClient,
): Promise<RestageError> {
  const silent = unreachable(error, account, 'secretsmanager');
  if (silent) return silent;
  const words = wordsOf(error);
  const as = (code: 'secret-missing' | 'secret-denied' | 'secret-invalid', message: string, hint: string | undefined) =>
    new RestageError(code, `${where} ${message}`, { cause: error, hint });
  if (isNamed(error, 'ResourceNotFoundException'))
    return /value for staging label/.test(words)
      ? as(
          'secret-invalid',
          `has no value yet: ${words}`,
          `Put one there: aws secretsmanager put-secret-value ${account.flags} --secret-id ${name} --secret-string …`,
        )
      : as('secret-missing', 'does not exist', await nearAdvice(account, name));
  if (isNamed(error, 'InvalidRequestException') && /marked for deletion|scheduled for deletion/.test(words))
    return as(
      'secret-missing',
      `is marked for deletion: ${words}`,
      `Take it back: aws secretsmanager restore-secret ${account.flags} --secret-id ${name}; or name the one that took its place.`,
    );
  if (isNamed(error, 'DecryptionFailure') || (isDenied(error) && /\bkms\b/i.test(words)))
    return as('secret-denied', `may not be decrypted: ${words}`, await keyPolicy(client, account, name));
  if (isDenied(error)) return as('secret-denied', `may not be read: ${words}`, readPolicy(account, name));
  if (isExpired(error)) return expired(error, account);
  return as('secret-denied', `could not be read: ${words}`, keyAdvice(error));
}

const mostNamed = 8;

async function nearAdvice(account: Account, name: string): Promise<string> {
  const { found } = await listSecrets(account);
  const near = nearest(
    name,
    found.map((one) => one.name),
  );
  if (near !== undefined) return `The account has a secret ${near}: is that the one?`;
  const advice =
    'Check its name, and that account and region are right; one of another account is named by its whole ARN.';
  if (found.length === 0) return advice;
  const more = found.length > mostNamed ? ` and ${found.length - mostNamed} more` : '';
  const names = found.slice(0, mostNamed).map((one) => one.name);
  return `${advice} This account's in ${account.region}: ${names.join(', ')}${more}`;
}

/** The account of the secret, where that is not the caller's. */
function otherAccount(account: Account, name: string): string | undefined {
  const owner = /^arn:[\w-]+:secretsmanager:[\w-]*:(\d{12}):/.exec(name)?.[1];
  return owner === account.id ? undefined : owner;
}

function statement(more: Readonly<Record<string, unknown>>): string {
  return JSON.stringify({ Effect: 'Allow', ...more });
}

const read = 'secretsmanager:GetSecretValue';

function readPolicy(account: Account, name: string): string {
  const principal = principalOf(account.arn);
  const own = `${account.name} needs ${read} on it. In a policy of ${principal}: ${statement({ Action: read, Resource: arnOf(account, name) })}`;
  if (otherAccount(account, name) === undefined) return own;
  return lines(own, inSecret(principal), 'and what the key needs: a secret under the default key stays unreadable');
}

/** For a policy: AWS ends the ARN of a secret with a hyphen and six characters of its own. */
function arnOf({ arn, id, region }: Account, name: string): string {
  if (name.startsWith('arn:')) return name;
  const partition = arn?.split(':')[1];
  if (partition === undefined || id === undefined) return 'ARN-OF-THE-SECRET';
  return `arn:${partition}:secretsmanager:${region}:${id}:secret:${name}-??????`;
}

function inSecret(principal: string): string {
  return `in the secret's resource policy: ${statement({ Principal: { AWS: principal }, Action: read, Resource: '*' })}`;
}

/** The two or three places that must allow it. The key's own is the one that nobody looks at. */
async function keyPolicy(client: SecretsManagerClient, account: Account, name: string): Promise<string> {
  const principal = principalOf(account.arn);
  const owner = otherAccount(account, name);
  const described = await client.send(new DescribeSecretCommand({ SecretId: name })).catch(() => undefined);
  const key = described?.KmsKeyId;
  const decrypt = { Action: 'kms:Decrypt' };
  const inKey = (whose: string) =>
    `in ${whose} policy: ${statement({ Principal: { AWS: principal }, ...decrypt, Resource: '*' })}`;
  if (owner === undefined)
    return lines(
      `${account.name} may not use the KMS key of the secret${key === undefined ? '' : `, ${key}`}. Either`,
      `in a policy of ${principal}: ${statement({ ...decrypt, Resource: key ?? 'ARN-OF-THE-KEY' })}`,
      `or ${inKey("the key's own")}`,
    );
  const isDefault = described !== undefined && (key === undefined || key.endsWith('alias/aws/secretsmanager'));
  return lines(
    isDefault || described === undefined
      ? `A secret under the default key (aws/secretsmanager) cannot be read from another account than its own, ${owner}. There, put it under a key of your own: aws secretsmanager update-secret --secret-id ${name} --kms-key-id KEY`
      : `Its key is ${key}, of account ${owner}. There:`,
    inKey("that key's"),
    inSecret(principal),
    `and in a policy of ${principal}: ${statement({ Action: [read, 'kms:Decrypt'], Resource: [name, key ?? 'ARN-OF-THE-KEY'] })}`,
    `Or read it with a profile, or a role (aws.assumeRole), of account ${owner}.`,
  );
}

function lines(...parts: readonly string[]): string {
  return parts.join('\n  ');
}
