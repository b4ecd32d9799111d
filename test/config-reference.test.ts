import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PutObjectCommand } from '@aws-sdk/client-s3';
import { beforeAll, describe, expect, test } from 'vitest';
import { findFreePort } from '../demo/free-port.ts';
import { openAccount, type Account } from '../src/aws/account.ts';
import { redact } from '../src/errors.ts';
import { fetchConfig } from '../src/remote/config-reference.ts';
import { fetchVariables } from '../src/remote/config-variables.ts';
import { bucket, folder, local, production, s3, useLocalAws } from './local-aws-fixture.ts';
import { keysOf, writeProfiles } from './profiles.ts';
import { failure } from './servers-fixture.ts';

useLocalAws();

const region = 'us-west-2';
let account: Account;
beforeAll(async () => {
  const files = await writeProfiles(folder, { production: keysOf(production) });
  account = await openAccount({ profile: 'production', region, endpoints: local.endpoints }, files);
});

const fetched = (reference: string, asker = account) => fetchConfig(reference, { folder, account: async () => asker });

/** With other endpoints than the account's own. */
async function elsewhere(service: 'ssm' | 's3' | 'secretsManager'): Promise<{ address: string; asker: Account }> {
  const address = `http://127.0.0.1:${await findFreePort('127.0.0.1')}`;
  return { address, asker: { ...account, endpoints: { ...account.endpoints, [service]: address } } };
}

const denied = (operation: string, message: string) =>
  local.inject({ match: { operation }, kind: 'error', status: 400, code: 'AccessDeniedException', message });

describe('a configuration', () => {
  test('is read from a file of the bundle, whose account nobody opens', async () => {
    await writeFile(join(folder, 'restage.yaml'), 'version: 1\n');
    const nobody = async (): Promise<Account> => Promise.reject(new Error('the account was opened'));
    expect(await fetchConfig('file:restage.yaml', { folder, account: nobody })).toEqual({
      text: 'version: 1\n',
      file: join(folder, 'restage.yaml'),
    });
    expect(await failure(fetched('file:other.yaml'))).toMatchObject({
      code: 'config-missing',
      message: expect.stringMatching(/^file:other\.yaml cannot be read: ENOENT/),
      hint: expect.stringContaining('RESTAGE_CONFIG'),
    });
  });

  test('is read from a bucket, by a key with blanks too', async () => {
    await s3().send(new PutObjectCommand({ Bucket: bucket, Key: 'the config/é.yaml', Body: 'version: 1 # é\n' }));
    const reference = `s3://${bucket}/the config/é.yaml`;
    expect(await fetched(reference)).toEqual({ text: 'version: 1 # é\n', file: reference });
    expect(await failure(fetched(`s3://${bucket}/other.yaml`))).toMatchObject({
      code: 'config-missing',
      message: `there is no s3://${bucket}/other.yaml`,
    });
    expect(await failure(fetched(`s3://${bucket}x/a.yaml`))).toMatchObject({
      code: 'bucket-missing',
      hint: `The account has a bucket ${bucket}: is that the one?`,
    });
    await local.inject({
      match: { operation: 'GetObject' },
      kind: 'error',
      status: 403,
      code: 'AccessDenied',
      message: 'no',
    });
    expect(await failure(fetched(reference))).toMatchObject({
      code: 'bucket-denied',
      hint: expect.stringContaining(`Allow s3:GetObject on arn:aws:s3:::${bucket}/the config/é.yaml to ${account.arn}`),
    });
  });

  test('is read from a parameter, an encrypted one too', async () => {
    const put = (name: string, type: 'String' | 'SecureString') =>
      local.putParameter({ account: production.id, name, value: 'version: 1\n', type });
    await put('/restage/config', 'String');
    await put('/restage/secret', 'SecureString');
    for (const reference of ['ssm:/restage/config', 'ssm:/restage/secret'])
      expect(await fetched(reference)).toEqual({ text: 'version: 1\n', file: reference });
    expect(await failure(fetched('ssm:/restage/confg'))).toMatchObject({
      code: 'config-missing',
      message: `the parameter /restage/confg (account ${production.id}, ${region}) does not exist`,
      hint: 'The account has a parameter /restage/config: is that the one?',
    });
    await denied('DescribeParameters', 'not authorized to perform: ssm:DescribeParameters');
    expect(await failure(fetched('ssm:/restage/confg'))).toMatchObject({
      code: 'config-missing',
      hint: expect.stringContaining('Check its name'),
    });
  });

  test('whose parameter may not be read is told with the statement that lacks', async () => {
    await denied('GetParameter', `User: ${account.arn} is not authorized to perform: ssm:GetParameter on resource: x`);
    expect(await failure(fetched('ssm:/restage/config:3'))).toMatchObject({
      code: 'secret-denied',
      message: expect.stringContaining('may not be read: '),
      hint: expect.stringContaining(
        `In a policy of ${account.arn}: {"Effect":"Allow","Action":"ssm:GetParameter","Resource":"arn:aws:ssm:us-west-2:${production.id}:parameter/restage/config"}`,
      ),
    });
    await local.clearFaults();
    await denied('GetParameter', `User: ${account.arn} is not authorized to perform: kms:Decrypt on the key`);
    expect(await failure(fetched('ssm:/restage/config'))).toMatchObject({
      code: 'secret-denied',
      message: expect.stringContaining('may not be decrypted: '),
      hint: expect.stringContaining('"Action":"kms:Decrypt"'),
    });
  });

  test.each(['restage.yaml', 's3://bucket', 'ssm:', 'https://example.com/restage.yaml'])(
    'is not looked for by what is no reference: %s',
    async (reference) => {
      expect(await failure(fetched(reference))).toMatchObject({ code: 'config-invalid' });
    },
  );

  test('at an address where nobody answers is told by that service and address', async () => {
    for (const [service, reference] of [
      ['ssm', 'ssm:/restage/config'],
      ['s3', `s3://${bucket}/a`],
    ] as const) {
      const { address, asker } = await elsewhere(service);
      expect(await failure(fetched(reference, asker))).toMatchObject({
        code: 'aws-unreachable',
        message: expect.stringMatching(new RegExp(`^cannot reach .*${address}: .*ECONNREFUSED`)),
        hint: expect.stringContaining(`aws.endpoints.${service}`),
      });
    }
  });
});

