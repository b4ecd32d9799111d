import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { GetObjectCommand, GetObjectTaggingCommand, S3Client } from '@aws-sdk/client-s3';
import { fromIni } from '@aws-sdk/credential-providers';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { productionRevision, stagingRevision } from '../examples/bluemoxon/migrations.ts';
import { productionObjects, stagingObjects } from '../examples/bluemoxon/objects.ts';
import { productionRows } from '../examples/bluemoxon/production-rows.ts';
import { traps } from '../examples/bluemoxon/traps.ts';
import { firstNames as maskedFirstNames, lastNames as maskedLastNames } from '../src/postgres/masks/words.ts';
import { summary } from '../src/report/summary.ts';
import { columnsOf, type Contents, rowsAsText } from './contents.ts';
import { type Ended, requireNoSecret, type Scene, startScene } from './scene.ts';
import { openSession, type Row } from './sql.ts';
import type { Plan, Report } from '../src/index.ts';

// One plan and one refresh, looked at from every side.
let scene: Scene;
let before: Contents;
/** Rows that are staging's own, as they were. */
let ofStaging: Readonly<Record<'users' | 'api_keys', readonly Row[]>>;
let planned: Contents;
let after: Contents;
let production: { readonly before: unknown; readonly after: unknown };
let writtenByPlan: { readonly requests: number; readonly files: number };
let plan: Ended;
let planJson: Plan;
let sync: Ended & { readonly report: Report };

beforeAll(async () => {
  scene = await startScene();
  await prepareStaging();
  await stopVacuum();
  const untouched = await productionState();
  before = await scene.staging();
  ofStaging = { users: await stagingRows('users'), api_keys: await stagingRows('api_keys') };
  plan = await scene.restage('plan');
  planJson = JSON.parse((await scene.restage('plan', '--json')).stdout) as Plan; // its fields are looked at one by one
  planned = await scene.staging();
  writtenByPlan = { requests: await scene.writes(), files: (await scene.runFiles()).size };
  sync = await scene.sync();
  production = { before: untouched, after: await productionState() };
  after = await scene.staging();
});
afterAll(() => scene[Symbol.asyncDispose]());

function stagingRows(table: string): Promise<Row[]> {
  return scene.onTarget(`select * from ${table} order by id`, 'bluemoxon_staging');
}

/** What the team has set on staging's database itself. */
async function prepareStaging(): Promise<void> {
  await scene.onTarget(`
    create role reporting;
    grant connect, temporary on database bluemoxon_staging to reporting with grant option;
    revoke temporary on database bluemoxon_staging from public;
    alter database bluemoxon_staging connection limit 17;
    alter database bluemoxon_staging set statement_timeout = '5min';
    alter database bluemoxon_staging set application_name = 'it''s "staging", 100%';
    alter database bluemoxon_staging set search_path = public, "$user";
    alter role bluemoxon_staging in database bluemoxon_staging set work_mem = '8MB'`);
}

/** Its own writes would be taken for ours. */
async function stopVacuum(): Promise<void> {
  const admin = await openSession(scene.environment.source.postgres.adminUrl());
  await admin.query(`alter system set autovacuum = off`);
  await admin.query(`select pg_reload_conf()`);
  await admin[Symbol.asyncDispose]();
}

/** Any write to the server takes a transaction id, even one that is rolled back. */
async function productionState(): Promise<unknown> {
  const [counters] = await scene.onSource(`
    select pg_snapshot_xmax(pg_current_snapshot()) as next_transaction, tup_inserted, tup_updated, tup_deleted
      from pg_stat_database where datname = current_database()`);
  return { counters, contents: await scene.production() };
}

test('the plan shows both hosts and databases, rows, objects and revisions', () => {
  const { source, target } = scene.environment;
  const { stdout, code } = plan;
  expect(code).toBe(0);
  expect(stdout).toContain(`bluemoxon at 127.0.0.1:${source.postgres.port} as bluemoxon, PostgreSQL 16.`);
  expect(stdout).toContain(
    `bluemoxon_staging at 127.0.0.1:${target.postgres.port} as bluemoxon_staging, PostgreSQL 18.`,
  );
  expect(stdout).toMatch(/14 tables, 2,508 rows, .*revision q0123456cdef/);
  expect(stdout).toMatch(/revision s2345678klmn/);
  expect(stdout).toMatch(
    /bluemoxon-images \(account 111111111111\) → bluemoxon-images-staging \(account 222222222222\)/,
  );
  expect(stdout).toMatch(/source +4,709 objects/);
  expect(stdout).toMatch(/only in target +61 objects/);
  const there = new Map(stagingObjects().map((object) => [object.key, object]));
  const missing = productionObjects().filter(({ key }) => !there.has(key)).length;
  expect(planJson.objects[0]?.totals).toMatchObject({
    source: { objects: 4709 },
    target: { objects: there.size },
    missing: { objects: missing },
    extra: { objects: 61 },
  });
  expect(planJson.source).toMatchObject({ account: '111111111111', database: { revision: productionRevision } });
  expect(planJson.target).toMatchObject({ account: '222222222222', database: { revision: stagingRevision } });
  expect(planJson.steps.filter(({ kind }) => kind === 'copy-table')).toHaveLength(14);
});

