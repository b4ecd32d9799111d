import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'vitest';
import { configOf } from './store/config-of.ts';
import { needs, store, useStore } from './store/use-store.ts';

useStore();

const node = fileURLToPath(new URL('../node_modules/.bin/node', import.meta.url));
const main = fileURLToPath(new URL('../src/cli/main.ts', import.meta.url));

const name = 'what restage writes is its owner’s alone, whatever the umask and whatever was there';

needs('faults')(name, async () => {
  const [from, to] = [await store.source.createBucket(), await store.target.createBucket()];
  const shell = await configOf(store, { buckets: { images: { source: from, target: to } } });
  const { folder, configFile, variables } = shell;
  const given = await readdir(folder);
  for (const old of ['old.json', 'old.ndjson']) {
    await writeFile(join(folder, old), 'others could read it');
    await chmod(join(folder, old), 0o666);
  }
  for (const [umask, args] of [
    ['000', 'plan --out old.json'],
    ['000', 'sync --yes'],
    ['077', 'sync --yes'],
  ] as const) {
    await store.aws?.seedObjects(from, [{ key: umask + args, body: 'new' }]);
    const command = `umask ${umask}; exec "${node}" "${main}" ${args} --config "${configFile}"`;
    const env = { PATH: process.env['PATH'] ?? '', HOME: folder, ...variables };
    const child = spawn('sh', ['-c', command], { cwd: folder, env, stdio: 'ignore' });
    expect([args, ...((await once(child, 'close')) as unknown[])]).toEqual([args, 0, null]);
  }
  const written = await readdir(folder, { recursive: true, withFileTypes: true });
  const modes = await Promise.all(
    written
      .map((entry) => ({ entry, path: relative(folder, join(entry.parentPath, entry.name)) }))
      // What Node compiles lies in a folder that is closed itself.
      .filter(({ path }) => !given.includes(path) && !path.startsWith('.cache/restage/'))
      .map(async ({ entry, path }) => {
        const wanted = entry.isDirectory() ? 0o700 : 0o600;
        return { path, isRight: ((await stat(join(folder, path))).mode & 0o777) === wanted };
      }),
  );
  expect(modes.filter(({ isRight }) => !isRight)).toEqual([]);
  for (const path of ['old.ndjson', 'old.json', '.cache/restage', '.restage/runs'])
    expect(modes).toContainEqual({ path, isRight: true });
  for (const end of [
    'plan.json',
    'report.json',
    'report.md',
    'report.html',
    'objects.ndjson',
    'objects-planned.ndjson',
  ])
    expect(
      modes.filter(({ path }) => path.startsWith('.restage/') && path.endsWith(`/${end}`)),
      end,
    ).toHaveLength(2);
  expect(await readFile(join(folder, 'old.json'), 'utf8')).toMatch(/^\{/);
});
