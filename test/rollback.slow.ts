import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import {
  connectTarget,
  type ErrorCode,
  exitCodes,
  type HistoryEntry,
  loadConfig,
  planRollback,
  rollback as putBack,
  type RollbackPlan,
  type RollbackReport,
} from '../src/index.ts';
import { lockTarget } from '../src/postgres/target.ts';
import { moment, ofRestage, requireNoSessions, slowCheck, stagingOf } from './clone-faults.ts';
import { type BackScene, production, startBackScene } from './back-scene.ts';
import { contentsOf, type Contents } from './contents.ts';
import { faults } from './schema-faults.ts';
import { openSession, until } from './sql.ts';

const renaming = `select from pg_stat_activity where ${ofRestage} and query ~* 'rename to' and state = 'active'`;

let scene: BackScene;
let config: string;
let run: string;
/** What staging was, and what it is since the run. */
let old: Contents;
let refreshed: Contents;

beforeAll(async () => {
  scene = await startBackScene();
  await scene.onTarget(`create role keeper login createdb password 'keeper-password'`, 'postgres');
});
beforeEach(async () => {
  scene.app.says = undefined;
  await scene.arrange(production('new', 'healthy'), production('old', 'healthy'));
  old = await stagingOf(scene);
  config = await scene.withApp({ keepPrevious: 2 });
  const { report } = await scene.sync(config);
  expect(report.failure).toBeUndefined();
  run = report.run;
  refreshed = await stagingOf(scene);
});
afterAll(() => scene[Symbol.asyncDispose]());

const data = ({ tables, sequences, schema }: Contents) => ({ tables, sequences, schema });

/** `restage rollback … --json`: its exit code, and what it printed. */
async function rollback(...args: readonly string[]) {
  const { code, stdout, stderr } = await scene.restage(config, 'rollback', '--json', ...args);
  return {
    code,
    told: JSON.parse(stdout) as RollbackReport &
      RollbackPlan & { error?: { code: string; message: string; hint?: string } },
    stderr,
  };
}

test('it is shown before, and nothing is changed, with --dry-run and where nobody confirms', async () => {
  const { code, told } = await rollback('--dry-run');
  expect([code, told]).toMatchObject([
    0,
    { kind: 'rollback', back: { run, revision: 'old-head' }, aside: { revision: 'new-head', state: 'accepted' } },
  ]);
  const text = await scene.restage(config, 'rollback', '--dry-run');
  expect(text.stdout).toContain('new-head now, old-head then');
  expect(text.stdout).toContain('objects that were copied, overwritten or deleted since stay as they are');
  const unasked = await rollback();
  expect([unasked.code, unasked.told.error?.code]).toEqual([3, 'not-confirmed']);
  expect(await stagingOf(scene)).toEqual(refreshed);
});

test('a run that replaced nothing that is there is refused, naming those that did', async () => {
  const { code, told } = await rollback('20200101-000000-abcd', '--yes');
  expect([code, told.error?.code]).toEqual([2, 'previous-missing']);
  expect(told.error?.hint).toContain(run);
  await scene.onTarget(`drop database "staging__previous_${run}"`, 'postgres');
  const none = await rollback('--yes');
  expect([none.code, none.told.error]).toMatchObject([
    2,
    { code: 'previous-missing', hint: expect.stringContaining('keepPrevious') as string },
  ]);
});

test('it is refused as a sync is: a protected target, one that is called production, an application of another environment', async () => {
  const asks = async (name: string, value: unknown, wanted: ErrorCode) => {
    const other = await scene.withApp({}, { [name]: value });
    const { code, stdout } = await scene.restage(other, 'rollback', '--yes', '--json');
    expect([name, code, (JSON.parse(stdout) as { error: unknown }).error]).toMatchObject([
      name,
      exitCodes[wanted],
      { code: wanted },
    ]);
  };
  await asks('target.name', 'live', 'ends-swapped');
  await asks('target.app.environment', 'production', 'app-unexpected');
  await asks('target.expect', { host: '*.example.com' }, 'host-unexpected');
  // No server is asked: it is not on this machine, and the config says neither host nor account.
  await asks('target.database.url', 'postgres://keeper:a-password@db.example.com/staging', 'not-confirmed');
  const [{ comment = '' } = {}] = await scene.onTarget(
    `select shobj_description(oid, 'pg_database') as comment from pg_database where datname = 'staging'`,
  );
  await scene.restage(config, 'protect', 'target', '--yes');
  for (const how of ['--yes', '--dry-run']) {
    const { code, told } = await rollback(how);
    expect([how, code, told.error?.code]).toEqual([how, 3, 'protected']);
  }
  await scene.onTarget(`comment on database staging is '${comment?.replaceAll("'", "''")}'`);
  expect(await stagingOf(scene)).toEqual(refreshed);
});

