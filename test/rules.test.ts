import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Plan, Report, Verification } from '../src/index.ts';
import { inParts, outcomeOf, runChanged, stagingOf } from './clone-faults.ts';
import { startCloneScene, type CloneScene } from './clone-scene.ts';

let scene: CloneScene;

beforeAll(async () => {
  scene = await startCloneScene();
});
afterAll(() => scene[Symbol.asyncDispose]());

const hostile = 'Bad "name" %s\n.$1';
const quoted = '"Bad ""name"" %s\n.$1"';

const production = `
  create extension citext;
  create type money_of as (amount numeric(10, 2), currency char(3));
  create function discount(price numeric) returns numeric language sql immutable as $$ select price / 2 $$;
  create table orders (id integer primary key, status text, price numeric(10, 2), half numeric generated always as (price / 2) stored, at money_of);
  insert into orders (id, status, price, at) select n, case when n % 4 = 0 then 'open' else 'done' end, n, row(n, 'eur')::money_of from generate_series(1, 400) n;
  create table order_lines (order_id integer, n integer);
  insert into order_lines select n, 1 from generate_series(1, 400) n;
  create table audit_log (id integer primary key, what text);
  insert into audit_log select n, 'x' from generate_series(1, 50) n;
  create index on audit_log (what);
  create table events (id integer, day date not null, who citext) partition by range (day);
  create table events_1 partition of events for values from ('2026-01-01') to ('2026-07-01');
  create table "Events 2" partition of events for values from ('2026-07-01') to ('2027-01-01');
  insert into events select n, date '2026-01-01' + n % 360, 'user' || n || '@real.example' from generate_series(1, 720) n;
  create table people (id integer, email text);
  create table customers (credit numeric) inherits (people);
  insert into people select n, 'p' || n || '@real.example' from generate_series(1, 10) n;
  insert into customers select n, 'c' || n || '@real.example', n from generate_series(11, 20) n;
  create table ${quoted} ("Col ""umn" text, "select" varchar(30), "a.b" jsonb);
  insert into ${quoted} values ('secret one', 'https://a.example/x', '{"u": "https://a.example/x", "n": 1.10}'), (null, '', '[]');
  create table bare ();
  insert into bare default values; insert into bare default values;
  create table plain (id integer primary key, v text);
  insert into plain select n, 'v' from generate_series(1, 30) n;
  create view open_orders as select * from orders where status = 'open';
  analyze`;

const database = {
  jobs: 2,
  tables: {
    orders: {
      where: "status = 'done' -- only these",
      set: { price: 'discount(price)', status: `upper(status) -- so` },
    },
    order_lines: { where: 'order_id < 0' },
    audit_log: 'empty',
    events: { mask: { who: { sql: "'nobody' || id" } }, where: 'id % 2 = 0' },
    people: { mask: { email: { constant: 'someone@example.com' } } },
    [hostile]: {
      mask: { 'Col "umn': 'redact' },
      rewrite: [{ from: 'https://a.example', to: 'https://b.example' }],
    },
    bare: { where: 'true' },
  },
};

