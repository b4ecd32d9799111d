import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { connect, loadConfig, plan, type Report, resume, run } from '../src/index.ts';
import { factsOf, stepsOf } from '../src/report/report.ts';
import { moment, ofRestage, onTarget, requireNoSessions, stagingOf } from './clone-faults.ts';
import { type CloneScene, startCloneScene } from './clone-scene.ts';
import { copyAmongWriters, requireConsistent } from './consistent.ts';
import { contentsOf } from './contents.ts';
import { books, databases, incomingOf, kept, requireAsBefore } from './books.ts';
import { at, firstPart, loaded, nextPart } from './parts.ts';
import { openSession } from './sql.ts';
import { bank } from './transfers.ts';

// A run that is made in several parts, as in a function that is ended after a quarter of an hour.
let scene: CloneScene;
beforeAll(async () => {
  scene = await startCloneScene();
});
afterAll(() => scene[Symbol.asyncDispose]());

/** How each table came, by its name: loaded in this part, the same as before, or loaded again. */
function sinceOf(report: Report): Readonly<Record<string, string | undefined>> {
  return Object.fromEntries(
    stepsOf(report, 'copy-table').map((step) => [step.table.name, factsOf(step)?.since ?? step.outcome.status]),
  );
}

/** Keys and indexes. */
const built = `
  select concat(conrelid::regclass, ' ', conname, ' ', pg_get_constraintdef(oid)) as line from pg_constraint where contype in ('p', 'u', 'f', 'x')
  union all select indexdef from pg_indexes where schemaname = 'public'
  order by 1`;

/** Both ends have the same rows, keys and indexes. */
async function requireAlike(): Promise<void> {
  const [source, target] = [await contentsOf(scene.source, 'production'), await contentsOf(scene.target, 'staging')];
  expect(target.tables).toEqual(source.tables);
  expect(await scene.onTarget(built)).toEqual(await scene.onSource(built));
}

test('a copy in three parts, made while others write, holds the one moment of its last part in every table', async () => {
  await scene.arrange(bank, kept);
  const config = await scene.configure({ database: { jobs: 2, keepPrevious: 0 } });
  const before = await stagingOf(scene);
  const made = await copyAmongWriters(scene, async () => {
    const first = await firstPart(config, { isOver: loaded(2) });
    expect([first.outcome, first.failure]).toEqual(['paused', undefined]);
    expect(await databases(scene)).toEqual(['staging', incomingOf(first)]);
    const second = await nextPart(config, first, { isOver: loaded(2) });
    expect([second.outcome, second.failure]).toEqual(['paused', undefined]);
    await requireNoSessions(scene.target);
    expect((await stagingOf(scene)).tables).toEqual(before.tables);
    return nextPart(config, second);
  });
  await requireConsistent(scene, made);
  const { report } = made;
  expect(report?.parts).toHaveLength(3);
  const parts = report?.parts ?? [];
  expect(parts.reduce((sum, part) => sum + part.loaded, 0)).toBe(8);
  expect(parts.at(-1)?.again).toBeGreaterThan(0);
  const [takenAt] = stepsOf(report as Report, 'take-snapshot').map((step) => factsOf(step)?.takenAt);
  expect(parts.at(-1)?.takenAt).toBe(takenAt);
  expect([report?.startedAt, report?.durationMs]).toEqual([
    parts[0]?.startedAt,
    parts.reduce((sum, part) => sum + part.durationMs, 0),
  ]);
  expect(await databases(scene)).toEqual(['staging']);
});

test('a table that has changed between the parts is loaded again, one that has not stays as it was loaded', async () => {
  await scene.arrange(books, kept);
  const config = await scene.configure({ database: { jobs: 1, keepPrevious: 0 } });
  const first = await firstPart(config, { isOver: loaded(2) });
  expect(sinceOf(first)).toEqual({ authors: 'done', books: 'done', notes: 'not-run' });
  expect(first.holds).toContain('2 of 3 tables');
  const [file] = await scene.onTarget(`select pg_relation_filenode('books') as file`, incomingOf(first));
  await scene.onSource(`update authors set name = 'another' where id = 7`);
  const begun: string[] = [];
  const report = await nextPart(config, first, {
    listen: (event) => {
      if (event.kind === 'step-started' && event.step.kind === 'copy-table') begun.push(event.step.id);
    },
  });
  expect(report.failure).toBeUndefined();
  expect(begun[0]).toBe('copy-table notes'); // what takes the run further comes first
  expect(sinceOf(report)).toEqual({ authors: 'again', books: 'same', notes: 'done' });
  expect(report.parts).toMatchObject([{ loaded: 2 }, { loaded: 1, same: 1, again: 1 }]);
  expect(await scene.onTarget(`select pg_relation_filenode('books') as file`)).toEqual([file]);
  await requireAlike();
  expect(stepsOf(report, 'copy-table').find(({ table }) => table.name === 'books')?.outcome).toMatchObject({
    facts: { rows: 500, compareMs: expect.any(Number), source: { rows: 500, content: expect.any(String) } },
  });
});