test('sessions of applications are ended, and counted', async () => {
  await using _one = await openSession(scene.target.adminUrl('staging'), 'an application');
  await using _two = await openSession(scene.target.adminUrl('staging'), 'another');
  const { code, told } = await rollback('--yes');
  expect([code, told.outcome]).toEqual([0, 'done']);
  expect(told.sessionsEnded).toBeGreaterThanOrEqual(2);
  expect(data(await stagingOf(scene))).toEqual(data(old));
});

test('an application that is not well afterwards is told; nothing is put back once more', async () => {
  scene.app.says = 'degraded';
  const { code, told } = await rollback('--yes');
  expect([code, told.outcome, told.swapped]).toEqual([1, 'failed', true]);
  expect(told.verified).toContainEqual(expect.objectContaining({ what: 'health', ok: false }));
  expect(faults('rollback', told)).toEqual([]);
  expect(told.holds).toContain(`to undo this: restage rollback ${told.run}`);
  expect(data(await stagingOf(scene))).toEqual(data(old));
  const { stdout } = await scene.restage(config, 'runs', '--json');
  const [last] = (JSON.parse(stdout) as { readonly runs: readonly HistoryEntry[] }).runs;
  expect(last).toMatchObject({ run: told.run, kind: 'rollback', outcome: 'failed' });
});

test('an application that does not answer does not stand in the way', async () => {
  const other = await scene.withApp({}, { 'target.app.url': 'http://127.0.0.1:9' });
  const { code, stdout } = await scene.restage(other, 'rollback', '--yes', '--json');
  const told = JSON.parse(stdout) as RollbackReport;
  expect([code, told.swapped, told.notes[0]]).toEqual([
    1,
    true,
    expect.stringContaining('could not be asked who it is'),
  ]);
  expect(data(await stagingOf(scene))).toEqual(data(old));
});

test('a refresh that goes on keeps a rollback from beginning', async () => {
  await scene.onSource(`create table scans (id integer, scan text ${slowCheck(0.05)});
    insert into scans select id, 'x' from generate_series(1, 200) id`);
  const syncing = scene.begin(config, 'sync', '--yes', '--quiet');
  await moment(scene.target, `select from pg_stat_activity where ${ofRestage} and query ~* 'copy .*scans'`);
  const { code, told } = await rollback('--yes');
  syncing.signal('SIGINT');
  await syncing.ended;
  expect([code, told.error]).toMatchObject([3, { code: 'run-in-progress' }]);
  expect(await stagingOf(scene)).toEqual(refreshed);
});

test('a plan that was agreed to holds no longer where a refresh has begun, the target was protected or a database made anew', async () => {
  const settings = loadConfig(await readFile(config, 'utf8'), { variables: {} });
  using end = await connectTarget(settings);
  const plan = await planRollback(settings, end);
  const refused = async (code: ErrorCode) => {
    const started: string[] = [];
    await expect(putBack(plan, end, { onStart: (id) => started.push(id) })).rejects.toMatchObject({ code });
    expect(started).toEqual([]);
  };
  {
    if (!end.database) throw new Error('the configuration names a database');
    await using _colleague = await lockTarget(end.database, 'a colleague');
    await refused('run-in-progress');
  }
  const [noted] = await scene.onTarget(
    `select quote_literal(shobj_description(oid, 'pg_database')) as comment from pg_database where datname = 'staging'`,
  );
  const comment = noted?.['comment'] ?? '';
  await scene.onTarget(`comment on database staging is 'restage:protected'`);
  await refused('protected');
  await scene.onTarget(`comment on database staging is ${comment}`);
  {
    // Seen by nobody until both databases are locked.
    await using person = await openSession(scene.target.adminUrl());
    await person.query(`begin; comment on database staging is 'restage:protected'`);
    const running = putBack(plan, end);
    await moment(scene.target, renaming);
    await person.query('commit');
    expect(await running).toMatchObject({ outcome: 'failed', swapped: false, failure: { code: 'protected' } });
  }
  await scene.onTarget(`comment on database staging is ${comment}`);
  expect(await stagingOf(scene)).toEqual(refreshed);
  const previous = `staging__previous_${run}`;
  await scene.onTarget(`drop database "${previous}"`, 'postgres');
  await scene.onTarget(`create database "${previous}"`, 'postgres');
  await refused('plan-outdated');
});

