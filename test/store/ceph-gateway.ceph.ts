import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startCephGateway } from '../ceph-gateway.ts';
import { connects } from '../machine.ts';

let parent: string;
beforeAll(async () => {
  parent = await mkdtemp(join(tmpdir(), 'restage-ceph-'));
});
afterAll(() => rm(parent, { recursive: true, force: true }));

test('a cluster that is disposed of leaves no process, no port and no folder', async () => {
  const folder = join(parent, 'disposed');
  const gateway = await startCephGateway(folder);
  expect(await processesOf(folder)).toHaveLength(4); // monitor, objects, gateway, and the shell that watches us
  expect(Object.keys(await gateway.memory())).toEqual(['ceph-mon', 'ceph-osd', 'radosgw']);
  await gateway[Symbol.asyncDispose]();
  await expect.poll(() => processesOf(folder)).toEqual([]);
  expect(await connects(Number(new URL(gateway.endpoint).port))).toBe(false);
  expect(existsSync(folder)).toBe(false);
});

test('a start on a port that another server has fails, though that server answers, and leaves nothing', async () => {
  const folder = join(parent, 'failed');
  const other = createServer((_, response) => void response.end('not S3')).listen(0, '127.0.0.1');
  await once(other, 'listening');
  const { port } = other.address() as AddressInfo; // of a TCP server, no pipe
  try {
    await expect(startCephGateway(folder, port)).rejects.toThrow('radosgw has ended');
  } finally {
    other.close();
  }
  await expect.poll(() => processesOf(folder)).toEqual([]);
  expect(existsSync(folder)).toBe(false);
});

test('a cluster whose owner is killed ends, and its folder goes', async () => {
  const folder = join(parent, 'killed');
  const module = JSON.stringify(fileURLToPath(new URL('../ceph-gateway.ts', import.meta.url)));
  const script = `const { startCephGateway } = await import(${module});
    await startCephGateway(${JSON.stringify(folder)});
    console.log('ready');
    setInterval(() => {}, 1000);`;
  const owner = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(owner.stdout, 'data');
  owner.kill('SIGKILL');
  await expect.poll(() => processesOf(folder), { timeout: 10_000 }).toEqual([]);
  expect(existsSync(folder)).toBe(false);
});

/** The command lines of the processes that have to do with a folder. */
async function processesOf(folder: string): Promise<readonly string[]> {
  const ids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const lines = await Promise.all(ids.map((id) => readFile(`/proc/${id}/cmdline`, 'utf8').catch(() => '')));
  return lines.filter((line) => line.includes(folder));
}
