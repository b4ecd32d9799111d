import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { GetFunctionConfigurationCommand, InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { GetObjectCommand, ListObjectsV2Command } from '@aws-sdk/client-s3';
import { GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import {
  DescribeParametersCommand,
  GetParameterCommand,
  GetParametersByPathCommand,
  SSMClient,
} from '@aws-sdk/client-ssm';
import { AssumeRoleCommand, GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';
import { beforeAll, describe, expect, test } from 'vitest';
import type { Allowance } from '../demo/local-aws/local-aws.ts';
import {
  bucket,
  folder,
  get,
  type Keys,
  local,
  production,
  put,
  s3,
  settings,
  staging,
  useLocalAws,
} from './local-aws-fixture.ts';

useLocalAws();

const role = `arn:aws:iam::${production.id}:role/refresh/runner`;
const reader = `arn:aws:iam::${staging.id}:role/reader`;
const functionArn = `arn:aws:lambda:us-east-1:${production.id}:function:keys`;
const ssm = (keys: Keys = production) => new SSMClient(settings(keys));

const allow = (allows?: readonly Allowance[]) =>
  local.putRole({ account: production.id, name: 'refresh/runner', trusts: [], ...(allows && { allows }) });

beforeAll(async () => {
  await allow();
  await local.putRole({ account: staging.id, name: 'reader', trusts: [role] });
  await local.putSecret({ name: 'app/secret', account: production.id, value: 'hidden' });
  await local.putParameter({ account: production.id, name: '/app/config', value: 'version: 1' });
  await local.putParameter({ account: production.id, name: '/app/key', value: 'hidden', type: 'SecureString' });
  await local.putParameter({ account: production.id, name: '/app/deep/one', value: '1' });
  await local.putParameter({ account: production.id, name: 'plain', value: '2' });
  const code = join(folder, 'keys');
  await mkdir(code);
  await writeFile(join(code, 'index.mjs'), 'export const handler = async () => process.env;');
  await local.putFunction({ account: production.id, name: 'keys', role, code });
});

/** Those that the function has. */
async function functionKeys(): Promise<Keys> {
  const { Payload } = await new LambdaClient(settings(production)).send(new InvokeCommand({ FunctionName: 'keys' }));
  const variables = JSON.parse(Payload?.transformToString() ?? '') as Readonly<Record<string, string>>;
  const variable = (name: string): string => variables[`AWS_${name}`] ?? '';
  return {
    accessKeyId: variable('ACCESS_KEY_ID'),
    secretAccessKey: variable('SECRET_ACCESS_KEY'),
    sessionToken: variable('SESSION_TOKEN'),
  };
}

describe("a function's keys", () => {
  test("are those of a session of its role, in its account's name", async () => {
    const keys = await functionKeys();
    expect(await new STSClient(settings(keys)).send(new GetCallerIdentityCommand({}))).toMatchObject({
      Account: production.id,
      Arn: `arn:aws:sts::${production.id}:assumed-role/runner/keys`,
    });
    await s3(keys).send(put('a', 'mine'));
    expect((await get('a', s3(keys))).text).toBe('mine');
  });

  test('take on a role of another account that trusts theirs', async () => {
    const sts = (keys: Keys) => new STSClient(settings(keys));
    const assume = new AssumeRoleCommand({ RoleArn: reader, RoleSessionName: 'restage' });
    const { AssumedRoleUser } = await sts(await functionKeys()).send(assume);
    expect(AssumedRoleUser?.Arn).toBe(`arn:aws:sts::${staging.id}:assumed-role/reader/restage`);
    await expect(sts(production).send(assume)).rejects.toMatchObject({ name: 'AccessDenied' });
  });

  test('do what the role is allowed to, and are told of all else what they lack', async () => {
    const keys = await functionKeys();
    const arn = `arn:aws:s3:::${bucket}`;
    await s3().send(put('runs/a', 'one'));
    await s3().send(put('other', 'two'));
    await allow([
      { actions: ['s3:GetObject', 's3:PutObject'], resources: [`${arn}/runs/*`] },
      { actions: ['ssm:Get*'], resources: ['arn:aws:ssm:*:*:parameter/app/config'] },
      { actions: ['lambda:InvokeFunction'], resources: [functionArn] },
    ]);
    const assumed = `arn:aws:sts::${production.id}:assumed-role/runner/keys`;
    const denied = (action: string, resource: string) => ({
      message: expect.stringContaining(
        `User: ${assumed} is not authorized to perform: ${action} on resource: ${resource} because no identity-based policy allows the ${action} action`,
      ),
    });
    const lambda = new LambdaClient(settings(keys));
    try {
      const { ETag } = (await get('runs/a', s3(keys))).output;
      await s3(keys).send(put('runs/a', 'new', { IfMatch: ETag }));
      await lambda.send(new InvokeCommand({ FunctionName: 'keys', InvocationType: 'DryRun' }));
      await ssm(keys).send(new GetParameterCommand({ Name: '/app/config' }));

      await expect(s3(keys).send(new GetObjectCommand({ Bucket: bucket, Key: 'other' }))).rejects.toMatchObject({
        name: 'AccessDenied',
        ...denied('s3:GetObject', `"${arn}/other"`),
      });
      await expect(s3(keys).send(new ListObjectsV2Command({ Bucket: bucket }))).rejects.toMatchObject(
        denied('s3:ListBucket', `"${arn}"`),
      );
      await expect(lambda.send(new GetFunctionConfigurationCommand({ FunctionName: 'keys' }))).rejects.toMatchObject({
        name: 'AccessDeniedException',
        ...denied('lambda:GetFunctionConfiguration', functionArn),
      });
      await expect(
        new SecretsManagerClient(settings(keys)).send(new GetSecretValueCommand({ SecretId: 'app/secret' })),
      ).rejects.toMatchObject({
        name: 'AccessDeniedException',
        message: expect.stringContaining('secretsmanager:GetSecretValue on resource: arn:aws:secretsmanager:'),
      });
      await expect(ssm(keys).send(new GetParameterCommand({ Name: '/app/key' }))).rejects.toMatchObject(
        denied('ssm:GetParameter', `arn:aws:ssm:us-east-1:${production.id}:parameter/app/key`),
      );
      await expect(
        new STSClient(settings(keys)).send(new AssumeRoleCommand({ RoleArn: reader, RoleSessionName: 'restage' })),
      ).rejects.toMatchObject({ name: 'AccessDenied', ...denied('sts:AssumeRole', reader) });
      // Where a bucket of the same account lets the role in, that is enough; elsewhere both must.
      const Statement = { Effect: 'Allow', Principal: { AWS: role }, Action: 's3:GetObject', Resource: `${arn}/other` };
      await local.createBucket({
        name: `${bucket}-foreign`,
        account: staging.id,
        policy: { Statement: { ...Statement, Resource: `arn:aws:s3:::${bucket}-foreign/*` } },
      });
      await local.createBucket({
        name: `${bucket}-own`,
        account: production.id,
        policy: { Statement: { ...Statement, Resource: `arn:aws:s3:::${bucket}-own/*` } },
      });
      for (const name of [`${bucket}-foreign`, `${bucket}-own`])
        await local.seedObjects(name, [{ key: 'a', body: 'x' }]);
      await s3(keys).send(new GetObjectCommand({ Bucket: `${bucket}-own`, Key: 'a' }));
      await expect(
        s3(keys).send(new GetObjectCommand({ Bucket: `${bucket}-foreign`, Key: 'a' })),
      ).rejects.toMatchObject(denied('s3:GetObject', `"arn:aws:s3:::${bucket}-foreign/a"`));
    } finally {
      await allow();
    }
  });

  test('are not given for a role that there is not', async () => {
    const one = { account: production.id, name: 'lost', role: `${role}-lost` };
    await expect(local.putFunction(one)).rejects.toThrow(`there is no role ${role}-lost`);
  });
});

describe('a parameter', () => {
  const parameter = (Name: string, more = {}, keys?: Keys) =>
    ssm(keys).send(new GetParameterCommand({ Name, ...more }));

  test('is read by name and by ARN, and is clear only when asked for so', async () => {
    const { Parameter } = await parameter('/app/config');
    const ARN = `arn:aws:ssm:us-east-1:${production.id}:parameter/app/config`;
    expect(Parameter).toMatchObject({ Name: '/app/config', ARN, Type: 'String', Value: 'version: 1', Version: 1 });
    expect((await parameter(ARN)).Parameter?.Value).toBe('version: 1');
    expect((await parameter('plain')).Parameter?.ARN).toBe(`arn:aws:ssm:us-east-1:${production.id}:parameter/plain`);
    expect((await parameter('/app/key')).Parameter?.Value).not.toContain('hidden');
    expect((await parameter('/app/key', { WithDecryption: true })).Parameter?.Value).toBe('hidden');
  });

  test('that there is not is not found, and that of another account is denied', async () => {
    await expect(parameter('/app/confg')).rejects.toMatchObject({ name: 'ParameterNotFound' });
    const arn = `arn:aws:ssm:us-east-1:${production.id}:parameter/app/config`;
    await expect(parameter(arn, {}, staging)).rejects.toMatchObject({
      name: 'AccessDeniedException',
      message: expect.stringContaining(`ssm:GetParameter on resource: ${arn}`),
    });
    await expect(parameter('/app/config', {}, staging)).rejects.toMatchObject({ name: 'ParameterNotFound' });
  });

  test('under a KMS key that its reader may not use is not decrypted', async () => {
    const secure = {
      account: production.id,
      name: '/app/other',
      value: 'x',
      type: 'SecureString',
      kmsKey: 'k1',
    } as const;
    await local.putParameter(secure);
    expect((await parameter('/app/other', { WithDecryption: true })).Parameter?.Value).toBe('x');
    await local.denyKmsKey('k1', [production.id]);
    await expect(parameter('/app/other', { WithDecryption: true })).rejects.toMatchObject({
      name: 'AccessDeniedException',
      message: expect.stringContaining('customer master key'),
    });
    await local.denyKmsKey('k1', []);
  });

  test('is found among those of its path, and by the beginning of its name', async () => {
    const under = async (Recursive: boolean) =>
      (await ssm().send(new GetParametersByPathCommand({ Path: '/app', Recursive }))).Parameters?.map(
        ({ Name }) => Name,
      );
    expect(await under(false)).toEqual(expect.arrayContaining(['/app/config', '/app/key']));
    expect(await under(false)).not.toContain('/app/deep/one');
    expect(await under(true)).toContain('/app/deep/one');
    const ParameterFilters = [{ Key: 'Name', Option: 'BeginsWith', Values: ['/app/d'] }];
    const found = await ssm().send(new DescribeParametersCommand({ ParameterFilters }));
    expect(found.Parameters).toMatchObject([{ Name: '/app/deep/one', Type: 'String' }]);
    expect(found.Parameters?.[0]).not.toHaveProperty('Value');
  });
});