test('the plan writes nothing', () => {
  expect(planned).toEqual(before);
  expect(writtenByPlan).toEqual({ requests: 0, files: 0 });
});

test('a refresh ends well, with the figures of the review', () => {
  const { code, report } = sync;
  expect(code).toBe(0);
  expect(report).toMatchObject({
    outcome: 'done',
    holds: 'staging holds the new database',
    figures: {
      tables: { planned: 14, copied: 14, rows: 2504, equal: 14 },
      objects: { source: 4709, failed: 0, equal: 4709 },
      revision: { source: productionRevision, targetBefore: stagingRevision, targetAfter: stagingRevision },
      health: 'healthy',
      totals: [
        { read: 'total', source: 153, target: 153 },
        { read: 'total', source: 153, target: 153 },
      ],
    },
  });
  expect(report).not.toHaveProperty('failure');
  expect(new Set(report.steps.map(({ outcome }) => outcome.status))).toEqual(new Set(['done']));
  const copied = planJson.objects.reduce((sum, { totals }) => sum + totals.missing.objects + totals.changed.objects, 0);
  expect(report.figures.objects.copied).toBe(copied);
});

/** What the rules are about, table by table; of the others every column is the same. */
const ruled: Readonly<Record<string, readonly string[]>> = {
  alembic_version: ['version_num'],
  users: ['email', 'first_name', 'last_name', 'cognito_sub'],
  analysis_jobs: ['status'],
  eval_runbook_jobs: ['status'],
};

test('every column that no rule is about is the same text at both ends', async () => {
  const { source, target } = scene.environment;
  await using from = await openSession(source.postgres.adminUrl(source.database));
  await using to = await openSession(target.postgres.adminUrl(target.database));
  await to.query(`begin; delete from api_keys; delete from users where email like '%@staging.bluemoxon.com'`); // its own; never committed
  const all = await columnsOf(from);
  expect(all.size).toBe(14);
  const columns = new Map(
    [...all]
      .filter(([table]) => table !== 'api_keys')
      .map(([table, names]) => [table, names.filter((name) => !ruled[table]?.includes(name))]),
  );
  columns.delete('alembic_version');
  const [theirs, ours] = [await rowsAsText(from, columns), await rowsAsText(to, columns)];
  for (const table of columns.keys()) expect([table, ours.get(table)]).toEqual([table, theirs.get(table)]);
  expect(await to.query('select version_num from alembic_version')).toEqual([{ version_num: stagingRevision }]);
});

test("production's users arrive with masked e-mail and names, and with the logins that staging has for them", async () => {
  const theirs = await scene.onSource('select * from users order by id');
  const ours = (await stagingRows('users')).filter(({ email }) => !email?.endsWith('@staging.bluemoxon.com'));
  expect(ours.map(({ id }) => id)).toEqual(theirs.map(({ id }) => id));
  for (const [index, user] of ours.entries()) {
    expect(user['email']).toMatch(/^[0-9a-f]+@example\.com$/);
    expect(maskedFirstNames).toContain(user['first_name']);
    expect(maskedLastNames).toContain(user['last_name']);
    const known = ofStaging.users.find(({ email }) => email === theirs[index]?.['email']);
    expect(user['cognito_sub']).toBe(known?.['cognito_sub'] ?? `no-account-on-staging:${user['id']}`);
  }
  expect(new Set(ours.map(({ email }) => email)).size).toBe(5);
  expect(ours.filter(({ cognito_sub: sub }) => sub?.startsWith('us-west-2_staging:'))).toHaveLength(4);
});

test("no value that is masked is in staging's database, a file of the run, or what was printed", async () => {
  const { target } = scene.environment;
  const emails = (await scene.onSource('select email from users')).map(({ email }) => email ?? '');
  await using staging = await openSession(target.postgres.adminUrl(target.database));
  const columns = await columnsOf(staging);
  const rows = JSON.stringify([...(await rowsAsText(staging, columns)).values()]);
  const files = [...(await scene.runFiles()).values()].join('\n');
  const printed = plan.stdout + plan.stderr + sync.stdout + sync.stderr;
  for (const email of emails) for (const text of [rows, files, printed]) expect(text).not.toContain(email);
});

