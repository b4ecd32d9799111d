import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { DeleteObjectCommand, paginateListObjectsV2, PutObjectCommand } from '@aws-sdk/client-s3';
import { expect, test } from 'vitest';
import type { Fault } from '../demo/local-aws/local-aws.ts';
import { readSettings } from '../src/cli/settings.ts';
import { connect, type ObjectOutcome, plan, type Report, run } from '../src/index.ts';
import { type Configured, configOf } from './store/config-of.ts';
import { needs, store, useStore } from './store/use-store.ts';

useStore();

const all = { maxCount: 10_000, maxPercent: 100 };

test('what only the target has stays without `delete`, and with it goes last, but for what is excluded', async () => {
  const buckets = await fill(['a', 'b/1', 'b/2'], ['a', 'lambda/x', 'old/1', 'old/2', 'old/deep/3', 'loose']);
  const leaving = await shellOf(buckets);
  const left = await leaving.sync();
  expect(left.code, left.stderr).toBe(0);
  expect(await keysOf(buckets.target)).toHaveLength(8);
  expect(left.stdout + (await leaving.restage('plan')).stdout).toContain('they stay');

  const shell = await shellOf(buckets, { delete: { maxCount: 5, maxPercent: 60 }, exclude: ['lambda/**'] });
  const { stdout: planned } = await shell.restage('plan');
  expect(planned).toMatch(/only in target\s+4 objects.*they are deleted, last of all/);
  expect(planned).toContain("Only the target has 4 objects, 37 bytes, 57 % of the target's selected objects.");
  expect(planned).toContain('for good: the bucket keeps no older versions');
  expect(planned).toMatch(/old\/\s+3 objects\s+29 bytes/);
  expect(planned).toMatch(/\(no slash\)\s+1 object\s+8 bytes/);
  expect(planned).toContain('e.g. "loose", "old/1", "old/2", "old/deep/3"');
  expect(planned).toContain('allowed: 5 objects, 60 %');
  expect(await keysOf(buckets.target)).toHaveLength(8);

  await put('source', buckets.source, 'new');
  const { code, stderr, report } = await shell.sync();
  expect(code, stderr).toBe(0);
  expect(report.steps.map(({ kind }) => kind)).toEqual(['copy-objects', 'verify-objects', 'delete-objects']);
  expect(report.figures.objects).toMatchObject({ copied: 1, deleted: 4 });
  expect(await keysOf(buckets.target)).toEqual(['a', 'b/1', 'b/2', 'lambda/x', 'new']);
  const lines = await outcomes(shell, 'objects.ndjson');
  expect(lines.filter(({ outcome }) => outcome === 'deleted').map(({ key }) => key)).toEqual(
    expect.arrayContaining(['loose', 'old/1', 'old/2', 'old/deep/3']),
  );
});

test.each([
  [
    'more than maxCount',
    ['a'],
    4,
    { maxCount: 3, maxPercent: 100 },
    /4 of the target's 5 objects, 80 %.*maxCount allows 3/,
  ],
  [
    'none at all allowed',
    ['a'],
    1,
    { maxCount: 0 },
    /1 of the target's 2 objects, 50 %.*maxCount allows 0, maxPercent allows 10 %/,
  ],
  [
    'more than maxPercent',
    ['a', 'b'],
    2,
    { maxPercent: 49 },
    /2 of the target's 4 objects, 50 %.*maxPercent allows 49 %/,
  ],
  ['an empty source', [], 2, all, /lists no object: nothing was compared/],
] as const)('%s is refused with the figures before anything is written', async (_what, keys, extras, guard, said) => {
  const extra = Array.from({ length: extras }, (_, index) => `extra-${index}`);
  const buckets = await fill([...keys, ...(keys.length > 0 ? ['to copy'] : [])], [...keys, ...extra]);
  const before = await keysOf(buckets.target);
  const shell = await shellOf(buckets, { delete: guard });
  const { code, stdout, stderr } = await shell.restage('sync', '--yes');
  expect(code, stderr).toBe(3);
  // The plan is shown all the same: how else would one judge?
  expect(stdout).toMatch(/only in target +\d/);
  expect(stdout).not.toContain('run 2');
  expect(stderr).toMatch(said);
  expect(stderr).toMatch(/exclude them|Is it the right bucket\?/);
  expect(await keysOf(buckets.target)).toEqual(before);
});

