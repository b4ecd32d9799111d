import { afterAll, beforeAll, expect, test } from 'vitest';
import { type HeldScene, startHeldScene } from './held-run.ts';

// A function whose process is killed, by the real bundle behind Lambda, as whoever waits for it at a shell is told.

let scene: HeldScene;

beforeAll(async () => {
  scene = await startHeldScene((config) => void config.deleteIn(['target', 'lambda', 'runs']));
  expect((await scene.typed()).code).toBe(0);
});
afterAll(() => scene?.[Symbol.asyncDispose]());

const plain = ['marker', 'books', 'binders', 'publishers', 'book_images'];
const asBefore = /^staging holds its database as it was before the run$/;
const isNew = /^staging holds the new database, which was not accepted; to go back: restage rollback \S+ --on lambda$/;

test('killed while it plans, nothing was done, and a refresh begins anew', async () => {
  await scene.change();
  const before = await scene.staging();
  await using hold = await scene.hold('planning');
  const running = scene.restage('sync', '--yes', '--only', 'database', '--on', 'lambda', '--config', scene.configFile);
  await hold.reached;
  await scene.kill();
  const { code, stdout, stderr } = await running;
  expect([code, stdout]).toEqual([1, '']);
  expect(stderr).toMatch(
    /the function bluemoxon-staging-db-sync .* was killed: .*signal: killed; it had used \d+ of 512 MB/,
  );
  expect(stderr).toContain('aws logs tail');
  expect(await scene.staging()).toEqual(before);
});

test.each([
  ['copying', asBefore],
  // The server carries out what it was sent, or has seen by then that nobody is there.
  [
    'swapping',
    /^staging (has the run still going on: restage |holds the new database, which was not accepted|holds its database as it was before the run)/,
  ],
  ['migrating', isNew],
  ['verifying', isNew],
  ['putting back', /^staging (has the run still going on: restage |holds its database as it was before the run)/],
] as const)('killed while %s, staging is whole, and is told as it is; the next run clears up', async (phase, holds) => {
  await scene.change();
  const before = await scene.staging();
  await using hold = await scene.hold(phase);
  const running = scene.typed();
  await hold.reached;
  await scene.kill();
  await hold[Symbol.asyncDispose]();
  const { code, report } = await running;
  expect([code, report.outcome, report.failure?.code]).toEqual([1, 'failed', 'function-failed']);
  expect(report.failure?.message).toMatch(/was killed: .*signal: killed; it had used \d+ of 512 MB/);
  expect(report.failure?.hint).toMatch(/restage status --on lambda .*Begin another run/);
  expect(report.failure?.hint?.match(/aws logs tail/g)).toHaveLength(1);
  // Nothing was heard of any step, and none is blamed.
  expect(report.failure?.step).toBe('function');
  expect(report.holds).toMatch(holds);

  const after = await scene.staging();
  const production = await scene.production();
  const wasSwapped = after.tables['marker'] !== before.tables['marker'];
  // What is said of staging is so.
  if (asBefore.test(report.holds)) expect(wasSwapped).toBe(false);
  if (isNew.test(report.holds)) expect([wasSwapped, report.recovery?.swappedBack]).toEqual([true, false]);
  if (wasSwapped)
    for (const table of plain) expect([table, after.tables[table]]).toEqual([table, production.tables[table]]);
  else expect({ ...after, databases: [] }).toEqual({ ...before, databases: [] });

  const next = await scene.typed();
  expect([next.code, next.report.failure]).toEqual([0, undefined]);
  const last = await scene.staging();
  for (const table of plain) expect([table, last.tables[table]]).toEqual([table, production.tables[table]]);
  // A migrated one as well: what the killed run made was the whole of it.
  if (phase === 'verifying') expect({ ...after, databases: [] }).toEqual({ ...last, databases: [] });
  expect(last.databases.map(({ name }) => name)).toEqual([
    'bluemoxon_staging',
    // What was not accepted is not what a rollback should find.
    `bluemoxon_staging__previous_${wasSwapped ? report.run : next.report.run}`,
    'postgres',
  ]);
});
