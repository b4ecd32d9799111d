import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ListObjectsV2Command } from '@aws-sdk/client-s3';
import { beforeEach, expect } from 'vitest';
import type { SeedObject } from '../demo/local-aws/local-aws.ts';
import type { ObjectOutcome } from '../src/index.ts';
import { aws, countRequests, expectAllCopied, expectFailed, pairOf, slowDown, strike } from './objects-scene.ts';
import { needs, store, useStore } from './store/use-store.ts';

useStore();
const faulty = needs('faults');

beforeEach(async () => store.aws?.clearFaults());

const denied = { kind: 'error', status: 403, code: 'AccessDenied', message: 'Access Denied' } as const;
const guarded = { delete: { maxCount: 100, maxPercent: 50 } };

const thousand: readonly SeedObject[] = Array.from({ length: 1100 }, (_, index) => ({
  key: `${10_000 + index}`,
  body: `${index}`,
}));

async function keysOf(bucket: string): Promise<readonly string[]> {
  const pages = [
    new ListObjectsV2Command({ Bucket: bucket }),
    new ListObjectsV2Command({ Bucket: bucket, StartAfter: '10999' }),
  ];
  const answers = await Promise.all(pages.map((page) => store.target.client.send(page)));
  return [...new Set(answers.flatMap(({ Contents = [] }) => Contents.map(({ Key = '' }) => Key)))];
}

for (const side of ['source', 'target'] as const) {
  faulty(`an error on the second page of the ${side}'s listing: the plan fails, and nothing is written`, async () => {
    const pair = await pairOf({ objects: guarded });
    await aws().seedObjects(pair.from, thousand);
    await aws().seedObjects(pair.to, thousand.slice(1));
    const Bucket = { source: pair.from, target: pair.to }[side];
    await aws().resetRequests();
    for (const command of [['plan'], ['sync', '--yes']]) {
      await aws().clearFaults();
      await strike({ operation: 'ListObjectsV2', bucket: Bucket }, { ...denied, skip: 1 });
      const { code, stderr } = await pair.shell.restage(...command);
      expect(code, stderr).toBe(1);
      expect(stderr).toContain(`cannot list ${Bucket}`);
    }
    const asked = Object.keys(await countRequests(pair.to));
    expect(asked.filter((operation) => !/^(List|Get|Head)/.test(operation))).toEqual([]);
  });

  faulty(`an error on the second page of any listing of the ${side}'s deletes nothing`, async () => {
    const pair = await pairOf({ objects: guarded });
    const extras = ['99', '99 too', 'of staging alone'];
    await aws().seedObjects(pair.from, thousand);
    await aws().seedObjects(pair.to, [...thousand, { key: '99', body: 'x' }, { key: '99 too', body: 'y' }]);
    const bucket = { source: pair.from, target: pair.to }[side];
    const ends: unknown[] = [];
    // Planned, copied, verified, listed once more to delete: four times two pages.
    for (const skip of [1, 3, 5, 7]) {
      await pair.put(`100 to copy ${skip}`, 'new');
      await strike({ operation: 'ListObjectsV2', bucket }, { ...denied, skip });
      const failed = await pair.refresh().then(
        ({ report }) => report.failure?.step,
        () => 'plan',
      );
      await aws().clearFaults();
      ends.push(failed);
      expect(await keysOf(pair.to)).toEqual(expect.arrayContaining(extras));
    }
    expect(ends).toEqual(['plan', 'copy-objects images', 'verify-objects images', 'delete-objects images']);
    // So it was the error: without one they go.
    expect((await pair.refresh()).report.figures.objects.deleted).toBe(3);
    expect(await keysOf(pair.to)).not.toEqual(expect.arrayContaining(['99']));
  });

  faulty(
    `a listing of the ${side} that is cut short is asked for again, and is never taken for the whole`,
    async () => {
      const pair = await pairOf({ objects: guarded });
      const kept = Array.from({ length: 20 }, (_, index) => ({ key: `kept ${index}`, body: 'x' }));
      for (const bucket of [pair.from, pair.to]) await aws().seedObjects(bucket, kept);
      await pair.put('new', 'new');
      const bucket = { source: pair.from, target: pair.to }[side];
      await strike({ operation: 'ListObjectsV2', bucket }, { kind: 'truncate-body', times: 2 });
      const planned = await pair.shell.restage('plan');
      expect(planned.code, planned.stderr).toBe(0);
      expect(planned.stdout).toMatch(/to copy +1 object/);
      await strike({ operation: 'ListObjectsV2', bucket }, { kind: 'truncate-body' });
      await expect(pair.refresh()).rejects.toMatchObject({ code: 'bucket-denied' });
      await aws().clearFaults();
      expect(await keysOf(pair.to)).toEqual(expect.arrayContaining(['kept 0', 'kept 19', 'of staging alone']));
    },
  );
}

