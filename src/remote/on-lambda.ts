import type { Config } from '../config.ts';

/**
 * The configuration as it holds inside the function: no profiles but the function's own role, or what an end's `aws.onLambda` says; no
 * forwarders, for it is in the network of the databases.
 */
export function onLambda(_config: Config): Config {
  throw new Error('to be written');
}