test('rows arrive as the rules of their tables have them, and restage verify holds them against the same rules', async () => {
  await scene.arrange(production, 'create table old (id integer)');
  const config = await scene.configure({ database });
  const made = JSON.parse((await scene.restage(config, 'plan', '--json')).stdout) as Plan; // looked at below
  expect(made.refusals).toBeUndefined();
  const planned = (name: string) => made.steps.find(({ id }) => id === `copy-table ${name}`);
  expect(planned('orders')).toMatchObject({
    rows: 300,
    rowsAreEstimated: false,
    rule: { where: database.tables.orders.where },
  });
  expect(planned('audit_log')).toMatchObject({ rows: 0, bytes: 0 });
  expect(planned('order_lines')).toMatchObject({ rows: 0 });
  const { code, report } = await scene.sync(config);
  expect(report.failure).toBeUndefined();
  expect(code).toBe(0);
  expect(
    await scene.onTarget(`
      select count(*), min(status) as first, max(status) as last, sum(price) as sum, sum(half) as halves, max(at) as at
        from orders`),
  ).toEqual([
    {
      count: '300',
      first: 'DONE',
      last: 'DONE',
      sum: '30000.00',
      halves: '15000.00000000000000000000',
      at: '(399.00,eur)',
    },
  ]);
  expect(await scene.onTarget('select count(*) from order_lines')).toEqual([{ count: '0' }]);
  expect(
    await scene.onTarget(
      `select count(*), (select count(*) from pg_indexes where tablename = 'audit_log') as indexes from audit_log`,
    ),
  ).toEqual([{ count: '0', indexes: '2' }]);
  expect(
    await scene.onTarget(
      `select tableoid::regclass::text as part, count(*), count(*) filter (where who = 'nobody' || id) as masked from events group by 1 order by 1`,
    ),
  ).toEqual([
    { part: '"Events 2"', count: '178', masked: '178' },
    { part: 'events_1', count: '182', masked: '182' },
  ]);
  expect(await scene.onTarget('select email, count(*), count(distinct id) as ids from people group by 1')).toEqual([
    { email: 'someone@example.com', count: '20', ids: '20' },
  ]);
  expect(await scene.onTarget(`select * from ${quoted}`)).toEqual([
    {
      'Col "umn': expect.not.stringContaining('secret'),
      select: 'https://b.example/x',
      'a.b': '{"n": 1.10, "u": "https://b.example/x"}',
    },
    { 'Col "umn': null, select: '', 'a.b': '[]' },
  ]);
  expect(await scene.onTarget('select count(*) from bare')).toEqual([{ count: '2' }]);
  expect(outcomeOf(report, 'copy-table audit_log')).toMatchObject({ facts: { rows: 0, limited: true } });

  const [note] = await scene.onTarget(
    `select shobj_description(oid, 'pg_database') as text from pg_database where datname = current_database()`,
  );
  const described = (JSON.parse(note?.['text'] ?? '') as { restage: object }).restage; // as restage writes it
  expect(described).toMatchObject({ run: report.run });
  expect(described).not.toHaveProperty('rows'); // a total of some rows would measure the next run's

  const verified = await scene.restage(config, 'verify', '--json');
  const found = JSON.parse(verified.stdout) as Verification; // looked at below
  expect(found.differences).toEqual([]);
  expect(verified.code).toBe(0);
  expect(found.database?.tables.map(({ table, source }) => [table.name, source.rows])).toContainEqual(['orders', 300]);
  expect(found.database?.leftOut).toEqual([
    { table: { schema: 'public', name: 'audit_log' }, reason: "by its rule the source's rows are not copied" },
  ]);
  await scene.onTarget(
    `update events set who = 'user2@real.example' where id = 2; update orders set price = 1 where id = 1`,
  );
  const differs = JSON.parse((await scene.restage(config, 'verify', '--json')).stdout) as Verification;
  expect(differs.differences).toHaveLength(2);
});

test('what a rule left behind at the last run is no loss to the next, what the source has lost is', async () => {
  // After the run above, which had some of these tables' rows only.
  const refused = async (tables: object) => {
    const config = await scene.configure({ database: { tables } });
    const { refusals = [] } = JSON.parse((await scene.restage(config, 'plan', '--json')).stdout) as Plan; // looked at below
    return refusals.map(({ code, message }) => `${code}: ${message}`).join('\n');
  };
  await scene.onSource(
    `delete from orders where id <= 350; delete from plain where id <= 20; delete from audit_log; delete from events; analyze`,
  );
  const told = await refused(database.tables);
  expect(told).toContain('source-shrunk');
  expect(told).toContain('orders: 37 rows now, 300 then'); // of what the same where selects
  expect(told).toContain('plain: 10 rows now, 30 then');
  expect(told).toContain('events_1: 0 rows now, 182 then');
  expect(told).not.toContain('audit_log');
  const other = await refused({ orders: { where: 'id > 0' }, plain: 'empty', events: 'empty' });
  expect(other).toBe('');
});