test('a session that may not be ended keeps both databases as they are; killed meanwhile, they are as well', async () => {
  await scene.onTarget(
    `alter database staging owner to keeper; alter database "staging__previous_${run}" owner to keeper`,
    'postgres',
  );
  const before = await stagingOf(scene);
  const url = new URL(scene.target.adminUrl('staging'));
  [url.username, url.password] = ['keeper', 'keeper-password'];
  const ofKeeper = await scene.withApp({}, { 'target.database.url': url.href });
  {
    await using _superuser = await openSession(scene.target.adminUrl('staging'), 'a long report');
    const { code, stdout } = await scene.restage(ofKeeper, 'rollback', '--yes', '--json');
    const told = JSON.parse(stdout) as RollbackReport;
    expect([code, told.outcome, told.swapped, told.failure?.code]).toEqual([1, 'failed', false, 'swap-failed']);
    expect(told.failure?.message).toContain('a long report');
    expect(told.holds).toBe('staging holds its database as it was');
    expect(await stagingOf(scene)).toEqual(before);

    await using _other = await openSession(scene.target.adminUrl(`staging__previous_${run}`), 'who looks back');
    await _superuser[Symbol.asyncDispose]();
    const back = await scene.restage(ofKeeper, 'rollback', '--yes', '--json');
    expect((JSON.parse(back.stdout) as RollbackReport).failure?.message).toMatch(
      new RegExp(`^staging__previous_${run} is in use and could not be renamed: pid .*who looks back`),
    );

    const killed = scene.begin(ofKeeper, 'rollback', '--yes', '--quiet');
    await moment(scene.target, renaming);
    killed.signal('SIGKILL');
    await killed.ended;
    // The server goes on with what it was told, and gives up after its five seconds.
    await using admin = await openSession(scene.target.adminUrl());
    await until(admin, `select where not exists (${renaming})`);
    expect(await stagingOf(scene)).toEqual(before);
  }
  await requireNoSessions(scene.target);
  const folders = await readdir(join(scene.folder, '.restage/runs'));
  expect(folders).toHaveLength(4); // the sync, the two that failed, the one that was killed
  const { stdout } = await scene.restage(ofKeeper, 'runs', '--json');
  const { runs } = JSON.parse(stdout) as { readonly runs: readonly HistoryEntry[] };
  expect(runs[0]).toMatchObject({ kind: 'rollback', outcome: 'unfinished' });
  expect((await scene.restage(ofKeeper, 'rollback', '--yes', '--quiet')).code).toBe(0);
  expect(data(await stagingOf(scene))).toEqual(data(old));
});

test('a name of 63 bytes with quotes, blanks and umlauts goes there and back', async () => {
  const name = `st"ag'ing %41 ${'ä'.repeat(24)}b`;
  expect(Buffer.byteLength(name)).toBe(63);
  const quoted = `"${name.replaceAll('"', '""')}"`;
  await scene.onTarget(`create database ${quoted}`, 'postgres');
  const url = new URL(scene.target.adminUrl('staging'));
  url.pathname = encodeURIComponent(name);
  const other = await scene.configure({ target: url.href });
  try {
    const { code, report } = await scene.sync(other);
    expect([code, report.failure]).toEqual([0, undefined]);
    const fresh = data(await contentsOf(scene.target, name));
    const told = await scene.restage(other, 'status');
    expect([told.code, told.stdout]).toEqual([0, expect.stringContaining(report.run)]);
    expect((await scene.restage(other, 'rollback', '--yes', '--quiet')).code).toBe(0);
    expect(await scene.onTarget(`select 1 from pg_tables where schemaname = 'public'`, name)).toEqual([]);
    expect((await scene.restage(other, 'rollback', '--yes', '--quiet')).code).toBe(0);
    expect(data(await contentsOf(scene.target, name))).toEqual(fresh);
  } finally {
    const left = await scene.onTarget(
      `select quote_ident(datname) as name from pg_database where datname like 'st"%'`,
      'postgres',
    );
    for (const one of left) await scene.onTarget(`drop database ${one['name']} with (force)`, 'postgres');
  }
});
