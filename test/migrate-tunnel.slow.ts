import { execFileSync } from 'node:child_process';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { parseDocument } from 'yaml';
import type { Report } from '../src/index.ts';
import { factsOf, stepsOf } from '../src/report/report.ts';
import { startTunnelScene, type TunnelScene } from './tunnel-scene.ts';

// What a command is given where the database is behind a tunnel, and its certificate is another authority's: libpq itself verifies it.
const python = '/usr/bin/python3';
const hasDriver = (() => {
  try {
    execFileSync(python, ['-c', 'import psycopg2'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
})();
if (!hasDriver) console.warn('python3-psycopg2 is not installed: its tests are skipped');

let scene: TunnelScene;
beforeAll(async () => {
  if (hasDriver) scene = await startTunnelScene();
});
afterAll(() => scene?.[Symbol.asyncDispose]());

const look = (last: string) => `
import os, stat, psycopg2
for address in ("", os.environ["DATABASE_URL"]):
    with psycopg2.connect(address) as connection, connection.cursor() as cursor:
        cursor.execute("select ssl from pg_stat_ssl where pid = pg_backend_pid()")
        told = connection.get_dsn_parameters()
        print(connection.info.host, told["hostaddr"], told["sslmode"], cursor.fetchone()[0])
print(oct(stat.S_IMODE(os.stat(os.environ["PGSSLROOTCERT"]).st_mode)), os.environ["PGSSLROOTCERT"])
${last}`;

async function refresh(last = ''): Promise<{ readonly code: number | null; readonly report: Report }> {
  const config = await scene.configure('forward', 'forward');
  const document = parseDocument(await readFile(config, 'utf8'));
  document.set('migrate', document.createNode([{ command: { run: [python, '-c', look(last)] } }]));
  const file = join(dirname(config), 'with-command.yaml');
  await writeFile(file, document.toString());
  const { code, stdout, stderr } = await scene.begin('sync', '--yes', '--json', '--config', file).ended;
  expect(stdout + stderr).not.toContain('password of ann');
  return { code, report: JSON.parse(stdout) as Report };
}

const certificates = async () => (await readdir(tmpdir())).filter((name) => /^restage-\w{6}$/.test(name));

test.skipIf(!hasDriver)("through a tunnel the database's own name is verified, by its own authority", async () => {
  await scene.on('production', 'set role ann; create table books (id integer primary key)');
  const before = await certificates();
  const { code, report } = await refresh();
  const [facts] = stepsOf(report, 'migrate-incoming').map(factsOf);
  expect([code, report.failure]).toEqual([0, undefined]);
  const address = 'staging.db.example 127.0.0.1 verify-full True';
  expect(facts?.output.slice(0, 2)).toEqual([address, address]);
  expect(facts?.output[2]).toMatch(/^0o600 .*\/restage-\w{6}\/certificates\.pem$/);
  expect(await certificates()).toEqual(before);
});

test.skipIf(!hasDriver)('the certificates are gone after a command that failed too', async () => {
  const before = await certificates();
  const { code, report } = await refresh('raise SystemExit(7)');
  expect([code, report.failure]).toMatchObject([1, { step: 'migrate-incoming', code: 'migrate-failed' }]);
  expect(report.failure?.message).toContain('ended with exit code 7:');
  expect(await certificates()).toEqual(before);
});
