import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { App, aws_ec2 as ec2, aws_iam as iam, Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { afterAll, beforeAll, expect } from 'vitest';
import { stringify } from 'yaml';
import { RestageFunction, type RestageFunctionProps } from '../src/cdk/index.ts';
import { failureOf } from '../src/errors.ts';
import {
  allowed,
  policiesOf,
  temporaryFolder,
  writeBundle,
  type PolicyDocument,
  type Template as Plain,
} from './aws-example.ts';

// A stack with a function of a configuration, made in a folder that goes when the tests have ended.

export let folder: string;
/** A bundle's folder, for whoever makes a function by hand. */
export let bundle: string;
beforeAll(async () => {
  folder = await temporaryFolder();
  bundle = await writeBundle(folder);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

export const sourceRole = { role: 'arn:aws:iam::111111111111:role/reader', externalId: 'staging' };

/** What it makes goes when the tests have ended. */
export function newApp(): App {
  apps += 1;
  return new App({ outdir: join(folder, `out-${apps}`) });
}

let apps = 0;

/** A configuration of two accounts, as plain data to be changed. */
function settings() {
  return {
    version: 1,
    source: {
      name: 'production',
      aws: { profile: 'p', region: 'us-west-2', account: '111111111111', onLambda: { assumeRole: sourceRole } },
      database: { secret: 'shop/database' } as object,
      buckets: { images: 'shop-images' } as object | undefined,
    },
    target: {
      name: 'staging',
      aws: { profile: 's', region: 'us-west-2', account: '222222222222' },
      database: { secret: 'staging/database' } as object,
      buckets: { images: 'staging-images' } as object | undefined,
      lambda: { function: 'refresh', runs: 's3://refresh-runs/runs/' } as object | undefined,
    },
    objects: {} as object,
    database: {} as object,
    verify: {} as object,
  };
}

export type Settings = ReturnType<typeof settings>;

/** How many configurations were written, each into a folder of its number. */
export let files = 0;

export async function written(change: (config: Settings) => void = () => undefined): Promise<string> {
  const config = settings();
  change(config);
  files += 1;
  const own = join(folder, String(files));
  await mkdir(own);
  await writeFile(join(own, 'restage.yaml'), stringify(JSON.parse(JSON.stringify(config))));
  return join(own, 'restage.yaml');
}

export const env = { account: '222222222222', region: 'us-west-2' };

export function network(stack: Stack): ec2.IVpc {
  return ec2.Vpc.fromVpcAttributes(stack, 'Vpc', {
    vpcId: 'vpc-1',
    availabilityZones: ['us-west-2a', 'us-west-2b'],
    privateSubnetIds: ['subnet-1', 'subnet-2'],
  });
}

export interface Made {
  readonly stack: Stack;
  readonly made: RestageFunction;
  readonly template: Template;
  readonly plain: Plain;
  readonly policy: PolicyDocument;
}

let usual: Promise<Made> | undefined;

/** The function of the settings as they are: made once. */
export function usualFunction(): Promise<Made> {
  return (usual ??= makeFunction());
}

export async function makeFunction(
  change?: (config: Settings) => void,
  props: (stack: Stack) => Partial<RestageFunctionProps> = () => ({}),
  more: (stack: Stack, made: RestageFunction) => void = () => undefined,
): Promise<Made> {
  const stack = new Stack(newApp(), 'Staging', { env });
  const config = await written(change);
  const made = new RestageFunction(stack, 'Refresh', { config, bundle, ...props(stack) });
  more(stack, made);
  const template = Template.fromStack(stack);
  const plain = template.toJSON() as Plain;
  return { stack, made, template, plain, policy: policyOf(plain, 'refresh') };
}

export function policyOf(plain: Plain, role: string): PolicyDocument {
  const found = policiesOf(plain).get(role);
  if (!found) throw new Error(`no policy of ${role}`);
  return found;
}

export function rightsOf(policy: PolicyDocument): Record<string, string[]> {
  return Object.fromEntries(
    allowed(policy).map(({ sid, actions, resources }) => [String(sid), [...actions, ...resources]]),
  );
}

export function people(stack: Stack): iam.Role {
  return new iam.Role(stack, 'People', { roleName: 'people', assumedBy: new iam.AccountPrincipal(stack.account) });
}

/** Of what was refused while it was made. */
export async function refusal(
  change?: (config: Settings) => void,
  props?: (stack: Stack) => Partial<RestageFunctionProps>,
): Promise<string> {
  const error: unknown = await makeFunction(change, props).catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(Error);
  return failureOf(error).message;
}