const every = `
  create type mood as enum ('low', 'high');
  create table users (
    id integer generated always as identity primary key, email text not null unique, name text,
    upper_name text generated always as (upper(name)) stored);
  create statistics of_users on email, name from users;
  create table orders (id bigint generated by default as identity primary key, buyer integer references users, at timestamptz);
  create index on orders (at);
  create table events (id integer, kind text, primary key (id)) partition by range (id);
  create table events_1 partition of events for values from (0) to (1000);
  create table events_2 partition of events default;
  create index on events (kind);
  create index of_one_only on events_1 (kind, id);
  create table moods (mood mood, id integer, primary key (mood, id)) partition by hash (mood);
  create table moods_1 partition of moods for values with (modulus 2, remainder 0);
  create table moods_2 partition of moods for values with (modulus 2, remainder 1);
  create table base (id integer primary key, kind text);
  create table derived (more text, primary key (id)) inherits (base);
  create table spans (id integer primary key, span int4range, exclude using gist (span with &&));
  create table nothing ();
  create table keys (id integer primary key, hash text unique);
  create table jobs (id integer primary key, status text);
  create table logs (id integer primary key, line text);
  create table skipped (id integer primary key);
  create table recent (id integer primary key, at timestamptz);
  create table stamps (id integer primary key, seen timestamptz);
  create table rolls (id integer primary key, roll double precision);
  create table guarded (id integer primary key, owner text);
  alter table guarded enable row level security; alter table guarded force row level security;
  create policy own on guarded using (owner = current_user);
  create view buyers as select u.id, count(*) from users u join orders o on o.buyer = u.id group by u.id;
  create materialized view totals as select kind, count(*) from events group by kind;
  insert into users (email, name) select n || '@privatemail.test', 'quillfeather ' || n from generate_series(1, 300) n;
  insert into orders (buyer, at) select 1 + n % 300, now() from generate_series(1, 900) n;
  insert into events select n, 'kind ' || n % 5 from generate_series(1, 1500) n;
  insert into moods select case when n % 3 = 0 then 'low' else 'high' end::mood, n from generate_series(1, 100) n;
  insert into base select n, 'base' from generate_series(1, 50) n;
  insert into derived select n, 'derived', 'more' from generate_series(51, 90) n;
  insert into spans select n, int4range(n * 10, n * 10 + 5) from generate_series(1, 50) n;
  insert into nothing default values; insert into nothing default values;
  insert into keys values (1, 'of production'); insert into jobs values (1, 'done'), (2, 'active');
  insert into logs select n, 'line' from generate_series(1, 20) n; insert into skipped values (1);
  insert into recent select n, now() - n * interval '1 day' from generate_series(1, 60) n;
  insert into stamps select n, now() - interval '1 year' from generate_series(1, 5) n;
  insert into rolls select n, 0 from generate_series(1, 5) n;
  insert into guarded select n, 'somebody' from generate_series(1, 30) n;
  select lo_from_bytea(30001, 'one'), lo_from_bytea(30002, 'two'), lo_from_bytea(30003, 'three');
  comment on large object 30001 is 'the first';
  analyze`;
const ownRows = `
  create table keys (id integer primary key, hash text unique); insert into keys values (5, 'of staging');
  create table jobs (id integer primary key, status text); insert into jobs values (9, 'of staging')`;
const rules = {
  masks: { key: 'the key of these masks is this' },
  unmasked: 'allow',
  jobs: 1,
  keepPrevious: 0,
  tables: {
    users: { mask: { email: 'email', name: 'name' } },
    keys: { rows: 'keep' },
    jobs: { rows: 'merge', onCollision: 'source' },
    logs: 'empty',
    skipped: 'skip',
    recent: { where: `at > now() - interval '30 days'` },
    stamps: { set: { seen: 'now()' } },
    rolls: { set: { roll: 'random()' } },
  },
};

