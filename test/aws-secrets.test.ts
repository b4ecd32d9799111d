import { beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { SecretSettings } from '../demo/local-aws/local-aws.ts';
import { openAccount, type Account } from '../src/aws/account.ts';
import { readDatabaseSecret } from '../src/aws/secret.ts';
import { redact } from '../src/errors.ts';
import { findFreePort } from '../demo/free-port.ts';
import { folder, local, production, staging, useLocalAws } from './local-aws-fixture.ts';
import { keysOf, writeProfiles } from './profiles.ts';

useLocalAws();
let account: Account;
let other: Account;
let named = 0;
const reader = `arn:aws:iam::${staging.id}:user/${staging.user}`;

beforeAll(async () => {
  const files = await writeProfiles(folder, { staging: keysOf(staging), production: keysOf(production) });
  const open = (profile: string) => openAccount({ profile, region: 'us-west-2', endpoints: local.endpoints }, files);
  [account, other] = await Promise.all([open('production'), open('staging')]);
});

let name: string;
beforeEach(() => void (name = `app/secret-${(named += 1)}`));

async function put(value: object | string | Uint8Array, more: Partial<SecretSettings> = {}): Promise<void> {
  const text = typeof value === 'string' || value instanceof Uint8Array ? value : JSON.stringify(value);
  await local.putSecret({ name, account: production.id, value: text, ...more });
}

async function refusal(asker = account, asked = name): Promise<unknown> {
  return readDatabaseSecret(asker, asked).then(
    () => 'it was read',
    (error: unknown) => error,
  );
}

const login = { username: 'app', password: 'a-long-password' };

describe('a secret', () => {
  test.each([
    ['of user and password only, as RDS keeps its own', login, {}],
    [
      'with host, port and dbname',
      { ...login, host: 'h', port: 5433, dbname: 'd' },
      { host: 'h', port: 5433, database: 'd' },
    ],
    [
      'with the port as text, and database',
      { ...login, host: 'h', port: '5433', database: 'd' },
      { host: 'h', port: 5433, database: 'd' },
    ],
    ['of a cluster', { ...login, engine: 'aurora-postgresql', dbClusterIdentifier: 'c' }, { identifier: 'c' }],
    ['of an instance', { ...login, engine: 'postgres', dbInstanceIdentifier: 'i', dbname: '' }, { identifier: 'i' }],
  ])('is read: %s', async (_shape, value, more) => {
    await put(value);
    expect(await readDatabaseSecret(account, name)).toEqual({ user: 'app', password: 'a-long-password', ...more });
    expect(redact('it is a-long-password')).toBe('it is ***');
  });

  test.each([
    ['no JSON', 'postgres://app:x@h/d', 'is not JSON', '"password"'],
    ['bytes', Buffer.from(JSON.stringify(login)), 'holds bytes (SecretBinary), and not text', '"password"'],
    ['no password', { username: 'app' }, 'holds no password', '"password"'],
    ['an empty password', { username: 'app', password: '' }, 'holds an empty password', 'Put the password there'],
    ['no user', { password: 'a-long-password' }, 'holds no username', '"username"'],
    ['a port of letters', { ...login, port: 'five' }, 'holds a port that is no number from 1 to 65535', '"port"'],
    ['another database', { ...login, engine: 'mysql' }, 'is for a database of mysql', 'restage copies PostgreSQL'],
  ])('is refused by its name for %s', async (_what, value, message, hint) => {
    await put(value);
    expect(await refusal()).toMatchObject({
      code: 'secret-invalid',
      message: `the secret ${name} (account ${production.id}, us-west-2) ${message}`,
      hint: expect.stringContaining(hint),
    });
  });

  test('that is missing is told with the near one; more than a page of them are looked at', async () => {
    for (let number = 0; number < 101; number += 1)
      await local.putSecret({ name: `many/${number}`, account: staging.id, value: '{}' });
    await local.putSecret({ name: 'bluemoxon-staging/database', account: staging.id, value: '{}' });
    expect(await refusal(other, 'bluemoxon-staging/databse')).toMatchObject({
      code: 'secret-missing',
      message: `the secret bluemoxon-staging/databse (account ${staging.id}, us-west-2) does not exist`,
      hint: 'The account has a secret bluemoxon-staging/database: is that the one?',
    });
    expect(await refusal(other, 'something-else-altogether')).toMatchObject({
      code: 'secret-missing',
      hint: expect.stringMatching(/This account's in us-west-2: (\S+, ){7}\S+ and \d+ more$/),
    });
  });

  test('that may not be read is told with a statement for this one alone', async () => {
    await put(login);
    await local.inject({
      match: { operation: 'GetSecretValue' },
      kind: 'error',
      status: 400,
      code: 'AccessDeniedException',
      message: 'no identity-based policy allows the secretsmanager:GetSecretValue action',
    });
    expect(await refusal()).toMatchObject({
      code: 'secret-denied',
      hint: expect.stringContaining(
        `"Resource":"arn:aws:secretsmanager:us-west-2:${production.id}:secret:${name}-??????"`,
      ),
    });
    await local.clearFaults();
  });

  test('that is marked for deletion is told so, with the way back', async () => {
    await put(login, { markedForDeletion: true });
    expect(await refusal()).toMatchObject({
      code: 'secret-missing',
      message: expect.stringContaining('is marked for deletion'),
      hint: expect.stringContaining(`aws secretsmanager restore-secret ${account.flags} --secret-id ${name}`),
    });
  });

  test('at an address where nobody answers is told by that address', async () => {
    const secretsManager = `http://127.0.0.1:${await findFreePort('127.0.0.1')}`;
    expect(await refusal({ ...account, endpoints: { ...account.endpoints, secretsManager } })).toMatchObject({
      code: 'aws-unreachable',
      message: expect.stringMatching(new RegExp(`^cannot reach ${secretsManager}: .*ECONNREFUSED`)),
      hint: expect.stringContaining('aws.endpoints.secretsManager'),
    });
  });
});

describe('a secret of another account', () => {
  /** Its ARN, which AWS makes. */
  async function arnOf(more: Partial<SecretSettings>): Promise<string> {
    await put(login, more);
    const { SecretsManagerClient, DescribeSecretCommand } = await import('@aws-sdk/client-secrets-manager');
    const client = new SecretsManagerClient({ endpoint: local.endpoint, region: 'us-west-2', credentials: production });
    return (await client.send(new DescribeSecretCommand({ SecretId: name }))).ARN ?? '';
  }

  test('is read where it is shared, under a key that is too', async () => {
    const arn = await arnOf({ sharedWith: [staging.id], kmsKey: 'shared-key' });
    expect(await readDatabaseSecret(other, arn)).toMatchObject({ user: 'app' });
  });

  test('that is not shared is told with the statement that its policy lacks', async () => {
    const arn = await arnOf({});
    expect(await refusal(other, arn)).toMatchObject({
      code: 'secret-denied',
      message: expect.stringContaining('no resource-based policy allows'),
      hint: expect.stringContaining(
        `{"Effect":"Allow","Principal":{"AWS":"${reader}"},"Action":"secretsmanager:GetSecretValue","Resource":"*"}`,
      ),
    });
  });

  test('under the default key is told to need another one, with every statement that it takes', async () => {
    const arn = await arnOf({ sharedWith: [staging.id] });
    const error = await refusal(other, arn);
    expect(error).toMatchObject({
      code: 'secret-denied',
      message: expect.stringMatching(/Access to KMS is not allowed/),
    });
    const { hint } = error as { hint: string };
    for (const part of [
      'the default key (aws/secretsmanager) cannot be read from another account',
      `aws secretsmanager update-secret --secret-id ${arn} --kms-key-id KEY`,
      `{"Effect":"Allow","Principal":{"AWS":"${reader}"},"Action":"kms:Decrypt","Resource":"*"}`,
      `{"Effect":"Allow","Principal":{"AWS":"${reader}"},"Action":"secretsmanager:GetSecretValue","Resource":"*"}`,
      `in a policy of ${reader}: {"Effect":"Allow","Action":["secretsmanager:GetSecretValue","kms:Decrypt"]`,
      `account ${production.id}`,
    ])
      expect(hint).toContain(part);
  });

  test('under a key that the reader may not use names that key', async () => {
    await local.denyKmsKey('own-key', [staging.id]);
    const arn = await arnOf({ sharedWith: [staging.id], kmsKey: 'own-key' });
    expect(await refusal(other, arn)).toMatchObject({
      code: 'secret-denied',
      hint: expect.stringMatching(
        /Its key is arn:aws:kms:us-(west-2|east-1):111111111111:key\/own-key, of account 1{12}/,
      ),
    });
  });
});

test('a secret whose key its own account may not use is told with the statement for the reader', async () => {
  await local.denyKmsKey('locked-key', [production.id]);
  await put(login, { kmsKey: 'locked-key' });
  expect(await refusal()).toMatchObject({
    code: 'secret-denied',
    hint: expect.stringMatching(/"Action":"kms:Decrypt","Resource":"arn:aws:kms:[\w-]+:111111111111:key\/locked-key"/),
  });
});

test('a role that may not read a secret is told by the role, and not by its session', async () => {
  const match = { operation: 'GetSecretValue' };
  const arn = `arn:aws:sts::${production.id}:assumed-role/app/restage`;
  await put(login);
  await local.inject({ match, kind: 'error', status: 400, code: 'AccessDeniedException', message: 'not authorized' });
  expect(await refusal({ ...account, arn })).toMatchObject({
    code: 'secret-denied',
    hint: `the profile production needs secretsmanager:GetSecretValue on it. In a policy of arn:aws:iam::${production.id}:role/app: {"Effect":"Allow","Action":"secretsmanager:GetSecretValue","Resource":"arn:aws:secretsmanager:us-west-2:${production.id}:secret:${name}-??????"}`,
  });
});

test('keys that expire before a secret is read are told with where others come from', async () => {
  await put(login);
  const match = { operation: 'GetSecretValue' };
  await local.inject({ match, kind: 'error', status: 400, code: 'ExpiredTokenException', message: 'expired' });
  expect(await refusal()).toMatchObject({ code: 'credentials-failed', hint: account.renewal });
});
