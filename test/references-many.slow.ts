import { readFile, writeFile } from 'node:fs/promises';
import { afterAll, beforeAll, expect } from 'vitest';
import { SynthesizedIndex } from '../demo/local-aws/s3/synthesized-index.ts';
import type { Verification } from '../src/index.ts';
import { type CloneScene, startCloneScene } from './clone-scene.ts';
import { measured } from './measured.ts';
import { openSession } from './sql.ts';
import { configOf } from './store/config-of.ts';
import { needs, store, useStore } from './store/use-store.ts';

useStore();

let scene: CloneScene;
beforeAll(async () => {
  scene = await startCloneScene();
});
afterAll(() => scene[Symbol.asyncDispose]());

const objects = 200_000;

needs('faults')('200,000 keys that rows name are held against both buckets in little memory', async () => {
  await scene.arrange('', 'create table images (key text)');
  await nameAll();
  const buckets = { source: 'named-production', target: 'named-staging' };
  const make = (side: 'source' | 'target', more: object) =>
    store.aws?.createBucket({
      name: buckets[side],
      account: store[side].account ?? '',
      synthesized: { objects, ...more },
    });
  await make('source', {});
  await make('target', { missingEvery: 8000 });
  const shell = await configOf(store, { buckets: { images: buckets } });
  const config = JSON.parse(await readFile(shell.configFile, 'utf8')) as Record<'source' | 'target', object>;
  await writeFile(
    shell.configFile,
    JSON.stringify({
      ...config,
      source: { ...config.source, database: { url: scene.source.adminUrl('production') } },
      target: { ...config.target, database: { url: scene.target.adminUrl('staging') } },
      verify: { references: [{ bucket: 'images', column: 'images.key' }] },
    }),
  );
  const { code, stdout, peakMiB } = await measured({ ...shell, heapMiB: 36 }, 'verify', '--json');
  const [check] = (JSON.parse(stdout) as Verification).references ?? [];
  expect([code, check]).toMatchObject([
    4,
    {
      named: objects + 2,
      missing: { keys: objects / 8000 },
      absent: { keys: 2, examples: ['lost 1', 'lost 2'] },
      unnamed: { keys: 0 },
    },
  ]);
  expect(peakMiB).toBeLessThan(200);
});

/** Two rows for the key of each object, and two that no bucket has. */
async function nameAll(): Promise<void> {
  await using session = await openSession(scene.target.adminUrl('staging'));
  const insert = (keys: readonly string[]) =>
    session.query(
      `insert into images select json_array_elements_text($k$${JSON.stringify(keys)}$k$) from (values (1), (2)) twice`,
    );
  let some: string[] = [];
  // Their bytes, each as a character.
  for (const { key } of new SynthesizedIndex({ objects }, '').from('')) {
    some.push(Buffer.from(key, 'latin1').toString());
    if (some.length < 20_000) continue;
    await insert(some);
    some = [];
  }
  await insert([...some, 'lost 1', 'lost 2']);
}