const objectsOf = `
  select m.oid, convert_from(lo_get(m.oid), 'UTF8') as content, obj_description(m.oid, 'pg_largeobject') as comment
    from pg_largeobject_metadata m order by m.oid`;

/** As many parts as it takes, each with so many tables. */
async function inParts(config: string, tables: number, between: (part: number) => Promise<unknown>): Promise<Report> {
  let report = await firstPart(config, { isOver: loaded(tables) });
  // It would be copied in vain.
  expect(stepsOf(report, 'copy-large-objects').map(({ outcome }) => outcome.status)).toEqual(['not-run']);
  for (let part = 1; report.outcome === 'paused'; part += 1) {
    await between(part);
    report = await nextPart(config, report, { isOver: loaded(tables) });
  }
  return report;
}

test('masks, own rows, partitions, identities and large objects come out of many parts as they do out of one', async () => {
  await scene.arrange(every, ownRows);
  const config = await scene.configure({ database: rules });
  const report = await inParts(config, 4, async (part) => {
    // Each part finds something else in what those before it have loaded.
    await scene.onSource(`
      update users set name = 'other ' || id where id = ${part};
      insert into events values (${5000 + part}, 'later');
      update moods set id = id + 1000 where id = ${part};
      delete from base where id = ${part};
      insert into spans values (${1000 + part}, '[${90000 + part * 10},${90005 + part * 10})');
      insert into nothing default values;
      insert into guarded values (${1000 + part}, 'somebody else');
      select lo_unlink(30003) where ${part} = 1; select lo_put(30001, 0, '${part}');
      select lo_from_bytea(${40000 + part}, 'new')`);
  });
  expect(report.failure).toBeUndefined();
  expect(report.parts?.length).toBeGreaterThanOrEqual(4);
  const since = sinceOf(report);
  expect(since).toMatchObject({
    keys: 'same',
    orders: expect.stringMatching(/same|done/),
    stamps: expect.stringMatching(/again|done/),
  });
  const inPieces = await contentsOf(scene.target, 'staging');
  expect(await scene.onTarget(objectsOf)).toEqual(await scene.onSource(objectsOf));
  expect(await scene.onTarget(`select id, hash from keys`)).toEqual([{ id: '5', hash: 'of staging' }]);
  expect(
    await scene.onTarget(
      `select count(*) from users where email like '%privatemail%' or name like '%quillfeather%' or name like 'other%'`,
    ),
  ).toEqual([{ count: '0' }]);
  expect(await scene.onTarget(`select count(*) from logs`)).toEqual([{ count: '0' }]);
  const indexes = `select c.relname as name, i.indisvalid as valid, h.inhparent::regclass::text as parent
                     from pg_index i join pg_class c on c.oid = i.indexrelid left join pg_inherits h on h.inhrelid = c.oid
                    where c.relnamespace = 'public'::regnamespace order by 1`;
  expect(await scene.onTarget(indexes)).toEqual(
    (await scene.onSource(indexes)).filter(({ name }) => name !== 'skipped_pkey'),
  );
  // The same source in one part, on a staging with the same rows of its own.
  const whole = await scene.sync(config);
  expect(whole.report.failure).toBeUndefined();
  const atOnce = await contentsOf(scene.target, 'staging');
  // What is of the time or by chance; and which partition an enum's hash leads to is each database's own.
  const passing = ['stamps', 'rolls', 'moods_1', 'moods_2'];
  const lasting = (tables: Readonly<Record<string, string>>) =>
    Object.entries(tables).filter(([name]) => !passing.includes(name));
  expect(lasting(inPieces.tables)).toEqual(lasting(atOnce.tables));
  expect([inPieces.sequences, inPieces.schema]).toEqual([atOnce.sequences, atOnce.schema]);
});

