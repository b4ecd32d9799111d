import { afterAll, beforeAll, expect, test } from 'vitest';
import { startCloneScene, type CloneScene } from './clone-scene.ts';

// Tables that are not even made.
let scene: CloneScene;
beforeAll(async () => {
  scene = await startCloneScene();
});
afterAll(() => scene[Symbol.asyncDispose]());

const names = `
  select coalesce(string_agg(name, ' ' order by name collate "C"), '') as names
    from (select c.relname as name from pg_class c where c.relnamespace = 'public'::regnamespace
          union all select conname from pg_constraint where contype = 'f'
          union all select tgname from pg_trigger where not tgisinternal
          union all select polname from pg_policy
          union all select stxname from pg_statistic_ext) all_names`;

test('a skipped table is not made, nor its parts, indexes, keys, triggers, policies, statistics and sequences', async () => {
  await scene.arrange(`
    create function noted() returns trigger language plpgsql as 'begin return new; end';
    create table customers (id serial primary key, name text);
    create table "Old.Orders" (id serial primary key, at date, customer integer references customers, note text);
    create index orders_at on "Old.Orders" (at);
    create statistics orders_stats on at, customer from "Old.Orders";
    create trigger orders_noted before insert on "Old.Orders" for each row execute function noted();
    alter table "Old.Orders" enable row level security;
    create policy orders_mine on "Old.Orders" using (true);
    comment on table "Old.Orders" is 'old';
    comment on column "Old.Orders".at is 'when';
    comment on constraint "Old.Orders_customer_fkey" on "Old.Orders" is 'whose';
    comment on index orders_at is 'by day';
    create table shipments (id integer primary key, "order" integer references "Old.Orders", customer integer references customers);
    comment on constraint shipments_order_fkey on shipments is 'what for';
    create table events (id integer generated always as identity, day date not null, primary key (id, day)) partition by range (day);
    create table events_old partition of events for values from ('2000-01-01') to ('2020-01-01') partition by range (day);
    create table events_older partition of events_old for values from ('2000-01-01') to ('2010-01-01');
    create table events_new partition of events default;
    create table event_notes (event integer, day date, foreign key (event, day) references events);
    create publication changes for table "Old.Orders", customers;
    create publication every for all tables;
    insert into customers (name) values ('a'), ('b');
    insert into "Old.Orders" (customer) values (1);
    insert into shipments values (1, 1, 2);
    insert into events (day) values ('2024-01-01'), ('2005-01-01');
    insert into event_notes values (1, '2024-01-01')`);
  const { report, code } = await scene.sync(
    await scene.configure({
      database: { tables: { 'public.Old.Orders': 'skip', events: 'skip' }, publications: true },
    }),
  );
  expect([report.failure, code]).toEqual([undefined, 0]);

  expect(await scene.onTarget(names)).toEqual([
    { names: 'customers customers_id_seq customers_pkey event_notes shipments shipments_customer_fkey shipments_pkey' },
  ]);
  expect(
    await scene.onTarget('select tablename as name from pg_publication_tables where pubname = $$changes$$'),
  ).toEqual([{ name: 'customers' }]);
  expect(await scene.onTarget('select * from shipments')).toEqual([{ id: '1', order: '1', customer: '2' }]);
  expect(report.notes.join('\n')).toContain(
    'foreign keys to tables that are skipped are not made: event_notes_event_day_fkey of event_notes, shipments_order_fkey of shipments',
  );
});

test('a skip is refused that something needs: views of views, functions, defaults, types of columns', async () => {
  await scene.arrange(`
    create table items (id serial primary key, name text);
    create table "Uses sequence" (id integer default nextval('items_id_seq'));
    create table uses_type (item items, many items[]);
    create view item_names as select name from items;
    create view item_count as select count(*) from item_names;
    create materialized view stored as select id from items;
    create function reads() returns bigint begin atomic select count(*) from items; end;
    create function takes(one items) returns integer language sql as 'select 1';
    create function unknown_to_postgres() returns bigint language plpgsql as 'begin return (select count(*) from items); end';
    create rule also as on insert to uses_type do also insert into items (name) values ('x');
    create policy any_item on uses_type using (exists (select from items));
    create table fine (item integer references items)`);
  const { code, stderr, stdout } = await scene.restage(
    await scene.configure({ database: { tables: { items: 'skip' } } }),
    'plan',
    '--json',
  );
  const { refusals } = JSON.parse(stdout || '{}') as {
    refusals?: readonly { message: string; hint: string; code: string }[];
  };
  expect(refusals, stderr).toHaveLength(1);
  expect(refusals?.[0]).toMatchObject({ code: 'rule-unfit', hint: expect.stringContaining('empty keeps a table') });
  for (const name of [
    'default value for column id of table public."Uses sequence"',
    'column item of table public.uses_type',
    'column many of table public.uses_type',
    'view public.item_names',
    'view public.item_count',
    'materialized view public.stored',
    'function public.reads()',
    'function public.takes(public.items)',
    'rule also on table public.uses_type',
    'policy any_item on table public.uses_type',
  ])
    expect(refusals?.[0]?.message).toContain(name);
  expect(refusals?.[0]?.message).not.toMatch(/unknown_to_postgres|fine|type public/);
  expect(code).not.toBe(0);
});

test('a part of a skipped table cannot be made, and what an extension makes cannot be skipped', async () => {
  await scene.arrange(`
    create table events (id integer, day date) partition by range (day);
    create table events_new partition of events default;
    create table events_old partition of events for values from ('2000-01-01') to ('2020-01-01');
    insert into events values (1, '2001-01-01'), (2, '2024-01-01');
    create table ours (id integer);
    create extension citext;
    alter extension citext add table ours;
    update pg_extension set extconfig = array['ours'::regclass::oid], extcondition = array[''] where extname = 'citext'`);
  const refusalsOf = async (tables: Readonly<Record<string, string>>) => {
    const { stdout } = await scene.restage(await scene.configure({ database: { tables } }), 'plan', '--json');
    return (JSON.parse(stdout) as { refusals: unknown }).refusals;
  };
  expect(await refusalsOf({ ours: 'skip' })).toMatchObject([
    {
      code: 'rule-unfit',
      message: 'database.tables: ours cannot be skipped: the extension citext makes it',
      hint: expect.stringContaining('database.skipExtensions'),
    },
  ]);
  expect(await refusalsOf({ events: 'skip', events_new: 'copy' })).toMatchObject([
    { code: 'config-invalid', message: 'database.tables: events_new is a part of events, which is skipped' },
  ]);
});
