import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { connect, lastRunOf, loadConfig, plan, run, type LastRun, type Plan, type Report } from '../src/index.ts';
import { type CloneScene, startCloneScene } from './clone-scene.ts';
import { openSession } from './sql.ts';

// What stands between a plan and its run: the last run's figures, and a plan that somebody has read.
let scene: CloneScene;

beforeAll(async () => {
  scene = await startCloneScene();
});
afterAll(() => scene[Symbol.asyncDispose]());

const shop = `
  create table books (id int primary key, title text default 'none');
  create table tags (id int);
  create table users (id int);
  insert into books select generate_series(1, 100);
  insert into tags select generate_series(1, 5);
  insert into users select generate_series(1, 20)`;

/** A plan, made here and now, and what becomes of it. */
async function planHere(last: readonly LastRun[] = [], settings: object = {}): Promise<Plan> {
  return here(settings, (config, ends) => plan(config, ends, { last }));
}

async function runHere(last: readonly LastRun[] = []): Promise<Report> {
  return here({}, async (config, ends) => run(await plan(config, ends, { last }), ends));
}

async function here<T>(
  settings: object,
  act: (config: ReturnType<typeof loadConfig>, ends: Awaited<ReturnType<typeof connect>>) => Promise<T>,
): Promise<T> {
  const { source, target } = scene;
  const config = loadConfig({
    version: 1,
    source: { name: 'production', database: { url: source.adminUrl('production') } },
    target: { name: 'staging', database: { url: target.adminUrl('staging') } },
    ...settings,
  });
  using ends = await connect(config);
  return await act(config, ends);
}

async function databases(): Promise<unknown> {
  return scene.onTarget('select oid, datname from pg_database order by 1', 'postgres');
}

describe('what the source has lost since the last run', () => {
  let report: Report;
  let config: string;
  const last = () => [lastRunOf(report, 'its report')].filter((one) => one !== undefined);

  beforeAll(async () => {
    await scene.arrange(shop);
    config = await scene.configure();
    ({ report } = await scene.sync(config));
    await scene.onSource('delete from books where id > 40; delete from tags; drop table users');
  });

  test('stops the next one before anything is replaced, with both figures and where they were read', async () => {
    const before = await databases();
    const { code, stderr } = await scene.restage(config, 'sync', '--yes', '--json');
    expect(code).toBe(3);
    expect(stderr).toContain('2 tables of the source have lost more than guards.maxShrinkPercent (50 %)');
    expect(stderr).toMatch(/^ {2}books: 40 rows now, 100 then$/m);
    expect(stderr).toMatch(/^ {2}tags: 0 rows now, 5 then$/m);
    expect(stderr).toMatch(/^ {2}now: read from production at 127\.0\.0\.1:\d+ as postgres, 20\d\d-/m);
    expect(stderr).toContain(`then: the run ${report.run}, ended `);
    expect(stderr).toContain(join('.restage', 'runs', report.run, 'report.json'));
    expect(stderr).toContain('database: { mayBeEmpty: ["tags"], mayShrink: ["books"] }');
    expect(await databases()).toEqual(before);
  });

  test('is no refusal where the config says so, and a table that is gone is noted', async () => {
    const allowed = { database: { mayBeEmpty: ['tags'], mayShrink: ['books'] } };
    const { refusals, notes } = await planHere(last(), allowed);
    expect(refusals).toBeUndefined();
    expect(notes.join('\n')).toContain(
      `the source has these tables no more, which the run ${report.run} copied: users`,
    );
    const percent = await planHere(last(), { guards: { maxShrinkPercent: 60 }, database: { mayBeEmpty: ['tags'] } });
    expect(percent.refusals).toBeUndefined();
  });

  test('is told at once with everything else that stands against a run', async () => {
    await scene.onSource('create extension adminpack');
    const { refusals = [] } = await planHere(last(), { database: { mayBeEmpty: ['tag'], mayShrink: ['boks'] } });
    expect(refusals.map(({ code }) => code)).toEqual([
      'config-invalid',
      'config-invalid',
      'source-shrunk',
      'database-unfit',
    ]);
    expect(refusals[0]?.message).toBe('database.mayBeEmpty: the source has no table tag; it has tags');
    expect(refusals[1]?.message).toBe('database.mayShrink: the source has no table boks; it has books');
    await scene.onSource('drop extension adminpack');
  });

  test('is measured by the totals that the target remembers where no report is kept', async () => {
    const { refusals = [] } = await planHere();
    expect(refusals).toHaveLength(1);
    expect(refusals[0]?.code).toBe('source-shrunk');
    expect(refusals[0]?.message).toContain('the source has 40 rows in 2 tables now, and had 125 in 3 at the last run');
    expect(refusals[0]?.message).toMatch(/by the comment of the database staging at 127\.0\.0\.1:\d+/);
    expect((await planHere([], { guards: { maxShrinkPercent: 68 } })).refusals).toBeUndefined();
  });

  test('cannot be told of another source, and the plan says that it is another', async () => {
    const { source } = scene;
    const elsewhere = {
      name: 'production',
      database: { url: source.adminUrl('production').replace('127.0.0.1', 'localhost') },
    };
    const { refusals, notes } = await planHere(last(), { source: elsewhere });
    expect(refusals).toBeUndefined();
    expect(notes).toContain(
      `the last refresh of staging was from production at 127.0.0.1:${source.port}, and the source is production at localhost:${source.port} as postgres now: nothing says what that has lost`,
    );
    expect((await planHere(last())).notes.join()).not.toContain('the last refresh of staging');
  });

  test('is measured by reports of whole runs only, whatever else lies beside them', async () => {
    const runs = join(scene.folder, '.restage', 'runs');
    const [own = ''] = (await readdir(runs)).filter((name) => !name.startsWith('.'));
    const report2 = join(runs, own, 'report.json');
    const text = await readFile(report2, 'utf8');
    await writeFile(report2, text.slice(0, 100));
    const broken = await scene.restage(config, 'plan', '--json');
    await writeFile(report2, text);
    expect([broken.code, broken.stdout]).toEqual([
      3,
      expect.stringContaining('by the comment of the database staging'),
    ]);
  });
});

