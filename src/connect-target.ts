import type { Config } from './config.ts';
import { locate, type ConnectOptions, type End } from './connect.ts';
import { requireExpectedHost } from './expected-host.ts';
import type { TargetDatabase } from './postgres/target.ts';
import type { TargetBucket } from './s3/bucket.ts';

/** The target's database and application, without the source: nothing of that is looked for, nor its keys. */
export type TargetEnd = End<TargetDatabase, TargetBucket> & Disposable;

/**
 * Profile → keys → account → secret → address of the target alone; its buckets are left out. No database is connected to yet.
 * Throws as `connect` does.
 */
export async function connectTarget(config: Config, options: Omit<ConnectOptions, 'only'> = {}): Promise<TargetEnd> {
  const { address, ...end } = await locate(config.target, config, { ...options, only: 'database' });
  requireExpectedHost('target', config.target, address?.host);
  const targets = address && (await import('./postgres/target.ts'));
  return {
    ...end,
    // Nothing is masked here: the key stays where it is, if it is known at all.
    database: address && targets?.targetDatabase({ ...address, settings: undefined }),
    buckets: new Map(),
    [Symbol.dispose]: () => address?.tunnel?.[Symbol.dispose](),
  };
}
