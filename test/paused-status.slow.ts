import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Report } from '../src/index.ts';
import { joinReports, plain, summary } from '../src/index.ts';
import { type CloneScene, startCloneScene } from './clone-scene.ts';
import { reportInParts } from './example-parts.ts';
import { databaseReport, firstReport, joinedPlan, secondReport } from './example-passes.ts';
import { firstPart, loaded, nextPart } from './parts.ts';
import { faults } from './schema-faults.ts';

let scene: CloneScene;
let config: string;
let paused: Report;

beforeAll(async () => {
  scene = await startCloneScene();
  await scene.arrange(
    `
    create table authors as select n as id, 'author ' || n as name from generate_series(1, 100) n;
    create table books as select n as id, 'book ' || n as title from generate_series(1, 5000) n;`,
    'create table old (id int)',
  );
  config = await scene.configure({ database: { jobs: 1 } });
  paused = await firstPart(config, { isOver: loaded(1) });
}, 60_000);
afterAll(() => scene?.[Symbol.asyncDispose]());

const status = async () => {
  const { stdout } = await scene.restage(config, 'status');
  return stdout.replaceAll(/\s+/g, ' ');
};

test('a run that has paused is told as such, with what staging holds and what comes next', () => {
  expect(paused.outcome).toBe('paused');
  const text = summary(paused, plain);
  expect(text).toContain('1 of 2 loaded; ');
  expect(text).toContain('staging holds its database as it was before the run.');
  expect(text).toContain('The next part compares the 1 table with the source as it is then, loads the other one,');
});

test('status says whose the database beside staging is, and that the run goes on with it', async () => {
  const text = await status();
  expect(text).toContain(`staging__incoming_${paused.run}`);
  expect(text).toContain(`the run ${paused.run} has paused`);
  expect(text).toContain('with 1 of 2 tables loaded; its next part goes on with it, another sync drops it');
  expect(text).not.toContain('left by a run that died');
});

test('the next part goes on with it, and nothing says any more that it has paused', async () => {
  const done = await nextPart(config, paused);
  expect(done.outcome).toBe('done');
  expect(summary(done, plain)).toMatch(/2: .* 1 table loaded; of the 1 before it: 1 the same/);
  expect(summary(done, plain)).toContain('the moment of the last part');
  const text = await status();
  expect(text).not.toContain('paused');
  expect(text).toContain(`made by run ${done.run}`);
});

test('reports of pauses, of parts, of functions and of two places are as the published schemas say', () => {
  const { run, startedAt } = firstReport;
  const joined = joinReports(joinedPlan, {
    run,
    startedAt,
    first: firstReport,
    database: databaseReport,
    second: secondReport,
  });
  const written = (value: unknown): unknown => JSON.parse(JSON.stringify(value));
  for (const report of [paused, reportInParts(), joined]) expect(faults('report', written(report))).toEqual([]);
  expect(faults('plan', written(joinedPlan))).toEqual([]);
}, 120_000);
