import { readFile, writeFile } from 'node:fs/promises';
import { expect } from 'vitest';
import type { Verification } from '../src/index.ts';
import { configOf } from './store/config-of.ts';
import { needs, store, useStore } from './store/use-store.ts';

useStore();

const mebibyte = 1024 ** 2;

/** In one object of the target one byte is another, though its size and ETag are the source's. */
const rotten = (bucket: string, key: string) =>
  store.aws?.inject({ match: { operation: 'GetObject', bucket, key }, kind: 'corrupt-body' });

needs('faults')(
  'an object whose bytes are others under the same size and ETag is found by reading it back',
  async () => {
    const { to, verifyWith } = await arrange();
    await rotten(to, 'k7');
    const listed = await verifyWith('listing');
    expect([listed.code, listed.found.differences]).toEqual([0, []]);
    expect(await reads(to)).toBe(0);

    const { code, found } = await verifyWith('content');
    expect([code, found.differences]).toEqual([4, [`bucket images, "k7": its content is not the source's`]]);
    expect(found.objects[0]?.content).toMatchObject({ checked: { objects: 41 }, differences: 1 });
    // One of them was uploaded in parts, so that its ETag says nothing of its content.
    expect(await reads(to)).toBe(41);
    await store.aws?.clearFaults();
    await rotten(to, 'parts');
    expect((await verifyWith('content')).found.differences).toEqual([
      `bucket images, "parts": its content is not the source's`,
    ]);
    await store.aws?.clearFaults();
    expect((await verifyWith('content')).code).toBe(0);
  },
);

needs('faults')(
  'a sync reads back what `verify.objects` says, and fails where it is not what the source holds',
  async () => {
    const { from, to, shell, verifying } = await arrange();
    await rotten(to, 'k7');
    await verifying('listing');
    await add(from, 'first');
    const listed = await shell.sync();
    expect(listed.code, listed.stderr).toBe(0);
    expect(await reads(to)).toBe(0);

    await verifying('content');
    await add(from, 'second');
    const { code, stderr, report } = await shell.sync();
    expect(code, stderr).toBe(1);
    expect(report.failure).toMatchObject({ step: 'verify-objects images', code: 'data-differs' });
    expect(report.failure?.message).toContain(`1 of 43 objects read back from ${to} are not what ${from} holds`);
    expect(report.failure?.message).toContain(`"k7": its content is not the source's`);
    expect(report.failure?.hint).toContain(`delete them in ${to}, then run again`);
    const folder = `${shell.folder}/.restage/runs/${report.run}`;
    expect(await readFile(`${folder}/objects.ndjson`, 'utf8')).toMatch(/"key":"k7".*"outcome":"different"/);
    expect(await readFile(`${folder}/report.md`, 'utf8')).toContain('43 objects read back');
  },
);

needs('faults')('an object that cannot be read back is named, with the reason', async () => {
  const { to, verifyWith } = await arrange();
  const denied = { kind: 'error', status: 403, code: 'AccessDenied', message: 'Access Denied' } as const;
  await store.aws?.inject({ match: { operation: 'GetObject', bucket: to, key: 'k3' }, ...denied });
  const { code, found } = await verifyWith('content');
  expect([code, found.differences]).toEqual([
    4,
    [`bucket images, "k3": it could not be read back: Access Denied (AccessDenied, GET of ${to})`],
  ]);
});

needs('faults')(
  'of a sample about as many are read back as it says, others in the next run, and all where there are fewer',
  async () => {
    const { from, to, verifyWith } = await arrange(400);
    const { code, found } = await verifyWith({ sample: 20 });
    expect(code).toBe(0);
    const { checked } = found.objects[0]?.content ?? { checked: { objects: 0 } };
    expect(checked.objects).toBeGreaterThan(2); // by chance less once in 200,000 times
    expect(checked.objects).toBeLessThan(60);
    expect(await reads(to)).toBe(checked.objects);
    expect((await verifyWith({ sample: 1000 })).found.objects[0]?.content?.checked.objects).toBe(401);
    expect(await reads(from)).toBeLessThanOrEqual(3); // what was uploaded in parts
  },
);

/** Equal buckets of small objects, and one that came in two parts. */
async function arrange(objects = 40) {
  await store.aws?.clearFaults();
  const [from, to] = [await store.source.createBucket(), await store.target.createBucket()];
  const seeds = Array.from({ length: objects }, (_, index) => ({ key: `k${index}`, body: `content of ${index}` }));
  const parts = { key: 'parts', sizeBytes: 6 * mebibyte, seed: 1, partSizes: [5 * mebibyte, mebibyte] };
  for (const bucket of [from, to]) await store.aws?.seedObjects(bucket, [...seeds, parts]);
  await store.aws?.resetRequests();
  const shell = await configOf(store, { buckets: { images: { source: from, target: to } } });
  const verifying = async (how: unknown) => {
    const config = JSON.parse(await readFile(shell.configFile, 'utf8')) as object;
    await writeFile(shell.configFile, JSON.stringify({ ...config, verify: { objects: how } }));
  };
  const verifyWith = async (how: unknown) => {
    await verifying(how);
    const { code, stdout } = await shell.restage('verify', '--json');
    return { code, found: JSON.parse(stdout) as Verification };
  };
  return { from, to, shell, verifying, verifyWith };
}

async function add(bucket: string, key: string): Promise<void> {
  await store.aws?.seedObjects(bucket, [{ key, body: key }]);
}

/** How many objects of the bucket have been read. */
async function reads(bucket: string): Promise<number> {
  const counts = ((await store.aws?.requests()) ?? []).filter((one) => one.bucket === bucket);
  return counts.filter(({ operation }) => operation === 'GetObject').reduce((sum, { count }) => sum + count, 0);
}
