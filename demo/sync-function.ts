import { mkdir, readFile } from 'node:fs/promises';
import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { FunctionSettings, LocalAws } from './local-aws/local-aws.ts';
import { production, staging } from './sample.ts';

// The function that refreshes staging within its VPC, with what it needs in both accounts.
const name = 'bluemoxon-staging-db-sync';
export const runsBucket = 'bluemoxon-staging-restage';
const configKey = 'restage.yaml';
const variablesSecret = 'bluemoxon-staging/restage';

/** As it is, and not as the documents have it. */
export const syncFunction: FunctionSettings = {
  account: staging.account,
  name,
  timeoutSeconds: 300,
  memoryMebibytes: 512,
  vpcId: 'vpc-0a1b2c3d4e5f60718',
  role: `arn:aws:iam::${staging.account}:role/${name}`,
  environment: { RESTAGE_CONFIG: `s3://${runsBucket}/${configKey}`, RESTAGE_VARIABLES: variablesSecret },
};

/** Puts the function, its role, the role of production's account that it reads with, and the bucket of its runs. It has no code yet. */
export async function putSyncFunction(aws: LocalAws): Promise<void> {
  await aws.putRole({ account: staging.account, name, trusts: [] });
  await aws.putRole({ account: production.account, name: 'restage-reader', trusts: [syncFunction.role ?? ''] });
  await aws.createBucket({ name: runsBucket, account: staging.account });
  await aws.putFunction(syncFunction);
}

/** What is deployed. */
export interface Deployment {
  readonly configFile: string;
  /** What the configuration names by `${…}`. */
  readonly variables: Readonly<Record<string, string>>;
  /** Its code, and what differs from the function as it is: its time-out, its memory. */
  readonly settings: Partial<FunctionSettings>;
}

/** Gives the function its code, its configuration and the variables that this names. Once more: other ones. */
export async function deploySyncFunction(aws: LocalAws, deployment: Deployment): Promise<void> {
  const { configFile, variables, settings } = deployment;
  const body = await readFile(configFile);
  await aws.seedObjects(runsBucket, [{ key: configKey, body, contentType: 'application/yaml' }]);
  await aws.putSecret({ name: variablesSecret, account: staging.account, value: JSON.stringify(variables) });
  const environment = {
    ...syncFunction.environment,
    AWS_ENDPOINT_URL: aws.endpoint, // for what is read before the configuration names its endpoints
    ...settings.environment,
  };
  await aws.putFunction({ ...syncFunction, ...settings, environment });
}

/** The folder of its code: the bundle as it is published beside the compiled demo; beside the sources it is built into this one. */
export async function buildSyncFunction(folder: string): Promise<string> {
  if (extname(import.meta.url) === '.js') return fileURLToPath(new URL('../function', import.meta.url));
  await mkdir(folder, { recursive: true });
  // By its address: the build is no part of the package.
  const build = (await import(new URL('../build-function.ts', import.meta.url).href)) as {
    readonly buildFunction: (folder: string) => Promise<unknown>;
  };
  await build.buildFunction(folder);
  return folder;
}