for (const [gone, outcome] of [
  [4, 'done'],
  [5, 'failed'],
] as const)
  test(`where the source lists ${gone} of 20 objects fewer than it was planned with, 20 % being allowed, it is ${outcome}`, async () => {
    const keys = Array.from({ length: 20 }, (_, index) => `k${10 + index}`);
    const buckets = await fill(keys, [...keys.slice(10), 'extra']);
    await using made = await plannedIn(await shellOf(buckets, { delete: { maxPercent: 20 } }));
    for (const key of keys.slice(0, gone)) await remove('source', buckets.source, key);
    const report = await made.run();
    expect(report.outcome, report.failure?.message).toBe(outcome);
    expect((await keysOf(buckets.target)).includes('extra')).toBe(outcome === 'failed');
    if (outcome === 'done') return;
    expect(report.failure).toMatchObject({ step: 'delete-objects images', code: 'deletion-refused' });
    expect(report.failure?.message).toContain('lists 15 objects now and listed 20 when this was planned');
  });

test('a source that is empty when it comes to the deletion deletes nothing', async () => {
  const buckets = await fill(['a'], ['a', 'extra']);
  await using made = await plannedIn(await shellOf(buckets, { delete: all }));
  await remove('source', buckets.source, 'a');
  const report = await made.run();
  expect(report.failure?.message).toContain('the source lists no object at all, and all 2 of the target would go');
  expect(await keysOf(buckets.target)).toEqual(['a', 'extra']);
});

test('more that is only in the target than the guard allows, since the plan, deletes nothing', async () => {
  const buckets = await fill(['a'], ['a', 'extra']);
  await using made = await plannedIn(await shellOf(buckets, { delete: { maxCount: 1, maxPercent: 100 } }));
  await put('target', buckets.target, 'later');
  expect((await made.run()).failure?.message).toMatch(
    /2 objects would go, and 1 was planned|2 of the target's 3 objects/,
  );
  expect(await keysOf(buckets.target)).toEqual(['a', 'extra', 'later']);
});

const denied = { kind: 'error', status: 403, code: 'AccessDenied', message: 'Access Denied' } as const;

for (const side of ['source', 'target'] as const) {
  needs('faults')(`a listing of the ${side} that fails on its second page while planning deletes nothing`, async () => {
    const buckets = await fillMany(1200, 3);
    const shell = await shellOf(buckets, { delete: all });
    await inject({ match: { operation: 'ListObjectsV2', bucket: buckets[side] }, skip: 1, ...denied });
    const { code, stderr } = await shell.restage('sync', '--yes');
    expect([code, stderr]).toEqual([1, expect.stringContaining(`cannot list ${buckets[side]}`)]);
    await store.aws?.clearFaults();
    expect((await keysOf(buckets.target)).filter((key) => key.startsWith('zz'))).toHaveLength(3);
  });

  needs('faults')(
    `a listing of the ${side} that fails on any page when it comes to the deletion deletes nothing`,
    async () => {
      const buckets = await fillMany(1200, 3);
      await using made = await plannedIn(await shellOf(buckets, { delete: all }));
      for (const skip of [0, 1]) {
        await inject({ match: { operation: 'ListObjectsV2', bucket: buckets[side] }, skip, ...denied });
        const report = await made.run();
        expect(report.failure, `page ${skip + 1}`).toMatchObject({
          step: 'delete-objects images',
          code: 'bucket-denied',
        });
        await store.aws?.clearFaults();
        expect((await keysOf(buckets.target)).filter((key) => key.startsWith('zz'))).toHaveLength(3);
      }
    },
  );
}

needs('faults')(
  'a listing that fails when two thousand keys to delete have been found deletes none of them',
  async () => {
    const buckets = await fillMany(10, 3300);
    await using made = await plannedIn(await shellOf(buckets, { delete: all }));
    await inject({ match: { operation: 'ListObjectsV2', bucket: buckets.target }, skip: 3, ...denied });
    const report = await made.run();
    await store.aws?.clearFaults();
    await sleep(500); // what would go on behind the report
    expect(report.failure?.code).toBe('bucket-denied');
    expect(await keysOf(buckets.target)).toHaveLength(3310);
  },
);

needs('faults')('what the source has after all when each key is asked for stays, and is told', async () => {
  const buckets = await fill(['a'], ['a', 'b', 'unlisted']);
  const shell = await shellOf(buckets, { delete: all });
  const match = { operation: 'HeadObject', bucket: buckets.source, key: 'unlisted' };
  await inject({ match, kind: 'change', body: 'it is made before it is asked for' });
  const { code, stdout, stderr } = await shell.restage('sync', '--yes');
  expect(code, stderr).toBe(0);
  expect(stdout).toContain('1 left, as the source has them after all');
  expect(await keysOf(buckets.target)).toEqual(['a', 'unlisted']);
  const kept = (await outcomes(shell, 'objects.ndjson')).find(({ key }) => key === 'unlisted');
  expect(kept).toMatchObject({ outcome: 'kept', reason: 'it is at the source after all' });
});

