import type { Config } from '../config.ts';
import type { ConnectOptions } from '../connect.ts';
import { RestageError } from '../errors.ts';
import { openAccount } from '../open-account.ts';
import type { RunStore } from './run-store.ts';

/**
 * Where the function of a config keeps its runs, reached as the config says; undefined where it names no place. Throws what an account
 * throws, and `config-invalid` where the target names none.
 */
export async function openRuns(
  { target }: Pick<Config, 'target'>,
  { profileFiles, signal }: Pick<ConnectOptions, 'profileFiles' | 'signal'> = {},
): Promise<RunStore | undefined> {
  const place = target.lambda?.runs;
  if (place === undefined) return undefined;
  if (!target.aws)
    throw new RestageError(
      'config-invalid',
      `target.lambda.runs is ${place}, and target.aws does not say how to get there`,
      {
        hint: 'Add target.aws, with a profile, or ambient: true.',
      },
    );
  const { openRunStore } = await import('./run-store.ts');
  return openRunStore(await openAccount(target.aws, profileFiles, signal), place);
}
