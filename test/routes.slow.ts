import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Report } from '../src/index.ts';
import { factsOf, stepsOf } from '../src/report/report.ts';
import { type Scene, startScene } from './scene.ts';

// The same refresh of two equal environments: by this machine, and by the function in AWS.

let here: Scene;
let there: Scene;

beforeAll(async () => {
  here = await startScene();
  there = await startScene();
  await there.environment.deployFunction({ configFile: await configured(there) });
});
afterAll(async () => {
  await here?.[Symbol.asyncDispose]();
  await there?.[Symbol.asyncDispose]();
});

/** Masks of one key are the same masks. */
const configured = (scene: Scene) =>
  scene.configure((config) => config.setIn(['database', 'masks', 'key'], 'the key of these masks is this'));

async function refreshed(scene: Scene, ...args: readonly string[]) {
  const { code, stdout, stderr } = await scene.restage('sync', '--yes', ...args, '--config', await configured(scene));
  expect([code, stderr]).toEqual([0, '']);
  const [file] = [...(await scene.runFiles())].filter(([path]) => path.endsWith('/report.json'));
  return {
    report: JSON.parse(file?.[1] ?? '{}') as Report,
    summary: stdout.slice(stdout.indexOf('✓ staging is refreshed')),
  };
}

const digests = (report: Report) =>
  Object.fromEntries(
    stepsOf(report, 'copy-table').map((step) => {
      const { source, target, rows } = factsOf(step) ?? {};
      return [step.table.name, { source, target, rows }];
    }),
  );

/** Without times, runs' ids and ports, and what only the function's route has to say. */
const plain = (summary: string) =>
  summary
    .replaceAll(/2\d{7}-\d{6}-[0-9a-f]{4}/g, 'RUN')
    .replaceAll(/127\.0\.0\.1:\d+/g, 'HOST')
    .replaceAll(/(?:, )?[\d.]+ m?s$/gm, '')
    // Objects go in two passes, of which only the second knows what the target has besides.
    .replace(/\n +what came since: 0 objects copied, 0 bytes; 4,709 unchanged/, '')
    .replaceAll(/\n +(?:function +bluemoxon|request |log ).*/g, '')
    // Whoever refreshed by the function goes back by it.
    .replace('restage rollback --on lambda puts', 'restage rollback puts')
    .split('\n')
    .map((line) => line.replaceAll(/ {2,}/g, '  '));

test('both routes leave the same staging, the same digests, and say the same of it', async () => {
  const local = await refreshed(here);
  const remote = await refreshed(there, '--on', 'lambda');
  const [mine, others] = [await here.staging(), await there.staging()];
  expect(others.tables).toEqual(mine.tables);
  expect([others.sequences, others.schema]).toEqual([mine.sequences, mine.schema]);
  expect(Object.keys(mine.tables).length).toBeGreaterThan(10);
  expect(digests(remote.report)).toEqual(digests(local.report));
  expect(remote.report.figures).toEqual(local.report.figures);
  expect(plain(remote.summary)).toEqual(plain(local.summary));
});