test("staging's testers and keys stay byte for byte", async () => {
  const testers = ofStaging.users.filter(({ email }) => email?.endsWith('@staging.bluemoxon.com'));
  expect(testers).toHaveLength(2);
  expect((await stagingRows('users')).filter(({ email }) => email?.endsWith('@staging.bluemoxon.com'))).toEqual(
    testers,
  );
  expect(ofStaging.api_keys).toHaveLength(2);
  expect(await stagingRows('api_keys')).toEqual(ofStaging.api_keys);
});

test.each([
  ['analysis_jobs', 3],
  ['eval_runbook_jobs', 2],
])('what waited in production in %s is cancelled, and nothing else', async (table, waiting) => {
  const theirs = await scene.onSource(`select id, status from ${table} order by id`);
  const isWaiting = ({ status }: Row) => status === 'pending' || status === 'running';
  expect(theirs.filter(isWaiting)).toHaveLength(waiting);
  expect(await scene.onTarget(`select id, status from ${table} order by id`, 'bluemoxon_staging')).toEqual(
    theirs.map((row) => (isWaiting(row) ? { ...row, status: 'cancelled' } : row)),
  );
});

test('the summary and the report say what the rules did', async () => {
  const words = [
    ['masked', 'users: email, first_name, last_name'],
    ['kept', "api_keys: 2 rows of staging's own, instead of the source's"],
    ['', "users: 2 rows of staging's own, beside the source's"],
    ['carried', 'users: cognito_sub by email, in 4 of 5 rows'],
    ['afterLoad', '3 rows of analysis_jobs, 2 rows of eval_runbook_jobs changed'],
  ] as const;
  const terminal = summary(sync.report, (_tone, text) => text);
  const page = (await scene.runFiles()).get(join(scene.folder, '.restage', 'runs', sync.report.run, 'report.md')) ?? '';
  const section = page.slice(page.indexOf('## Data rules'), page.indexOf('## Settings'));
  for (const [name, text] of words) {
    expect(terminal).toMatch(new RegExp(`^ +${name} +${escaped(text)}$`, 'm'));
    expect(section).toMatch(new RegExp(`^\\| ${name} *\\| ${escaped(text)} *\\|$`, 'm'));
  }
});

function escaped(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}

test('verify finds both ends equal, and says what it leaves out and why', async () => {
  const { code, stdout } = await scene.restage('verify');
  expect([code, stdout]).toEqual([0, expect.stringContaining('api_keys: left out')]);
  expect(stdout).toMatch(/analysis_jobs: left out, afterLoad changed 3 rows of it/);
  expect(stdout).toMatch(/users +5 +7 +all of the source's equal, beside 2 of staging's own/);
});

test('every trap value is on staging byte by byte', async () => {
  const tables = productionRows();
  const { target } = scene.environment;
  await using staging = await openSession(target.postgres.adminUrl(target.database));
  for (const { table, row, values } of traps) {
    const [key, id] = Object.entries(tables.find((one) => one.table === table)?.rows[row] ?? {})[0] ?? [];
    const columns = Object.keys(values).map((column) => `${column}::text`);
    const found = await staging.query(`select ${columns.join(', ')} from public.${table} where ${key}::text = '${id}'`);
    expect([table, row, found]).toEqual([table, row, [values]]);
  }
});

test("sequences stand where those of production stand, called or not; above staging's own rows where there are some", async () => {
  const { sequences } = await scene.production();
  expect(Object.keys(sequences)).toHaveLength(10);
  expect(new Set(Object.values(sequences).map((state) => state.at(-1)))).toEqual(new Set(['t', 'f']));
  expect(after.sequences).toEqual({ ...sequences, users_id_seq: '901 t', api_keys_id_seq: '901 t' });
});

test('the role of the application reads, writes, adds to and alters every table', async () => {
  const { databaseUrl } = scene.environment.target;
  await using app = await openSession(databaseUrl);
  await app.query('begin');
  const [book] = await app.query(`insert into books (title) values ('the next one') returning id`);
  const [author] = await app.query(`insert into authors (name) values ('the next one') returning id, tier`);
  for (const { name } of await app.query(`select tablename as name from pg_tables where schemaname = 'public'`))
    await app.query(
      `alter table ${name} add column probe integer; update ${name} set probe = 1; delete from ${name} where false`,
    );
  await app.query('create table probe (id integer); create schema probe; rollback');
  // The first is called and the second is not: see loadDatabase.
  expect([book, author]).toEqual([{ id: '703' }, { id: '131', tier: 'TIER_3' }]);
  const [{ owner } = {}] = await app.query(`
    select string_agg(distinct tableowner, ',') as owner from pg_tables where schemaname = 'public'`);
  expect(owner).toBe('bluemoxon_staging');
});

