import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import type { DatabaseStatus, HistoryEntry, Status } from '../src/index.ts';
import { moment, ofRestage, slowCheck } from './clone-faults.ts';
import { type BackScene, production, startBackScene } from './back-scene.ts';

let scene: BackScene;
let config: string;

beforeAll(async () => {
  scene = await startBackScene();
  await scene.onTarget(`create role onlooker login password 'onlooker-password'`, 'postgres');
});
beforeEach(async () => {
  scene.app.says = undefined;
  await scene.arrange(production('new', 'healthy'), production('old', 'healthy'));
  config = await scene.withApp({ tables: { verdict: { where: 'true' } } });
});
afterAll(() => scene[Symbol.asyncDispose]());

async function statusOf(file = config): Promise<DatabaseStatus | undefined> {
  const { code, stdout, stderr } = await scene.restage(file, 'status', '--json');
  expect([code, stderr]).toEqual([0, '']);
  return (JSON.parse(stdout) as Status).database;
}

async function runsOf(file = config, ...args: readonly string[]) {
  const { code, stdout, stderr } = await scene.restage(file, 'runs', '--json', ...args);
  expect(code).toBe(0);
  return { stderr, ...(JSON.parse(stdout) as { readonly runs: readonly HistoryEntry[]; readonly unasked?: object }) };
}

/** The configuration as a role that may connect, and nothing else; the source is nowhere, its variables are not set. */
async function asOnlooker(): Promise<string> {
  const url = new URL(scene.target.adminUrl('staging'));
  [url.username, url.password] = ['onlooker', 'onlooker-password'];
  return scene.withApp(
    { masks: { key: '${NO_SUCH_KEY}' } },
    {
      'target.database.url': url.href,
      'source.database.url': 'postgres://${NO_SUCH_USER}:x@nowhere.invalid/production',
    },
  );
}

test('a database that restage never made is said to be one', async () => {
  expect(await statusOf()).toMatchObject({ present: { state: 'not-restage', now: { tables: 3 } }, previous: [] });
  const { stdout } = await scene.restage(config, 'status');
  expect(stdout).toContain('not made by restage');
  expect(stdout).toContain('there is nothing to go back to');
});

test('a role that may only connect is told all but sizes that it may not read; the source is not needed', async () => {
  const { report } = await scene.sync(config);
  const previous = `staging__previous_${report.run}`;
  await scene.onTarget(`revoke connect on database "${previous}" from public`, 'postgres');
  const onlooker = await asOnlooker();
  const found = await statusOf(onlooker);
  expect(found).toMatchObject({
    present: { state: 'accepted', made: { run: report.run, rules: ['only some rows: verdict'] }, isProtected: false },
    previous: [{ name: previous }],
    unknownSizes: 1,
  });
  expect(found?.present?.sizeBytes).toBeGreaterThan(1_000_000);
  expect(found?.previous[0]).not.toHaveProperty('sizeBytes');
  const { stdout } = await scene.restage(onlooker, 'status');
  expect(stdout).toContain('of 1 more unknown');
  // A command that needs the source says what is not set.
  const plan = await scene.restage(onlooker, 'plan');
  expect([plan.code, plan.stderr]).toEqual([2, expect.stringContaining('NO_SUCH_USER')]);
});

