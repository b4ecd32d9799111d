import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Report } from '../src/index.ts';
import { exampleReport } from './example-report.ts';
import { obstacles, withObstacle } from './obstacles.ts';
import { type Scene, startScene } from './scene.ts';
import { faults, validators } from './schema-faults.ts';
import { type } from './store/command-line.ts';

let scene: Scene;
beforeAll(async () => {
  scene = await startScene();
});
afterAll(() => scene[Symbol.asyncDispose]());

/** A report as it was printed, and as the run's folder keeps it with its plan. */
async function requireFits(report: Report): Promise<void> {
  const read = async (name: string) =>
    JSON.parse(await readFile(join(scene.folder, '.restage', 'runs', report.run, name), 'utf8')) as unknown;
  expect(faults('report', report)).toEqual([]);
  expect(faults('report', await read('report.json'))).toEqual([]);
  expect(faults('plan', await read('plan.json'))).toEqual([]);
}

test('the report of a run of objects only fits the schema', async () => {
  const config = await scene.configure((document) =>
    document.setIn(['objects'], { images: { delete: { maxCount: 100, maxPercent: 5 } } }),
  );
  const { code, report } = await scene.sync('--only', 'objects', '--config', config);
  expect([code, report.outcome, report.only]).toEqual([0, 'done', 'objects']);
  await requireFits(report);
});

test('the report of a run that failed and was put back fits the schema', async () => {
  const { report } = await withObstacle(scene, obstacles.migratedByHand, () => scene.sync('--only', 'database'));
  expect(report).toMatchObject({ outcome: 'failed', recovery: { swappedBack: true } });
  await requireFits(report);
});

test('the report of a run that was interrupted fits the schema', async () => {
  const { stdout } = await withObstacle(scene, obstacles.slowTable, async () => {
    const running = scene.begin('sync', '--yes', '--json');
    await running.said('✓ copy-schema'); // it is about to copy the table, or does
    running.signal('SIGINT');
    return await running.ended;
  });
  const report = JSON.parse(stdout) as Report; // looked at by the schema
  expect(report.outcome).toBe('interrupted');
  await requireFits(report);
});

test('the report of a whole run fits the schema, and one with anything more or less does not', async () => {
  const { code, report } = await scene.sync();
  expect(code).toBe(0);
  await requireFits(report);
  expect(validators().report({ ...report, more: true })).toBe(false);
  expect(validators().report({ ...report, holds: undefined })).toBe(false);
  const [first, ...rest] = report.steps;
  expect(validators().report({ ...report, steps: [{ ...first, more: 1 }, ...rest] })).toBe(false);
  expect(validators().report({ ...report, steps: [{ ...first, outcome: { status: 'well' } }, ...rest] })).toBe(false);
  expect(validators().plan(report)).toBe(false);
});

test('the report of a rollback fits its schema, is told again, and has no page', async () => {
  const rolled = await scene.restage('rollback', '--yes');
  expect(rolled.code).toBe(0);
  const runs = await readdir(join(scene.folder, '.restage', 'runs'));
  const file = join(scene.folder, '.restage', 'runs', runs.toSorted().at(-1) ?? '', 'report.json');
  const kept = JSON.parse(await readFile(file, 'utf8')) as object;
  expect(faults('rollback', kept)).toEqual([]);
  expect(validators().rollback({ ...kept, more: true })).toBe(false);
  expect(validators().report(kept)).toBe(false);
  const told = (...args: string[]) => type(['report', ...args], scene.folder, {}).ended;
  const [text, page] = await Promise.all([told(), told('--format', 'html')]);
  expect(text.code).toBe(0);
  expect(rolled.stdout).toContain(text.stdout.trim());
  expect(page).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('is a rollback, which has no page') as string,
  });
});

test('a report with something of every kind of step fits the schema', () => {
  for (const ended of ['done', 'failed'] as const)
    expect(faults('report', JSON.parse(JSON.stringify(exampleReport(12, ended))))).toEqual([]);
});
