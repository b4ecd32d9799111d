import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { connectSeconds } from '../src/postgres/connection.ts';
import { startSilentServer } from './silent-server.ts';
import { type } from './store/command-line.ts';

// Whatever a command waits for before it has changed anything, an interrupt ends it at once.
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'restage-early-'));
});
afterAll(() => rm(folder, { recursive: true }));

const all = [['check'], ['plan'], ['sync', '--yes'], ['verify']];

/** What the ends are made of, all of it at one port; and the commands that are tried with it. */
const kinds = {
  databases: [all, (port: number, end: string) => ({ database: { url: urlOf(port, end) } })],
  'databases that speak TLS': [
    [['sync', '--yes']],
    (port: number, end: string) => ({ database: { url: urlOf(port, end), tls: 'verify-full' } }),
  ],
  accounts: [
    [['check'], ['sync', '--yes']],
    (port: number, end: string) => ({ aws: awsOf({ sts: `http://127.0.0.1:${port}` }), buckets: { images: end } }),
  ],
  stores: [
    [['plan'], ['verify']],
    (port: number, end: string) => ({ aws: awsOf({ s3: `http://127.0.0.1:${port}` }), buckets: { images: end } }),
  ],
} as const;

const urlOf = (port: number, name: string) => `postgres://app:secret-word@127.0.0.1:${port}/${name}`;
const awsOf = (endpoints: object) => ({
  profile: 'silent',
  region: 'us-east-1',
  account: '111111111111', // without it --yes is refused
  endpoints,
});

const signals = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGINT'] as const;

test.each(Object.entries(kinds))(
  'commands that wait for %s end at once when they are interrupted',
  async (_kind, [commands, of]) => {
    await using silent = await startSilentServer();
    const configFile = join(folder, 'restage.yaml');
    const end = (name: string) => ({ name, ...of(silent.port, name) });
    await writeFile(configFile, JSON.stringify({ version: 1, source: end('one-end'), target: end('other-end') }));
    await writeFile(
      join(folder, 'credentials'),
      '[silent]\naws_access_key_id = AKIA1\naws_secret_access_key = a-key\n',
    );
    const variables = { AWS_SHARED_CREDENTIALS_FILE: join(folder, 'credentials'), AWS_CONFIG_FILE: '/dev/null' };
    for (const [index, command] of commands.entries()) {
      const running = type([...command, '--json', '--config', configFile], folder, variables);
      await Promise.race([silent.connected(), running.ended]);
      const clock = performance.now();
      running.signal(signals[index] ?? 'SIGINT');
      const { code, stdout, stderr } = await running.ended;
      const tookMs = performance.now() - clock;
      expect([command, code, stderr]).toEqual([
        command,
        130,
        expect.stringContaining('interrupted; nothing was changed'),
      ]);
      expect(JSON.parse(stdout)).toMatchObject({ error: { code: 'interrupted' } });
      // Well before what it waits for would have been given up by itself: the interrupt ended it.
      expect(tookMs, command.join(' ')).toBeLessThan((connectSeconds * 1000) / 2);
      expect(await readdir(join(folder, '.restage', 'runs')).catch(() => [])).toEqual([]);
    }
  },
);
