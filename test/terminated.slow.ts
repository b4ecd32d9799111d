import { afterAll, beforeAll, expect, test } from 'vitest';
import { endSession, requireWhole, slowCheck, stagingOf } from './clone-faults.ts';
import { type CloneScene, startCloneScene } from './clone-scene.ts';
import type { Contents } from './contents.ts';

// In every phase of a run the server ends one session of it: an administrator, a failover, a server out of memory.
let scene: CloneScene;
let before: Contents;
let config: string;

beforeAll(async () => {
  scene = await startCloneScene();
  await scene.arrange(
    `
    create table shelves (id integer primary key, label text);
    create table books (id integer primary key, shelf integer not null references shelves, title text);
    create index books_title on books (title);
    insert into shelves select id, md5(id::text) from generate_series(1, 50000) id;
    insert into books select id, 1 + id % 50000, md5(id::text) || md5('b' || id::text) from generate_series(1, 100000) id;
    create table words (id integer, word text, length integer generated always as (length(word)) stored);
    insert into words select id, md5(id::text) from generate_series(1, 400000) id;
    create table scans (id integer, scan text ${slowCheck(0.01)});
    alter table scans alter column scan set storage external;
    insert into scans select id, repeat('x', 100000) from generate_series(1, 50) id;
    do $$ begin
      for number in 1 .. 50 loop execute format('create table small_%s (id integer, name text)', number); end loop;
    end $$;
    analyze`,
    `create table kept (id integer); insert into kept values (1)`,
  );
  before = await stagingOf(scene);
  config = await scene.configure();
});
afterAll(() => scene[Symbol.asyncDispose]());

const phases = [
  {
    end: 'source',
    phase: 'the schema is read',
    doing: `query ~ 'pg_catalog' and datname = 'production' and application_name ~ '^restage 2' and query !~ 'pg_export_snapshot'`,
  },
  { end: 'source', phase: 'a table is copied', doing: `query ~ 'copy .*"scans"'` },
  { end: 'source', phase: 'a table is digested', doing: `state = 'active' and query ~ 'hash' and query ~ '"words"'` },
  { end: 'target', phase: 'the schema is made', doing: `query ~* 'create table'` },
  { end: 'target', phase: 'a table is copied', doing: `query ~ 'copy .*"scans"'` },
  { end: 'target', phase: 'an index is built', doing: `state = 'active' and query ~* 'create index'` },
  { end: 'target', phase: 'a table is digested', doing: `state = 'active' and query ~ 'hash' and query ~ '"words"'` },
  { end: 'target', phase: 'a table is read back', doing: `query ~ 'copy .* to stdout'` },
  {
    end: 'target',
    phase: 'foreign keys are added',
    doing: `state = 'active' and query ~* 'validate constraint|foreign key \\('`,
  },
  { end: 'target', phase: 'the tables are analyzed', doing: `state = 'active' and query ~* '^\\s*analyze'` },
] as const;

test.each(phases)('a session that the $end ends while $phase fails the run by name', async ({ end, doing }) => {
  const syncing = scene.sync(config);
  await endSession(scene[end], doing);
  const { said } = await requireWhole(scene, before, await syncing);
  expect(said).toContain(`127.0.0.1:${scene[end].port}`);
  // The server's last words arrive, or the connection is gone before them.
  expect(said).toMatch(/was lost|terminating connection due to administrator command/);
  expect(said).toContain(end === 'source' ? 'production at' : 'staging__incoming_');
});

test('a refresh after all of these ends well', async () => {
  const { code, report } = await scene.sync(config);
  expect([code, report.failure]).toEqual([0, undefined]);
  expect(report.figures.tables).toMatchObject({ copied: 54, equal: 54 });
});
