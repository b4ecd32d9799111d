import { hash } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { Credentials } from '../demo/local-aws/identity.ts';
import { readRequest } from '../demo/local-aws/request.ts';
import { authenticate } from '../demo/local-aws/signature.ts';
import { addressOf } from '../src/address.ts';
import { databaseToken } from '../src/aws/database-token.ts';
import type { DatabaseConfig } from '../src/config.ts';
import { redact } from '../src/errors.ts';
import { loadConfig } from '../src/index.ts';
import { folder, local, production, staging } from './local-aws-fixture.ts';
import { account, failure, putSecret, region, useServers } from './servers-fixture.ts';

useServers();

/** The database of a target with these settings, as the config gives it. */
function configured(database: object, passwords = { PASSWORD: 'a-long-password' }): DatabaseConfig {
  const aws = { profile: 'staging' };
  const parts = { user: 'app', passwordEnv: 'PASSWORD', host: 'h', database: 'd' };
  const config = loadConfig(
    {
      version: 1,
      source: { name: 'from', aws, database: parts },
      target: { name: 'to', aws, database },
    },
    { file: join(folder, 'restage.yaml'), variables: passwords },
  );
  return config.target.database as DatabaseConfig; // it was given
}

const addressFor = (database: object) =>
  addressOf(configured(database), 'staging', account, { PASSWORD: 'a-long-password' });

describe('an address', () => {
  const parts = { user: 'app', passwordEnv: 'PASSWORD', database: 'd' };

  test('is the endpoint of the identifier, with the port that RDS says', async () => {
    expect(await addressFor({ ...parts, identifier: 'shop-staging' })).toEqual({
      host: 'shop-staging.example.com',
      port: 5440,
      database: 'd',
      user: 'app',
      password: 'a-long-password',
      tls: 'verify-full',
    });
  });

  test('of a secret without a host is filled from the identifier beside it, or in it', async () => {
    const beside = await putSecret({ dbname: 'd' });
    expect(await addressFor({ secret: beside, identifier: 'shop' })).toMatchObject({
      host: 'shop.example.com',
      port: 5440,
    });
    const within = await putSecret({ dbname: 'd', dbInstanceIdentifier: 'shop-staging' });
    expect(await addressFor({ secret: within })).toMatchObject({ host: 'shop-staging.example.com', port: 5440 });
  });

  test('of a secret with a host asks RDS nothing, but for an identifier that the config gives', async () => {
    const secret = await putSecret({ dbname: 'd', host: 'h', port: 5433, dbInstanceIdentifier: 'shop-staging' });
    expect(await addressFor({ secret })).toMatchObject({ host: 'h', port: 5433 });
    expect((await local.requests()).filter(({ service }) => service === 'rds')).toEqual([]);
    expect(await addressFor({ secret, identifier: 'shop' })).toMatchObject({ host: 'shop.example.com', port: 5440 });
  });

  test('without a host or database anywhere says where to add it', async () => {
    expect(await failure(addressFor({ secret: await putSecret({}) }))).toMatchObject({
      code: 'config-invalid',
      message: expect.stringContaining('no host is known for the database of staging'),
      hint: expect.stringMatching(/Add host beside secret.*identifier/),
    });
    const secret = await putSecret({ dbInstanceIdentifier: 'shop-staging' });
    expect(await failure(addressFor({ secret }))).toMatchObject({
      code: 'config-invalid',
      message: expect.stringContaining('no database is known for the database of staging'),
      hint: 'Add database beside secret in restage.yaml. RDS made shop-staging with shopdb.',
    });
  });

  test.each([
    [
      'stopped',
      'asleep',
      'database-unreachable',
      'RDS says that it is stopped',
      'aws rds start-db-instance --profile staging --region us-west-2 --db-instance-identifier asleep',
    ],
    ['being made', 'unborn', 'database-unreachable', 'RDS says that it is creating', 'Wait until'],
    [
      'of another kind',
      'sql',
      'config-invalid',
      'is of engine mysql, and no PostgreSQL',
      'Correct database.identifier',
    ],
  ])('of a server that is %s is refused before anybody connects', async (_state, identifier, code, message, hint) => {
    expect(await failure(addressFor({ ...parts, identifier }))).toMatchObject({
      code,
      message: expect.stringContaining(message),
      hint: expect.stringContaining(hint),
    });
  });

  test('of loopback has no TLS by itself, but with a certificate to trust, or a token to send', async () => {
    expect(await addressFor({ ...parts, host: '127.0.0.1' })).toMatchObject({ tls: 'disable' });
    const { passwordEnv: _env, ...login } = parts;
    expect(await addressFor({ ...login, host: '127.0.0.1', auth: 'iam' })).toMatchObject({ tls: 'verify-full' });
  });
});

