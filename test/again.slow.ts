import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { stagingRevision } from '../examples/bluemoxon/migrations.ts';
import { connect, loadConfig, plan, run, type Event, type Verification } from '../src/index.ts';
import { contentsOf } from './contents.ts';
import { type Ended, type Scene, startScene } from './scene.ts';
import type { Report } from '../src/index.ts';

// A staging that has been refreshed once; each test leaves it equal to production.
let scene: Scene;
let first: Report;

beforeAll(async () => {
  scene = await startScene();
  first = (await scene.sync()).report;
  await scene.environment.aws.resetRequests();
});
afterAll(() => scene[Symbol.asyncDispose]());

const previousOf = (report: Report) => `bluemoxon_staging__previous_${report.run}`;

async function databases(like = '%'): Promise<(string | null | undefined)[]> {
  const rows = await scene.onTarget(
    `select datname as name from pg_database where not datistemplate and datname like '${like}' order by 1`,
  );
  return rows.map(({ name }) => name);
}

async function verify(...args: readonly string[]): Promise<Ended & { readonly found: Verification }> {
  const ended = await scene.restage('verify', '--json', ...args);
  return { ...ended, found: JSON.parse(ended.stdout) as Verification }; // its fields are looked at one by one
}

test('verify finds nothing after a refresh, and says where it looked', async () => {
  const { code, found } = await verify();
  expect(code).toBe(0);
  const { source, target } = scene.environment;
  expect(found).toMatchObject({
    differences: [],
    database: {
      source: { port: source.postgres.port, database: 'bluemoxon' },
      target: { port: target.postgres.port, database: 'bluemoxon_staging' },
      targetRevision: stagingRevision,
    },
    objects: [{ totals: { same: { objects: 4709 }, missing: { objects: 0 }, changed: { objects: 0 } } }],
    health: { healthy: true },
    totals: [
      { source: 153, target: 153 },
      { table: 'books', source: 153, target: 153 },
    ],
  });
  expect(found.database?.tables).toHaveLength(9);
  expect(found.database?.merged.map(({ table }) => table.name)).toEqual(['users']);
  expect(found.database?.leftOut.map(({ table }) => table.name)).toEqual([
    'alembic_version',
    'analysis_jobs',
    'api_keys',
    'eval_runbook_jobs',
  ]);
  expect(await scene.writes()).toBe(0);
});

test('verify exits 4 and names the table in which one row has changed', async () => {
  const change = (by: number) =>
    scene.onTarget(`update authors set birth_year = birth_year + ${by} where id = 3`, 'bluemoxon_staging');
  await scene.onTarget(`update authors set birth_year = coalesce(birth_year, 1800) where id = 3`, 'bluemoxon_staging');
  await change(1);
  const { code, found } = await verify();
  await change(-1);
  expect(code).toBe(4);
  expect(found.differences).toEqual([
    "table authors has the same 96 rows by number, but not by content; the target's migrations go further, and may have changed it",
  ]);
  expect((await verify('--only', 'database')).code).toBe(0);
});

test('verify exits 4 and names an object that staging lacks', async () => {
  const body = { key: 'books/1/new in production.jpg', body: 'new' };
  await scene.environment.aws.seedObjects(scene.environment.source.bucket, [body]);
  const { code, found } = await verify('--only', 'objects');
  expect(code).toBe(4);
  expect(found.differences).toEqual([
    'bucket images: missing in the target 1, different 0; e.g. "books/1/new in production.jpg"',
  ]);
  expect(found).not.toHaveProperty('database');
});

test('a refresh of the objects only copies what is new and leaves the database alone', async () => {
  const before = await scene.staging();
  const { code, report } = await scene.sync('--only', 'objects');
  expect(code).toBe(0);
  expect(report.steps.map(({ kind }) => kind)).toEqual(['copy-objects', 'verify-objects']);
  expect(report).toMatchObject({ figures: { objects: { copied: 1, bytes: 3, equal: 4710 } } });
  expect(report.holds).toContain('nothing of staging but objects was concerned');
  expect(await scene.staging()).toEqual(before);
  expect(await scene.writes()).toBe(1);
});

test('a second refresh copies no object and keeps only the latest previous database', async () => {
  await scene.environment.aws.resetRequests();
  const { code, report } = await scene.sync();
  expect(code).toBe(0);
  expect(report.figures.objects).toMatchObject({ copied: 0, bytes: 0, equal: 4710 });
  expect(await scene.writes()).toBe(0);
  expect(await databases('bluemoxon_staging%')).toEqual(['bluemoxon_staging', previousOf(report)]);
  expect(previousOf(report)).not.toBe(previousOf(first));
});

test('a refresh of the database only asks S3 for nothing', async () => {
  await scene.environment.aws.resetRequests();
  const { code, report } = await scene.sync('--only', 'database');
  expect(code).toBe(0);
  expect(report).toMatchObject({ objects: [], figures: { tables: { equal: 14 }, health: 'healthy' } });
  const requests = await scene.environment.aws.requests();
  expect(requests.filter(({ service }) => service === 's3')).toEqual([]);
});

