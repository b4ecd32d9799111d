import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { expect } from 'vitest';
import type { Configured } from './store/config-of.ts';

const node = fileURLToPath(new URL('../node_modules/.bin/node', import.meta.url));
const main = fileURLToPath(new URL('../src/cli/main.ts', import.meta.url));

interface Measured extends Configured {
  /** Too little for 200,000 keys, if they were held. */
  readonly heapMiB: number;
}

/** Types `restage …`, and looks from time to time at the most memory that it has used. */
export async function measured({ folder, configFile, variables, heapMiB }: Measured, ...args: readonly string[]) {
  // Node does not put off its collecting of garbage.
  const littleHeap = [`--max-old-space-size=${heapMiB}`, '--max-semi-space-size=4'];
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
