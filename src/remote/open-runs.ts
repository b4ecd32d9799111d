import type { Config } from '../config.ts';
import type { ConnectOptions } from '../connect.ts';
import { RestageError } from '../errors.ts';
import { openAccount } from '../open-account.ts';
import type { PlaceOptions } from './open-place.ts';
import { requireFunction } from './required-function.ts';
import type { RunStore } from './run-store.ts';

/**
 * Where the function of a config keeps its runs, reached as the config says; undefined where it names no place. Throws what an account
 * throws, and `config-invalid` where the target names none.
 */
export async function openRuns(
  { target }: Pick<Config, 'target'>,
  { profileFiles, signal, patienceMs }: Pick<ConnectOptions, 'profileFiles' | 'signal'> & PlaceOptions = {},
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
  return openRunStore(await openAccount(target.aws, profileFiles, signal), place, { patienceMs });
}

/** The same for what cannot do without it. Throws `usage` where the config names no function, or no place for its runs. */
export async function requireRuns(
  config: Pick<Config, 'target'>,
  options: Parameters<typeof openRuns>[1] = {},
): Promise<RunStore> {
  const { function: name } = requireFunction(config);
  const store = await openRuns(config, options);
  if (store) return store;
  throw new RestageError(
    'usage',
    `it is not known where the function ${name} keeps its runs: target.lambda.runs is not set`,
    {
      hint: `Add to restage.yaml, and to the function's own: target: { lambda: { function: ${name}, runs: s3://BUCKET/PREFIX } }. What it has kept nowhere is in its log only.`,
    },
  );
}
