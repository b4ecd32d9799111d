import { RestageError } from '../errors.ts';
import { nearest } from '../nearest.ts';
import type { Account } from './account.ts';
import { isDenied, isNamed, unreachable, wordsOf } from './aws-error.ts';
import { expired } from './keys.ts';
import { listFunctions } from './listing.ts';
import { isExpired, keyAdvice } from './role.ts';

/** Which function was asked for what. */
export interface AskedFunction {
  readonly name: string;
  /** In words, with its account. */
  readonly where: string;
  /** What it takes, e.g. lambda:InvokeFunction. */
  readonly action: string;
  /** What it could not be, e.g. looked at. */
  readonly done: string;
}

/** What Lambda refused: `lambda-missing` with the near name, `lambda-denied` with the action that is lacking, `aws-unreachable`. */
export async function functionError(
  error: unknown,
  account: Account,
  { name, where, action, done }: AskedFunction,
  signal?: AbortSignal,
): Promise<RestageError> {
  if (error instanceof RestageError) return error;
  const silent = unreachable(error, account, 'lambda');
  if (silent) return silent;
  if (isExpired(error)) return expired(error, account);
  if (isNamed(error, 'ResourceNotFoundException')) {
    const { found } = await listFunctions(account, signal);
    const near = nearest(
      name,
      found.map((one) => one.name),
    );
    return new RestageError('lambda-missing', `${where} does not exist`, {
      cause: error,
      hint: near
        ? `The account has a function ${near}: is that the one?`
        : 'Check target.lambda.function, and that the region is right.',
    });
  }
  return new RestageError('lambda-denied', `${where} cannot be ${done}: ${wordsOf(error)}`, {
    cause: error,
    hint: isDenied(error) ? `Allow ${action} on it to ${account.arn ?? account.name}.` : keyAdvice(error),
  });
}
