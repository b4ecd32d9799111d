import { once } from 'node:events';
import { createHash } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import { join } from 'node:path';
import { LambdaClient, ListFunctionsCommand } from '@aws-sdk/client-lambda';
import { DescribeDBClustersCommand, RDSClient } from '@aws-sdk/client-rds';
import { ListSecretsCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { openAccount, type AccountSettings } from '../src/aws/account.ts';
import { clientOf } from '../src/aws/service.ts';
import { folder, local, production, staging, useLocalAws } from './local-aws-fixture.ts';
import { keysOf, writeProfiles } from './profiles.ts';
import { type Ended, type as typed } from './store/command-line.ts';

// What stands in the environment for AWS's own tools counts only where the configuration asks for it.
useLocalAws();
let elsewhere: Server;
let strays: string[];
let elsewhereUrl = '';

beforeAll(async () => {
  elsewhere = createServer((request, response) => {
    strays.push(`${request.method} ${request.url}`);
    response.writeHead(403).end();
  });
  elsewhere.listen(0, '127.0.0.1');
  await once(elsewhere, 'listening');
  const address = elsewhere.address();
  elsewhereUrl = `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`;
});
afterAll(() => void elsewhere.close());
beforeEach(() => void (strays = []));

/** All of it leads elsewhere. */
function misleading(): Record<string, string> {
  return {
    AWS_PROFILE: 'production',
    AWS_DEFAULT_PROFILE: 'production',
    AWS_ACCESS_KEY_ID: production.accessKeyId,
    AWS_SECRET_ACCESS_KEY: production.secretAccessKey,
    AWS_SESSION_TOKEN: 'stale',
    AWS_REGION: 'ap-southeast-2',
    AWS_DEFAULT_REGION: 'ap-southeast-2',
    AWS_ROLE_ARN: 'arn:aws:iam::333333333333:role/other',
    AWS_USE_FIPS_ENDPOINT: 'true',
    AWS_USE_DUALSTACK_ENDPOINT: 'true',
    AWS_ENDPOINT_URL: elsewhereUrl,
    AWS_ENDPOINT_URL_STS: elsewhereUrl,
    AWS_ENDPOINT_URL_S3: elsewhereUrl,
    AWS_ENDPOINT_URL_SECRETS_MANAGER: elsewhereUrl,
    AWS_ENDPOINT_URL_RDS: elsewhereUrl,
    AWS_ENDPOINT_URL_LAMBDA: elsewhereUrl,
    DATABASE_URL: 'postgres://nobody:nothing@127.0.0.1:1/none',
    PGHOST: '127.0.0.1',
  };
}

const region = 'us-west-2';
let files: Awaited<ReturnType<typeof writeProfiles>>;
let file: string;

beforeAll(async () => {
  files = await writeProfiles(
    folder,
    {
      production: { ...keysOf(production), region },
      staging: keysOf(staging),
      writer: { role_arn: `arn:aws:iam::${staging.id}:role/writer`, source_profile: 'staging' },
      sso: { sso_session: 'team', sso_account_id: staging.id, sso_role_name: 'dev' },
    },
    { 'sso-session team': { sso_region: 'nowhere-1', sso_start_url: 'https://team.awsapps.com/start' } },
  );
  file = join(folder, 'restage.yaml');
  await local.putRole({ account: staging.id, name: 'writer', trusts: [staging.id] });
  await local.createBucket({ name: 'from', account: production.id });
  await local.seedObjects('from', [{ key: 'a', body: 'x' }]);
  await local.createBucket({ name: 'to', account: staging.id });
});

/** `restage plan` of a pair of buckets, the target's by these settings; and whose keys were shown to STS. */
async function plan(
  target: object,
  environment: Readonly<Record<string, string>>,
): Promise<Ended & { accounts: string[] }> {
  const { s3, sts } = local.endpoints;
  const end = (name: string, aws: object, images: string) => ({
    name,
    aws: { endpoints: { s3, sts }, ...aws },
    buckets: { images },
  });
  const source = end('production', { profile: 'production', account: production.id }, 'from');
  await writeFile(file, JSON.stringify({ version: 1, source, target: end('staging', target, 'to') }));
  const ended = await typed(['plan', '--json', '--config', file], folder, {
    AWS_SHARED_CREDENTIALS_FILE: files.credentials,
    AWS_CONFIG_FILE: files.config,
    ...environment,
  }).ended;
  const seen = (await local.requests()).filter(({ operation }) => operation === 'GetCallerIdentity');
  return { ...ended, accounts: seen.map(({ account }) => account).toSorted() };
}

/** The account that these settings open in this environment, or why there is none. */
async function opened(settings: AccountSettings, environment: Readonly<Record<string, string>>): Promise<unknown> {
  for (const [name, value] of Object.entries(environment)) vi.stubEnv(name, value);
  try {
    return await openAccount({ endpoints: local.endpoints, ...settings }, files).catch((error: unknown) => error);
  } finally {
    vi.unstubAllEnvs();
  }
}

describe('with a profile', () => {
  test('nothing in the environment counts', async () => {
    const { code, stderr, accounts } = await plan({ profile: 'writer', region, account: staging.id }, misleading());
    expect([stderr, code]).toEqual([expect.anything(), 0]);
    expect(accounts).toEqual([production.id, staging.id]);
    expect(strays).toEqual([]);
  });

  test('a region in the environment is none', async () => {
    expect(await opened({ profile: 'staging' }, { AWS_REGION: region, AWS_DEFAULT_REGION: region })).toMatchObject({
      code: 'config-invalid',
      message: 'no region is known for the profile staging',
    });
  });

  test('an SSO session is asked at its own region, and not at an address of the environment', async () => {
    const cache = join(folder, '.aws', 'sso', 'cache');
    await mkdir(cache, { recursive: true });
    const name = `${createHash('sha1').update('team').digest('hex')}.json`;
    await writeFile(join(cache, name), '{"accessToken": "a-token", "expiresAt": "2999-01-01T00:00:00Z"}');
    const environment = {
      ...misleading(),
      HOME: folder,
      AWS_CONFIG_FILE: files.config,
      AWS_ENDPOINT_URL_SSO: elsewhereUrl,
    };
    expect(await opened({ profile: 'sso', region }, environment)).toMatchObject({
      code: 'aws-unreachable',
      message: expect.stringMatching(/SSO session of the profile sso: .*portal\.sso\.nowhere-1\.amazonaws\.com/),
    });
    expect(strays).toEqual([]);
  });

  test('no client of ours looks for its address in the environment', async () => {
    for (const [name, value] of Object.entries(misleading())) vi.stubEnv(name, value);
    try {
      const settings = (service: 'sts' | 'rds' | 'lambda' | 'secretsmanager') =>
        clientOf({ region, endpoints: {}, keys: async () => staging }, service);
      const hosts: string[] = [];
      const requestHandler = {
        handle: ({ hostname }: { readonly hostname: string }) => {
          hosts.push(hostname);
          return Promise.reject(new Error('nothing is sent'));
        },
        updateHttpClientConfig: () => {},
        httpHandlerConfigs: () => ({}),
      };
      const [sts, rds, lambda, secrets] = [
        new STSClient({ ...settings('sts'), requestHandler }),
        new RDSClient({ ...settings('rds'), requestHandler }),
        new LambdaClient({ ...settings('lambda'), requestHandler }),
        new SecretsManagerClient({ ...settings('secretsmanager'), requestHandler }),
      ];
      await Promise.allSettled([
        sts.send(new GetCallerIdentityCommand({})),
        rds.send(new DescribeDBClustersCommand({})),
        lambda.send(new ListFunctionsCommand({})),
        secrets.send(new ListSecretsCommand({})),
      ]);
      const aws = ['lambda', 'rds', 'secretsmanager', 'sts'].map((service) => `${service}.${region}.amazonaws.com`);
      expect(hosts.toSorted()).toEqual(aws);
    } finally {
      vi.unstubAllEnvs();
    }
  });
});

describe('with ambient: true', () => {
  const keys = { AWS_ACCESS_KEY_ID: staging.accessKeyId, AWS_SECRET_ACCESS_KEY: staging.secretAccessKey };

  test('the keys and the region of the environment are used, at the addresses of the config', async () => {
    const environment = { ...keys, AWS_REGION: region, AWS_ENDPOINT_URL: elsewhereUrl };
    const { code, stderr, accounts } = await plan({ ambient: true, account: staging.id }, environment);
    expect([stderr, code]).toEqual([expect.anything(), 0]);
    expect(accounts).toEqual([production.id, staging.id]);
    expect(strays).toEqual([]);
  });

  test('the profile of AWS_PROFILE is used, with its role, and another on top of that', async () => {
    const last = `arn:aws:iam::${production.id}:role/last`;
    await local.putRole({ account: production.id, name: 'last', trusts: [`arn:aws:iam::${staging.id}:role/writer`] });
    const settings = { ambient: true, region, assumeRole: { role: last } } as const;
    const warned = vi.spyOn(console, 'warn'); // the SDK does of itself, where both a profile and keys are there
    const account = await opened(settings, { ...keys, AWS_PROFILE: 'writer', AWS_EC2_METADATA_DISABLED: 'true' });
    expect(warned).not.toHaveBeenCalled();
    warned.mockRestore();
    expect(account).toMatchObject({
      name: `the role ${last} taken on by the ambient keys`,
      arn: `arn:aws:sts::${production.id}:assumed-role/last/restage`,
    });
  });

  test('the lack of keys, and of a region, is said with what to add', async () => {
    const none = { AWS_EC2_METADATA_DISABLED: 'true', AWS_ACCESS_KEY_ID: '', AWS_PROFILE: '', AWS_REGION: '' };
    expect(await opened({ ambient: true, region }, none)).toMatchObject({
      code: 'credentials-failed',
      message: expect.stringContaining('there are no ambient keys'),
      hint: expect.stringMatching(/AWS_ACCESS_KEY_ID.*or name a profile instead/),
    });
    expect(await opened({ ambient: true }, { ...none, ...keys })).toMatchObject({
      code: 'config-invalid',
      message: 'no region is known for the ambient keys',
      hint: 'Add region beside ambient in restage.yaml, or set AWS_REGION.',
    });
  });
});