test('a second statement in a rule is refused, and nothing of it is executed', async () => {
  await scene.arrange(
    `create table kept (id integer); create table plain (id integer, v text); insert into plain values (1, 'a')`,
    'create table old (id integer)',
  );
  const before = await stagingOf(scene);
  const config = await scene.configure({
    database: { tables: { plain: { set: { v: `1) to stdout; drop table kept; --` } } } },
  });
  const { code, stdout, stderr } = await scene.restage(config, 'sync', '--yes', '--json');
  expect(code).not.toBe(0);
  expect(`${stdout}${stderr}`).toMatch(/"rule-unfit"[^]*plain[^]*(syntax error|multiple commands)/);
  expect(await scene.onSource('select * from plain, (select count(*) from kept) as kept')).toHaveLength(1);
  expect(await stagingOf(scene)).toEqual(before);
});

test('what does not fit its column after a rewrite is refused by name', async () => {
  await scene.arrange(
    `create table pages (v varchar(12)); insert into pages values ('a.example')`,
    'create table old (id integer)',
  );
  const before = await stagingOf(scene);
  const config = await scene.configure({
    database: { tables: { pages: { rewrite: [{ from: 'a.example', to: 'a.staging.example' }] } } },
  });
  const { code, stderr } = await scene.restage(config, 'sync', '--yes');
  expect(code).toBe(3);
  expect(stderr).toMatch(/pages\.v.*rewrite/s);
  expect(await stagingOf(scene)).toEqual(before);
});

test('a table that several sessions read in parts arrives by its rule too', async () => {
  await scene.arrange(`
    create table people (id integer primary key, email text, twice integer generated always as (id * 2) stored);
    insert into people (id, email) select n, 'p' || n || '@real.example' from generate_series(1, 5000) n;
    analyze`);
  const config = await scene.configure({
    database: {
      masks: { key: 'a key of sixteen letters' },
      tables: { people: { mask: { email: 'email' }, where: 'id % 5 <> 0' } },
    },
  });
  const report: Report = await runChanged(config, inParts(4));
  expect(report.failure).toBeUndefined();
  expect(
    await scene.onTarget(
      `select count(distinct email), count(*) filter (where email like '%@example.com') as masked, sum(twice) from people`,
    ),
  ).toEqual([{ count: '4000', masked: '4000', sum: '20000000' }]);
});

const leaking = `
  create table users (id integer primary key, email text);
  insert into users select n, 'person' || n || '@mail.test' from generate_series(1, 50) n;
  create table audit (id integer primary key, payload jsonb, old jsonb);
  insert into audit select n, jsonb_build_object('was', 'Person' || n || '@MAIL.test'), '{}' from generate_series(1, 3) n`;
const masked = { masks: { key: 'a key that nobody guesses' }, tables: { users: { mask: { email: 'email' } } } };

test('a real value in a table that nobody masked stops the run by name, and staging stays as it was', async () => {
  await scene.arrange(
    leaking,
    `create table users (id integer primary key, email text); insert into users values (1, 'own@staging.test')`,
  );
  const config = await scene.configure({ database: masked });
  const { code, report, stdout, stderr } = await scene.sync(config);
  expect(code).toBe(1);
  expect(report.failure).toMatchObject({
    code: 'leak-found',
    step: 'scan-leaks',
    message: expect.stringContaining('audit.payload holds values of users.email in 3 rows'),
    hint: expect.stringContaining('restage.yaml'),
  });
  expect(`${stdout}${stderr}`.toLowerCase()).not.toContain('@mail.test');
  expect(await scene.onTarget('select email from users')).toEqual([{ email: 'own@staging.test' }]);
  expect(await scene.onTarget(`select datname from pg_database where datname like 'staging\\_\\_%'`)).toEqual([]);
});

test('where nothing is to be scanned the plan says so', async () => {
  await scene.arrange(leaking);
  const config = await scene.configure({ database: { ...masked, masks: { ...masked.masks, scan: false } } });
  const { stdout } = await scene.restage(config, 'plan');
  expect(stdout).toContain('database.masks.scan is false');
  expect(stdout).not.toContain('scan-leaks');
});
