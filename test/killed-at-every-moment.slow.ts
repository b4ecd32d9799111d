import { afterAll, beforeAll, expect, test } from 'vitest';
import { moment, ofRestage, requireNoSessions, slowCheck, stagingOf } from './clone-faults.ts';
import { type CloneScene, startCloneScene } from './clone-scene.ts';
import { contentsOf } from './contents.ts';

let scene: CloneScene;
let config: string;

beforeAll(async () => {
  scene = await startCloneScene();
  await scene.arrange(
    `
    create table marker (kill integer);
    insert into marker values (0);
    create table shelves (id integer primary key);
    insert into shelves select generate_series(1, 1000);
    create table books (id integer primary key, shelf integer references shelves, page text);
    insert into books select id, 1 + id % 1000, repeat(md5(id::text), 10) from generate_series(1, 50000) id;
    create index on books (page);
    create table words (id integer, word text, length integer generated always as (length(word)) stored);
    insert into words select id, md5(id::text) from generate_series(1, 400000) id;
    create sequence tickets;
    create table scans (id integer, scan text ${slowCheck(0.005)});
    insert into scans select id, md5(id::text) from generate_series(1, 200) id;
    create materialized view tally as select shelf, count(*) from books group by shelf`,
    `create table kept (id integer); insert into kept values (1)`,
  );
  config = await scene.configure();
  expect((await scene.sync(config)).code).toBe(0);
});
afterAll(() => scene[Symbol.asyncDispose]());

const doing = (what: string) => `select from pg_stat_activity where ${ofRestage} and ${what}`;
const active = (what: string) => doing(`state = 'active' and query ~* '${what}'`);

/** Ten moments of a run, one after the other. */
const moments = [
  { at: 'it plans', end: 'source', sql: doing(`application_name = 'restage plan'`) },
  {
    at: 'it has its snapshot',
    end: 'source',
    // A run's own session with it, not the plan's; what it asks next comes within a millisecond.
    sql: doing(`application_name like 'restage 2%' and backend_xmin is not null`),
  },
  { at: 'it makes the new database', end: 'target', sql: active('create database') },
  { at: 'it makes the schema', end: 'target', sql: doing(`query ~* 'create table'`) },
  { at: 'it copies a table', end: 'target', sql: active('copy .*"scans"') },
  { at: 'it builds an index', end: 'target', sql: active('create index') },
  { at: 'it digests a table', end: 'target', sql: active('hash.*"words"') },
  { at: 'it adds a foreign key', end: 'target', sql: active('validate constraint|foreign key \\(') },
  { at: 'it fills a view', end: 'target', sql: active('refresh materialized view') },
  { at: 'it drops the earlier database', end: 'target', sql: doing(`query ~* 'drop database'`) },
] as const;

const incoming = `select datname as name from pg_database where datname like 'staging\\_\\_incoming\\_%' order by 1`;

test('killed at ten moments of its run, it leaves staging whole, and the next run reclaims what was left', async () => {
  let before = await stagingOf(scene);
  const leftovers: string[] = [];
  for (const { at, end, sql } of moments) {
    // What it should become differs from what it is.
    await scene.onSource(`update marker set kill = kill + 1; select nextval('tickets')`);
    const production = await contentsOf(scene.source, 'production');
    const running = scene.begin(config, 'sync', '--yes', '--quiet');
    await moment(scene[end], sql);
    running.signal('SIGKILL');
    const ended = await running.ended;
    await requireNoSessions(scene.source, scene.target);

    const now = await stagingOf(scene);
    expect([at, ended.code, now.tables, now.sequences]).toEqual([
      at,
      null,
      ...(now.tables['marker'] === before.tables['marker']
        ? [before.tables, before.sequences]
        : [production.tables, production.sequences]),
    ]);

    const left = (await scene.onTarget(incoming)).map(({ name }) => name);
    const next = await scene.sync(config);
    expect([at, next.code, next.report.failure]).toEqual([at, 0, undefined]);
    expect(next.report.steps.find(({ kind }) => kind === 'create-database')?.outcome).toMatchObject({
      facts: { reclaimed: left },
    });
    expect(await scene.onTarget(incoming)).toEqual([]);
    before = await stagingOf(scene);
    expect(before.tables).toEqual(production.tables);
    // One earlier database is kept, whatever was left.
    expect(before.databases.filter(({ name }) => name?.startsWith('staging__'))).toHaveLength(1);
    leftovers.push(...(left.length > 0 ? [at] : []));
  }
  expect(leftovers).toEqual(expect.arrayContaining(moments.slice(3, 9).map(({ at }) => at)));
});
