import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { connect, json, loadConfig, type Report, type RestageError, resume, type StepReport } from '../src/index.ts';
import { stepsOf } from '../src/report/report.ts';
import { books, databases, incomingOf, kept, requireAsBefore } from './books.ts';
import { requireNoSessions, stagingOf } from './clone-faults.ts';
import { type CloneScene, startCloneScene } from './clone-scene.ts';
import { firstPart, loaded, nextPart } from './parts.ts';
import { query } from './sql.ts';

// Nobody has the lock between two parts of a run: what the next one cannot go on from.
let scene: CloneScene;
beforeAll(async () => {
  scene = await startCloneScene();
});
afterAll(() => scene[Symbol.asyncDispose]());

test('when another run has come between, the next part says so and leaves what that one made', async () => {
  await scene.arrange(books, kept);
  const config = await scene.configure({ database: { jobs: 1, keepPrevious: 0 } });
  const first = await firstPart(config, { isOver: loaded(1) });
  const other = await scene.sync(config);
  expect(other.report.failure).toBeUndefined();
  expect(stepsOf(other.report, 'create-database')[0]?.outcome).toMatchObject({
    facts: { reclaimed: [incomingOf(first)] },
  });
  expect(await databases(scene)).toEqual(['staging']);
  const before = await stagingOf(scene);
  const { code, step, said } = await requireAsBefore(scene, before, await nextPart(config, first));
  expect([code, step]).toEqual(['pause-lost', 'create-database']);
  expect(said).toMatch(/is not there any more.*Begin a new run/s);
});

test('a database that is replaced between the parts is not replaced once more by what was planned for the other', async () => {
  await scene.arrange(books, kept);
  const config = await scene.configure({ database: { jobs: 1, keepPrevious: 0 } });
  const first = await firstPart(config, { isOver: loaded(1) });
  await query(scene.target.adminUrl(), `drop database staging`);
  await query(scene.target.adminUrl(), `create database staging`);
  const report = await nextPart(config, first);
  expect(report.failure).toMatchObject({ code: 'pause-lost', message: expect.stringContaining('another database') });
  expect(await databases(scene)).toEqual(['staging']);
});

test('a part of other ends than those of the run is refused, as is one of a run that has not paused', async () => {
  await scene.arrange(books, kept);
  const config = await scene.configure({ database: { jobs: 1, keepPrevious: 0 } });
  const first = await firstPart(config, { isOver: loaded(1) });
  const other = await scene.configure({ database: { jobs: 1 }, target: scene.target.adminUrl('other') });
  await expect(nextPart(other, first)).rejects.toMatchObject({ code: 'plan-outdated' });
  const last = await nextPart(config, first);
  expect(last.outcome).toBe('done');
  await expect(nextPart(config, last)).rejects.toMatchObject({ code: 'report-invalid' });
});

test('when the source has another schema in the next part, that one says so and puts away what was loaded', async () => {
  await scene.arrange(books, kept);
  const before = await stagingOf(scene);
  const config = await scene.configure({ database: { jobs: 1 } });
  const first = await firstPart(config, { isOver: loaded(1) });
  await scene.onSource(`create index later on books (title)`);
  const { code, step, said } = await requireAsBefore(scene, before, await nextPart(config, first));
  expect([code, step]).toEqual(['pause-lost', 'copy-schema']);
  expect(said).toMatch(/schema has changed.*Begin a new run/s);
});

test('what somebody has changed in the new database while the run paused is told, and not gone on from', async () => {
  await scene.arrange(`${books}; alter table notes add check (id > 0)`, kept);
  const before = await stagingOf(scene);
  const config = await scene.configure({ database: { jobs: 1 } });
  for (const [statement, kind] of [
    [`alter table notes alter note type varchar(90)`, 'columns'],
    [`alter table notes alter id drop not null`, 'columns'],
    [`alter table notes drop constraint notes_id_check`, 'constraints'],
    [`create table left_here (id integer)`, 'tables'],
    [`create function left_here() returns integer language sql as 'select 1'`, 'functions'],
  ] as const) {
    const first = await firstPart(config, { isOver: loaded(2) });
    expect(first.outcome).toBe('paused');
    await scene.onTarget(statement, incomingOf(first));
    const { code, step, said } = await requireAsBefore(scene, before, await nextPart(config, first));
    expect([statement, code, step]).toEqual([statement, 'pause-lost', 'create-database']);
    expect(said).toMatch(new RegExp(`somebody has changed staging__incoming.*: .*${kind}.*Begin a new run`, 's'));
  }
});

