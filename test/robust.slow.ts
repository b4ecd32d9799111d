import { execFile } from 'node:child_process';
import { chown, mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { serverUser } from '../demo/postgres-binaries.ts';
import { ofRestage, onTarget, outcomeOf, requireWhole, slowCheck, stagingOf, watch } from './clone-faults.ts';
import { type CloneScene, startCloneScene } from './clone-scene.ts';
import { contentsOf } from './contents.ts';
import { openSession, until } from './sql.ts';

let scene: CloneScene;

beforeAll(async () => {
  // The source writes down every statement, and whose it was.
  scene = await startCloneScene({}, { log_statement: 'all', log_line_prefix: '<%a> ' });
});
afterAll(() => scene[Symbol.asyncDispose]());

const staging = `create table kept (id integer); insert into kept values (1)`;
const books = (rows: number) => `
  create table shelves (id integer primary key);
  insert into shelves select generate_series(1, 100);
  create table books (id integer primary key, shelf integer references shelves, page text);
  insert into books select id, 1 + id % 100, repeat(md5(id::text), 10) from generate_series(1, ${rows}) id;
  analyze`;

test('a table that cannot be copied stops those that are being copied, at once', async () => {
  const slow = [1, 2, 3].map(
    (number) => `
    create table slow_${number} (id integer, scan text ${slowCheck(0.1)});
    alter table slow_${number} alter column scan set storage external;
    insert into slow_${number} select id, repeat('x', 50000) from generate_series(1, 400) id;`,
  );
  await scene.arrange(
    `${slow.join('')}
    create table poisoned (id integer, name text check (not ${onTarget} or name <> 'name 20000'));
    insert into poisoned select id, 'name ' || id from generate_series(1, 20000) id`,
    staging,
  );
  const before = await stagingOf(scene);
  const synced = await scene.sync(await scene.configure());
  const { step, said } = await requireWhole(scene, before, synced);
  expect(step).toBe('copy-table poisoned');
  expect(said).toMatch(/new row for relation "poisoned" violates check constraint .*SQLSTATE 23514/);
  expect(said).not.toContain('name 20000');
  // Each of the others alone takes forty seconds.
  for (const number of [1, 2, 3]) expect(outcomeOf(synced.report, `copy-table slow_${number}`).status).toBe('stopped');
  // From the failure to the end, the new database dropped: a fifth of a second where nothing else goes on.
  const failed = outcomeOf(synced.report, step);
  const endOf = ({ startedAt, durationMs }: { readonly startedAt: string; readonly durationMs: number }) =>
    Date.parse(startedAt) + durationMs;
  expect('durationMs' in failed && endOf(synced.report) - endOf(failed)).toBeLessThan(5_000);
});

test('time-outs that are set for the roles and databases of both ends do not end a refresh', async () => {
  const impatient = (role: string, database: string, more: readonly string[]) =>
    [`role ${role}`, `database ${database}`]
      .flatMap((whose) =>
        [
          'statement_timeout',
          'lock_timeout',
          'idle_in_transaction_session_timeout',
          'idle_session_timeout',
          ...more,
        ].map((name) => `alter ${whose} set ${name} = '150ms'`),
      )
      .join(';\n');
  await scene.arrange(
    `${books(2000)};
    create table scans (id integer, scan text ${slowCheck(0.02)});
    alter table scans alter column scan set storage external;
    insert into scans select id, repeat('x', 100000) from generate_series(1, 100) id`,
    staging,
  );
  await scene.onSource(`
    create role reader login password 'of the reader' in role pg_read_all_data;
    ${impatient('reader', 'production', [])}`);
  await scene.onTarget(`
    create role builder login password 'of the builder' createdb;
    alter database staging owner to builder;
    alter table kept owner to builder;
    grant create on schema public to builder;
    ${impatient('builder', 'staging', ['transaction_timeout'])}`);
  const as = (url: string, user: string, password: string) => {
    const other = new URL(url);
    other.username = user;
    other.password = password;
    return other.href;
  };
  const config = await scene.configure({
    source: as(scene.source.adminUrl('production'), 'reader', 'of the reader'),
    target: as(scene.target.adminUrl('staging'), 'builder', 'of the builder'),
  });
  const { code, report, stderr } = await scene.sync(config);
  expect([code, stderr]).toEqual([0, expect.stringContaining('run ')]);
  // Far more than any of the time-outs went by in one statement.
  expect(outcomeOf(report, 'copy-table scans')).toMatchObject({
    status: 'done',
    durationMs: expect.toSatisfy((ms: number) => ms > 1000),
  });
  // They are staging's, and stay.
  const [set] = await scene.onTarget(
    `select count(*) from pg_db_role_setting s, unnest(setconfig) where setdatabase = (select oid from pg_database where datname = 'staging')`,
  );
  expect(set).toEqual({ count: '5' });
});

test('the source is read with locks that hold up nobody, and its snapshot let go while the target goes on', async () => {
  await scene.arrange(
    `${books(20_000)};
    create materialized view tally as
      select case when ${onTarget} then pg_sleep(3)::text end as slept, count(*) from books`,
    staging,
  );
  const config = await scene.configure();
  await using source = await openSession(scene.source.adminUrl('production'));
  await using target = await openSession(scene.target.adminUrl());
  await using locks = await watch(
    scene.source.adminUrl('production'),
    `select distinct mode from pg_locks l join pg_stat_activity a using (pid) where locktype = 'relation' and ${ofRestage.replace('pid', 'a.pid')}`,
  );
  const log = join(scene.folder, 'source', 'log');
  const logged = (await readFile(log, 'utf8')).length;
  const syncing = scene.sync(config);
  const filling = `select from pg_stat_activity where state = 'active' and query ~* '^\\s*(refresh materialized view|create materialized view)' and ${ofRestage}`;
  await until(target, filling);
  await until(
    source,
    `select where not exists (
       select from pg_stat_activity where ${ofRestage} and (backend_xmin is not null or xact_start is not null))`,
  );
  expect(await target.query(filling)).toHaveLength(1); // still at it
  const { code, report } = await syncing;
  expect([code, report.failure]).toEqual([0, undefined]);
  expect(locks.seen()).toEqual([{ mode: 'AccessShareLock' }]);
  expect(locks.samples()).toBeGreaterThan(100);
  // What a sample may have missed stands in the log.
  const text = (await readFile(log, 'utf8')).slice(logged);
  const statements = [...text.matchAll(/^<restage [^>]*> LOG: {2}(?:statement|execute [^:]*): ([^<]*)/gm)]
    .flatMap(([, sql = '']) => sql.split(';'))
    .map((sql) => sql.trim());
  expect(statements.length).toBeGreaterThan(20);
  const harmless =
    /^($|(\(?select|with|(re)?set|show|begin|commit|rollback|savepoint|release|prepare|execute|deallocate)\b|copy [^]* to stdout\b|lock table [^]* in access share mode$)/i;
  const locking = /\bfor (no key )?update\b|\bfor (key )?share\b/i;
  expect(statements.filter((sql) => !harmless.test(sql) || locking.test(sql))).toEqual([]);
});

/** A small disk for one tablespace of the target, where the machine lets us have one. */
async function mountSmallDisk(megabytes: number): Promise<(AsyncDisposable & { readonly folder: string }) | undefined> {
  const mount = join(scene.folder, 'small-disk');
  await mkdir(mount);
  const user = await serverUser();
  if (!user) return undefined;
  const mounted = await promisify(execFile)('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m`, 'tmpfs', mount]).then(
    () => true,
    () => false,
  );
  if (!mounted) return undefined;
  const folder = join(mount, 'space');
  await mkdir(folder);
  await chown(folder, user.uid, user.gid);
  return {
    folder,
    [Symbol.asyncDispose]: async () => void (await promisify(execFile)('umount', ['--lazy', mount])),
  };
}

test('a target whose disk is full is told as that, keeps staging and nothing of the copy, and takes a smaller one', async (context) => {
  await using disk = await mountSmallDisk(20);
  if (!disk) return context.skip('this needs root, who may mount a small disk');
  await scene.arrange(books(100_000), staging);
  await scene.onTarget(`create tablespace small location '${disk.folder}'`);
  await scene.onTarget(`alter database staging set default_tablespace = small`);
  const before = await stagingOf(scene);
  const config = await scene.configure();
  const { step, said } = await requireWhole(scene, before, await scene.sync(config));
  expect(step).toBe('copy-table books');
  expect(said).toMatch(/No space left on device.*SQLSTATE 53100/);
  expect(said).toMatch(/disk is full: make room/);
  const [{ size } = {}] = await scene.onTarget(`select pg_tablespace_size('small') < 1024 * 1024 as size`);
  expect(size).toBe('t');

  await scene.onSource(`delete from books where id > 20000; analyze`);
  await scene.onSource(`vacuum full books`);
  const { code, report } = await scene.sync(config);
  expect([code, report.failure]).toEqual([0, undefined]);
  expect((await stagingOf(scene)).tables).toEqual((await contentsOf(scene.source, 'production')).tables);
  // The disk goes before the server does.
  await scene.arrange('');
  await scene.onTarget('drop tablespace small', 'postgres');
});
