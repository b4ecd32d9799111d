import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { openClosing } from '../closing.ts';
import { loadConfig } from '../config.ts';
import { commandRows } from './command-rows.ts';

const database = { url: 'postgres://u:p@db.example.com/shop' };

async function rows(commands: readonly object[], environment: Readonly<Record<string, string>>) {
  const config = loadConfig({
    version: 1,
    source: { name: 'production', database },
    target: { name: 'staging', database },
    migrate: commands.map((command) => ({ command })),
  });
  await using closing = openClosing();
  const context = {
    config,
    connection: {},
    signal: undefined,
    environment,
    mayWrite: false,
    undoing: new Set(),
    closing,
  };
  return await Promise.all(commandRows(context as Parameters<typeof commandRows>[0])); // a set of no promises
}

test('check finds the programs that migrate, as a run will, and says what is missing', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'restage-check-'));
  try {
    await writeFile(join(folder, 'tool'), '#!/bin/sh\n', { mode: 0o755 });
    expect(await rows([{ run: ['sh', '-c', 'x'], cwd: folder }], { PATH: '/nowhere:/bin' })).toEqual([
      {
        group: 'app',
        setting: 'migrate.command',
        configured: 'sh -c x',
        found: `/bin/sh, in ${folder}`,
        verdict: 'right',
      },
    ]);
    const found = await rows(
      [
        { run: ['./tool'], cwd: folder },
        { run: ['tool'], cwd: folder },
        { run: ['tool'], cwd: folder, env: { PATH: folder } },
        { run: ['sh'], cwd: join(folder, 'code') },
      ],
      { PATH: '/bin' },
    );
    expect(found.map(({ setting, found: said, verdict }) => [setting, said, verdict])).toEqual([
      ['migrate.command 1', `tool, in ${folder}`, 'right'],
      ['migrate.command 2', 'tool is not found on the PATH', 'wrong'],
      ['migrate.command 3', `tool, in ${folder}`, 'right'],
      ['migrate.command 4', `the folder ${join(folder, 'code')} does not exist`, 'wrong'],
    ]);
    expect(found[1]?.fix).toContain('It was looked for in /bin');
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
