import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { printOfConfig } from './config-print.ts';

let folder: string;
beforeEach(async () => void (folder = await mkdtemp(join(tmpdir(), 'restage-print-'))));
afterEach(() => rm(folder, { recursive: true }));

const print = (text: string, name = 'restage.yaml') => printOfConfig(text, join(folder, name));

const written = `
version: 1
source: { name: production, database: { url: "postgres://a:\${PASSWORD}@h/d" } }
target: { name: staging, buckets: { images: b } }
`;

test('a print is short, and the same for the same settings however they are written', async () => {
  const found = await print(written);
  expect(found).toMatch(/^[0-9a-f]{16}$/);
  for (const other of [
    `# a comment\n${written}# another`,
    `target:\n  buckets: {'images': 'b'}\n  name: 'staging'\nsource:\n  database:\n    url: postgres://a:\${PASSWORD}@h/d\n  name: production\nversion: 1\n`,
    `version: 1\nsource: { name: production, database: { url: "postgres://a:\${PASSWORD}@h/d" } }\ntarget: &t { name: staging, buckets: { images: &b b } }\n`,
    written.replaceAll('\n', '\r\n'),
  ])
    expect(await print(other), other).toBe(found);
});

test('another setting, a list in another order, and a name in the place of a variable are another print', async () => {
  const found = await print(written);
  for (const other of [
    written.replace('staging', 'stagine'),
    written.replace('PASSWORD', 'PASS'),
    written.replace('${PASSWORD}', 'word'),
    written.replace('version: 1', 'version: "1"'),
    `${written}\nnotify: []`,
  ])
    expect(await print(other), other).not.toBe(found);
  expect(await print('a: [1, 2]')).not.toBe(await print('a: [2, 1]'));
  expect(await print('a: {b: c}')).not.toBe(await print('a: [[b, c]]'));
});

const naming = `
source: { database: { ca: ca.pem } }
database: { afterLoad: [{ sql: select 1 }, { file: sql/after.sql }] }
migrate: { versions: alembic/versions }
`;

test('files that a configuration names count by what they hold, wherever they are, and where they are missing', async () => {
  const prints = new Set([await print(naming)]);
  const add = async (name: string, text: string) => {
    await mkdir(join(folder, name, '..'), { recursive: true });
    await writeFile(join(folder, name), text);
    const before = prints.size;
    const now = await print(naming);
    prints.add(now);
    return { isNew: prints.size > before, now };
  };
  for (const name of ['ca.pem', 'sql/after.sql', 'alembic/versions/1_a.py', 'alembic/versions/more/2_b.py'])
    for (const text of ['one', 'two']) expect(await add(name, text), `${name} ${text}`).toMatchObject({ isNew: true });
  for (const name of [
    'other.sql',
    'alembic/env.py',
    'alembic/versions/__pycache__/1_a.pyc',
    'alembic/versions/.DS_Store',
  ])
    expect(await add(name, 'three'), name).toMatchObject({ isNew: false });
  const { now } = await add('copy/restage.yaml', '');
  for (const name of ['ca.pem', 'sql/after.sql', 'alembic/versions/1_a.py', 'alembic/versions/more/2_b.py'])
    await add(`copy/${name}`, 'two');
  expect(await print(naming, 'copy/restage.yaml')).toBe(now);
});

test('a configuration that was read from no file finds what it names where the process stands', async () => {
  const here = 'database: { afterLoad: [{ file: package.json }] }';
  const found = await printOfConfig(here, 'restage.yaml');
  expect(await printOfConfig(here, 's3://bucket/some/folder/restage.yaml')).toBe(found);
  expect(await printOfConfig(here, 'ssm:/some/restage')).toBe(found);
  expect(await print(here)).not.toBe(found); // there is none
});

test('what is no YAML has no print', async () => {
  await expect(print('a: [')).rejects.toMatchObject({ code: 'config-invalid' });
});