test('keys, indexes and statistics that somebody has made in the new database are told, and not swapped in', async () => {
  await scene.arrange(books, kept);
  const before = await stagingOf(scene);
  const config = await scene.configure({ database: { jobs: 1 } });
  for (const [statement, name] of [
    [`create index left_index on books (title)`, 'left_index'],
    [`alter table notes add constraint left_key unique (note, id)`, 'left_key'],
    [`alter table books add constraint left_reference foreign key (id) references authors (id)`, 'left_reference'],
    [`create statistics left_statistics on id, title from books`, 'left_statistics'],
  ] as const) {
    const first = await firstPart(config, { isOver: loaded(2) });
    await scene.onTarget(statement, incomingOf(first));
    const { code, step, said } = await requireAsBefore(scene, before, await nextPart(config, first));
    expect([statement, code, step]).toEqual([statement, 'pause-lost', 'copy-schema']);
    expect(said).toMatch(new RegExp(`what the source has not: ${name}`));
  }
});

test('keys, indexes and statistics that a killed part has made beyond its report are gone on from', async () => {
  await scene.arrange(
    `${books}; create statistics of_books on id, author from books; create index on books (title)`,
    kept,
  );
  const config = await scene.configure({ database: { jobs: 1, keepPrevious: 0 } });
  const first = await firstPart(config, { isOver: loaded(1) });
  await scene.onTarget(
    `insert into books values (1, 1, 'left'); create statistics of_books on id, author from books; alter table books add primary key (id)`,
    incomingOf(first),
  );
  const report = await nextPart(config, first);
  expect([report.outcome, report.failure]).toEqual(['done', undefined]);
  expect(await scene.onTarget(`select title from books where id = 1`)).toEqual([{ title: 'book 1' }]);
});

test('by a report that was changed nothing is done, and the one that was written goes on', async () => {
  await scene.arrange(books, kept);
  const config = await scene.configure({ database: { jobs: 1, keepPrevious: 0 } });
  const first = await firstPart(config, { isOver: loaded(1) });
  const stepsWith = (change: (step: StepReport) => object) => ({ steps: first.steps.map(change) });
  const facts = (kind: StepReport['kind'], changed: object) => (step: StepReport) =>
    step.kind === kind && step.outcome.status === 'done'
      ? { ...step, outcome: { ...step.outcome, facts: { ...step.outcome.facts, ...changed } } }
      : step;
  for (const change of [
    stepsWith((step) => (step.kind === 'drop-previous' ? { ...step, keep: 9 } : step)),
    stepsWith((step) => (step.kind === 'copy-table' ? { ...step, mayBeEmpty: true } : step)),
    { steps: first.steps.filter(({ id }) => id !== 'copy-table notes') },
    stepsWith(facts('create-database', { presentOid: '4711' })),
    stepsWith(facts('copy-schema', { print: 'of another schema' })),
    { onFailure: 'keep' },
    { jobs: 3 },
  ]) {
    const changed = { ...first, ...change } as Report;
    await expect(nextPart(config, changed)).rejects.toMatchObject({
      code: 'report-invalid',
      message: expect.stringContaining('names another work'),
    });
    expect(await databases(scene)).toEqual(['staging', incomingOf(first)]);
  }
  expect((await nextPart(config, first)).outcome).toBe('done');
});

test('a report that was kept without its secrets is refused where no configuration puts them back', async () => {
  await scene.arrange(books, kept);
  const secret = 'https://me:geheim99@example.org/';
  const file = await scene.configure({
    database: { jobs: 1, keepPrevious: 0, afterLoad: [{ sql: `update notes set note = '${secret}'` }] },
  });
  const first = await firstPart(file, { isOver: loaded(1) });
  const written = JSON.parse(json(first)) as Report;
  const config = loadConfig(await readFile(file, 'utf8'), { variables: {} });
  using ends = await connect(config);
  await expect(resume(written, ends)).rejects.toMatchObject({
    code: 'report-invalid',
    message: expect.stringContaining('kept without its secrets'),
  });
  expect((await resume(written, ends, { config })).outcome).toBe('done');
  expect(await scene.onTarget(`select distinct note from notes`)).toEqual([{ note: secret }]);
});

test('a comment that somebody has put on the new database leaves nothing to go on from', async () => {
  await scene.arrange(books, kept);
  const before = await stagingOf(scene);
  const config = await scene.configure({ database: { jobs: 1 } });
  const first = await firstPart(config, { isOver: loaded(1) });
  await query(scene.target.adminUrl(), `comment on database "${incomingOf(first)}" is 'somebody'`);
  const { code, said } = await requireAsBefore(scene, before, await nextPart(config, first));
  expect([code, said]).toEqual(['pause-lost', expect.stringContaining('the comment on it is gone')]);
});

