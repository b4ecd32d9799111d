import { cp, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { App, aws_iam as iam, aws_secretsmanager as secretsmanager, Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { parseDocument } from 'yaml';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildFunction } from '../build-function.ts';
import { type Environment, startEnvironment } from '../demo/environment.ts';
import { production, staging } from '../demo/sample.ts';
import { openAccount } from '../src/aws/account.ts';
import { invokeFunction } from '../src/aws/invoke.ts';
import { RestageFunction, RestageSourceRole } from '../src/cdk/index.ts';
import type { InvocationInput, InvocationResponse } from '../src/index.ts';
import { type, type Ended } from './store/command-line.ts';
import { allowed, policiesOf, temporaryFolder, type PolicyDocument, type Template as Plain } from './aws-example.ts';

// The demo's refresh by the function as the construct makes it: its folder, its environment, and its rights and no others.

let folder: string;
let environment: Environment;
let own: PolicyDocument;
let source: PolicyDocument;
let persons: PolicyDocument;
let config: string;
const name = 'bluemoxon-staging-db-sync';
const reader = 'restage-reader';
const person = 'refreshes-staging';
const variables = 'bluemoxon-staging/restage';

beforeAll(async () => {
  folder = await temporaryFolder();
  const [started, bundle] = [startEnvironment(), join(folder, 'bundle')];
  environment = await started;
  await mkdir(bundle);
  await buildFunction(bundle);
  config = join(folder, 'config/restage.yaml');
  const text = parseDocument(await readFile(environment.configFile, 'utf8'));
  text.setIn(['migrate', 'versions'], 'alembic/versions');
  text.setIn(['target', 'aws', 'assumeRole'], { role: `arn:aws:iam::${staging.account}:role/${person}` }); // on a laptop
  await mkdir(join(folder, 'config'));
  await writeFile(config, text.toString({ lineWidth: 0 }));
  await cp(join(import.meta.dirname, '../examples/bluemoxon/alembic'), join(folder, 'config/alembic'), {
    recursive: true,
  });
  const app = new App({ outdir: join(folder, 'out') });
  const stackOf = (account: string) => new Stack(app, `Of${account}`, { env: { account, region: 'us-west-2' } });
  const [inStaging, inProduction] = [stackOf(staging.account), stackOf(production.account)];
  const refresh = new RestageFunction(inStaging, 'Refresh', {
    config,
    bundle,
    variables: secretsmanager.Secret.fromSecretNameV2(inStaging, 'Variables', variables),
  });
  const { codeFolder, environment: set } = refresh;
  const people = new iam.Role(inStaging, 'People', {
    roleName: person,
    assumedBy: new iam.AccountPrincipal(staging.account),
  });
  refresh.grantUse(people, { objects: true });
  const role = `arn:aws:iam::${staging.account}:role/${name}`;
  new RestageSourceRole(inProduction, 'Source', { config, readers: [role] });
  own = policyOf(inStaging, name);
  source = policyOf(inProduction, reader);
  persons = policyOf(inStaging, person);
  const endpoint = { AWS_ENDPOINT_URL: environment.aws.endpoint }; // this machine's, instead of AWS's
  await environment.deployFunction({ code: codeFolder, environment: { ...set, ...endpoint }, role });
  await grant();
});

afterAll(async () => {
  await environment?.[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

function policyOf(stack: Stack, role: string): PolicyDocument {
  const found = policiesOf(Template.fromStack(stack).toJSON() as Plain).get(role);
  if (!found) throw new Error(`no policy of ${role}`);
  return found;
}

/** All roles as the templates have them, but for one statement. */
async function grant(without?: string): Promise<void> {
  const { aws } = environment;
  const allows = (policy: PolicyDocument) => allowed(policy).filter(({ sid }) => sid !== without);
  await aws.putRole({ account: staging.account, name, trusts: [], allows: allows(own) });
  const users = [`arn:aws:iam::${staging.account}:user/${staging.profile}`];
  await aws.putRole({ account: staging.account, name: person, trusts: users, allows: allows(persons) });
  const trusts = [`arn:aws:iam::${staging.account}:role/${name}`];
  await aws.putRole({ account: production.account, name: reader, trusts, allows: allows(source) });
}

async function invoke(event: InvocationInput): Promise<InvocationResponse> {
  const { aws, variables: set } = environment;
  const files = { credentials: set['AWS_SHARED_CREDENTIALS_FILE'], config: set['AWS_CONFIG_FILE'] };
  const account = await openAccount({ profile: staging.profile, endpoints: aws.endpoints }, files);
  const { answer } = await invokeFunction(account, name, event, { kind: 'wait', timeoutMs: 200_000 });
  return answer as InvocationResponse; // the function's
}

/** A run whose plan was never kept: the store has nothing of it. */
const unplanned: InvocationInput = { action: 'sync', runId: '20260131-031500-4f2a', asPlanned: 10 };

const whole: InvocationInput = { action: 'verify', only: 'references' };

describe('the rights that the construct gives', () => {
  it('are enough for a refresh, and for the keys that rows name', async () => {
    const refreshed = await invoke({});
    expect(refreshed).toMatchObject({ statusCode: 200, exitCode: 0 });
    expect(refreshed.result?.failed).toEqual([]);
    expect(await invoke(whole)).toMatchObject({ action: 'verify', report: expect.anything() as unknown });
    expect(JSON.stringify(await invoke(unplanned))).not.toContain('AccessDenied');
  });

  it.each([
    ['TargetSecret', {}, /secretsmanager:GetSecretValue|may not be read/],
    ['SourceSecret', {}, /secretsmanager:GetSecretValue|may not be read/],
    ['SourceRole', {}, /sts:AssumeRole/],
    ['Variables', {}, /secretsmanager:GetSecretValue|may not be read/],
    ['RunFiles', {}, /s3:(Get|Put)Object|AccessDenied/],
    ['Runs', unplanned, /AccessDenied/],
    ['TargetBuckets', whole, /s3:ListBucket/],
    ['SourceBuckets', whole, /s3:ListBucket/],
  ] as const)('are not more than it takes: without %s it fails, and says of what', async (sid, event, words) => {
    await grant(sid);
    try {
      const response = await invoke(event);
      expect(response.statusCode).not.toBe(200);
      expect(JSON.stringify(response)).toMatch(words);
    } finally {
      await grant();
    }
  });
});

describe('the rights of whoever refreshes by the command line', () => {
  const restage = async (...args: readonly string[]): Promise<Ended> => {
    const laptop = join(folder, 'laptop');
    await mkdir(laptop, { recursive: true });
    return type([...args, '--on', 'lambda', '--config', config], laptop, environment.variables).ended;
  };

  it('are enough for every command, the objects from here', async () => {
    for (const args of [
      ['check'],
      ['plan'],
      ['sync', '--yes'],
      ['verify'],
      ['status'],
      ['runs'],
      ['report'],
      ['rollback', '--yes'],
    ]) {
      const { code, stderr, stdout } = await restage(...args);
      expect([args, code, code === 0 ? '' : stdout + stderr]).toEqual([args, 0, '']);
    }
  });

  it.each([
    ['Refresh', ['plan', '--only', 'database'], /lambda:(GetFunctionConfiguration|InvokeFunction)/],
    ['RunFiles', ['sync', '--yes', '--only', 'database'], /s3:GetObject/],
    ['Runs', ['runs'], /s3:ListBucket/],
    ['TargetBuckets', ['sync', '--yes', '--only', 'objects'], /s3:ListBucket/],
  ] as const)('are not more than it takes: without %s it fails, and says of what', async (sid, args, words) => {
    expect(persons.Statement.map(({ Sid: id }) => id)).toContain(sid);
    await grant(sid);
    try {
      const { code, stderr, stdout } = await restage(...args);
      expect(code).not.toBe(0);
      expect(stderr + stdout).toMatch(words);
    } finally {
      await grant();
    }
  });
});
