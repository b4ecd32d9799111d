import { RestageError } from '../errors.ts';
import type { Account } from './account.ts';
import { isNamed, unreachable, wordsOf } from './aws-error.ts';
import { logCommand, plainName } from './function-log.ts';
import { functionError } from './lambda-error.ts';
import { placeOf } from './service.ts';

/** An invocation that came to nothing, as far as is known here. */
export interface Attempted {
  readonly name: string;
  /** The function in words, with its account. */
  readonly where: string;
  readonly kind: 'wait' | 'event' | 'dry-run';
  readonly afterMs: number;
  readonly logGroup: string | undefined;
  readonly signal: AbortSignal | undefined;
}

/** What an invocation failed of. Where it may have been taken all the same, that is said. */
export async function invokeError(error: unknown, account: Account, attempted: Attempted): Promise<RestageError> {
  const { name, where, kind, afterMs, logGroup, signal } = attempted;
  const seconds = Math.round(afterMs / 1000);
  const mayGoOn =
    kind === 'wait'
      ? 'It may go on all the same'
      : kind === 'event'
        ? 'It may have been taken all the same'
        : undefined;
  const look =
    mayGoOn &&
    `${mayGoOn}: restage status --on lambda says how far it is.\n  Its log: ${logCommand(account, name, logGroup)}`;
  if (signal?.aborted)
    return new RestageError(
      'interrupted',
      `interrupted while ${where} was ${kind === 'wait' ? 'waited for' : 'invoked'}`,
      {
        hint: look,
      },
    );
  if (isCutOff(error))
    return new RestageError(
      'aws-unreachable',
      `the connection with ${placeOf(account, 'lambda')} was lost after ${seconds} s, before ${where} had answered: ${wordsOf(error)}`,
      { cause: error, hint: look },
    );
  if (error instanceof RestageError || unreachable(error, account, 'lambda'))
    return functionError(error, account, asked(attempted));
  const words = wordsOf(error);
  const as = (code: 'function-failed' | 'run-in-progress' | 'event-invalid', message: string, hint: string) =>
    new RestageError(code, message, { cause: error, hint });
  if (isNamed(error, 'TooManyRequestsException')) return throttled(error, where);
  if (isNamed(error, 'RequestTooLargeException', 'SerializedRequestEntityTooLargeException'))
    return as(
      'event-invalid',
      `the event is too large for Lambda: ${words}`,
      'It takes 6 MB where the answer is waited for, else 1 MB.',
    );
  if (isNamed(error, 'InvalidRequestContentException', 'UnsupportedMediaTypeException'))
    return as('event-invalid', `Lambda does not take the event: ${words}`, 'It must be JSON.');
  const describe = `aws lambda get-function-configuration --function-name ${plainName(name)} ${account.flags}`;
  const cannotRun = (why: string) => as('function-failed', `${where} cannot run: ${words}`, why);
  if (
    isNamed(
      error,
      'ResourceNotReadyException',
      'ResourceConflictException',
      'CodeArtifactUserPendingException',
      'ENINotReadyException',
    )
  )
    return cannotRun(
      `It is still being made or changed; try again once State is Active and LastUpdateStatus Successful: ${describe}`,
    );
  if (error instanceof Error && error.name.startsWith('KMS'))
    return cannotRun(
      `Its environment is encrypted with a KMS key (KMSKeyArn of ${describe}) that is switched off, gone, or that its role may not use: allow kms:Decrypt on it to the function's role.`,
    );
  if (isNamed(error, 'SubnetIPAddressLimitReachedException'))
    return cannotRun(
      'Its subnets have no free address left: give it larger ones, or more (vpc-config of the function).',
    );
  if (isNamed(error, 'ENILimitReachedException'))
    return cannotRun(
      "The VPC's limit of network interfaces is reached: raise the quota, or remove functions that are not used.",
    );
  if (isNamed(error, 'InvalidSubnetIDException', 'InvalidSecurityGroupIDException'))
    return cannotRun(`A subnet or security group of it is gone; see VpcConfig of ${describe}`);
  if (isNamed(error, 'EC2AccessDeniedException', 'EC2ThrottledException', 'EC2UnexpectedException'))
    return cannotRun(
      'Its role makes its network interfaces, and needs the managed policy AWSLambdaVPCAccessExecutionRole; where EC2 was too busy, try again in a minute.',
    );
  if (
    isNamed(
      error,
      'InvalidZipFileException',
      'InvalidRuntimeException',
      'CodeArtifactUserFailedException',
      'CodeArtifactUserDeletedException',
    )
  )
    return cannotRun('Deploy its code again.');
  if (isNamed(error, 'ServiceException', 'InternalServerException'))
    return as('function-failed', `Lambda itself has failed with ${where}: ${words}`, look ?? 'Try again in a minute.');
  return functionError(error, account, asked(attempted), signal);
}

/** Whether an invocation that was thrown may have reached the function all the same: its connection was cut before the answer. */
export function mayHaveArrived(thrown: unknown): boolean {
  return thrown instanceof RestageError && isCutOff(thrown.cause);
}

function asked({ name, where }: Attempted) {
  return { name, where, action: 'lambda:InvokeFunction', done: 'invoked' };
}

/** Of a function that may run once at a time, the usual reason is that it does. */
function throttled(error: Error, where: string): RestageError {
  const reason = 'Reason' in error && typeof error.Reason === 'string' ? error.Reason : '';
  if (/^(ReservedFunction|FunctionConcurrent)/.test(reason) || reason === '')
    return new RestageError('run-in-progress', `${where} takes no other invocation now: ${wordsOf(error)}`, {
      cause: error,
      hint: 'Another one is under way, of as many as may run at once: restage status --on lambda says which; try again when it has ended. A reserved concurrency of 0 switches a function off.',
    });
  return new RestageError(
    'function-failed',
    `${where} was not invoked, AWS holds back: ${wordsOf(error)} (${reason})`,
    {
      cause: error,
      hint: "Nothing was done. The account's functions run as many as they may, or were asked for too often: try again in a minute.",
    },
  );
}

/** Whether the request may have arrived, though no answer did. */
function isCutOff(error: unknown): boolean {
  if (!(error instanceof Error) || error instanceof AggregateError) return false;
  const { code, syscall, message } = error as Error & { readonly code?: unknown; readonly syscall?: unknown }; // what Node adds
  if (/did not establish a connection/.test(message) || syscall === 'connect') return false;
  return (
    ['ECONNRESET', 'EPIPE', 'ETIMEDOUT', 'ECONNABORTED', 'ERR_STREAM_PREMATURE_CLOSE'].includes(String(code)) ||
    error.name === 'TimeoutError'
  );
}
