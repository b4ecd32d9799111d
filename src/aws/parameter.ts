import { RestageError } from '../errors.ts';
import { nearest } from '../nearest.ts';
import type { Account } from './account.ts';
import { isDenied, isNamed, unreachable, wordsOf } from './aws-error.ts';
import { describeAccount } from './describe-account.ts';
import { expired } from './keys.ts';
import { listParameters } from './listing.ts';
import { isExpired, keyAdvice, principalOf } from './role.ts';
import { clientOf } from './service.ts';

/**
 * The value of a parameter of Systems Manager, decrypted where it is a SecureString; by its name, `name:version`, or ARN.
 * Throws `config-missing` with the near name, `secret-denied` with the policy to add, `aws-unreachable`, `interrupted`.
 */
export async function readParameter(account: Account, name: string, signal?: AbortSignal): Promise<string> {
  const { SSMClient, GetParameterCommand } = await import('@aws-sdk/client-ssm');
  const client = new SSMClient(clientOf(account, 'ssm'));
  const where = `the parameter ${name} (${describeAccount(account)})`;
  try {
    const { Parameter: found } = await client.send(
      new GetParameterCommand({ Name: name, WithDecryption: true }),
      signal ? { abortSignal: signal } : {},
    );
    return found?.Value ?? '';
  } catch (error) {
    if (error instanceof RestageError) throw error;
    if (signal?.aborted) throw new RestageError('interrupted', `interrupted while ${where} was read`);
    throw await parameterError(error, account, name, where);
  } finally {
    client.destroy();
  }
}

async function parameterError(error: unknown, account: Account, name: string, where: string): Promise<RestageError> {
  const silent = unreachable(error, account, 'ssm');
  if (silent) return silent;
  const words = wordsOf(error);
  const as = (code: 'config-missing' | 'secret-denied', message: string, hint: string | undefined) =>
    new RestageError(code, `${where} ${message}`, { cause: error, hint });
  if (isNamed(error, 'ParameterNotFound'))
    return as('config-missing', 'does not exist', await nearAdvice(account, name));
  if (isNamed(error, 'ParameterVersionNotFound'))
    return as('config-missing', `has no such version: ${words}`, 'Leave the part after : away for its latest.');
  const principal = principalOf(account.arn);
  const allow = (action: string, resource: string) =>
    `In a policy of ${principal}: ${JSON.stringify({ Effect: 'Allow', Action: action, Resource: resource })}`;
  if (isNamed(error, 'InvalidKeyId') || (isDenied(error) && /\bkms\b/i.test(words)))
    return as(
      'secret-denied',
      `may not be decrypted: ${words}`,
      `${account.name} may not use the KMS key of the parameter. ${allow('kms:Decrypt', 'ARN-OF-THE-KEY')}`,
    );
  if (isDenied(error))
    return as('secret-denied', `may not be read: ${words}`, allow('ssm:GetParameter', arnOf(account, name)));
  if (isExpired(error)) return expired(error, account);
  return as('secret-denied', `could not be read: ${words}`, keyAdvice(error));
}

async function nearAdvice(account: Account, name: string): Promise<string> {
  const { found } = await listParameters(account);
  const near = nearest(name, found);
  if (near !== undefined) return `The account has a parameter ${near}: is that the one?`;
  return 'Check its name, which begins with / where it has parts, and that account and region are right.';
}

/** For a policy: its ARN has one / before the name, whether the name begins with one or not, and no version. */
function arnOf({ arn, id, region }: Account, name: string): string {
  if (name.startsWith('arn:')) return name;
  const partition = arn?.split(':')[1];
  if (partition === undefined || id === undefined) return 'ARN-OF-THE-PARAMETER';
  return `arn:${partition}:ssm:${region}:${id}:parameter/${name.replace(/^\//, '').replace(/:[^/]*$/, '')}`;
}