needs('faults')(
  'a key that cannot be asked for stays and is named, as is one that the store does not delete',
  async () => {
    const buckets = await fill(['a'], ['a', 'b', 'c']);
    const shell = await shellOf(buckets, { delete: all });
    // A HEAD that is refused is asked for its reason by a GET.
    await inject({ match: { bucket: buckets.source, key: 'c' }, ...denied });
    const { code, stderr, report } = await shell.sync();
    expect(code, stderr).toBe(1);
    expect(report.failure?.message).toContain('1 of 2 objects could not be deleted');
    expect(report.failure?.message).toContain('"c": ');
    expect(await keysOf(buckets.target)).toEqual(['a', 'c']);
  },
);

needs('faults')('nothing is deleted where an object fails to be copied', async () => {
  const buckets = await fill(['a', 'unreadable'], ['extra']);
  const shell = await shellOf(buckets, { delete: all });
  await inject({ match: { operation: 'GetObject', bucket: buckets.source, key: 'unreadable' }, ...denied });
  const { code, report } = await shell.sync();
  expect([code, report.steps.at(-1)]).toMatchObject([1, { kind: 'delete-objects', outcome: { status: 'not-run' } }]);
  expect(await keysOf(buckets.target)).toEqual(['a', 'extra']);
});

interface Buckets {
  readonly source: string;
  readonly target: string;
}

async function shellOf(buckets: Buckets, images?: object): Promise<Configured> {
  return configOf(store, { buckets: { images: buckets }, ...(images ? { objects: { images } } : {}) });
}

/** Both buckets with these keys; a key has one content, wherever it is. */
async function fill(source: readonly string[], target: readonly string[]): Promise<Buckets> {
  const buckets = { source: await store.source.createBucket(), target: await store.target.createBucket() };
  for (const [side, keys] of Object.entries({ source, target }) as ['source' | 'target', readonly string[]][]) {
    const left = keys.values();
    const worker = async () => {
      for (const key of left) await put(side, buckets[side], key);
    };
    await Promise.all(Array.from({ length: 16 }, worker));
  }
  return buckets;
}

/** So many objects at both ends, and extras in the target behind them. */
async function fillMany(objects: number, extras: number): Promise<Buckets> {
  const buckets = await fill([], []);
  const seeds = (prefix: string, length: number) =>
    Array.from({ length }, (_, index) => ({ key: `${prefix}${index}`, body: prefix }));
  await store.aws?.seedObjects(buckets.source, seeds('k', objects));
  await store.aws?.seedObjects(buckets.target, [...seeds('k', objects), ...seeds('zz', extras)]);
  return buckets;
}

async function put(side: 'source' | 'target', Bucket: string, Key: string): Promise<void> {
  await store[side].client.send(new PutObjectCommand({ Bucket, Key, Body: `of ${Key}`.slice(0, 100) }));
}

async function remove(side: 'source' | 'target', Bucket: string, Key: string): Promise<void> {
  await store[side].client.send(new DeleteObjectCommand({ Bucket, Key }));
}

/** The target's keys, as the SDK lists them. */
async function keysOf(Bucket: string): Promise<readonly string[]> {
  const keys: string[] = [];
  // XML has no way to write some of the characters that a key may have.
  for await (const page of paginateListObjectsV2({ client: store.target.client }, { Bucket, EncodingType: 'url' }))
    keys.push(...(page.Contents ?? []).map(({ Key = '' }) => decodeURIComponent(Key.replaceAll('+', ' '))));
  return keys;
}

async function inject(fault: Fault): Promise<void> {
  await store.aws?.clearFaults();
  await store.aws?.inject(fault);
}

/** A plan that has been made, to be run when something has happened. */
async function plannedIn({ configFile, variables }: Configured): Promise<{ run(): Promise<Report> } & AsyncDisposable> {
  const { config, connect: connection } = await readSettings(configFile, variables);
  const ends = await connect(config, connection);
  const planned = await plan(config, ends);
  return { run: () => run(planned, ends), [Symbol.asyncDispose]: async () => ends[Symbol.dispose]() };
}

/** The lines that the last run has kept. */
async function outcomes({ folder }: Configured, file: string): Promise<readonly ObjectOutcome[]> {
  const runs = join(folder, '.restage', 'runs');
  const last = (await readdir(runs)).toSorted().at(-1) ?? '';
  const text = await readFile(join(runs, last, file), 'utf8');
  return text.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line) as ObjectOutcome]));
}
