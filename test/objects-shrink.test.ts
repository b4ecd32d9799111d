import { readFile, writeFile } from 'node:fs/promises';
import { PutObjectCommand, DeleteObjectCommand } from '@aws-sdk/client-s3';
import { expect, test } from 'vitest';
import type { Plan } from '../src/index.ts';
import { configOf } from './store/config-of.ts';
import { store, useStore } from './store/use-store.ts';

useStore();

test('a bucket that lost more than half since the last run stops the next, unless other keys are looked at', async () => {
  const [from, to] = [await store.source.createBucket(), await store.target.createBucket()];
  const keys = Array.from({ length: 12 }, (_, index) => `a/${index}`);
  const { client } = store.source;
  await Promise.all(keys.map((Key) => client.send(new PutObjectCommand({ Bucket: from, Key, Body: Key }))));
  const buckets = { images: { source: from, target: to } };
  const shell = await configOf(store, { buckets });
  const { code, report } = await shell.sync();
  expect([code, report.figures.objects.copied]).toEqual([0, 12]);
  await Promise.all(keys.slice(5).map((Key) => client.send(new DeleteObjectCommand({ Bucket: from, Key }))));

  const refused = await shell.restage('plan');
  expect(refused.code).toBe(3);
  expect(refused.stderr).toContain(
    'the source bucket of images has 5 objects, 15 bytes, now, and had 12 objects, 38 bytes,',
  );
  expect(refused.stderr).toContain(`then: the run ${report.run}`);
  expect(refused.stderr).toContain('objects: { images: { mayShrink: true } }');

  const config = JSON.parse(await readFile(shell.configFile, 'utf8')) as object;
  const told = async (objects: object) => {
    await writeFile(shell.configFile, JSON.stringify({ ...config, objects }));
    return (JSON.parse((await shell.restage('plan', '--json')).stdout) as Plan).refusals;
  };
  expect(await told({ images: { mayShrink: true } })).toBeUndefined();
  expect(await told({ images: { prefix: 'a/' } })).toBeUndefined();

  // A run of other keys comes between: it says nothing of these, and hides nothing either.
  await writeFile(shell.configFile, JSON.stringify({ ...config, objects: { images: { prefix: 'a/' } } }));
  expect((await shell.sync()).code).toBe(0);
  expect(await told({})).toMatchObject([{ code: 'source-shrunk' }]);
});