test('a damaged report is refused before anything is touched, and the whole one goes on', async () => {
  await scene.arrange(books, kept);
  const config = await scene.configure({ database: { jobs: 1, keepPrevious: 0 } });
  const first = await firstPart(config, { isOver: loaded(1) });
  const created = first.steps.map((step) =>
    step.kind === 'create-database' ? { ...step, outcome: { ...step.outcome, facts: { oid: '0; drop' } } } : step,
  );
  for (const [change, code, words] of [
    [{ run: '../../run' }, 'report-invalid', /run/],
    [{ steps: undefined }, 'report-invalid', /steps/],
    [{ steps: [{}] }, 'report-invalid', /steps\.0\.id/],
    [{ steps: first.steps.filter(({ kind }) => kind !== 'swap') }, 'report-invalid', /no step swap/],
    [{ parts: [] }, 'report-invalid', /parts/],
    [{ restage: '0.0.9' }, 'pause-lost', /begun by restage 0\.0\.9, and this is /],
    [{ steps: created }, 'pause-lost', /does not say what it has loaded/],
  ] as const) {
    const damaged = { ...first, ...(change as Partial<Report>) };
    await expect(nextPart(config, damaged)).rejects.toMatchObject({ code, message: expect.stringMatching(words) });
  }
  expect((await nextPart(config, first)).outcome).toBe('done');
  await requireNoSessions(scene.source, scene.target);
});

test("the owner, the grants, the settings and the comment are staging's at the swap, not at the run's beginning", async () => {
  await scene.arrange(books, kept);
  const admin = (sql: string) => query(scene.target.adminUrl(), sql);
  const config = await scene.configure({ database: { jobs: 1, keepPrevious: 0 } });
  await admin(`create role before; create role later`);
  await admin(`alter database staging set work_mem to '5MB'`);
  await admin(`alter database staging set lock_timeout to '7s'`);
  await admin(`grant create on database staging to before`);
  await admin(`comment on database staging is 'as it was'`);
  const properties = () =>
    admin(`select d.datacl::text as grants, shobj_description(d.oid, 'pg_database') as comment, pg_get_userbyid(d.datdba) as owner,
                  (select array_agg(s order by s)::text from pg_db_role_setting r, unnest(r.setconfig) s where r.setdatabase = d.oid) as settings
             from pg_database d where datname = 'staging'`);
  const first = await firstPart(config, { isOver: loaded(1) });
  await admin(`alter database staging reset lock_timeout`);
  await admin(`alter database staging set work_mem to '6MB'`);
  await admin(`revoke create on database staging from before`);
  await admin(`grant create on database staging to later`);
  await admin(`comment on database staging is 'as it is'`);
  await admin(`alter database staging owner to later`);
  const [now] = await properties();
  const report = await nextPart(config, first);
  expect(report.failure).toBeUndefined();
  const [after] = await properties();
  const noted = JSON.parse(String(after?.comment)) as { restage: { comment?: string } };
  expect(after).toMatchObject({ owner: 'later', settings: '{work_mem=6MB}' });
  expect(noted.restage.comment).toBe('as it is');
  const sorted = (acl: unknown) => String(acl).replace(/[{}]/g, '').split(',').toSorted();
  expect(sorted(after?.grants)).toEqual(sorted(now?.grants));
});

test('another key of the masks, or what is personal in JSON that came meanwhile, is not gone on with', async () => {
  await scene.arrange(
    `${books}; create table people (id integer primary key, email text, more jsonb);
    insert into people select n, 'p' || n || '@example.com', '{"size": 1}' from generate_series(1, 9) n; analyze`,
    kept,
  );
  const settings = (key: string, unmasked = 'refuse') =>
    scene.configure({
      database: {
        jobs: 1,
        keepPrevious: 0,
        unmasked,
        masks: { key },
        tables: { authors: { allow: ['name'] }, people: { mask: { email: 'email' } } },
      },
    });
  const key = 'the first key of the masks, of 40 letters';
  const first = await firstPart(await settings(key), { isOver: loaded(1) });
  expect(first.failure).toBeUndefined();
  const refused = await nextPart(await settings('another key of the masks, of 40 letters'), first).catch(
    (error: unknown) => error as RestageError,
  );
  expect(refused).toMatchObject({ code: 'pause-lost', message: expect.stringContaining('masks.key is another one') });
  expect((refused as RestageError).message).not.toContain('key of the masks');
  const other = await readFile(await settings('a third key of the masks, of 40 letters'), 'utf8');
  using ends = await connect(loadConfig(other, { variables: {} }));
  await expect(resume(first, ends)).rejects.toMatchObject({ code: 'pause-lost' }); // by the ends alone
  await scene.onSource(`update people set more = '{"email": "someone@example.com"}'`);
  await expect(nextPart(await settings(key), first)).rejects.toMatchObject({
    code: 'unmasked',
    message: expect.stringContaining('people.more'),
  });
  expect((await nextPart(await settings(key, 'allow'), first)).outcome).toBe('done');
});
