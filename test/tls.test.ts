import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { readCopy } from '../src/postgres/copy-relay.ts';
import { dial } from '../src/postgres/connection.ts';
import { openSession, type Address, type Session } from '../src/postgres/session.ts';
import type { Report } from '../src/index.ts';
import { type Authority, makeAuthority, makeSelfSigned, type ServerCertificate } from './certificates.ts';
import { type } from './store/command-line.ts';
import { query } from './sql.ts';
import { startTlsServer, type TlsServer } from './tls-server.ts';
import { stringify } from 'yaml';

// A real PostgreSQL that speaks TLS, and every way in which it can fail to prove who it is.
const folder = join(tmpdir(), `restage-tls-${randomUUID()}`);
let authority: Authority;
let server: TlsServer;
let good: ServerCertificate;

beforeAll(async () => {
  authority = makeAuthority('An authority of a test');
  good = authority.issue({ names: ['localhost', '127.0.0.1'] });
  server = await startTlsServer(folder, good);
  await query(server.postgres.adminUrl(), `create role ann login createdb password 'password of ann'`);
  for (const name of ['production', 'staging'])
    await query(server.postgres.adminUrl(), `create database ${name} owner ann`);
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});
afterEach(() => vi.unstubAllEnvs());

function open(change: Partial<Address> = {}): Promise<Session> {
  const address: Address = {
    host: 'localhost',
    port: server.postgres.port,
    database: 'production',
    user: 'ann',
    password: 'password of ann',
    tls: 'verify-full',
    ca: authority.certificate,
  };
  return openSession({ ...address, ...change }, { access: 'read-only', label: 'tls' });
}

/** That address must be refused at the hop of TLS, with these words and that advice. */
async function requireNoTls(change: Partial<Address>, words: RegExp, hint: RegExp): Promise<void> {
  const host = change.host ?? 'localhost';
  await vi.waitFor(() =>
    expect(open(change)).rejects.toMatchObject({
      code: 'tls-failed',
      message: expect.stringMatching(
        new RegExp(`^no TLS with production at ${host}:\\d+ as ann(, by way of ssh)?: .*${words.source}`, 's'),
      ),
      hint: expect.stringMatching(hint),
    }),
  );
}

describe('a server whose certificate is of the authority that ca names', () => {
  test.each(['localhost', '127.0.0.1'])('is spoken to under TLS as %s', async (host) => {
    await using session = await open({ host });
    expect(await session.rows('select ssl::text, version from pg_stat_ssl where pid = pg_backend_pid()')).toEqual([
      { ssl: 'true', version: 'TLSv1.3' },
    ]);
  });

  test('is not spoken to where no ca is given, and ca is what to set', () =>
    requireNoTls(
      { ca: undefined },
      /unable to verify the first certificate/,
      /authority that is not known here.*PEM file.*ca:/,
    ));

  test('is not spoken to where ca names another authority, or the environment switches verification off', async () => {
    vi.stubEnv('NODE_TLS_REJECT_UNAUTHORIZED', '0');
    const { certificate: ca } = makeAuthority('Another authority');
    await requireNoTls({ ca }, /unable to verify/, /authority that is not known here/);
  });

  test('is told by what its pg_hba.conf wants where TLS is switched off', async () => {
    await expect(open({ tls: 'disable' })).rejects.toMatchObject({
      code: 'database-login',
      message: expect.stringMatching(
        /^login refused for production at localhost:\d+ as ann: no pg_hba.conf entry.*no encryption/,
      ),
      hint: expect.stringContaining('takes nobody in without TLS: leave out tls: disable'),
    });
    await expect(open({ user: 'bob' })).rejects.toMatchObject({ code: 'database-login' });
  });
});

describe('a server that shows', () => {
  afterAll(async () => {
    await server.present(good);
    await vi.waitFor(async () => (await open())[Symbol.asyncDispose]());
  });

  test('the certificate of another name is not spoken to, and its names are told', async () => {
    await server.present(authority.issue({ names: ['db.example', 'replica.example', '10.1.2.3'] }));
    const hint = /^The certificate is for db\.example, replica\.example, 10\.1\.2\.3, not for HOST: give one of these/;
    for (const host of ['localhost', '127.0.0.1'])
      await requireNoTls({ host }, /altnames/, new RegExp(hint.source.replace('HOST', host)));
    const tunnel = {
      program: 'ssh',
      port: () => Promise.resolve(server.postgres.port),
      lastWords: () => '',
      [Symbol.dispose]: () => {},
    };
    for (const host of ['db.example', '10.1.2.3']) await (await open({ host, tunnel }))[Symbol.asyncDispose](); // behind a tunnel that is their host
    await requireNoTls({ host: '10.1.2.4', tunnel }, /altnames/, /not for 10\.1\.2\.4/);
  });

  test('a certificate that has expired is not spoken to, and renewing is the advice', async () => {
    const [from, until] = [new Date('2020-01-01'), new Date('2021-01-01')];
    await server.present(authority.issue({ names: ['localhost'], from, until }));
    await requireNoTls({}, /certificate has expired/, /renew it there.*clock is wrong/);
  });

  test('a certificate that is not valid yet is not spoken to, and the clock is the advice', async () => {
    await server.present(authority.issue({ names: ['localhost'], from: new Date(Date.now() + 3_600_000) }));
    await requireNoTls({}, /not yet valid/, /clock/);
  });

  test('a certificate that it has signed itself is spoken to only where ca names that one', async () => {
    const own = makeSelfSigned(['localhost']);
    await server.present(own);
    await requireNoTls({}, /self-signed certificate/, /signed by itself.*PEM file.*ca:/);
    await using session = await open({ ca: own.certificate });
    expect(await session.rows('select 1 as one')).toEqual([{ one: '1' }]);
  });
});

