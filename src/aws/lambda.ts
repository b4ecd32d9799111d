import { RestageError } from '../errors.ts';
import type { Account } from './account.ts';
import { describeAccount } from './describe-account.ts';
import { clientOf } from './service.ts';

/** A function as it describes itself: what a document says of it may be old. */
export interface FunctionFacts {
  readonly name: string;
  readonly arn: string | undefined;
  readonly timeoutSeconds: number | undefined;
  readonly memoryBytes: number | undefined;
  readonly runtime: string | undefined;
  readonly lastModified: string | undefined;
  /** Active, Pending, Inactive or Failed. */
  readonly state: string | undefined;
  /** Why it is not active. */
  readonly stateReason: string | undefined;
  readonly vpcId: string | undefined;
  /** Where it writes its log; undefined where it does as functions do by themselves. */
  readonly logGroup: string | undefined;
}

/**
 * A function by its name or ARN. It is not invoked.
 * Throws `lambda-missing` with the near name, `lambda-denied` with the action that is lacking, `aws-unreachable`.
 */
export async function readFunction(account: Account, name: string, signal?: AbortSignal): Promise<FunctionFacts> {
  const { LambdaClient, GetFunctionConfigurationCommand } = await import('@aws-sdk/client-lambda');
  const client = new LambdaClient(clientOf(account, 'lambda'));
  const where = `the function ${name} (${describeAccount(account)})`;
  try {
    const found = await client.send(
      new GetFunctionConfigurationCommand({ FunctionName: name }),
      signal ? { abortSignal: signal } : {},
    );
    return {
      name: found.FunctionName ?? name,
      arn: found.FunctionArn,
      timeoutSeconds: found.Timeout,
      memoryBytes: found.MemorySize === undefined ? undefined : found.MemorySize * 1024 * 1024,
      runtime: found.Runtime,
      lastModified: found.LastModified,
      state: found.State,
      stateReason: found.StateReason,
      vpcId: found.VpcConfig?.VpcId || undefined,
      logGroup: found.LoggingConfig?.LogGroup,
    };
  } catch (error) {
    if (signal?.aborted) throw new RestageError('interrupted', `interrupted while Lambda was asked for ${where}`);
    const asked = { name, where, action: 'lambda:GetFunctionConfiguration', done: 'looked at' };
    const { functionError } = await import('./lambda-error.ts');
    throw await functionError(error, account, asked, signal);
  } finally {
    client.destroy();
  }
}
