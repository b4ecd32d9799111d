import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Report, Status } from '../src/index.ts';
import { stagingOf } from './clone-faults.ts';
import { type BackScene, production, startBackScene } from './back-scene.ts';
import { contentsOf, type Contents } from './contents.ts';
import { faults } from './schema-faults.ts';
import { openSession, until } from './sql.ts';

// What becomes of staging where something fails after the swap.
let scene: BackScene;
let before: Contents;

beforeAll(async () => {
  scene = await startBackScene();
});
beforeEach(async () => {
  scene.app.says = undefined;
  scene.app.environment = undefined;
  await scene.arrange(production('new', 'unhealthy'), production('old', 'healthy'));
  before = await stagingOf(scene);
});
afterAll(() => scene[Symbol.asyncDispose]());

/** Rows, sequences and schema, whatever databases there are. */
const data = ({ tables, sequences, schema }: Contents) => ({ tables, sequences, schema });
const numberOf = ({ databases }: Contents) => databases.find(({ name }) => name === 'staging')?.['oid'];
const statusOf = async (config: string) => {
  const { stdout } = await scene.restage(config, 'status', '--json');
  return (JSON.parse(stdout) as Status).database;
};
const markdownOf = ({ run }: Report) => readFile(join(scene.folder, '.restage/runs', run, 'report.md'), 'utf8');

test('what was put back is looked at: the database, its revision, the application', async () => {
  const { code, report } = await scene.sync(await scene.withApp());
  expect([code, report.failure?.step, report.outcome]).toEqual([1, 'check-health', 'failed']);
  expect(report.recovery).toMatchObject({
    swappedBack: true,
    verified: [
      { what: 'database', ok: true, found: `staging is the one from before, by its number ${numberOf(before)}` },
      { what: 'revision', ok: true, found: 'old-head, as it was read before' },
      { what: 'health', ok: true, found: 'healthy' },
      { what: 'version', ok: true, found: '1.4.0 (6575f61)' },
    ],
  });
  expect(report.holds).toBe('staging holds its previous database again, as it was before the run');
  expect(faults('report', report)).toEqual([]);
  expect(await stagingOf(scene)).toEqual(before);
  expect(await markdownOf(report)).toMatch(/^\| health \| as before \| healthy \|$/m);
});

test('an application that is not well with the previous database either is told in what staging holds', async () => {
  scene.app.says = 'unhealthy';
  const { code, report } = await scene.sync(await scene.withApp());
  expect([code, report.failure?.step]).toEqual([1, 'check-health']);
  expect(report.recovery?.verified).toContainEqual(expect.objectContaining({ what: 'health', ok: false }));
  expect(faults('report', report)).toEqual([]);
  expect(report.holds).toMatch(
    /^staging was given its previous database back, but not all is well with it: health: .*status is "unhealthy", "healthy" expected.* restage status/,
  );
  expect(await stagingOf(scene)).toEqual(before);
});

test('a revision that is not the one that the plan read is told', async () => {
  const config = await scene.withApp();
  await using admin = await openSession(scene.target.adminUrl());
  const document = scene.sync(config);
  await until(admin, `select from pg_database where datname like 'staging\\_\\_previous%'`);
  // What the application still does to the database that was its own.
  const [{ name = '' } = {}] = await admin.query(
    `select datname as name from pg_database where datname like 'staging\\_\\_previous%'`,
  );
  await scene.onTarget(`update alembic_version set version_num = 'other'`, name ?? '');
  const { code, report } = await document;
  expect(code).toBe(1);
  expect(report.holds).toContain('revision: other, and was old-head');
});

test('an application that calls itself another environment by then is told', async () => {
  await using admin = await openSession(scene.target.adminUrl());
  const running = scene.sync(await scene.withApp({}, { 'verify.withinSeconds': 1 }));
  await until(admin, `select from pg_database where datname like 'staging\\_\\_previous%'`);
  scene.app.environment = 'demo';
  const { code, report } = await running;
  expect(code).toBe(1);
  expect(report.recovery?.verified).toContainEqual({
    what: 'version',
    ok: false,
    found: expect.stringMatching(/ says that its environment is demo, not staging/) as string,
  });
  expect(report.holds).toContain('but not all is well with it: version: ');
  expect(await stagingOf(scene)).toEqual(before);
});

test('with onFailure: keep the new database stays, told as not accepted, until a rollback or a good run', async () => {
  const config = await scene.withApp({ onFailure: 'keep', keepPrevious: 1 });
  const { code, report } = await scene.sync(config);
  const previous = `staging__previous_${report.run}`;
  expect([code, report.outcome, report.recovery]).toEqual([
    1,
    'failed',
    { swappedBack: false, dropped: [], kept: { database: 'staging', previous } },
  ]);
  expect(report.holds).toBe(
    `staging holds the new database, which was not accepted: check-health failed. The one before it stands beside it as ${previous}; to go back to it: restage rollback ${report.run}`,
  );
  expect(faults('report', report)).toEqual([]);
  const kept = await stagingOf(scene);
  expect(kept.tables).toEqual((await contentsOf(scene.source, 'production')).tables);
  expect(data(await contentsOf(scene.target, previous))).toEqual(data(before));
  expect(await statusOf(config)).toMatchObject({
    present: { state: 'not-accepted', made: { run: report.run, failed: 'check-health' } },
    previous: [{ run: report.run, state: 'not-restage' }],
    rollsBack: report.run,
  });
  const { stdout } = await scene.restage(config, 'plan');
  expect(stdout).toContain(
    `staging was put in place by the run ${report.run}, whose check-health failed; database.onFailure kept it, not accepted`,
  );
  expect(stdout).toContain(`restage rollback ${report.run} puts it back`);

  // Another that is not accepted does not push out what was, and neither does the good one after it.
  const second = await scene.sync(config);
  expect([second.code, second.report.recovery?.kept]).toMatchObject([1, { database: 'staging' }]);
  expect((await statusOf(config))?.rollsBack).toBe(report.run);
  await scene.onSource(`update verdict set word = 'healthy'`);
  const good = await scene.sync(config);
  expect(good.code).toBe(0);
  expect(data(await contentsOf(scene.target, previous))).toEqual(data(before));
  expect((await statusOf(config))?.previous.map(({ name }) => name)).toEqual([previous]);
  const dropped = good.report.steps.find(({ kind }) => kind === 'drop-previous')?.outcome;
  expect(dropped).toMatchObject({ facts: { kept: [previous], freedBytes: expect.any(Number) as number } });
  const back = await scene.restage(config, 'rollback', '--yes');
  expect(back.code).toBe(0);
  expect(data(await stagingOf(scene))).toEqual(data(before));
});

test('an interrupt after the swap puts the previous database back, in spite of onFailure: keep', async () => {
  const config = await scene.withApp({ onFailure: 'keep' }, { 'verify.health.withinSeconds': 60 });
  await using admin = await openSession(scene.target.adminUrl());
  const running = scene.begin(config, 'sync', '--yes', '--json');
  await until(admin, `select from pg_database where datname like 'staging\\_\\_previous%'`);
  running.signal('SIGINT');
  const { code, stdout } = await running.ended;
  const report = JSON.parse(stdout) as Report;
  expect([code, report.outcome, report.recovery?.swappedBack]).toEqual([130, 'interrupted', true]);
  expect(await stagingOf(scene)).toEqual(before);
});
