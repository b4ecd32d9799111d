import type { CheckContext } from './check/context.ts';
import type { Finding } from './check/finding.ts';
import { openClosing } from './closing.ts';
import type { Config } from './config.ts';
import type { ConnectOptions } from './connect.ts';
import { RestageError } from './errors.ts';

export type { Finding } from './check/finding.ts';

/** Whether nothing stands against a run: what is worth knowing does not. */
export function areRight(findings: readonly Finding[]): boolean {
  return findings.every(({ verdict }) => verdict === 'right' || verdict === 'note');
}

export interface CheckOptions extends ConnectOptions {
  readonly only?: 'database' | 'objects' | undefined;
  /** Whether writing into the target's buckets is tried, with an object that is removed again. Default: yes. */
  readonly mayWrite?: boolean;
  /** The databases are the function's to reach: with `only: 'objects'` it is looked at too, and whether it may be invoked. Default: no. */
  readonly onLambda?: boolean;
  /** It is the function that looks, with a config that `onLambda` made: it does not look at itself. Default: no. */
  readonly inFunction?: boolean;
  /** What programs that a run starts find in their environment; the library itself never reads it. */
  readonly environment?: Readonly<Record<string, string | undefined>>;
}

/**
 * Looks at every name, login, permission and connection that the config relies on, all at once and each by itself: what
 * relies on something that is wrong is not tried. Writes nothing but one object into each bucket of the target, which is
 * removed again. What is wrong is a finding; throws `interrupted` only, at once.
 */
export async function check(config: Config, options: CheckOptions = {}): Promise<readonly Finding[]> {
  const { signal, only, mayWrite = true, onLambda = false, inFunction = false, environment = {} } = options;
  await using closing = openClosing();
  const undoing = new Set<Promise<unknown>>();
  const context: CheckContext = {
    config,
    connection: options,
    signal,
    environment,
    mayWrite,
    onLambda,
    inFunction,
    undoing,
    closing,
  };
  // Drivers and SDKs are half of what a start takes, and other commands need fewer of them.
  const { looks } = await import('./check/looks.ts');
  const { promise: aborted, resolve: abort } = Promise.withResolvers<undefined>();
  const end = () => abort(undefined);
  signal?.addEventListener('abort', end, { once: true });
  const found = signal?.aborted ? undefined : await Promise.race([Promise.all(looks(context, only)), aborted]);
  signal?.removeEventListener('abort', end);
  if (found && !signal?.aborted) return found;
  await Promise.allSettled(undoing);
  throw new RestageError('interrupted', 'the check was interrupted');
}