describe('a certificate to trust', () => {
  const parts = { user: 'app', passwordEnv: 'PASSWORD', database: 'd', host: '127.0.0.1' };

  test('is read from the folder of the configuration', async () => {
    const { rootCertificates } = await import('node:tls');
    const pem = rootCertificates.slice(0, 2).join('\n');
    await writeFile(join(folder, 'ca.pem'), `# ours\n${pem}\n`);
    expect(await addressFor({ ...parts, ca: 'ca.pem' })).toMatchObject({ ca: pem, tls: 'verify-full' });
  });

  test.each([
    ['missing', undefined, 'cannot be read: ENOENT'],
    ['no certificate', 'hello', 'holds no certificate'],
    [
      'garbled',
      '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n',
      'holds a certificate that cannot be read, number 1',
    ],
  ])('that is %s is refused by its file', async (name, text, message) => {
    const ca = `${name.replace(' ', '-')}.pem`;
    if (text !== undefined) await writeFile(join(folder, ca), text);
    expect(await failure(addressFor({ ...parts, ca }))).toMatchObject({
      code: 'config-invalid',
      message: expect.stringContaining(`database.ca of staging: ${join(folder, ca)} ${message}`),
    });
  });
});

describe('a token of IAM', () => {
  /** Whose signature a token bears; only its URL counts. */
  function signerOf(token: string, keys: Credentials): unknown {
    const [host, url] = [token.slice(0, token.indexOf('/')), token.slice(token.indexOf('/'))];
    const incoming = { method: 'GET', url, headers: { host } } as unknown as IncomingMessage; // as much as is read of it
    const request = readRequest(incoming, {} as ServerResponse, false);
    const answer = authenticate(request, keys, region, hash('sha256', '', 'hex'));
    return answer.kind === 'accepted' ? answer.caller.arn : answer.failure.kind;
  }

  test('is made for host, port and user, and signed by the present keys', async () => {
    const address = await addressFor({ user: 'app_iam', identifier: 'shop', database: 'd', auth: 'iam' });
    expect(address).toMatchObject({ host: 'shop.example.com', port: 5440, user: 'app_iam', tls: 'verify-full' });
    if (typeof address.password === 'string') throw new Error('a password that does not change');
    const token = await address.password();
    const url = new URL(`https://${token}`);
    expect([url.host, url.searchParams.get('Action'), url.searchParams.get('DBUser')]).toEqual([
      'shop.example.com:5440',
      'connect',
      'app_iam',
    ]);
    expect(url.searchParams.get('X-Amz-Expires')).toBe('900');
    expect(url.searchParams.get('X-Amz-Credential')).toMatch(/\/us-west-2\/rds-db\/aws4_request$/);
    const keys = new Credentials([staging, production]);
    expect(signerOf(token, keys)).toBe(account.arn);
    expect(signerOf(token.replace('DBUser=app_iam', 'DBUser=root'), keys)).toBe('wrong-signature');
    expect(signerOf(token.replace('shop.example.com', 'other.example.com'), keys)).toBe('wrong-signature');
    expect(redact(`it is ${token}`)).toBe('it is ***');
  });

  test('is signed by new keys once the account has some', async () => {
    let keys = staging;
    const ask = databaseToken({ ...account, keys: async () => keys }, { host: 'h', port: 5432, user: 'u' });
    const known = new Credentials([staging, production]);
    const first = signerOf(await ask(), known);
    keys = production;
    expect([first, signerOf(await ask(), known)]).toEqual([
      account.arn,
      `arn:aws:iam::${production.id}:user/${production.user}`,
    ]);
  });
});