test('a table whose estimate is stale is found to have shrunk when it is copied, and staging stays', async () => {
  await scene.arrange(`
    create table events (id int, body text) with (autovacuum_enabled = off);
    alter table events alter body set storage plain;
    insert into events select n, repeat('x', 900) from generate_series(1, 20000) n;
    analyze events`);
  const last = [lastRunOf(await runHere(), 'its report')].filter((one) => one !== undefined);
  await scene.onSource('delete from events where id > 9000');
  const before = await databases();
  const report = await runHere(last);
  expect(report.failure).toMatchObject({ code: 'source-shrunk', step: 'copy-table events' });
  expect(report.failure?.message).toContain('events has 9,000 rows at the source, and had 20,000 at the last run');
  expect(report.recovery?.failure).toBeUndefined();
  expect(await databases()).toEqual(before);
});

test('the plan says what it replaces, and whose sessions end', async () => {
  await scene.arrange('create table books (id int)', 'create table books as select generate_series(1, 7) as id');
  await using _app = await openSession(scene.target.adminUrl('staging'), 'the shop');
  await using _other = await openSession(scene.target.adminUrl('staging'), 'the shop');
  const { replaces } = await planHere();
  expect(replaces).toEqual({
    buckets: [],
    database: {
      origin: expect.objectContaining({ database: 'staging', port: scene.target.port }),
      readAt: expect.any(String),
      tables: 1,
      rows: 7,
      sizeBytes: expect.any(Number),
      sessions: [{ user: 'postgres', application: 'the shop', count: 2, mayEnd: true }],
      staysFor: 1,
    },
  });
});

