import type { Account, ProfileFiles } from '../aws/account.ts';
import type { FunctionFacts } from '../aws/lambda.ts';
import type { Config } from '../config.ts';
import { RestageError } from '../errors.ts';
import { requireFunction } from './required-function.ts';
import { openRunStore, type RunStore } from './run-store.ts';

/** The function of `target.lambda`, as it describes itself. It has not been invoked. */
export interface RemoteFunction extends Disposable {
  readonly name: string;
  readonly account: Account;
  readonly facts: FunctionFacts;
  /** The print of the configuration here: the function refuses to go by another one. */
  readonly configPrint: string;
  /** Where it keeps its runs; undefined where the config does not say: then it is waited for. */
  readonly runs: RunStore | undefined;
}

export interface RemoteFunctionOptions {
  /** `printOfConfig` of the configuration's file. */
  readonly configPrint: string;
  readonly profileFiles?: ProfileFiles | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Opens the target's account and reads the function's time-out, memory and state. Throws `usage` where the config names no function,
 * `function-failed` for one that cannot be invoked as it stands, and what the account and Lambda throw: `lambda-missing` with the near
 * name, `lambda-denied`, `aws-unreachable`.
 */
export async function openFunction(config: Config, options: RemoteFunctionOptions): Promise<RemoteFunction> {
  const { configPrint, profileFiles, signal } = options;
  const lambda = requireFunction(config);
  const { aws, name: target } = config.target;
  if (!aws)
    throw new RestageError('usage', `--on lambda needs the account of ${target}, and the config names none`, {
      hint: 'Add to restage.yaml: target: { aws: { profile: NAME } }',
    });
  const { openAccount } = await import('../aws/account.ts');
  const account = await openAccount(aws, profileFiles, signal);
  const { readFunction } = await import('../aws/lambda.ts');
  const facts = await readFunction(account, lambda.function, signal);
  requireInvocable(facts);
  const runs = lambda.runs === undefined ? undefined : openRunStore(account, lambda.runs);
  return { name: facts.name, account, facts, configPrint, runs, [Symbol.dispose]: () => runs?.[Symbol.dispose]() };
}

/** One that was not used for long is woken by an invocation; one that is pending or has failed refuses it. */
function requireInvocable({ name, state, stateReason }: FunctionFacts): void {
  if (state === undefined || state === 'Active' || state === 'Inactive') return;
  const why = stateReason === undefined ? '' : `: ${stateReason}`;
  throw new RestageError('function-failed', `the function ${name} cannot be invoked: its state is ${state}${why}`, {
    hint: state === 'Pending' ? 'It is being made: wait until it is active.' : 'Deploy it again.',
  });
}