test('a subset is selected anew in each part, and what was loaded of it is compared with that', async () => {
  await scene.arrange(books, kept);
  const config = await scene.configure({
    database: { jobs: 1, keepPrevious: 0, subset: { from: { books: 'id <= 10' } } },
  });
  const first = await firstPart(config, { isOver: loaded(1) });
  expect([first.outcome, first.failure]).toEqual(['paused', undefined]);
  await scene.onSource(`update books set author = 2999 where id = 3`);
  const report = await nextPart(config, first);
  expect(report.failure).toBeUndefined();
  expect(sinceOf(report)).toMatchObject({ authors: 'again' });
  expect(await scene.onTarget(`select array_agg(id order by id)::text as ids from authors`)).toEqual([
    { ids: '{1,2,4,5,6,7,8,9,10,2999}' },
  ]);
});

test('a part that loads no further table has no reason to pause: its time is over, and staging is as it was', async () => {
  await scene.arrange(books, kept);
  const before = await stagingOf(scene);
  const config = await scene.configure({ database: { jobs: 1 } });
  const first = await firstPart(config, { isOver: at('step-ended', 'copy-schema') });
  const early = await requireAsBefore(scene, before, first);
  expect([early.code, early.said]).toEqual(['time-over', expect.stringContaining('0 of 3 tables')]);
  const paused = await firstPart(config, { isOver: loaded(2) });
  const second = await nextPart(config, paused, { isOver: at('step-started', 'copy-table notes') });
  const { code, step, said } = await requireAsBefore(scene, before, second);
  expect([code, step]).toEqual(['time-over', 'copy-table notes']);
  expect(said).toMatch(/longer time-out/);
});

test('time that is over while keys are made, or after the swap, leaves staging as it was and nothing beside it', async () => {
  await scene.arrange(books, kept);
  const before = await stagingOf(scene);
  const config = await scene.configure({ database: { jobs: 1 } });
  for (const step of ['add-keys', 'swap']) {
    const first = await firstPart(config, { isOver: loaded(2) });
    const last = await nextPart(config, first, { isOver: at(step === 'swap' ? 'step-ended' : 'step-started', step) });
    const { code, said } = await requireAsBefore(scene, before, last);
    expect([code, said]).toEqual(['time-over', expect.stringMatching(/3 of 3 tables/)]);
    expect(last.recovery?.swappedBack).toBe(step === 'swap');
  }
});

test('when all rows have come and little time is left, the rest is left to a part of its own', async () => {
  await scene.arrange(books, kept);
  const config = await scene.configure({ database: { jobs: 2, keepPrevious: 0 } });
  const first = await firstPart(config, { left: () => 0.3 });
  expect([first.outcome, first.failure]).toEqual(['paused', undefined]);
  expect(first.parts).toMatchObject([{ loaded: 3 }]);
  expect(stepsOf(first, 'add-keys')[0]?.outcome.status).toBe('not-run');
  // The next one has nothing to load: it goes on whatever time is left.
  const report = await nextPart(config, first, { left: () => 0.3 });
  expect([report.outcome, sinceOf(report)]).toEqual(['done', { authors: 'same', books: 'same', notes: 'same' }]);
});

test('little time that is left when keys are being made already is not left to a part that cannot come', async () => {
  await scene.arrange(books, kept);
  const config = await scene.configure({ database: { jobs: 2, keepPrevious: 0 } });
  let asked = 0;
  const report = await firstPart(config, { left: () => ((asked += 1) === 1 ? 1 : 0.1) });
  expect([report.outcome, report.failure]).toEqual(['done', undefined]);
});

test('an interrupt in a further part puts away what all of them have loaded', async () => {
  await scene.arrange(books, kept);
  const before = await stagingOf(scene);
  const config = await scene.configure({ database: { jobs: 1 } });
  const first = await firstPart(config, { isOver: loaded(1) });
  const report = await nextPart(config, first, { signal: AbortSignal.abort() });
  expect([report.outcome, report.failure?.code]).toEqual(['interrupted', 'interrupted']);
  expect(await stagingOf(scene)).toEqual(before);
});

