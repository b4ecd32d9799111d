import { afterAll, beforeAll, expect, test } from 'vitest';
import { type HeldScene, startHeldScene } from './held-run.ts';

// A function whose time is over: it stops by itself 20 s before Lambda kills it, and what was half done is put back.

let scene: HeldScene;

beforeAll(async () => {
  scene = await startHeldScene(
    (config) => {
      config.deleteIn(['target', 'lambda', 'runs']);
      config.setIn(['verify', 'withinSeconds'], 60); // its time is over before its patience with an application
    },
    { timeoutSeconds: 38 },
  );
  expect((await scene.typed()).code).toBe(0);
});
afterAll(() => scene?.[Symbol.asyncDispose]());

test.each([
  ['copying', 'copy-table slow'],
  ['swapping', 'swap'],
  ['migrating', 'migrate'],
  ['verifying', 'compare-total'],
] as const)(
  'its time is over while %s: staging is as it was, nothing stays beside it, and the report says how far it was',
  async (phase, step) => {
    await scene.change();
    const before = await scene.staging();
    await using hold = await scene.hold(phase);
    const running = scene.typed();
    await hold.reached;
    const { code, report } = await running;
    expect([code, report.outcome, report.failure?.code]).toEqual([1, 'failed', 'time-over']);
    expect(report.failure?.step).toContain(step);
    expect(report.holds).toMatch(/as it was before the run/);
    expect(report.function).toMatchObject({ name: 'bluemoxon-staging-db-sync', timeoutSeconds: 38 });
    await hold[Symbol.asyncDispose]();
    expect(await scene.staging()).toEqual(before);
  },
);

test('killed at its time-out while it puts staging back, it is told as such; the next run clears up', async () => {
  await scene.change();
  const before = await scene.staging();
  await using checked = await scene.hold('verifying');
  const running = scene.typed();
  await checked.reached;
  // Its time is over there, and what puts back then waits for longer than the 20 s that are kept for it.
  await using hold = await scene.hold('swapping');
  const { code, report } = await running;
  expect([code, report.failure?.code]).toEqual([1, 'function-failed']);
  expect(report.failure?.message).toMatch(/was killed at its time-out of 38 s$/);
  expect(report.failure?.hint).toContain('--timeout 900');
  expect(report.holds).toMatch(/^staging (has the run still going on|holds the new database, which was not accepted)/);
  await checked[Symbol.asyncDispose]();
  await hold[Symbol.asyncDispose]();
  const { code: next, report: done } = await scene.typed();
  expect([next, done.outcome]).toEqual([0, 'done']);
  const last = await scene.staging();
  expect(last.tables['marker']).not.toBe(before.tables['marker']);
  expect(last.databases).toHaveLength(3);
});