describe('variables', () => {
  let named = 0;
  const put = async (value: unknown): Promise<string> => {
    const name = `restage/variables-${(named += 1)}`;
    const text = typeof value === 'string' || value instanceof Uint8Array ? value : JSON.stringify(value);
    await local.putSecret({ name, account: production.id, value: text });
    return name;
  };

  test('are read from a secret, and none of them is shown any more', async () => {
    const name = await put({ API_KEY: 'a-key-of-an-api', HOST: 'inner-host-name', EMPTY: '' });
    expect(await fetchVariables(name, account)).toEqual({
      API_KEY: 'a-key-of-an-api',
      HOST: 'inner-host-name',
      EMPTY: '',
    });
    expect(redact('a-key-of-an-api at inner-host-name')).toBe('*** at ***');
  });

  test.each([
    ['no JSON', 'API_KEY=abcdefgh', 'is not JSON'],
    ['a list', ['abcdefgh'], 'is not a JSON object'],
    ['nothing', 'null', 'is not a JSON object'],
    ['numbers and maps', { PORT: 5432, OK: 'abcdefgh', MORE: { KEY: 'abcdefgh' } }, 'holds no text under PORT, MORE'],
    ['bytes', Buffer.from('{}'), 'holds bytes (SecretBinary), and not text'],
  ])('of %s are refused by the name of what is wrong, and never by a value', async (_what, value, message) => {
    const name = await put(value);
    const error = await failure(fetchVariables(name, account));
    expect(error).toMatchObject({
      code: 'secret-invalid',
      message: `the secret ${name} (account ${production.id}, ${region}) ${message}`,
      hint: expect.stringContaining('a JSON object of texts'),
    });
    expect(JSON.stringify([error, String((error as Error).cause)])).not.toContain('abcdefgh');
  });

  test('whose secret is missing are told with the near one', async () => {
    await put({});
    expect(await failure(fetchVariables('restage/variables-x', account))).toMatchObject({ code: 'secret-missing' });
  });

  test('at an address where nobody answers are told by that service', async () => {
    const { address, asker } = await elsewhere('secretsManager');
    expect(await failure(fetchVariables('restage/variables', asker))).toMatchObject({
      code: 'aws-unreachable',
      message: expect.stringContaining(`cannot reach ${address}: `),
    });
  });
});