test('by the clock, a table that does not fit into its time is stopped, the others wait for it, and alone it fails by name', async () => {
  await scene.arrange(
    `${books}; create table slow (id integer check (case when ${onTarget} then pg_sleep(1) is not null else true end));
     insert into slow select generate_series(1, 3000); analyze slow`,
    kept,
  );
  const before = await stagingOf(scene);
  const config = await scene.configure({ database: { jobs: 4 } });
  const settings = loadConfig(await readFile(config, 'utf8'), { variables: {} });
  using ends = await connect(settings);
  const first = await run(await plan(settings, ends), ends, {
    until: Date.now() + 20_000,
    mayPause: true,
    id: '20260131-031500-4f2a',
  });
  expect([first.outcome, first.run, first.failure]).toEqual(['paused', '20260131-031500-4f2a', undefined]);
  expect(sinceOf(first)).toEqual({ authors: 'done', books: 'done', notes: 'done', slow: 'stopped' });
  await requireNoSessions(scene.source, scene.target);
  const second = await resume(first, ends, { until: Date.now() + 12_000, mayPause: true });
  const { code, step } = await requireAsBefore(scene, before, second);
  expect([code, step]).toEqual(['time-over', 'copy-table slow']);
});

/** Begins the next part in a process of its own, and kills it when the target's server shows what it waits for. */
async function killed(config: string, paused: Report, sees: string): Promise<void> {
  const file = join(scene.folder, 'paused.json');
  await writeFile(file, JSON.stringify(paused));
  const child = spawn(process.execPath, [fileURLToPath(new URL('part-process.ts', import.meta.url)), config, file]);
  const ended = once(child, 'exit');
  await moment(scene.target, `select from pg_stat_activity where ${ofRestage} and (${sees})`);
  child.kill('SIGKILL');
  expect(await ended).toEqual([null, 'SIGKILL']);
}

test('a part that was killed while it loaded a table again is made anew by the next, whatever it had left', async () => {
  await scene.arrange(
    `${books}; create table slow (id integer primary key check (case when ${onTarget} and id > 9000 then pg_sleep(5) is not null else true end));
     insert into slow select generate_series(1, 9000); analyze slow`,
    kept,
  );
  const config = await scene.configure({ database: { jobs: 1, keepPrevious: 0 } });
  const first = await firstPart(config, { isOver: loaded(2) });
  expect(sinceOf(first)).toEqual({ slow: 'done', authors: 'done', books: 'not-run', notes: 'not-run' });
  await scene.onSource(`insert into slow values (9001)`);
  await killed(config, first, `state = 'active' and query like '%copy "public"."slow"%'`);
  // The killed part had loaded what no report knows of, and emptied what one does.
  const [left] = await scene.onTarget(`select count(*) from notes`, incomingOf(first));
  expect(left).toEqual({ count: '20' });
  await scene.onSource(`delete from slow where id = 9001; delete from notes where id > 10`);
  const report = await nextPart(config, first);
  expect(report.failure).toBeUndefined();
  expect(sinceOf(report)).toEqual({ slow: 'again', authors: 'same', books: 'done', notes: 'done' });
  await requireAlike();
});

test('a table that has its rows and lost its keys in a killed part is not taken for the same', async () => {
  await scene.arrange(books, kept);
  const config = await scene.configure({ database: { jobs: 1, keepPrevious: 0 } });
  const first = await firstPart(config, { isOver: loaded(2) });
  await scene.onTarget(`alter table authors drop constraint authors_pkey`, incomingOf(first));
  // And a session that the server has not noticed to be nobody's any more.
  await using left = await openSession(scene.target.adminUrl(incomingOf(first)), 'restage of a dead process');
  await left.query(`begin; lock table authors; update books set title = 'by a dead process'`);
  const report = await nextPart(config, first);
  expect(report.failure).toBeUndefined();
  expect(sinceOf(report)).toEqual({ authors: 'again', books: 'same', notes: 'done' });
  expect(await scene.onTarget(`select conname from pg_constraint where conname = 'authors_pkey'`)).toHaveLength(1);
});

test('a part that was killed after all rows had come cannot be gone on from, and the next says so', async () => {
  await scene.arrange(books, kept);
  const before = await stagingOf(scene);
  const sql = join(scene.folder, 'after.sql');
  await writeFile(sql, 'create table made_after (id integer); select pg_sleep(60)');
  const config = await scene.configure({ database: { jobs: 1, afterLoad: [{ file: sql }] } });
  const first = await firstPart(config, { isOver: loaded(2) });
  await killed(config, first, `state = 'active' and query like '%pg_sleep(60)%'`);
  expect(await databases(scene)).toEqual(['staging', incomingOf(first)]);
  const { code, step, said } = await requireAsBefore(scene, before, await nextPart(config, first));
  expect([code, step]).toEqual(['pause-lost', 'create-database']);
  expect(said).toContain('killed after all rows had come');
});
