import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { stagingOf } from './clone-faults.ts';
import { type CloneScene, startCloneScene } from './clone-scene.ts';
import type { Contents } from './contents.ts';

// Programs of `migrate` that end with exit code 0 and have done something else than to migrate.
let scene: CloneScene;
let before: Contents;

beforeAll(async () => {
  scene = await startCloneScene();
});
beforeEach(async () => {
  await scene.arrange(
    `create table books (id integer primary key); insert into books select generate_series(1, 50);
     create table loans (id integer primary key); insert into loans values (1);
     create table alembic_version (version_num text primary key); insert into alembic_version values ('a1')`,
    `create table books (id integer primary key);
     create table alembic_version (version_num text primary key); insert into alembic_version values ('b2')`,
  );
  before = await stagingOf(scene);
});
afterAll(() => scene[Symbol.asyncDispose]());

/** Each is executed in a session of its own: in the database that the program was given, in another beside it, or at a URL. */
type Statements = readonly (readonly [place: string, sql: string] | string)[];

function program(...statements: Statements) {
  const look = `
    const { default: pg } = await import(${JSON.stringify(fileURLToPath(new URL('../node_modules/pg/lib/index.js', import.meta.url)))});
    for (const one of ${JSON.stringify(statements)}) {
      const [place, sql] = typeof one === 'string' ? [undefined, one] : one;
      const beside = process.env.DATABASE_URL.replace(/[^/]*[?]/, place ? place + '?' : '$&');
      const client = new pg.Client({ connectionString: place?.includes('://') ? place : beside });
      await client.connect();
      await client.query(sql.replaceAll('NEW', '"' + process.env.PGDATABASE + '"'));
      await client.end();
    }`;
  return { command: { run: [process.execPath, '--input-type=module', '-e', look] } };
}

const sync = async (...statements: Statements) =>
  scene.sync(await scene.configure({ migrate: [program(...statements)] }));

const schema = `create table books (id integer primary key); create table alembic_version (version_num text);
  insert into alembic_version values ('b2')`;

test.each<[string, Statements, RegExp]>([
  ['drops the new database', [['postgres', 'drop database NEW']], /new database staging__incoming_\S+ was dropped/],
  [
    'makes it anew',
    [['postgres', 'drop database NEW'], ['postgres', 'create database NEW'], schema],
    /new database staging__incoming_\S+ was dropped/,
  ],
  ['renames it', [['postgres', 'alter database NEW rename to mine']], /was renamed to mine/],
  [
    'loads a schema into it',
    [`drop schema public cascade; create schema public; ${schema}`],
    /of 2 tables with rows none has any now/,
  ],
])('a program that %s is no success, and staging is as it was', async (_, statements, words) => {
  const { code, report } = await sync(...statements);
  expect([code, report.failure]).toMatchObject([1, { step: 'migrate-incoming', code: 'migrate-failed' }]);
  expect(report.failure?.message).toMatch(words);
  expect(report.failure?.hint).toContain('anew');
  expect(report.holds).toBe('staging holds its database as it was before the run');
  expect(await stagingOf(scene)).toEqual(before);
  expect(await scene.onTarget(`select 1 from pg_database where datname = 'mine'`)).toEqual([]);
});

test("a program that changes staging's present database is no success, and what staging holds says so", async () => {
  const { code, report } = await sync(['staging', `update alembic_version set version_num = 'zz'`]);
  const words = "the target's present database went from b2 to zz";
  expect([code, report.failure?.code]).toEqual([1, 'migrate-failed']);
  expect(report.failure?.message).toContain(words);
  expect(report.holds).toBe(`staging holds its database, which a command of migrate has changed: ${words}`);
  expect(await scene.onTarget('select version_num from alembic_version')).toEqual([{ version_num: 'zz' }]);
});

test("a program that changes production's database is told, and no success where that is all that it did", async () => {
  const there = scene.source.adminUrl('production');
  const words = (from: string, to: string) => `while it ran, the source's database went from ${from} to ${to}`;
  const { code, report } = await sync([there, `update alembic_version set version_num = 'zz'`]);
  expect([code, report.failure?.code]).toEqual([1, 'migrate-failed']);
  expect(report.failure?.message).toContain(`${words('a1', 'zz')}, and the new database has not changed`);
  expect(await stagingOf(scene)).toEqual(before);
  const both = await sync(
    [there, `update alembic_version set version_num = 'a1'`],
    `update alembic_version set version_num = 'b2'`,
  );
  expect([both.code, both.report.failure]).toEqual([0, undefined]);
  expect(both.report.remarks).toContainEqual(expect.stringContaining(words('zz', 'a1')));
});

test('a table that a migration empties is told; one that it renames or builds anew with its rows is not', async () => {
  const { code, report } = await sync(
    `alter table books rename to volumes; truncate loans;
     create table loans_2 as select * from loans; drop table loans; alter table loans_2 rename to loans;
     update alembic_version set version_num = 'b2'`,
  );
  expect([code, report.failure]).toEqual([0, undefined]);
  expect(report.remarks.filter((one) => one.includes('emptied'))).toEqual([
    expect.stringMatching(/it has emptied or dropped 1 table that had rows: loans$/),
  ]);
  const kept = await sync('create table t as select * from books; drop table books; alter table t rename to books');
  expect(kept.report.remarks.filter((one) => one.includes('emptied'))).toEqual([]);
});

test('a program that never stops writing does not fill the disk', async () => {
  const run = ['sh', '-c', 'head -c 20000000 /dev/zero | tr "\\0" x | fold -w 900; echo; echo done'];
  const { code, report } = await scene.sync(await scene.configure({ migrate: [{ command: { run } }] }));
  expect([code, report.failure]).toEqual([0, undefined]);
  const log = await readFile(join(scene.folder, '.restage/runs', report.run, 'migrate-incoming.log'), 'utf8');
  expect(log.length).toBeLessThan(16.1 * 1024 * 1024);
  expect(log).toMatch(/\nxxx+\n… it wrote more, which is not kept: a log ends at 16 MiB\n$/);
  const step = report.steps.find(({ kind }) => kind === 'migrate-incoming');
  expect(step?.outcome).toMatchObject({ facts: { output: expect.arrayContaining(['done']) as string[] } });
});
