import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readAfterLoad } from './after-load.ts';
import { loadConfig } from './config.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'restage-after-load-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

function configOf(afterLoad: readonly object[]) {
  const end = (name: string) => ({ name, database: { url: `postgres://me@${name}.example/shop` } });
  const settings = { version: 1, source: end('production'), target: end('staging'), database: { afterLoad } };
  return loadConfig(settings, { file: join(folder, 'restage.yaml') });
}

test('statements and files are read in their order, each under a name of its own', async () => {
  await writeFile(join(folder, 'jobs.sql'), '\uFEFFdelete from jobs;\n');
  const list = await readAfterLoad(
    configOf([{ sql: 'select 1' }, { file: 'jobs.sql' }, { file: './jobs.sql' }, { sql: 'select 2' }]),
  );
  expect(list).toEqual([
    { name: 'afterLoad 1', sql: 'select 1' },
    { name: 'jobs.sql', sql: 'delete from jobs;\n' },
    { name: 'jobs.sql (afterLoad 3)', sql: 'delete from jobs;\n' },
    { name: 'afterLoad 4', sql: 'select 2' },
  ]);
});

test.each([
  ['missing.sql', undefined, /database\.afterLoad\.0\.file: .*missing\.sql cannot be read: ENOENT/],
  ['empty.sql', ' \n\t', /empty\.sql is empty$/],
  ['latin.sql', Buffer.from([0x73, 0xe4, 0x20]), /latin\.sql is no text in UTF-8$/],
  ['zero.sql', 'select\0 1', /zero\.sql is no text in UTF-8$/],
])('the file %s is refused by name', async (name, content, message) => {
  if (content !== undefined) await writeFile(join(folder, name), content);
  await expect(readAfterLoad(configOf([{ file: name }]))).rejects.toMatchObject({
    code: 'config-invalid',
    message: expect.stringMatching(message),
    hint: expect.stringContaining("the config's folder"),
  });
});
