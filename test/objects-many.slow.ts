import { readFile } from 'node:fs/promises';
import { expect } from 'vitest';
import type { SynthesizedKeys } from '../demo/local-aws/local-aws.ts';
import type { Plan, Verification } from '../src/index.ts';
import { measured } from './measured.ts';
import { type Configured, configOf } from './store/config-of.ts';
import { needs, store, useStore } from './store/use-store.ts';

useStore();

const objects = 200_000;
const pages = objects / 1000;

needs('faults')(
  'of 200,000 keys at each end every difference is found, in little memory and few requests',
  async () => {
    const shell = await arrange('known', { differEvery: 5000 }, { missingEvery: 8000 });
    const { code, stdout, peakMiB } = await measured({ ...shell, heapMiB: 64 }, 'verify', '--json');
    const { totals } = (JSON.parse(stdout) as Verification).objects[0] ?? {};
    expect([code, totals]).toMatchObject([
      4,
      {
        source: { objects },
        target: { objects: objects - objects / 8000 },
        // The numbers of those that differ are multiples of 5,000, and of those that are missing just before one of 8,000.
        missing: { objects: objects / 8000 },
        changed: { objects: objects / 5000 },
        same: { objects: objects - objects / 8000 - objects / 5000 },
        extra: { objects: 0 },
      },
    ]);
    expect(peakMiB).toBeLessThan(200);
    // A page for each thousand at each end; and for each place where a listing was parted, pages cut short and a search.
    expect(await listings()).toBeLessThan(2 * pages + 250);
  },
);

needs('faults')('a plan of many differences holds none of them', async () => {
  const shell = await arrange('apart', { missingEvery: 5 }, { missingEvery: 2 });
  const { code, stdout, peakMiB } = await measured({ ...shell, heapMiB: 64 }, 'plan', '--json', '--out', 'p.json');
  expect(code).toBe(0);
  // Missing is one of two in the target, every fifth of the source, and so every tenth at both ends.
  const [missing, extra] = [(objects / 10) * 4, objects / 10];
  const { totals } = (JSON.parse(stdout) as Plan).objects[0] ?? {};
  expect(totals).toMatchObject({ missing: { objects: missing }, extra: { objects: extra } });
  const lines = (await readFile(`${shell.folder}/p.ndjson`, 'utf8')).split('\n').slice(0, -1);
  expect(lines).toHaveLength(missing + extra);
  expect(new Set(lines).size).toBe(lines.length);
  expect(peakMiB).toBeLessThan(200);
});

async function arrange(
  name: string,
  source: Partial<SynthesizedKeys>,
  target: Partial<SynthesizedKeys>,
): Promise<Configured> {
  const buckets = { source: `${name}-production`, target: `${name}-staging` };
  for (const [side, synthesized] of Object.entries({ source, target }) as ['source' | 'target', object][])
    await store.aws?.createBucket({
      name: buckets[side],
      account: store[side].account ?? '',
      synthesized: { objects, ...synthesized },
    });
  await store.aws?.resetRequests();
  return configOf(store, { buckets: { images: buckets } });
}

async function listings(): Promise<number> {
  const all = ((await store.aws?.requests()) ?? []).filter(({ operation }) => operation === 'ListObjectsV2');
  return all.reduce((sum, { count }) => sum + count, 0);
}
