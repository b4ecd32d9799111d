import { join } from 'node:path';
import { aws_secretsmanager as secretsmanager, Stack } from 'aws-cdk-lib';
import { describe, expect, it } from 'vitest';
import { RestageFunction } from '../src/cdk/index.ts';
import { files, newApp, type Settings, makeFunction, rightsOf, refusal, bundle, folder } from './cdk-scene.ts';

// What is in the way, told where templates are made.

describe('what is in the way is told where templates are made, with the line that mends it', () => {
  it('no configuration', async () => {
    const none = (stack: Stack) => new RestageFunction(stack, 'Refresh', { config: '/nowhere/restage.yaml', bundle });
    expect(() => none(new Stack(newApp(), 'Staging'))).toThrow(/there is no \/nowhere\/restage.yaml.*restage init/);
  });

  it('a configuration that is wrong, with its lines', async () => {
    expect(await refusal((config) => void ((config.target as Record<string, unknown>)['bukets'] = {}))).toMatch(
      /restage\.yaml:\d+ {2}target\.bukets: unknown key; did you mean buckets\?/,
    );
  });

  it('no bundle', async () => {
    expect(await refusal(undefined, () => ({ bundle: folder }))).toContain('no index.mjs');
  });

  it('no function in it', async () => {
    expect(await refusal((config) => void (config.target.lambda = undefined))).toMatch(
      /target\.lambda is missing.*\n.*lambda: \{ function: staging-refresh/,
    );
  });

  it('another name of the function', async () => {
    expect(await refusal(undefined, () => ({ functionName: 'other' }))).toMatch(
      /target\.lambda\.function is refresh, and the construct's functionName other/,
    );
  });

  it('no place for runs', async () => {
    expect(await refusal((config) => void (config.target.lambda = { function: 'refresh' }))).toContain(
      'Under target.lambda add: runs: s3://refresh-runs/runs. Or give the construct runs: false.',
    );
  });

  it('a source in another account without a role', async () => {
    const message = await refusal((config) => {
      config.source.aws = { profile: 'p', region: 'us-west-2', account: '111111111111' } as never;
    });
    expect(message).toContain(
      'source.aws leads to account 111111111111 by the profile p, which a function does not have',
    );
    expect(message).toContain('onLambda: { assumeRole: { role: "arn:aws:iam::111111111111:role/restage-source"');
  });

  it('a stack of another account than the target', async () => {
    expect(await refusal((config) => void (config.target.aws.account = '333333333333'))).toContain(
      'target.aws.account is 333333333333, and the stack is for 222222222222',
    );
  });

  it('a target that nobody says the account of: a function cannot be asked', async () => {
    expect(await refusal((config) => void Reflect.deleteProperty(config.target.aws, 'account'))).toContain(
      'Under target.aws add: account: "222222222222"',
    );
  });

  it('a database that is named by its host, which could be any', async () => {
    const variables = (stack: Stack) => ({ variables: secretsmanager.Secret.fromSecretNameV2(stack, 'V', 'v') });
    const message = await refusal((config) => {
      config.target.database = { host: 'db.internal', user: 'u', database: 'd', passwordEnv: 'PASSWORD' };
    }, variables);
    expect(message).toMatch(
      /nobody is there to type.*\n\s+Add to restage\.yaml: target: \{ expect: \{ host: "db.internal" \} \}/,
    );
    expect(message).not.toContain('--yes');
  });

  it('variables that nothing gives', async () => {
    expect(await refusal((config) => void (config.database = { masks: { key: '${MASK_KEY}' } }))).toContain(
      'it wants MASK_KEY, which nothing gives to the function',
    );
  });

  it('a name that is a variable', async () => {
    const change = (config: Settings) => void (config.target.database = { secret: '${STAGE}/database' });
    const variables = (stack: Stack) => ({ variables: secretsmanager.Secret.fromSecretNameV2(stack, 'V', 'v') });
    expect(await refusal(change, variables)).toContain(
      'target.database.secret holds a variable that is not known here',
    );
    const { policy } = await makeFunction(change, () => ({ environment: { STAGE: 'green' } }));
    expect(rightsOf(policy)['TargetSecret']?.[1]).toContain('secret:green/database-??????');
  });

  it('a file outside of its folder, and one that is not there', async () => {
    const message = await refusal((config) => {
      config.database = { afterLoad: [{ file: '../after.sql' }, { file: 'missing.sql' }] };
    });
    expect(message).toMatch(/after\.sql, and the function has only what is below its own folder/);
    expect(message).toContain('it names missing.sql, and there is no such file');
  });

  it('a file by its whole path, which the function does not have', async () => {
    const file = join(folder, `${files + 1}`, 'after.sql');
    const change = (config: Settings) => void (config.database = { afterLoad: [{ file }] });
    expect(await refusal(change)).toContain(`it names ${file}, and the function has only what is below its own folder`);
  });

  it('a login by IAM without the id that a policy needs', async () => {
    expect(
      await refusal((config) => {
        config.target.database = { identifier: 'shop', user: 'u', database: 'd', auth: 'iam' };
      }),
    ).toContain('Give databaseResourceId');
  });
});
