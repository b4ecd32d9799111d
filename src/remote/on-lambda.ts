import type { AwsConfig, Config, DatabaseConfig } from '../config.ts';

/**
 * The configuration as it holds inside the function: no profiles but the function's own role, or what an end's `aws.onLambda` says; no
 * forwarders, for it is in the network of the databases.
 */
export function onLambda(config: Config): Config {
  return { ...config, source: inside(config.source), target: inside(config.target) };
}

function inside<End extends Config['source'] | Config['target']>(end: End): End {
  return {
    ...end,
    ...(end.aws ? { aws: ownRole(end.aws) } : {}),
    ...(end.database ? { database: direct(end.database) } : {}),
  };
}

/** Keys that were ambient are so here too, with the role that they take on; what a profile takes on is its own. */
function ownRole({ profile, onLambda: here, assumeRole, ...rest }: AwsConfig): AwsConfig {
  const role = here ? here.assumeRole : profile === undefined ? assumeRole : undefined;
  return { ...rest, ambient: true, ...(role ? { assumeRole: role } : {}) };
}

function direct({ via: _via, ...rest }: DatabaseConfig): DatabaseConfig {
  return rest;
}
