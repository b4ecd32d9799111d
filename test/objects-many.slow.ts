import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { expect } from 'vitest';
import type { SynthesizedKeys } from '../demo/local-aws/local-aws.ts';
import type { Plan, Verification } from '../src/index.ts';
import { type Configured, configOf } from './store/config-of.ts';
import { needs, store, useStore } from './store/use-store.ts';

useStore();

const objects = 200_000;
const pages = objects / 1000;

needs('faults')(
  'of 200,000 keys at each end every difference is found, in little memory and few requests',
  async () => {
    const shell = await arrange('known', { differEvery: 5000 }, { missingEvery: 8000 });
    const { code, stdout, peakMiB } = await measured(shell, 'verify', '--json');
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
  const { code, stdout, peakMiB } = await measured(shell, 'plan', '--json', '--out', 'p.json');
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

const node = fileURLToPath(new URL('../node_modules/.bin/node', import.meta.url));
const main = fileURLToPath(new URL('../src/cli/main.ts', import.meta.url));

/** Too little for 200,000 keys, if they were held; and Node does not put off its collecting of garbage. */
const littleHeap = ['--max-old-space-size=64', '--max-semi-space-size=4'];

/** Types `restage …`, and looks from time to time at the most memory that it has used. */
async function measured({ folder, configFile, variables }: Configured, ...args: readonly string[]) {
  const child = spawn(node, [...littleHeap, main, ...args, '--config', configFile], {
    cwd: folder,
    env: { PATH: process.env['PATH'] ?? '', HOME: folder, ...variables },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let stdout = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  let peakMiB = 0;
  const look = async () => {
    const status = await readFile(`/proc/${child.pid}/status`, 'utf8').catch(() => '');
    peakMiB = Math.max(peakMiB, Number(/VmHWM:\s+(\d+) kB/.exec(status)?.[1] ?? 0) / 1024);
  };
  const timer = setInterval(() => void look(), 50);
  const [code] = (await once(child, 'close')) as [number | null];
  clearInterval(timer);
  expect(peakMiB).toBeGreaterThan(30); // so that it was that process
  return { code, stdout, peakMiB };
}

async function listings(): Promise<number> {
  const all = ((await store.aws?.requests()) ?? []).filter(({ operation }) => operation === 'ListObjectsV2');
  return all.reduce((sum, { count }) => sum + count, 0);
}
