import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync, existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { objectList } from './object-list.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'restage-object-list-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const lines = (file: string) =>
  readFileSync(file, 'utf8')
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line) as unknown);

test('every object is a line of JSON, whatever its key holds', () => {
  const file = join(folder, 'list');
  const objects = ['a', 'a\nb', '"', '\u2028', '\u{1f600}', '\u0001'].map((key) => ({ key, bytes: 1 }));
  {
    using list = objectList(() => file);
    for (const object of objects) list.add(object);
  }
  expect(lines(file)).toEqual(objects);
});

test('a list of nothing makes no file, and does not even ask where', () => {
  {
    using _list = objectList(() => expect.fail('nothing is to be written'));
  }
  expect(existsSync(join(folder, 'list'))).toBe(false);
});

test('the file is readable by its owner only', () => {
  const file = join(folder, 'list');
  {
    using list = objectList(() => file);
    list.add({});
  }
  expect(statSync(file).mode & 0o777).toBe(0o600);
});

test('lines are written as they come, and not held until the end', () => {
  const file = join(folder, 'list');
  using list = objectList(() => file);
  for (let index = 0; index < 10_000; index++) list.add({ key: `images/${index}` });
  const written = statSync(file).size;
  expect(written).toBeGreaterThan(150_000);
  list[Symbol.dispose]();
  expect(lines(file)).toHaveLength(10_000);
  expect(statSync(file).size - written).toBeLessThan(70_000);
});

test('where the file is, is asked when its first line is written', () => {
  let file = join(folder, 'before');
  {
    using list = objectList(() => file);
    list.add({ key: 'a' });
    file = join(folder, 'after');
  }
  expect([existsSync(join(folder, 'before')), lines(file)]).toEqual([false, [{ key: 'a' }]]);
});

test('lines after it was closed go on in the same file', () => {
  const file = join(folder, 'list');
  using list = objectList(() => file);
  list.add({ key: 'a' });
  list[Symbol.dispose]();
  list.add({ key: 'b' });
  list[Symbol.dispose]();
  expect(lines(file)).toEqual([{ key: 'a' }, { key: 'b' }]);
});

test('what a disk does not take is told, and ends nothing', () => {
  const list = objectList(() => join(folder, 'nowhere', 'list'));
  expect(list.problem).toBeUndefined();
  for (let index = 0; index < 10_000; index++) list.add({ key: `images/${index}` });
  list[Symbol.dispose]();
  expect(list.problem).toMatch(/ENOENT/);
});

test('a disk that takes nothing does not make the list grow in memory', () => {
  using list = objectList(() => join(folder, 'nowhere', 'list'));
  const line = { key: 'x'.repeat(100_000) };
  const before = process.memoryUsage().heapUsed;
  for (let index = 0; index < 2000; index++) list.add(line);
  expect(process.memoryUsage().heapUsed - before).toBeLessThan(100e6);
  expect(list.problem).toBeDefined();
});

test('a list that the disk took a part of only is told to be incomplete', () => {
  const file = join(folder, 'list');
  const code = `
    import { objectList } from ${JSON.stringify(new URL('./object-list.ts', import.meta.url).href)};
    const list = objectList(() => ${JSON.stringify(file)});
    list.add({ key: 'x'.repeat(3000) });
    list[Symbol.dispose]();
    process.stdout.write(list.problem ?? 'complete');
  `;
  // A limit of the shell's for its children stands for a full disk: 1,024 bytes or 512.
  const script = 'ulimit -f 1; exec "$0" --input-type=module -e "$1"';
  const { stdout, stderr } = spawnSync('sh', ['-c', script, process.execPath, code], { encoding: 'utf8' });
  expect(stdout, stderr).toMatch(/EFBIG/);
  expect(statSync(file).size).toBeLessThan(3000);
});