test('a run in progress is told without waiting for it, and what a dead one left', async () => {
  await scene.onSource(`create table scans (id integer, scan text ${slowCheck(0.3)});
    insert into scans select id, 'x' from generate_series(1, 300) id`);
  const syncing = scene.begin(config, 'sync', '--yes', '--quiet');
  await moment(scene.target, `select from pg_stat_activity where ${ofRestage} and query ~* 'copy .*scans'`);
  const during = await statusOf(await asOnlooker());
  const full = await statusOf();
  const { runs } = await runsOf();
  syncing.signal('SIGKILL');
  await syncing.ended;
  expect(during?.running).toMatch(/\(user postgres.*pid \d+/);
  expect(full?.running).toMatch(/^restage \d{8}-\d{6}-\w{4} \(user postgres.* since /);
  expect(full?.incoming).toHaveLength(1);
  expect(runs[0]).toMatchObject({ outcome: 'running' });
  await moment(scene.target, `select where not exists (select from pg_locks where locktype = 'advisory')`);
  const after = await statusOf();
  expect(after).not.toHaveProperty('running');
  expect(after?.incoming).toEqual([expect.objectContaining({ run: runs[0]?.run })]);
  expect((await runsOf()).runs[0]).toMatchObject({ outcome: 'unfinished', folder: expect.any(String) as string });
  expect((await scene.restage(config, 'status')).stdout).toContain('left by a run that died');
});

test('runs of colleagues are known from the databases, and folders that cannot be read are named', async () => {
  const { report } = await scene.sync(config);
  const kept = join(scene.folder, '.restage/runs');
  await rename(join(kept, report.run), join(kept, `.away-${report.run}`));
  await mkdir(join(kept, '20260101-000000-aaaa'));
  await mkdir(join(kept, '20260102-000000-bbbb'));
  await writeFile(join(kept, '20260102-000000-bbbb', 'report.json'), '{"half":');
  await mkdir(join(kept, '20260103-000000-cccc'));
  await writeFile(join(kept, '20260103-000000-cccc', 'report.json'), '{"version":1}');
  const { runs } = await runsOf();
  expect(runs).toMatchObject([
    { run: report.run, outcome: 'done', database: 'staging' },
    { run: '20260103-000000-cccc', outcome: 'unreadable', failed: 'report.json is no report' },
    { run: '20260102-000000-bbbb', outcome: 'unreadable', failed: 'report.json: it is not JSON' },
    { run: '20260101-000000-aaaa', outcome: 'unreadable', failed: 'neither a plan nor a report can be read' },
  ]);
  expect(runs[0]).not.toHaveProperty('folder');
  const { stdout } = await scene.restage(config, 'runs');
  expect(stdout).toContain('not kept here: known from the database only');
  expect((await runsOf(config, '--limit', '2')).runs).toHaveLength(2);
});

test('without a database that answers, the runs of this folder are told, and that it is only they', async () => {
  const { report } = await scene.sync(config);
  const gone = await scene.withApp({}, { 'target.database.url': 'postgres://postgres:x@127.0.0.1:9/staging' });
  const { runs, unasked, stderr } = await runsOf(gone);
  expect(runs).toMatchObject([{ run: report.run, outcome: 'done', rows: report.figures.tables.rows }]);
  expect(unasked).toMatchObject({ code: 'database-unreachable' });
  expect(stderr).toContain("the target's database was not asked");
  expect((await runsOf('/no/such/restage.yaml')).unasked).toMatchObject({ code: 'config-missing' });
});

test('a protected target, a database that is gone, and a comment of many rules are told', async () => {
  const many = Object.fromEntries(Array.from({ length: 300 }, (_, id) => [`${'t'.repeat(40)}_${id}`, 'empty']));
  await scene.onSource(
    Object.keys(many)
      .map((name) => `create table ${name} (id integer)`)
      .join(';'),
  );
  const { code, report } = await scene.sync(await scene.withApp({ tables: many }));
  expect([code, report.failure]).toEqual([0, undefined]);
  const [rule = ''] = (await statusOf())?.present?.made?.rules ?? [];
  expect(rule).toMatch(/^empty: .* and \d+ more$/);
  await scene.restage(config, 'protect', 'target', '--yes');
  expect(await statusOf()).toMatchObject({ present: { isProtected: true, made: { run: report.run } } });
  const { run } = report;
  await scene.onTarget(`drop database staging with (force)`, 'postgres');
  const found = await statusOf();
  expect(found).not.toHaveProperty('present');
  expect(found?.previous.map((one) => one.run)).toEqual([run]);
  expect((await scene.restage(config, 'status')).stdout).toContain('there is no database of that name');
});

test('the report of a rollback is kept as text too', async () => {
  await scene.sync(config);
  const { stdout } = await scene.restage(config, 'rollback', '--yes');
  const [file = ''] = /\.restage\/runs\/\S+\/report\.md/.exec(stdout) ?? [];
  const text = await readFile(join(scene.folder, file), 'utf8');
  expect(text).toContain('# staging is back on its previous database');
  expect(text).toMatch(/\| revision \| new-head now, old-head then/);
});
