import { ListObjectsV2Command, PutObjectCommand } from '@aws-sdk/client-s3';
import { expect, test } from 'vitest';
import { configOf } from './store/config-of.ts';
import { store, useStore } from './store/use-store.ts';

useStore();

test('more than a thousand are deleted, whatever characters their keys are made of', async () => {
  const plain = [
    'a//b',
    '../up',
    '/',
    ' ',
    '+ %20 ?x=1#y',
    'dir/',
    'cafe\u0301',
    'caf\u00e9',
    '🎉/👩‍👩‍👧',
    '長'.repeat(341),
  ];
  const escaped = ['control \u0001\u001f\u007f', 'tab\tnewline\nreturn\r', `<Key>&amp;</Key>'"`, '&#10;', ']]>'];
  const hostile = [...plain, ...escaped, '\u{10000}', '\ufffe\uffff'];
  const many = Array.from({ length: 1010 }, (_, index) => `many/${index}`);
  const buckets = { source: await store.source.createBucket(), target: await store.target.createBucket() };
  await put('source', buckets.source, ['kept']);
  await put('target', buckets.target, ['kept', ...hostile, ...many]);
  const images = { delete: { maxCount: 10_000, maxPercent: 100 } };
  const shell = await configOf(store, { buckets: { images: buckets }, objects: { images } });
  const { code, stderr, report } = await shell.sync();
  expect(code, stderr).toBe(0);
  expect(report.figures.objects.deleted).toBe(hostile.length + many.length);
  const { Contents = [] } = await store.target.client.send(new ListObjectsV2Command({ Bucket: buckets.target }));
  expect(Contents.map(({ Key }) => Key)).toEqual(['kept']);
});

async function put(side: 'source' | 'target', Bucket: string, keys: readonly string[]): Promise<void> {
  const left = keys.values();
  const worker = async () => {
    for (const Key of left) await store[side].client.send(new PutObjectCommand({ Bucket, Key, Body: 'x' }));
  };
  await Promise.all(Array.from({ length: 16 }, worker));
}
