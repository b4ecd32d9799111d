import { afterAll, beforeAll, expect, test } from 'vitest';
import { startCloneScene, type CloneScene } from './clone-scene.ts';
import { factsOf } from './database-facts.ts';
import { loadSample, sampleIsMissing } from './sample-database.ts';
import { comparableLines, publicOfAnother, schemaOf } from './schema-of.ts';

// Where they are missing, nothing is tested.
const known = ['pagila', 'chinook', 'northwind'] as const;

let scene: CloneScene;
beforeAll(async () => {
  scene = await startCloneScene({ source: 'embedded-postgres-16' });
});
afterAll(() => scene[Symbol.asyncDispose]());

test.for(known)('%s is cloned: every definition and every row is the same', async (name, { skip }) => {
  const missing = sampleIsMissing(name);
  skip(missing !== false, String(missing));
  await scene.arrange('');
  const production = scene.source.adminUrl('production');
  await loadSample(production, name);
  const { code, report } = await scene.sync(await scene.configure());
  expect(report.failure).toBeUndefined();
  expect(code).toBe(0);
  const staging = scene.target.adminUrl('staging');
  const [ours, theirs] = await Promise.all([schemaOf(production), schemaOf(staging)]);
  expect(comparableLines(theirs, 'target', [publicOfAnother])).toEqual(
    comparableLines(ours, 'source', [publicOfAnother]),
  );
  const facts = await Promise.all([factsOf(production), factsOf(staging)]);
  expect(facts[1]).toEqual(facts[0]);
  expect(facts[0]['rows']?.length).toBeGreaterThan(10);
});
