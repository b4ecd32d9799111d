import { execFileSync } from 'node:child_process';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Report } from '../src/index.ts';
import { factsOf, stepsOf } from '../src/report/report.ts';
import { findAlembic, head, old, startAlembicScene, type AlembicScene } from './alembic-scene.ts';
import { faults } from './schema-faults.ts';
import { openSession, until } from './sql.ts';

// The real Alembic on a small project; Debian's packages alembic and python3-psycopg2.
const alembic = findAlembic();
if (alembic === undefined) console.warn('Alembic is not installed: its tests are skipped');

const upgradeWith = (more: object = {}) => ({
  command: { run: ['alembic', 'upgrade', 'head'], cwd: 'backend', ...more },
});
const upgrade = upgradeWith();
/** With the files of the code, which say where it ends. */
const known = (...steps: readonly unknown[]) => ({ versions: 'backend/versions', steps });

describe.skipIf(alembic === undefined)('Alembic', () => {
  let scene: AlembicScene;
  let before: { readonly production: unknown; readonly staging: unknown };

  beforeAll(async () => {
    scene = await startAlembicScene(alembic ?? '');
  });
  beforeEach(async () => {
    await scene.arrange();
    before = { production: await scene.production(), staging: await scene.staging() };
  });
  afterAll(() => scene?.[Symbol.asyncDispose]());

  const commandOf = (report: Report) => {
    const [step] = stepsOf(report, 'migrate-incoming');
    return step ? { outcome: step.outcome, facts: factsOf(step) } : undefined;
  };

  /** Nothing of either end is otherwise than it was, and nothing stands beside it. */
  async function requireUntouched(): Promise<void> {
    expect(await scene.databases()).toEqual(['staging']);
    expect(await scene.staging()).toEqual(before.staging);
    expect(await scene.production()).toEqual(before.production);
  }

  test("brings production's revision to staging's head before the swap, with production's data", async () => {
    const { code, report, stderr } = await scene.sync(await scene.configure(known(upgrade)));
    expect([code, report.failure]).toEqual([0, undefined]);
    expect(commandOf(report)?.facts).toMatchObject({ revisionBefore: old, revisionAfter: head, exitCode: 0 });
    expect(faults('report', report)).toEqual([]);
    expect(report.figures.revision).toEqual({ source: old, targetBefore: head, targetAfter: head });
    expect(stderr).toContain('Running upgrade 5b7d0f26c9a2 -> 81f3a95d7e44, A slug for every book, made of its title');
    const { onTarget, onSource } = scene.clones;
    expect(await onTarget('select version_num from alembic_version')).toEqual([{ version_num: head }]);
    const digest = (status: string) =>
      `select md5(string_agg(concat_ws('|', id, author_id, title, ${status}, price), ',' order by id)) from books`;
    expect(await onTarget(digest('status'))).toEqual(await onSource(digest(`coalesce(status, 'wanted')`)));
    expect(await onTarget(`select count(*), count(distinct slug) as slugs from books`)).toEqual([
      { count: '1000', slugs: '1000' },
    ]);
    expect(await scene.production()).toEqual(before.production);
  });

  test('what a migration makes has owner and grants as everything else that is new, beside what staging had', async () => {
    await scene.clones.onSource(`create table ledgers (id integer primary key)`);
    await scene.addRevision('d1', `op.execute("create table loans (id integer primary key)")`);
    const { code } = await scene.sync(await scene.configure([upgrade]));
    expect(code).toBe(0);
    const rows = await scene.clones.onTarget(`
      select relname as name, relowner::regrole::text as owner, relacl::text as acl
        from pg_class where relname in ('books', 'books_slug', 'ledgers', 'loans', 'shelves') order by 1`);
    const [books, index, ledgers, loans, shelves] = rows;
    expect([books, index, ledgers, loans, shelves].map((row) => row?.['owner'])).toEqual(Array(5).fill('app'));
    expect(books?.['acl']).toContain('reader=r/app');
    expect(shelves?.['acl']).toBe(books?.['acl']);
    expect(loans?.['acl']).toBe(ledgers?.['acl']);
    const [type] = await scene.clones.onTarget(
      `select typowner::regrole::text as owner from pg_type where typname = 'book_state'`,
    );
    expect(type).toEqual({ owner: 'app' });
  });

  test('a revision that raises in the middle leaves staging as it was, and its words are in the report', async () => {
    await scene.addRevision(
      'd2',
      `op.execute("alter table books drop column title")\nraise RuntimeError("the shelf is full")`,
    );
    const { code, report, stderr } = await scene.sync(await scene.configure(known(upgrade)));
    expect([code, report.failure]).toMatchObject([1, { step: 'migrate-incoming', code: 'migrate-failed' }]);
    expect(report.failure?.message).toMatch(
      /^alembic upgrade head in \/.*\/backend ended with exit code 1:\n(.*\n)*.*RuntimeError: the shelf is full$/,
    );
    expect(commandOf(report)).toMatchObject({
      outcome: { status: 'failed' },
      facts: { exitCode: 1, revisionAfter: old },
    });
    expect(commandOf(report)?.facts?.output.at(-1)).toBe('RuntimeError: the shelf is full');
    expect(report.holds).toBe('staging holds its database as it was before the run');
    expect(stderr).toContain('  RuntimeError: the shelf is full');
    expect(faults('report', report)).toEqual([]);
    await requireUntouched();
  });

  const slow = () => scene.addRevision('d3', `op.execute("alter table books drop column title")\ntime.sleep(600)`);
  const isWaiting = `select pid from pg_stat_activity where application_name like 'restage % migrate-incoming' and state = 'idle in transaction'`;
  /** Alembic's own processes of this project. */
  const processes = () =>
    execFileSync('ps', ['-A', '-o', 'pid=,stat=,args='], { encoding: 'utf8' })
      .split('\n')
      .filter((line) => /^ *\d+ +[^Z].*alembic upgrade head/.test(line));

  test('a migration that takes too long is ended, and leaves staging as it was', async () => {
    await slow();
    const { code, report } = await scene.sync(await scene.configure([upgradeWith({ timeoutSeconds: 5 })]));
    expect([code, report.failure]).toMatchObject([1, { step: 'migrate-incoming', code: 'migrate-failed' }]);
    expect(report.failure?.message).toContain('had not ended after 5 s, and was ended:');
    expect(faults('report', report)).toEqual([]);
    expect(report.failure?.hint).toContain('raise timeoutSeconds of the command in migrate (5 now)');
    expect(processes()).toEqual([]);
    await requireUntouched();
  });

  test('Ctrl-C while it migrates ends the migration, and leaves staging as it was', async () => {
    await slow();
    await using target = await openSession(scene.clones.target.adminUrl());
    const running = scene.begin(await scene.configure([upgrade]));
    await until(target, isWaiting);
    running.signal('SIGINT');
    const { code, stdout } = await running.ended;
    expect([code, (JSON.parse(stdout) as Report).outcome]).toEqual([130, 'interrupted']);
    expect(processes()).toEqual([]);
    await requireUntouched();
  });

  test('kill -9 while it migrates ends the migration too, and the next run reclaims what is left', async () => {
    await slow();
    await using target = await openSession(scene.clones.target.adminUrl());
    const config = await scene.configure([upgrade]);
    const running = scene.begin(config);
    await until(target, isWaiting);
    running.signal('SIGKILL');
    expect((await running.ended).code).toBe(null);
    for (const end = Date.now() + 10_000; processes().length > 0 && Date.now() < end;) await sleep(50);
    expect(processes()).toEqual([]);
    expect(await scene.staging()).toEqual(before.staging);
    const left = (await scene.databases()).filter((name) => name !== 'staging');
    expect(left).toEqual([expect.stringMatching(/^staging__incoming_/)]);
    await rm(join(scene.project, 'versions', 'd3_added.py'));
    const { code, report } = await scene.sync(config);
    expect(code).toBe(0);
    expect(stepsOf(report, 'create-database').map(factsOf)).toMatchObject([{ reclaimed: left }]);
    expect(commandOf(report)?.facts?.revisionAfter).toBe(head);
  });

  test('what the shell has set leads neither to production nor to the present staging', async () => {
    const { source, target } = scene.clones;
    const production = new URL(source.adminUrl('production'));
    const hostile = {
      DATABASE_URL: production.href,
      SQLALCHEMY_URL: target.adminUrl('staging'),
      GOOSE_DBSTRING: `host=127.0.0.1 port=${source.port} dbname=production`,
      PGHOST: '127.0.0.1',
      PGHOSTADDR: '127.0.0.1',
      PGPORT: production.port,
      PGDATABASE: 'production',
      PGUSER: production.username,
      PGPASSWORD: production.password,
      PGOPTIONS: '-c default_transaction_read_only=on',
      PGSERVICE: 'production',
      PGSSLMODE: 'require',
      SECRET_OF_PRODUCTION: decodeURIComponent(production.password),
    };
    const look = `
import os, psycopg2
for address in ("", os.environ["DATABASE_URL"]):
    with psycopg2.connect(address) as connection, connection.cursor() as cursor:
        cursor.execute("select current_database(), current_user, inet_server_port(), current_setting('default_transaction_read_only')")
        print(*cursor.fetchone())
print(*sorted(name for name in os.environ if name.startswith("PG") or name in ${JSON.stringify(Object.keys(hostile))}))`;
    const python = { command: { run: ['/usr/bin/python3', '-c', look] } };
    const { code, report } = await scene.sync(await scene.configure([python, upgrade]), hostile);
    expect([code, report.failure]).toEqual([0, undefined]);
    const here = `staging__incoming_${report.run} refresher ${target.port} off`;
    expect(commandOf(report)?.facts?.output).toEqual([
      here,
      here,
      'DATABASE_URL PGAPPNAME PGDATABASE PGHOST PGPASSWORD PGPORT PGSSLMODE PGUSER',
    ]);
    expect(await scene.production()).toEqual(before.production);
    const [previous] = (await scene.databases()).filter((name) => name.includes('__previous_'));
    expect(await scene.clones.onTarget('select room from shelves', previous)).toEqual([{ room: "staging's own" }]);
  });

  test('sessions and processes that it leaves behind keep neither the swap nor what comes before it', async () => {
    // It goes on for longer than a lock is waited for, and ends when its session does.
    const hold = [
      'import psycopg2, time',
      'cursor = psycopg2.connect("").cursor()',
      'cursor.execute("lock table books")',
      'for second in range(90): time.sleep(1); cursor.execute("select")',
    ].join('\n');
    const script = `alembic upgrade head && { setsid /usr/bin/python3 -c '${hold}' & sleep 1; }`;
    const { code, report } = await scene.sync(
      await scene.configure(known({ command: { run: ['sh', '-c', script], cwd: 'backend' } })),
    );
    expect([code, report.failure]).toEqual([0, undefined]);
    expect(report.remarks.join('\n')).toContain('left 1 session open in the new database');
    expect(report.durationMs).toBeLessThan(30_000); // a lock is waited for as long
  });

  test("exit code 0 is no success where the code's head was not reached", async () => {
    const { code, report } = await scene.sync(
      await scene.configure(known(upgradeWith({ run: ['alembic', 'upgrade', '+1'] }))),
    );
    expect([code, report.failure]).toMatchObject([1, { step: 'migrate-incoming', code: 'migrate-failed' }]);
    expect(report.failure?.message).toBe(
      `alembic upgrade +1: exit code 0, but the database is at 81f3a95d7e44; the code's head is ${head}`,
    );
    await requireUntouched();
    const nothing = await scene.sync(await scene.configure(known(upgradeWith({ run: ['true'] }))));
    expect(nothing.report.failure?.hint).toContain('may have changed another database');
    await requireUntouched();
  });

  test("where only staging's present head is known, another one is a note", async () => {
    const { code, report } = await scene.sync(
      await scene.configure([upgradeWith({ run: ['alembic', 'upgrade', '+1'] })]),
    );
    expect([code, report.outcome]).toEqual([0, 'done']);
    expect(report.remarks).toContainEqual(
      expect.stringContaining(`the database is at 81f3a95d7e44; before the refresh the target was at ${head}`),
    );
  });

  test('a program or a folder that is not there is told before anything is copied', async () => {
    for (const [more, said] of [
      [{ run: ['alembik', 'upgrade'] }, 'alembik is not found on the PATH'],
      [{ cwd: 'frontend' }, `the folder ${join(scene.clones.folder, 'frontend')} does not exist`],
    ] as const) {
      const { code, stdout } = await scene.begin(await scene.configure([upgradeWith(more)])).ended;
      expect([code, JSON.parse(stdout)]).toMatchObject([1, { error: { code: 'migrate-failed', message: said } }]);
    }
    await requireUntouched();
  });
});
