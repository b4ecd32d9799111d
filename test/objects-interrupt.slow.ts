import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ListMultipartUploadsCommand, paginateListObjectsV2 } from '@aws-sdk/client-s3';
import { expect } from 'vitest';
import type { Report } from '../src/index.ts';
import type { Running } from './store/command-line.ts';
import { type Configured, configOf } from './store/config-of.ts';
import { needs, store, useStore } from './store/use-store.ts';

useStore();

const objects = 1200;
const old = 400;

/** Half a second, where the machine has nothing else to do. */
const atOnceMs = 8000;

needs('faults')('Ctrl-C while objects are copied stops at once, and the next run copies only the rest', async () => {
  const { from, to, shell } = await arrange();
  await slow('PutObject', to, 750); // half a minute in all
  const running = shell.begin('sync', '--yes', '--json');
  await count('PutObject', to, 150);
  const { code, stdout, stderr, ms } = await interrupt(running);
  expect(code, stderr).toBe(130);
  expect(ms).toBeLessThan(atOnceMs);
  expect(stderr).toContain('interrupted: stopping …');
  const report = JSON.parse(stdout) as Report;
  expect([report.outcome, report.failure?.code]).toEqual(['interrupted', 'interrupted']);
  expect(report.steps.map(({ outcome }) => outcome.status)).toEqual(['stopped', 'not-run', 'not-run']);
  expect(await pageOf(shell, report.run)).toMatch(/stopped: \d+ of [\d,]+ objects copied/);

  await store.aws?.clearFaults();
  const present = await expectWhole(from, to);
  expect(present).toBeGreaterThanOrEqual(150);
  expect(present).toBeLessThan(objects);
  const again = await shell.sync();
  expect(again.code, again.stderr).toBe(0);
  expect(again.report.figures.objects).toMatchObject({ copied: objects - present, deleted: 1 });
  expect(await expectWhole(from, to)).toBe(objects);
});

needs('faults')('a run that is killed leaves every object whole, and the next one ends well', async () => {
  const { from, to, shell } = await arrange();
  await slow('PutObject', to, 60);
  const running = shell.begin('sync', '--yes', '--json');
  await count('PutObject', to, 300);
  running.signal('SIGKILL');
  expect((await running.ended).code).toBe(null);
  await store.aws?.clearFaults();
  const present = await expectWhole(from, to);
  expect(present).toBeGreaterThanOrEqual(200);
  expect(present).toBeLessThan(objects);
  const again = await shell.sync();
  expect(again.code, again.stderr).toBe(0);
  expect(await expectWhole(from, to)).toBe(objects);
  expect((await shell.restage('verify')).code).toBe(0);
});

needs('faults')(
  'Ctrl-C in the middle of an upload in parts leaves no part behind, and the old object as it was',
  async () => {
    const { from, to, shell } = await arrange(0);
    const mebibyte = 1024 ** 2;
    const partSizes = Array.from({ length: 12 }, () => 5 * mebibyte);
    await store.aws?.seedObjects(from, [{ key: 'large', sizeBytes: 60 * mebibyte, seed: 1, partSizes }]);
    await store.aws?.seedObjects(to, [{ key: 'large', body: 'as it was' }]);
    await slow('UploadPart', to, 1000);
    const running = shell.begin('sync', '--yes', '--json');
    await count('UploadPart', to, 2);
    const { code, ms, stderr } = await interrupt(running);
    expect(code, stderr).toBe(130);
    expect(ms).toBeLessThan(atOnceMs);
    await store.aws?.clearFaults();
    await sleep(300); // what was being answered when it was called off
    const { Uploads = [] } = await store.target.client.send(new ListMultipartUploadsCommand({ Bucket: to }));
    expect(Uploads).toEqual([]);
    expect(await listing('target', to)).toMatchObject({ large: { size: 'as it was'.length } });
  },
);

needs('faults')('Ctrl-C while buckets are listed changes nothing, and says so', async () => {
  const { to, shell } = await arrange();
  const before = await listing('target', to);
  await slow('ListObjectsV2', to, 30_000);
  const running = shell.begin('sync', '--yes');
  const runs = join(shell.folder, '.restage', 'runs');
  await expect.poll(() => readdir(runs).catch(() => []), { timeout: 30_000 }).toHaveLength(1); // the plan is being made
  await sleep(300);
  const { code, stderr, ms } = await interrupt(running);
  await store.aws?.clearFaults();
  expect([code, stderr]).toEqual([130, expect.stringContaining('interrupted; nothing was changed')]);
  expect(ms).toBeLessThan(atOnceMs);
  expect(await listing('target', to)).toEqual(before);
  expect(await readdir(runs)).toEqual([]);
});

