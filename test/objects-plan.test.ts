import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { stripVTControlCharacters } from 'node:util';
import { ListObjectsV2Command, PutObjectCommand } from '@aws-sdk/client-s3';
import { expect, test } from 'vitest';
import { parseDocument } from 'yaml';
import type { Plan, Report } from '../src/index.ts';
import { type Configured, configOf } from './store/config-of.ts';
import type { StoreBucket } from './store/store.ts';
import { needs, store, useStore } from './store/use-store.ts';

useStore();

const node = fileURLToPath(new URL('../node_modules/.bin/node', import.meta.url));
const main = fileURLToPath(new URL('../src/cli/main.ts', import.meta.url));
const deletion = { delete: { maxCount: 10, maxPercent: 50 } };

test('`plan --out` keeps the plan, and beside it a line for each key that differs', async () => {
  const { shell } = await arrange(deletion);
  const { code, stdout, stderr } = await shell.restage('plan', '--out', 'p.json');
  expect(code, stderr).toBe(0);
  expect(stdout).toMatch(/to copy\s+2 objects\s+17 bytes\s+1 missing, 1 different/);
  const kept = JSON.parse(await readFile(join(shell.folder, 'p.json'), 'utf8')) as Plan;
  expect(kept.objects[0]?.totals).toMatchObject({
    source: { objects: 3, bytes: 22 },
    target: { objects: 3 },
    missing: { objects: 1, bytes: 7 },
    changed: { objects: 1, bytes: 10 },
    same: { objects: 1, bytes: 5 },
    extra: { objects: 1, bytes: 8 },
  });
  expect(kept.objects[0]?.toCopy).toEqual({
    prefixes: [
      { prefix: 'b/', objects: 1, bytes: 7 },
      { prefix: 'c/', objects: 1, bytes: 10 },
    ],
    others: { objects: 0, bytes: 0 },
  });
  expect(kept.objects[0]?.deletion).toMatchObject({ objects: 1, prefixes: [{ prefix: 'd/', objects: 1, bytes: 8 }] });
  expect(await linesOf(join(shell.folder, 'p.ndjson'))).toEqual([
    { bucket: 'images', key: 'b/missing\n', bytes: 7, will: 'copy' },
    { bucket: 'images', key: 'c/changed', bytes: 10, will: 'overwrite' },
    { bucket: 'images', key: 'd/extra', bytes: 8, will: 'delete' },
  ]);
  for (const file of ['p.json', 'p.ndjson']) expect((await stat(join(shell.folder, file))).mode & 0o077).toBe(0);

  const { stdout: json } = await shell.restage('plan', '--json');
  const timeless = (text: string) => text.replaceAll(/"(?:madeAt|plannedAt|readAt)": "[^"]+"/g, '');
  expect(timeless(json)).toBe(timeless(await readFile(join(shell.folder, 'p.json'), 'utf8')));
});

test('the databases of a config are not looked for where only objects are asked for', async () => {
  const { shell, to } = await arrange(deletion);
  const config = parseDocument(await readFile(join(shell.folder, 'restage.yaml'), 'utf8'));
  for (const end of ['source', 'target'])
    config.setIn(
      [end, 'database'],
      config.createNode({ url: `postgres://nobody@${end}.invalid/shop`, ca: 'there-is-none' }),
    );
  await writeFile(join(shell.folder, 'restage.yaml'), config.toString());
  const only = await shell.restage('plan', '--only', 'objects');
  expect([only.code, only.stdout]).toEqual([0, expect.stringContaining(to)]);
  const both = await shell.restage('plan');
  expect([both.code, both.stderr]).toEqual([2, expect.stringContaining('there-is-none')]);
});

test('a plan that cannot be kept is told before the buckets are listed', async () => {
  const { shell } = await arrange({});
  const { code, stdout, stderr } = await shell.restage('plan', '--out', 'no/such/folder/p.json');
  expect([code, stdout]).toEqual([2, '']);
  expect(stderr).toContain('the plan cannot be written to no/such/folder/p.ndjson');
});

