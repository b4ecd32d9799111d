import type { InvokeCommandInput, InvokeCommandOutput } from '@aws-sdk/client-lambda';
import { RestageError } from '../errors.ts';
import type { Account } from './account.ts';
import { describeAccount } from './describe-account.ts';
import type { FailedFunction } from './function-failure.ts';
import { clientOf } from './service.ts';

/** What an invocation gave. */
export interface Invoked {
  readonly requestId: string;
  /** What the function returned, parsed; absent where it was not waited for. */
  readonly answer?: unknown;
  /** The last 4 KB of its log, where it was waited for. */
  readonly log?: string;
}

export interface InvokeOptions {
  /** `event`: it is taken on and not waited for. `dry-run`: only whether it might be. */
  readonly kind: 'wait' | 'event' | 'dry-run';
  /** How long an answer may take; as long as a function may run, when not given. */
  readonly timeoutMs?: number;
  /** Where the function writes its log, for messages. */
  readonly logGroup?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

const types = { wait: 'RequestResponse', event: 'Event', 'dry-run': 'DryRun' } as const;

const longestMs = 900_000;

/** A cold start, and the way there and back, are not the function's own time. */
const aroundMs = 15_000;

const acceptMs = 20_000;

/**
 * How long a connection is silent before it is asked whether it still stands: a function says nothing until it has ended, and what
 * lies between forgets connections after a minute or a few. The system then asks ten times, a second apart.
 */
const keepAliveMsecs = 30_000;

/**
 * Invokes a function once: it is never sent again, for a request that was cut off may have been taken. Throws `lambda-missing`,
 * `lambda-denied` with the action that is lacking, `aws-unreachable`, `interrupted`; `function-failed` where it was killed or threw,
 * with its own words: out of time, out of memory, an error of the runtime; `run-in-progress` where all that may run at once do;
 * `event-invalid` for an event that Lambda does not take.
 */
export async function invokeFunction(
  account: Account,
  name: string,
  event: unknown,
  { kind, timeoutMs = longestMs, logGroup, signal }: InvokeOptions,
): Promise<Invoked> {
  const { LambdaClient, InvokeCommand } = await import('@aws-sdk/client-lambda');
  const client = new LambdaClient({
    ...clientOf(account, 'lambda'),
    maxAttempts: 1,
    requestHandler: {
      connectionTimeout: 5000,
      requestTimeout: kind === 'wait' ? timeoutMs + aroundMs : acceptMs,
      socketTimeout: 0, // silence is what a long invocation sounds like
      throwOnRequestTimeout: true,
      httpAgent: { keepAliveMsecs },
      httpsAgent: { keepAliveMsecs },
    },
  });
  const where = `the function ${name} (${describeAccount(account)})`;
  const input: InvokeCommandInput = {
    FunctionName: name,
    InvocationType: types[kind],
    Payload: Buffer.from(JSON.stringify(event)),
    ...(kind === 'wait' ? { LogType: 'Tail' } : {}),
  };
  const began = performance.now();
  let output: InvokeCommandOutput;
  try {
    output = await client.send(new InvokeCommand(input), signal ? { abortSignal: signal } : {});
  } catch (error) {
    const afterMs = performance.now() - began;
    const { invokeError } = await import('./invoke-error.ts');
    throw await invokeError(error, account, { name, where, kind, afterMs, logGroup, signal });
  } finally {
    client.destroy();
  }
  return readOutput(output, kind, account, { name, where, logGroup });
}

async function readOutput(
  { $metadata: metadata, FunctionError: thrown, Payload: payload, LogResult: tail }: InvokeCommandOutput,
  kind: InvokeOptions['kind'],
  account: Account,
  asked: FailedFunction,
): Promise<Invoked> {
  const requestId = metadata.requestId ?? '';
  if (kind !== 'wait') return { requestId };
  const log = Buffer.from(tail ?? '', 'base64').toString();
  const text = Buffer.from(payload ?? []).toString();
  let answer: unknown;
  try {
    answer = text === '' ? null : JSON.parse(text);
  } catch (error) {
    throw new RestageError('function-failed', `${asked.where} answered with what is not JSON`, { cause: error });
  }
  if (thrown === undefined) return { requestId, answer, log };
  const said = (key: string): string => {
    const found: unknown = typeof answer === 'object' && answer !== null ? Reflect.get(answer, key) : undefined;
    return typeof found === 'string' ? found : '';
  };
  const { functionFailure } = await import('./function-failure.ts');
  throw functionFailure({ errorType: said('errorType'), errorMessage: said('errorMessage'), log }, account, asked);
}
