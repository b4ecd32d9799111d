import { afterAll, beforeAll, expect, test } from 'vitest';
import { inParts, runChanged } from './clone-faults.ts';
import { type CloneScene, startCloneScene } from './clone-scene.ts';
import { copyAmongWriters, requireConsistent } from './consistent.ts';
import { bank } from './transfers.ts';

let scene: CloneScene;

beforeAll(async () => {
  scene = await startCloneScene();
  await scene.arrange(bank);
});
afterAll(() => scene[Symbol.asyncDispose]());

test('in twenty copies that are made while others write, one after the other, no invariant is broken', async () => {
  const config = await scene.configure({ database: { jobs: 4, keepPrevious: 0 } });
  for (let copy = 1; copy <= 20; copy += 1) {
    // Every other one in parts: rows move between them meanwhile.
    const made = await copyAmongWriters(scene, async () =>
      copy % 2 === 0 ? runChanged(config, inParts(4)) : (await scene.sync(config)).report,
    );
    await requireConsistent(scene, made);
    expect(made.report?.outcome).toBe('done');
  }
});