test('the library tells each step as an event and prints nothing', async () => {
  const { configFile, variables } = scene.environment;
  const config = loadConfig(await readFile(configFile, 'utf8'), { variables });
  const { AWS_SHARED_CREDENTIALS_FILE: credentials, AWS_CONFIG_FILE: profiles } = variables;
  using ends = await connect(config, { profileFiles: { credentials, config: profiles } });
  const planned = await plan(config, ends, { only: 'database' });
  const events: Event[] = [];
  const report = await run(planned, ends, { listen: (event) => events.push(event) });
  expect(report.outcome).toBe('done');
  expect(report.steps).toMatchObject(planned.steps);
  const told = (kind: Event['kind']) =>
    events.flatMap((event) => (event.kind === kind && 'step' in event ? event.step.id : []));
  const steps = planned.steps.map(({ id }) => id).toSorted();
  expect(told('step-started').toSorted()).toEqual(steps);
  expect(told('step-ended').toSorted()).toEqual(steps);
  expect([events[0]?.kind, events.at(-1)?.kind]).toEqual(['run-started', 'run-ended']);
});

test('a database that somebody named like a leftover is not dropped', async () => {
  const own = ['bluemoxon_staging__incoming_from_marketing', 'bluemoxon_staging__previous_do_not_touch'];
  for (const name of own) await scene.onTarget(`create database ${name} owner bluemoxon_staging`);
  expect((await scene.sync('--only', 'database')).code).toBe(0);
  const left = await databases('bluemoxon_staging\\_\\_%o%');
  for (const name of own) await scene.onTarget(`drop database if exists ${name}`);
  expect(left).toEqual(expect.arrayContaining(own));
});

test('settings that the owner of the database may not make are named in the plan and stop no refresh', async () => {
  const settings = (verb: string) => `
    alter database bluemoxon_staging ${verb === 'set' ? `set log_min_duration_statement = '1s'` : 'reset log_min_duration_statement'};
    alter role reader in database bluemoxon_staging ${verb === 'set' ? `set work_mem = '9MB'` : 'reset work_mem'}`;
  await scene.onTarget(`create role reader; ${settings('set')}`);
  const { stdout } = await scene.restage('plan', '--only', 'database');
  const { report } = await scene.sync('--only', 'database');
  await scene.onTarget(`${settings('reset')}; drop role reader`);
  expect([report.outcome, report.failure]).toEqual(['done', undefined]);
  expect(stdout).toMatch(/note: .*log_min_duration_statement/);
  expect(stdout).toMatch(/note: .*work_mem of reader|note: .*reader.*work_mem/);
});

/** A configuration of databases alone without rules, whose target is another one of staging's server. */
async function configureDatabase(name: string): Promise<string> {
  return scene.configure((config) => {
    for (const path of [['migrate'], ['verify'], ['database']]) config.deleteIn(path);
    for (const end of ['source', 'target']) for (const key of ['buckets', 'app']) config.deleteIn([end, key]);
    config.setIn(['target', 'database', 'database'], name);
  });
}

test('a name with capitals, blanks, quotes and a backslash is swapped like any other', async () => {
  const name = `Staging "Two" it's 100% \\new`;
  const quoted = `"${name.replaceAll('"', '""')}"`;
  await scene.onTarget(`create database ${quoted} owner bluemoxon_staging`);
  const config = await configureDatabase(name);
  const { code, report } = await scene.sync('--config', config);
  expect(report.failure).toBeUndefined();
  expect(code).toBe(0);
  const { source, target } = scene.environment;
  const theirs = await contentsOf(source.postgres, source.database);
  expect((await contentsOf(target.postgres, name)).tables).toEqual(theirs.tables);
  const previous = `${name}__previous_${report.run}`;
  expect(await databases('Staging%')).toEqual([name, previous]);
  await scene.onTarget(`drop database ${quoted}`);
  await scene.onTarget(`drop database "${previous.replaceAll('"', '""')}"`);
});

test('two databases whose long names begin alike keep their previous databases apart', async () => {
  const names = ['one', 'two'].map((end) => `staging_of_the_bluemoxon_project_team_${end}`);
  for (const name of names) await scene.onTarget(`create database ${name} owner bluemoxon_staging`);
  for (const name of names)
    expect((await scene.sync('--config', await configureDatabase(name))).report.outcome).toBe('done');
  const left = await databases('staging\\_of%');
  for (const name of left) await scene.onTarget(`drop database "${name ?? ''}"`);
  expect(left).toHaveLength(4);
});

test('a folder where no report can be kept stops the run before anything is changed', async () => {
  const before = await scene.staging();
  const place = join(scene.folder, '.restage');
  await rename(place, `${place}-aside`);
  await writeFile(place, '');
  const { code, stderr } = await scene.restage('sync', '--yes', '--json', '--only', 'database');
  await rm(place);
  await rename(`${place}-aside`, place);
  expect(code).not.toBe(0);
  expect(stderr).toContain('.restage');
  expect(await scene.staging()).toEqual(before);
});

test('an empty bucket gets all objects of the demo, and a second run copies none', async () => {
  await scene.environment.aws.createBucket({ name: 'bluemoxon-images-empty', account: '222222222222' });
  const file = await scene.configure((config) =>
    config.setIn(['target', 'buckets', 'images'], 'bluemoxon-images-empty'),
  );
  const copied = await scene.sync('--only', 'objects', '--config', file);
  const all = 4709 + 1; // the one from above
  expect([copied.code, copied.report.figures.objects]).toMatchObject([0, { copied: all, equal: all, failed: 0 }]);
  const again = await scene.sync('--only', 'objects', '--config', file);
  expect([again.code, again.report.figures.objects]).toMatchObject([0, { copied: 0, equal: all }]);
});
