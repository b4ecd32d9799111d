import { afterAll, beforeAll, expect, test } from 'vitest';
import type { HistoryEntry, RollbackReport, Status } from '../src/index.ts';
import { stagingOf } from './clone-faults.ts';
import { type BackScene, production, startBackScene } from './back-scene.ts';

let scene: BackScene;

beforeAll(async () => {
  scene = await startBackScene();
  await scene.arrange(production('new', 'healthy'), production('old', 'healthy'));
});
afterAll(() => scene[Symbol.asyncDispose]());

test('what a refresh replaced is put back, and had again in the same way; status and runs tell of each', async () => {
  const config = await scene.withApp({ tables: { books: { where: 'id < 40' } } });
  const old = await stagingOf(scene);
  const { report } = await scene.sync(config);
  expect(report.failure).toBeUndefined();
  const refreshed = await stagingOf(scene);

  const told = await scene.restage(config, 'status', '--json');
  const { database } = JSON.parse(told.stdout) as Status;
  expect(database).toMatchObject({
    present: { state: 'accepted', made: { run: report.run, rules: ['only some rows: books'] }, now: { tables: 3 } },
    previous: [{ run: report.run, state: 'not-restage' }],
    rollsBack: report.run,
  });

  const back = await scene.restage(config, 'rollback', '--yes', '--json');
  expect(back.code).toBe(0);
  const first = JSON.parse(back.stdout) as RollbackReport;
  expect(first).toMatchObject({ outcome: 'done', swapped: true, back: { run: report.run } });
  expect(first.verified.map(({ what, ok }) => [what, ok])).toEqual([
    ['database', true],
    ['revision', true],
    ['health', true],
    ['version', true],
  ]);
  const restored = await stagingOf(scene);
  const isStaging = ({ name }: { readonly name?: string | null }) => name === 'staging';
  expect(restored.databases.find(isStaging)).toEqual(old.databases.find(isStaging)); // its number, too
  expect({ ...restored, databases: [] }).toEqual({ ...old, databases: [] });

  const again = await scene.restage(config, 'rollback', first.run, '--yes', '--json');
  expect(again.code).toBe(0);
  const { databases, ...contents } = await stagingOf(scene);
  expect(contents).toEqual({ ...refreshed, databases: undefined });
  expect(databases.find(isStaging)).toEqual(refreshed.databases.find(isStaging));

  const listed = await scene.restage(config, 'runs', '--json');
  const { runs } = JSON.parse(listed.stdout) as { readonly runs: readonly HistoryEntry[] };
  expect(runs.map(({ kind, outcome }) => [kind, outcome])).toEqual([
    ['rollback', 'done'],
    ['rollback', 'done'],
    ['sync', 'done'],
  ]);
  expect(runs[2]).toMatchObject({ run: report.run, tables: 3, database: 'staging' });
});