for (const route of ['stream', 'server'] as const)
  needs('archive', 'faults')(
    `what is archived is named and counted, what has been restored is copied, by the route ${route}`,
    async () => {
      const pair = await pairOf({ objects: { route }, source: { readableBy: store.target } });
      const glacier = { body: 'x', storageClass: 'GLACIER' };
      await aws().seedObjects(pair.from, [
        { key: 'archived', ...glacier },
        { key: 'archived deep', body: 'x', storageClass: 'DEEP_ARCHIVE' },
        { key: 'restored', ...glacier, restored: true },
        { key: 'rarely read', body: 'x', storageClass: 'GLACIER_IR' },
      ]);
      const refreshed = await pair.refresh();
      const [planned] = refreshed.planned.objects;
      expect(planned?.archived).toEqual({ objects: 3, bytes: 3 });
      expect(refreshed.planned.notes.join()).toContain('3 of the objects to copy are archived');
      expect(refreshed.failed).toEqual({
        archived: expect.stringContaining('it is archived'),
        'archived deep': expect.stringContaining('InvalidObjectState'),
      });
      expect(refreshed.copied).toMatchObject({ failed: 2, copied: { objects: 2 } });
      for (const key of ['restored', 'rarely read']) expect(await pair.head(key)).toMatchObject({ ContentLength: 1 });
      const { stdout, code } = await pair.shell.restage('plan');
      expect(code).toBe(0);
      expect(stdout).toContain('2 of them archived');
    },
  );

needs(
  'archive',
  'kms',
  'faults',
)('objects that fail stand in a list, five of them in the message; a second run copies only them', async () => {
  const pair = await pairOf({ objects: { route: 'stream' } });
  const archived = ['a', 'b', 'c', 'd', 'e'].map((key) => `archived ${key}`);
  await aws().seedObjects(
    pair.from,
    archived.map((key) => ({ key, body: key, storageClass: 'GLACIER' })),
  );
  await pair.put('encrypted', 'secret', { ServerSideEncryption: 'aws:kms', SSEKMSKeyId: 'locked' });
  for (const key of ['gone', 'good', 'good too']) await pair.put(key, key);
  const account = store.source.account ?? '';
  await aws().denyKmsKey('locked', [account]);
  await strike({ operation: 'GetObject', key: 'gone' }, { kind: 'remove' });
  const first = await pair.shell.restage('sync', '--yes');
  expect(first.code).toBe(1);
  const all = first.stdout + first.stderr;
  expect(all).toContain('7 of 9 objects could not be copied');
  expect(all).toContain('and 2 more');
  expect(new Set(all.match(/"(archived .|encrypted|gone)": /g)).size).toBe(5);

  const lines = await listOf(pair.shell.folder);
  expect(lines.map(({ key }) => key).toSorted()).toEqual(
    [...archived, 'encrypted', 'gone', 'good', 'good too'].toSorted(),
  );
  const reasons = Object.fromEntries(lines.map(({ key, reason }) => [key, reason]));
  expect(reasons['encrypted']).toMatch(/not authorized to perform: kms:Decrypt on resource: .*locked/);
  expect(reasons['gone']).toContain('deleted at the source');
  expect(reasons['good']).toBeUndefined();

  await aws().clearFaults();
  await aws().denyKmsKey('locked', []);
  await aws().seedObjects(
    pair.from,
    archived.map((key) => ({ key, body: key, storageClass: 'GLACIER', restored: true })),
  );
  await aws().resetRequests();
  const second = await pair.refresh();
  expect(await countRequests(pair.to)).toMatchObject({ PutObject: 6 });
  await expectAllCopied(pair, second);
});

faulty('a request that fails every time is made five times, and not five times five', async () => {
  for (const [route, operation] of [
    ['server', 'HeadObject'],
    ['stream', 'GetObjectTagging'],
  ] as const) {
    const pair = await pairOf({ objects: { route }, source: { readableBy: store.target } });
    await pair.put('tagged', 'x', { Tagging: 'a=b' });
    await aws().resetRequests();
    const refreshed = await pair.refresh(() =>
      strike({ operation, key: 'tagged' }, { ...slowDown, status: 500, code: 'InternalError' }),
    );
    const failures = (await aws().requests()).filter(
      (request) => request.operation === operation && request.status === 500,
    );
    expect(failures.reduce((sum, { count }) => sum + count, 0)).toBe(5);
    await expectFailed(pair, refreshed, ['tagged']);
  }
});

/** What became of each object, as the run's folder has it. */
async function listOf(folder: string): Promise<readonly ObjectOutcome[]> {
  const runs = join(folder, '.restage', 'runs');
  const [run = ''] = await readdir(runs);
  const text = await readFile(join(runs, run, 'objects.ndjson'), 'utf8');
  return text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as ObjectOutcome);
}
