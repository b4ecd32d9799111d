import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startCloneScene, type CloneScene } from './clone-scene.ts';

let scene: CloneScene;
beforeAll(async () => {
  scene = await startCloneScene();
});
afterAll(() => scene[Symbol.asyncDispose]());

const schema = `
  create table users (id integer primary key, email text not null unique, sub text not null unique);
  create table jobs (id integer primary key, status text, who integer references users);
  create table hooks (id integer primary key, url text);
  create materialized view active as select count(*) as jobs from jobs where status = 'active';
  create function note() returns trigger language plpgsql as $$ begin new.url := new.url || ' (seen)'; return new; end $$;
  create trigger note before update on hooks for each row execute function note();`;
const production = `${schema}
  insert into users values (1, 'a@x', 'prod 1'), (2, 'b@x', 'prod 2'), (3, 'c@x', 'prod 3');
  insert into jobs values (1, 'active', 1), (2, 'active', 2), (3, 'done', 3);
  insert into hooks values (1, 'https://example.com');
  refresh materialized view active`;
// Staging runs newer code: its column is longer, and of another type.
const staging = `${schema}
  alter table users alter sub type varchar(300);
  insert into users values (7, 'a@x', 'own 1'), (8, 'b@x', 'own 2')`;
const users = { carry: { match: 'email', columns: ['sub'], default: { sub: `'none of staging ' || id` } } };

test("afterLoad and staging's values make the new database before anybody sees it, and the report says what of it", async () => {
  await scene.arrange(production, staging);
  await writeFile(join(scene.folder, 'jobs.sql'), `update jobs set status = 'cancelled' where status = 'active';\n`);
  const config = await scene.configure({
    database: {
      tables: { users },
      afterLoad: [
        { file: 'jobs.sql' },
        { sql: `update hooks set url = 'none'; insert into jobs values (4, 'done', 3)` },
      ],
    },
  });
  const { code, report } = await scene.sync(config);
  expect([code, report.failure]).toEqual([0, undefined]);
  expect(await scene.onTarget(`select id, sub from users order by id`)).toEqual([
    { id: '1', sub: 'own 1' },
    { id: '2', sub: 'own 2' },
    { id: '3', sub: 'none of staging 3' },
  ]);
  expect(await scene.onTarget(`select url from hooks`)).toEqual([{ url: 'none (seen)' }]);
  // What is made of rows is made of those that afterLoad left.
  expect(await scene.onTarget(`select jobs from active`)).toEqual([{ jobs: '0' }]);
  const changed = [
    { table: { schema: 'public', name: 'jobs' }, rows: 3, by: 'afterLoad' },
    { table: { schema: 'public', name: 'hooks' }, rows: 1, by: 'afterLoad' },
  ];
  const [{ comment } = {}] = await scene.onTarget(
    `select shobj_description(oid, 'pg_database') as comment from pg_database where datname = 'staging'`,
  );
  expect(JSON.parse(comment ?? '')).toMatchObject({ restage: { changed } });
  const markdown = await readFile(join(scene.folder, '.restage', 'runs', report.run, 'report.md'), 'utf8');
  for (const text of [
    /\| carried +\| users: sub by email, in 2 of 3 rows/,
    /\| afterLoad +\| jobs\.sql: 2 rows of jobs changed/,
    /\| +\| afterLoad 2: 1 row of hooks, 1 row of jobs changed/,
  ])
    expect(markdown).toMatch(text);
  const verified = await scene.restage(config, 'verify');
  expect([verified.code, verified.stderr]).toEqual([0, '']);
  expect(verified.stdout).toMatch(/jobs.*afterLoad changed 3 rows of it/);
});

test('an entry that fails leaves staging as it was, and is named with its line', async () => {
  await scene.arrange(production, staging);
  const config = await scene.configure({
    database: { afterLoad: [{ sql: `delete from jobs;\ninsert into hooks values (1, 'a value of a row')` }] },
  });
  const { code, stdout, stderr } = await scene.restage(config, 'sync', '--yes');
  expect(code).toBe(1);
  expect(stdout).toMatch(/afterLoad 1, at staging__incoming_\S+ at 127\.0\.0\.1:\d+: .*hooks_pkey.*Key \(id\)=\(…\)/);
  expect(stdout + stderr).not.toContain('a value of a row');
  expect(await scene.onTarget(`select count(*) as users from users`)).toEqual([{ users: '2' }]);
  expect(await scene.onTarget(`select datname from pg_database where datname like 'staging%'`)).toHaveLength(1);
});

test('statements that the server cannot read are refused by the plan, with their line, and those before them are not run', async () => {
  await scene.arrange(production, staging);
  const config = await scene.configure({
    database: {
      afterLoad: [{ sql: `drop table hooks; select 1` }, { sql: `delete from hooks;\n\nupdat jobs set status = ''` }],
    },
  });
  const { code, stderr } = await scene.restage(config, 'sync', '--yes');
  expect(code).toBe(3);
  expect(stderr).toMatch(/afterLoad 2, line 3, at staging at 127\.0\.0\.1:\d+: syntax error at or near "updat"/);
  expect(stderr).not.toContain('afterLoad 1');
  expect(await scene.onTarget(`select count(*) as users, to_regclass('hooks') as there from users`)).toEqual([
    { users: '2', there: 'hooks' },
  ]);
});
