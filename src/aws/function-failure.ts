import { RestageError } from '../errors.ts';
import type { Account } from './account.ts';
import { logCommand, plainName } from './function-log.ts';

/** A function that has not returned, as Lambda tells it beside HTTP 200. */
export interface Thrown {
  readonly errorType: string;
  readonly errorMessage: string;
  /** The end of its log. */
  readonly log: string;
}

/** Which function was invoked. */
export interface FailedFunction {
  readonly name: string;
  /** In words, with its account. */
  readonly where: string;
  readonly logGroup?: string | undefined;
}

/**
 * `function-failed`, in a sentence with the function's own words and what to do.
 * The types are those of https://docs.aws.amazon.com/lambda/latest/dg/troubleshooting-invocation.html, as far as a Node function has them.
 */
export function functionFailure(
  thrown: Thrown,
  account: Account,
  { name, where, logGroup }: FailedFunction,
): RestageError {
  const { errorType, log } = thrown;
  const words = wordsOf(thrown);
  const failed = (message: string, hint: string) =>
    new RestageError('function-failed', `${where} ${message}`, {
      hint: `${hint}\n  Its log: ${logCommand(account, name, logGroup)}`,
    });
  const update = `aws lambda update-function-configuration --function-name ${plainName(name)} ${account.flags}`;

  const seconds = /Task timed out after (\d+(?:\.\d+)?) seconds/.exec(thrown.errorMessage)?.[1];
  if (seconds !== undefined || errorType === 'Sandbox.Timedout')
    return failed(
      `was killed at its time-out${seconds === undefined ? `: ${words}` : ` of ${Number(seconds)} s`}`,
      `restage status --on lambda says what the target holds. Give it more time (900 s at most): ${update} --timeout 900; where that is too little, target.lambda.runs lets a run go on in a further invocation.`,
    );
  if (isOutOfMemory(thrown)) {
    const memory = /Memory Size: (\d+) MB/.exec(log)?.[1];
    const used = /Max Memory Used: (\d+) MB/.exec(log)?.[1];
    // Lambda's own word for a process that was killed: where most of the memory was free, nothing says that it was for that.
    if (errorType === 'Runtime.ExitError' && /signal: killed/.test(words) && Number(used) < 0.8 * Number(memory))
      return failed(
        `was killed: ${words}; it had used ${used} of ${memory} MB`,
        `restage status --on lambda says what the target holds. Begin another run; where that is killed too, give it more memory: ${update} --memory-size ${String(Math.min(10_240, 2 * Number(memory)))}`,
      );
    const more = memory === undefined ? '2048' : String(Math.min(10_240, Math.max(1024, 2 * Number(memory))));
    return failed(
      `was killed for its memory${memory === undefined ? '' : `: ${memory} MB were not enough`} (${words})`,
      `restage status --on lambda says what the target holds. Give it more memory: ${update} --memory-size ${more}; or lower database.jobs.`,
    );
  }
  if (errorType === 'Function.ResponseSizeTooLarge')
    return failed(
      `has ended, and its answer was too large for Lambda: ${words}`,
      'Set target.lambda.runs, where it keeps what it does not send.',
    );
  if (startErrors.test(errorType))
    return failed(
      `cannot start: ${words} (${errorType})`,
      "Nothing was done. Deploy its code again: the bundle's index.mjs, with index.handler as its handler.",
    );
  if (errorType === 'Runtime.ExitError')
    return failed(`has ended in the middle: ${words}`, 'restage status --on lambda says what the target holds.');
  return failed(
    `has failed: ${words}${errorType === '' ? '' : ` (${errorType})`}`,
    'restage status --on lambda says what the target holds.',
  );
}

const startErrors =
  /^(Runtime\.(ImportModuleError|UserCodeSyntaxError|HandlerNotFound|MalformedHandlerName|InvalidEntrypoint|InvalidWorkingDir)|Extension\..*)$/;

/** Lambda ends the process, or Node itself does at the end of its heap. */
function isOutOfMemory({ errorType, errorMessage, log }: Thrown): boolean {
  if (errorType === 'Runtime.OutOfMemory') return true;
  if (errorType !== 'Runtime.ExitError') return false;
  return /signal: killed/.test(errorMessage) || /heap out of memory/.test(log);
}

/** What was said, without the ids and times that Lambda puts before it. */
function wordsOf({ errorMessage }: Thrown): string {
  const plain = errorMessage
    .replace(/^RequestId: \S+ (Error: )?/, '')
    .replace(/^\d{4}-\d\d-\d\dT\S+Z \S+ /, '')
    .trim();
  return plain === '' ? 'it says nothing' : plain;
}