needs('faults')('Ctrl-C while objects are deleted stops at once, and the page says what is gone', async () => {
  const { from, to, shell } = await arrange(0, { backup: 'kept/' });
  const extras = Array.from({ length: 600 }, (_, index) => ({ key: `extra/${index}`, body: 'extra' }));
  await store.aws?.seedObjects(from, [{ key: 'a', body: 'a' }]);
  await store.aws?.seedObjects(to, [{ key: 'a', body: 'a' }, ...extras]);
  await slow('CopyObject', to, 60);
  const running = shell.begin('sync', '--yes', '--json');
  await count('CopyObject', to, 100);
  const { code, stdout, ms } = await interrupt(running);
  expect(code).toBe(130);
  expect(ms).toBeLessThan(atOnceMs);
  await store.aws?.clearFaults();
  const left = Object.keys(await listing('target', to)).filter((key) => key.startsWith('extra/'));
  expect(left).toHaveLength(600); // they go by the thousand, when all of these have been put aside
  const { run, steps } = JSON.parse(stdout) as Report;
  expect(steps.at(-1)).toMatchObject({ kind: 'delete-objects', outcome: { status: 'stopped' } });
  const page = await pageOf(shell, run);
  expect(page).toContain('stopped: 0 of 600 objects deleted');
  expect(page).not.toContain('To bring'); // nothing is gone
  const again = await shell.sync();
  expect(again.report.figures.objects).toMatchObject({ deleted: 600 });
});

needs('faults')('where Ctrl-C comes when some were deleted already, the page says where they are kept', async () => {
  const { from, to, shell } = await arrange(0, { backup: 'kept/' });
  const extras = Array.from({ length: 1100 }, (_, index) => ({ key: `extra/${index}`, body: 'extra' }));
  await store.aws?.seedObjects(from, [{ key: 'a', body: 'a' }]);
  await store.aws?.seedObjects(to, [{ key: 'a', body: 'a' }, ...extras]);
  await store.aws?.inject({ match: { operation: 'CopyObject', bucket: to }, skip: 1000, kind: 'delay', delayMs: 500 });
  const running = shell.begin('sync', '--yes', '--json');
  await count('DeleteObjects', to, 1);
  const { stdout } = await interrupt(running);
  const { run } = JSON.parse(stdout) as Report;
  expect(await pageOf(shell, run)).toContain(`kept/${run}/`);
});

/** Small objects at the source, of which the target has some as they were, and one of its own. */
async function arrange(amount = objects, settings: object = {}) {
  await store.aws?.clearFaults();
  await store.aws?.resetRequests();
  const [from, to] = [await store.source.createBucket(), await store.target.createBucket()];
  const seeds = (content: string, number: number) =>
    Array.from({ length: number }, (_, index) => ({ key: `k/${index}`, body: `${content} ${index}` }));
  await store.aws?.seedObjects(from, seeds('as it is', amount));
  if (amount > 0) await store.aws?.seedObjects(to, [...seeds('as it was', old), { key: 'own', body: 'own' }]);
  const images = { route: 'stream', delete: { maxCount: 2000, maxPercent: 100 }, ...settings };
  const shell = await configOf(store, { buckets: { images: { source: from, target: to } }, objects: { images } });
  return { from, to, shell };
}

async function slow(operation: string, bucket: string, delayMs: number): Promise<void> {
  await store.aws?.inject({ match: { operation, bucket }, kind: 'delay', delayMs });
}

/** Waits until so many requests have been answered. */
async function count(operation: string, bucket: string, number: number): Promise<void> {
  for (;;) {
    const all = (await store.aws?.requests()) ?? [];
    const counts = all.filter((one) => one.operation === operation && one.bucket === bucket);
    if (counts.reduce((sum, one) => sum + one.count, 0) >= number) return;
    await sleep(20);
  }
}

async function interrupt(running: Running) {
  const since = performance.now();
  running.signal('SIGINT');
  return { ...(await running.ended), ms: performance.now() - since };
}

interface Listed {
  readonly etag: string;
  readonly size: number;
}

async function listing(side: 'source' | 'target', Bucket: string): Promise<Readonly<Record<string, Listed>>> {
  const found: Record<string, Listed> = {};
  for await (const page of paginateListObjectsV2({ client: store[side].client }, { Bucket }))
    for (const { Key = '', ETag = '', Size = 0 } of page.Contents ?? []) found[Key] = { etag: ETag, size: Size };
  return found;
}

/** Each object of the target is the source's, or what it was before; how many are the source's. */
async function expectWhole(from: string, to: string): Promise<number> {
  const [theirs, ours] = [await listing('source', from), await listing('target', to)];
  let equal = 0;
  for (const [key, { etag, size }] of Object.entries(ours)) {
    if (etag === theirs[key]?.etag) equal += 1;
    else if (key !== 'own') expect([key, size]).toEqual([key, `as it was ${key.slice(2)}`.length]);
  }
  return equal;
}

async function pageOf({ folder }: Configured, run: string): Promise<string> {
  return readFile(join(folder, '.restage', 'runs', run, 'report.md'), 'utf8');
}