test('a server behind a tunnel is told by which name it is called, before it shows a certificate', async () => {
  const { promise: hello, resolve } = Promise.withResolvers<string>();
  const front = createServer((socket) => {
    socket
      .on('error', () => {})
      .once('data', () => {
        socket.write('S');
        socket.once('data', (bytes) => {
          resolve(bytes.toString('latin1'));
          socket.destroy();
        });
      });
  }).listen(0, '127.0.0.1');
  await once(front, 'listening');
  const { port } = front.address() as { port: number }; // of a TCP server, so not a path
  const tunnel = { program: 'ssh', port: () => Promise.resolve(port), lastWords: () => '', [Symbol.dispose]: () => {} };
  await expect(open({ host: 'db.example', tunnel })).rejects.toMatchObject({ code: 'database-unreachable' });
  expect(await hello).toContain('db.example');
  front.close();
});

test('a copy whose server ends the session under TLS is told as lost, and does not wait', async () => {
  await using session = await open();
  const endless = `copy (select repeat('x', 1000), pg_sleep(0.001) from generate_series(1, 100000)) to stdout`;
  let bytes = 0;
  const reading = expect(
    readCopy(session, { read: endless, onBytes: (count) => void (bytes += count) }),
  ).rejects.toMatchObject({ code: 'database-lost' });
  await vi.waitFor(() => expect(bytes).toBeGreaterThan(50_000));
  await query(
    server.postgres.adminUrl(),
    `select pg_terminate_backend(pid) from pg_stat_activity where query like 'copy (select repeat%'`,
  );
  await reading;
  await expect(session.rows('select 1')).rejects.toMatchObject({ code: 'database-lost' });
});

test('a copy that is interrupted under TLS ends at once', async () => {
  await using session = await open();
  const stop = new AbortController();
  const endless = `copy (select repeat('x', 1000), pg_sleep(0.001) from generate_series(1, 100000)) to stdout`;
  const started = performance.now();
  setTimeout(() => stop.abort(), 100);
  await expect(readCopy(session, { read: endless, signal: stop.signal })).rejects.toMatchObject({
    code: 'interrupted',
  });
  expect(performance.now() - started).toBeLessThan(3000);
});

test('a session goes on after a copy under TLS', async () => {
  await using session = await open();
  const { rows } = await readCopy(session, { read: 'copy (select generate_series(1, 50000)) to stdout' });
  expect([rows, await session.rows('select 1 as one')]).toEqual([50_000, [{ one: '1' }]]);
});

test('a clone goes from end to end under TLS, with rows longer than its records', async () => {
  await query(
    server.postgres.adminUrl('production'),
    `set role ann;
     create table notes (id integer primary key, text text);
     insert into notes select id, repeat(md5(id::text), 3) from generate_series(1, 20000) id;
     create table scans (id integer primary key, page text);
     alter table scans alter page set storage external;
     insert into scans select id, repeat(md5(id::text), 32768) from generate_series(1, 4) id`,
  );
  await writeFile(join(folder, 'authority.pem'), `An authority of a test\n${authority.certificate}`);
  const end = (name: string) => ({
    name,
    database: {
      url: `postgres://ann:password%20of%20ann@localhost:${server.postgres.port}/${name}`,
      tls: 'verify-full',
      ca: 'authority.pem',
    },
  });
  const file = join(folder, 'restage.yaml');
  await writeFile(file, stringify({ version: 1, source: end('production'), target: end('staging') }));
  const { code, stdout, stderr } = await type(['sync', '--yes', '--json', '--config', file], tmpdir(), {}).ended;
  expect([code, stderr]).toEqual([0, expect.stringContaining('✓ swap')]);
  const report = JSON.parse(stdout) as Report; // the fields are looked at one by one
  expect(report.figures.tables).toMatchObject({ copied: 2, equal: 2 });
  const sums = `select count(*) as rows, md5(string_agg(text, '' order by id)) as notes,
                       (select md5(string_agg(page, '' order by id)) from scans) as scans from notes`;
  expect(await query(server.postgres.adminUrl('staging'), sums)).toEqual(
    await query(server.postgres.adminUrl('production'), sums),
  );
});

test('a second connection can be made where the first one was, whatever the name leads to now; it is verified by the name', async () => {
  await server.present(authority.issue({ names: ['moved.invalid'] }));
  const { port } = server.postgres;
  const login = { port, database: 'production', user: 'ann', password: 'password of ann', tls: 'verify-full' } as const;
  const connectTo = async (host: string) => {
    const { client } = await dial({ ...login, host, ca: authority.certificate }, { label: 'tls', at: '127.0.0.1' });
    client.on('error', () => {});
    await client.connect();
    await client.end();
  };
  try {
    await vi.waitFor(() => connectTo('moved.invalid'));
    await expect(connectTo('localhost')).rejects.toMatchObject({ code: 'ERR_TLS_CERT_ALTNAME_INVALID' });
  } finally {
    await server.present(good);
  }
});