needs('faults')('`plan` and `verify` send nothing but GET and HEAD, to either end', async () => {
  const { shell } = await arrange({ ...deletion, backup: 'kept/' }, { readableBy: store.target });
  await store.aws?.resetRequests();
  expect((await shell.restage('plan')).code).toBe(0);
  expect((await shell.restage('verify')).code).toBe(4);
  const seen = (await store.aws?.requests()) ?? [];
  const operations = new Set(seen.filter(({ service }) => service === 's3').map(({ operation }) => operation));
  expect([...operations].filter((operation) => !/^(Get|Head|List)/.test(operation))).toEqual([]);
  expect(operations).toContain('ListObjectsV2');
});

for (const [readable, route, words] of [
  [true, { kind: 'server', reason: "the target's keys may read the source" }, 'copied by the store itself'],
  [false, { kind: 'stream', reason: "the target's keys may not read the source" }, 'through this process'],
] as const)
  test(`the route ${route.kind} is told with its reason in the plan, its JSON and the report`, async () => {
    const { shell } = await arrange({}, readable ? { readableBy: store.target } : {});
    const { code, stdout, stderr, report } = await shell.sync();
    expect(code, stderr + stdout).toBe(0);
    const told = `${words}: ${route.reason}`; // behind which S3's own code stands
    expect(stderr).toContain(told); // the plan, as stdout is the report's
    expect(report.objects[0]?.route).toEqual({ kind: route.kind, reason: expect.stringContaining(route.reason) });
    expect(report.steps[0]).toMatchObject({ route: route.kind, routeReason: report.objects[0]?.route?.reason });
    expect(await page(shell, report)).toContain(`- **images** ${told}`);
  });

test('a route that is demanded and not open stops the plan, with what the bucket policy needs', async () => {
  const { shell } = await arrange({ route: 'server' });
  const { code, stderr } = await shell.restage('plan');
  expect(code, stderr).toBe(1);
  expect(stderr).toContain("by itself: the target's keys may not read the source");
  expect(stderr).toContain('bucket policy must give s3:GetObject and s3:GetObjectTagging');
});

needs('faults')(
  'a run keeps what was planned and what became of each object, and its page names what failed',
  async () => {
    const { from, shell } = await arrange({ ...deletion, route: 'stream' });
    const key = 'zz | gone\n`x`';
    await put('source', from, key, 'gone');
    await store.aws?.inject({ match: { operation: 'GetObject', bucket: from, key }, kind: 'remove' });
    const { code, report } = await shell.sync();
    await store.aws?.clearFaults();
    expect(code).toBe(1);
    const folder = join(shell.folder, '.restage', 'runs', report.run);
    expect((await readdir(folder)).toSorted()).toEqual(
      ['objects-planned.ndjson', 'objects.ndjson', 'plan.json', 'report.html', 'report.json', 'report.md'].toSorted(),
    );
    expect((await linesOf(join(folder, 'objects-planned.ndjson'))).map(({ key: one, will }) => [one, will])).toEqual([
      ['b/missing\n', 'copy'],
      ['c/changed', 'overwrite'],
      ['d/extra', 'delete'],
      [key, 'copy'],
    ]);
    const done = await linesOf(join(folder, 'objects.ndjson'));
    expect(done).toEqual([
      { step: 'copy-objects images', key: 'b/missing\n', bytes: 7, outcome: 'copied' },
      { step: 'copy-objects images', key: 'c/changed', bytes: 10, outcome: 'overwritten' },
      {
        step: 'copy-objects images',
        key,
        bytes: 4,
        outcome: 'failed',
        reason: 'it was deleted at the source since it was listed',
      },
    ]);
    expect(report.failure?.message).toContain('1 of 3 objects could not be copied');
    const text = await page(shell, report);
    expect(text).toContain('1 object failed:');
    expect(text).toContain('What became of each object is in `objects.ndjson` beside this page');
    const row = text.split('\n').find((line) => line.includes('gone') && line.startsWith('| images'));
    expect(row).toMatch(
      /^\| images \| `` "zz \\\| gone\\n`x`" `` \| it was deleted at the source since it was listed \|$/,
    );
  },
);