test('what was set on the database itself is set on the new one', () => {
  const properties = (contents: Contents, name: string): Row | undefined => {
    const found = contents.databases.find((database) => database['name'] === name);
    return found && { ...found, oid: '' };
  };
  const staging = properties(before, 'bluemoxon_staging');
  expect(staging?.['settings']).toContain('statement_timeout=5min');
  expect(staging?.['grants']).toContain('reporting=');
  expect(staging?.['limit']).toBe('17');
  expect(properties(after, 'bluemoxon_staging')).toEqual(staging);
});

test('the replaced database stays beside the new one, and nothing else does', () => {
  const was = before.databases.find(({ name }) => name === 'bluemoxon_staging');
  const names = after.databases.map(({ name }) => name);
  const previous = `bluemoxon_staging__previous_${sync.report.run}`;
  expect(names).toEqual(['bluemoxon_staging', previous, 'postgres']);
  expect(after.databases.find(({ name }) => name === previous)?.['oid']).toBe(was?.['oid']);
});

test('objects arrive with content, content type, headers, metadata and tags', async () => {
  const there = new Map(stagingObjects().map((object) => [object.key, object]));
  const copied = productionObjects().filter(({ key, seed }) => there.get(key)?.seed !== seed);
  const plain = copied.slice(0, 5);
  const tagged = copied.filter(({ tags }) => tags !== undefined);
  const described = copied.filter(({ metadata, headers }) => metadata !== undefined && headers !== undefined);
  expect(Math.min(tagged.length, described.length)).toBeGreaterThan(0);
  for (const { key } of new Set([...plain, ...tagged, ...described.slice(0, 5)]))
    expect([key, await objectOf('target', key)]).toEqual([key, await objectOf('source', key)]);
});

async function objectOf(end: 'source' | 'target', Key: string): Promise<unknown> {
  const { variables, aws, [end]: side } = scene.environment;
  const profile = end === 'source' ? 'bmx-prod' : 'bmx-staging';
  const filepath = variables['AWS_SHARED_CREDENTIALS_FILE'] ?? '';
  const credentials = fromIni({ profile, filepath, ignoreCache: true });
  const client = new S3Client({ region: 'us-west-2', endpoint: aws.endpoint, credentials, forcePathStyle: true });
  const got = await client.send(new GetObjectCommand({ Bucket: side.bucket, Key }));
  const { TagSet } = await client.send(new GetObjectTaggingCommand({ Bucket: side.bucket, Key }));
  const { ContentType, CacheControl, ContentLength, ETag, Metadata, TagCount, Body } = got;
  const content = await Body?.transformToString('base64');
  client.destroy();
  return { ContentType, CacheControl, ContentLength, ETag, Metadata, TagCount, TagSet, content };
}

test('production is never written to', async () => {
  expect(production.after).toEqual(production.before);
  const requests = (await scene.environment.aws.requests()).filter(
    ({ service, account, bucket }) => service === 's3' && (account === '111111111111' || bucket === 'bluemoxon-images'),
  );
  const operations = new Set(requests.map(({ operation }) => operation));
  expect(operations).toEqual(new Set(['ListObjectsV2', 'HeadObject', 'GetObject', 'GetObjectTagging']));
});

test('the run is kept in files that only their owner can open', async () => {
  const folder = join(scene.folder, '.restage', 'runs', sync.report.run);
  const files = await scene.runFiles();
  expect([...files.keys()].toSorted()).toEqual(
    ['objects-planned.ndjson', 'objects.ndjson', 'plan.json', 'report.html', 'report.json', 'report.md'].map((name) =>
      join(folder, name),
    ),
  );
  for (const file of files.keys()) expect((await stat(file)).mode & 0o777).toBe(0o600);
  for (const path of [folder, join(folder, '..'), join(folder, '..', '..')])
    expect((await stat(path)).mode & 0o777).toBe(0o700);
  expect(JSON.parse(files.get(join(folder, 'report.json')) ?? '')).toEqual(sync.report);
});

test('no output and no file shows a password or a key', async () => {
  expect(scene.secrets).toHaveLength(6);
  expect(scene.secrets.every((secret) => secret.length >= 16)).toBe(true);
  for (const [file, text] of await scene.runFiles()) requireNoSecret(scene.secrets, text, file);
  requireNoSecret(scene.secrets, plan.stdout + plan.stderr + sync.stdout + sync.stderr, 'the output');
});