test('--yes is refused for a target elsewhere that the config does not name, before anybody is asked', async () => {
  const url = 'postgres://restage:password@db.staging.invalid:5432/staging';
  const config = await scene.configure({ source: url.replace('staging:', 'production:'), target: url });
  const { code, stderr } = await scene.restage(config, 'sync', '--yes');
  expect(code).toBe(3);
  expect(stderr).toContain(
    '--yes is not enough for staging: the database host db.staging.invalid is not on this machine',
  );
  expect(stderr).toContain('target: { expect: { host: "db.staging.invalid" } }');
});

describe('a plan that was kept', () => {
  let config: string;

  beforeAll(async () => {
    await scene.arrange(shop, 'create table books (id int)');
    config = await scene.configure();
    expect((await scene.restage(config, 'plan', '--out', 'p.json')).code).toBe(0);
  });

  const sync = (...args: readonly string[]) => scene.restage(config, 'sync', '--yes', '--json', ...args);

  test('does not hold where schema, rows or settings are others, and all of it is told at once', async () => {
    await scene.onSource('alter table books add price int; insert into users select generate_series(1, 30)');
    await scene.onTarget('create index on books (id)');
    config = await scene.configure({ database: { keepPrevious: 0 } });
    const before = await databases();
    const { code, stdout } = await sync('--plan', 'p.json');
    config = await scene.configure();
    await scene.onSource(
      'alter table books drop price; delete from users where ctid in (select ctid from users offset 20)',
    );
    await scene.onTarget('drop index books_id_idx');
    expect(code).toBe(3);
    const { error } = JSON.parse(stdout) as { error: { code: string; message: string } };
    expect(error.code).toBe('plan-outdated');
    expect(
      error.message
        .replaceAll(/127\.0\.0\.1:\d+/g, 'SERVER')
        .split('\n')
        .slice(1),
    ).toEqual([
      "  the schema of the source's database production at SERVER has changed: columns (5, before 4)",
      "  the source's database production at SERVER has 155 rows; it had 125",
      "  the schema of the target's database staging at SERVER has changed: indexes (1, before 0)",
      '  drop-previous: keep is 0; it was 1',
      '  users: 50 rows at the source; in the plan 20',
    ]);
    expect(await databases()).toEqual(before);
  });

  test('is run with the figures of today where only those differ a little, and once', async () => {
    await scene.onSource('insert into books select generate_series(101, 105)');
    const { code, stdout, stderr } = await sync('--plan', 'p.json');
    expect([code, stderr]).toEqual([0, expect.stringContaining('this is what p.json said at ')]);
    const report = JSON.parse(stdout) as Report;
    expect(report.notes.join('\n')).toContain('this is what p.json said at ');
    expect(report.figures.tables).toMatchObject({ copied: 3, rows: 130, equal: 3 });

    const again = await sync('--plan', 'p.json');
    expect([again.code, again.stderr]).toEqual([
      3,
      expect.stringContaining('is another one than in the plan, under the same name'),
    ]);
  });

  test('that was refused stays refused, whatever has become of the reason', async () => {
    const text = JSON.parse(await readFile(join(scene.folder, 'p.json'), 'utf8')) as Plan;
    const refusals = [{ code: 'table-empty', message: 'books has none to be read', hint: 'analyze books' }];
    await writeFile(join(scene.folder, 'refused.json'), JSON.stringify({ ...text, refusals }));
    const { code, stderr } = await sync('--plan', 'refused.json');
    expect([code, stderr]).toEqual([
      3,
      '✗ refused.json is a plan that was refused:\n  books has none to be read\n  analyze books\n',
    ]);
  });

  test.each([
    [['--plan', 'p.json', '--only', 'database'], '--only cannot be said beside --plan: p.json says what is done'],
    [['--tolerance', '5'], '--tolerance is read only beside --plan FILE'],
    [['--plan', 'p.json', '--tolerance', 'many'], 'It is a number from 0 to 100.'],
    [['--plan', 'none.json'], 'there is no none.json'],
  ])('%j is refused before anybody is asked', async (args, words) => {
    const { code, stderr } = await sync(...args);
    expect([code, stderr]).toEqual([2, expect.stringContaining(words)]);
  });
});