needs('faults')(
  'where nothing is to be done for 4,709 objects, that is said, and costs at most 12 requests',
  async () => {
    const { from, to, shell } = await arrange({ ...deletion, prefix: 'photos/' });
    const seeds = Array.from({ length: 4709 }, (_, index) => ({
      key: `photos/${index % 37}/${index}`,
      body: `${index}`,
    }));
    await store.aws?.seedObjects(from, seeds);
    await store.aws?.seedObjects(to, seeds);
    await store.aws?.resetRequests();
    const { code, stdout, stderr } = await shell.restage('sync', '--yes');
    expect(code, stderr).toBe(0);
    const s3 = ((await store.aws?.requests()) ?? []).filter(({ service }) => service === 's3');
    expect(s3.reduce((sum, { count }) => sum + count, 0)).toBeLessThanOrEqual(12);
    expect(stdout).toContain('nothing is to be done');
    expect(stdout).toMatch(/✓ staging has all objects of production that are selected/);
    expect(stdout).toContain('nothing to copy when planned: 4,709 of 4,709 equal');
  },
);

// Node cannot open a terminal of its own; Python's pty module can.
const hasPython = spawnSync('python3', ['-c', 'import pty']).status === 0;
const atTerminal = hasPython ? test : test.skip;
const inTerminal = 'import os, pty, sys; sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:])))';

for (const [typed, exitCode] of [
  ['yes\r', 3],
  ['staging\r', 0],
] as const)
  atTerminal(`the question names what is deleted and overwritten; ${typed.trim()} ends with ${exitCode}`, async () => {
    const { from, to, shell } = await arrange(deletion);
    await put('target', to, 'd/too', 'x');
    await put('source', from, 'a/too', 'x');
    const child = spawn('python3', ['-c', inTerminal, node, main, 'sync', '--config', shell.configFile], {
      cwd: shell.folder,
      env: { PATH: process.env['PATH'] ?? '', HOME: shell.folder, TERM: 'xterm', ...shell.variables },
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    let shown = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      const before = shown.length;
      shown += stripVTControlCharacters(text).replaceAll('\r', '');
      const asks = 'Type staging to go on: ';
      if (!shown.slice(0, before).includes(asks) && shown.includes(asks)) child.stdin.write(typed);
    });
    const [code] = (await once(child, 'close')) as [number | null];
    const account = store.target.account === undefined ? '' : `AWS account ${store.target.account}, `;
    const acts = 'deletes 2 objects for good, overwrites 1 for good and adds 2';
    expect(shown).toContain(`This ${acts} in ${to} (${account}as of this plan)`);
    expect(code, shown).toBe(exitCode);
    const { KeyCount } = await store.target.client.send(new ListObjectsV2Command({ Bucket: to, Prefix: 'd/' }));
    expect(KeyCount).toBe(exitCode === 0 ? 0 : 2);
  });

/** A key that is at both ends, one that is missing, one that has changed, and one that only the target has. */
async function arrange(images: object, readable: StoreBucket = {}) {
  const from = await store.source.createBucket(readable);
  const to = await store.target.createBucket();
  await put('source', from, 'a/sam', 'equal');
  await put('target', to, 'a/sam', 'equal');
  await put('source', from, 'b/missing\n', 'missing');
  await put('source', from, 'c/changed', 'as it is  ');
  await put('target', to, 'c/changed', 'as it was ');
  await put('target', to, 'd/extra', 'of staging'.slice(0, 8));
  const shell = await configOf(store, { buckets: { images: { source: from, target: to } }, objects: { images } });
  return { from, to, shell };
}

async function put(side: 'source' | 'target', Bucket: string, Key: string, Body: string): Promise<void> {
  await store[side].client.send(new PutObjectCommand({ Bucket, Key, Body }));
}

async function page({ folder }: Configured, { run }: Report): Promise<string> {
  return readFile(join(folder, '.restage', 'runs', run, 'report.md'), 'utf8');
}

/** In the order of their keys: objects come as they are done. */
async function linesOf(file: string): Promise<readonly Readonly<Record<string, unknown>>[]> {
  const lines = (await readFile(file, 'utf8')).split('\n').slice(0, -1);
  const parsed = lines.map((line) => JSON.parse(line) as Record<string, unknown>);
  return parsed.toSorted((one, other) => (String(one['key']) < String(other['key']) ? -1 : 1));
}
