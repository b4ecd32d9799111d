import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { makeAuthority } from '../test/certificates.ts';
import { addressOf } from './address.ts';
import { loadConfig } from './config.ts';
import { connect } from './connect.ts';
import type { Address } from './postgres/session.ts';

let folder: string;
const one = makeAuthority('One authority').certificate;
const other = makeAuthority('Another authority').certificate;

/** What is trusted of a file that says other things too. */
const bundle = [one, other].map((certificate) => certificate.trim()).join('\n');

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'restage-address-'));
  await writeFile(join(folder, 'both.pem'), `subject=One\n${one}subject=Another\n${other}`);
  await writeFile(join(folder, 'none.pem'), '-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n');
  await writeFile(join(folder, 'broken.pem'), `${one}${other.replace(/\nM\w{10}/, '\nMAAAAAAAAAA')}`);
});
afterAll(() => rm(folder, { recursive: true }));

type Database = Readonly<Record<string, unknown>>;

function configOf(database: Database, target: Database = { url: 'postgres://ann:secret@staging.example/shop' }) {
  return loadConfig(
    { version: 1, source: { name: 'production', database }, target: { name: 'staging', database: target } },
    { file: join(folder, 'restage.yaml') },
  );
}

async function addressBy(database: Database): Promise<Address> {
  const { source, passwords } = configOf({ url: 'postgres://ann:secret@127.0.0.1/shop', ...database });
  if (!source.database) throw new Error('there is no database');
  return addressOf(source.database, source.name, undefined, passwords);
}

test('the certificates of ca are found from the folder of the configuration, and ask for TLS on loopback too', async () => {
  expect(await addressBy({ ca: 'both.pem' })).toMatchObject({ ca: bundle, tls: 'verify-full' });
  expect(await addressBy({ ca: join(folder, 'both.pem') })).toMatchObject({ ca: bundle });
  expect(await addressBy({})).toMatchObject({ tls: 'disable' });
});

test.each([
  ['missing.pem', /missing\.pem cannot be read: ENOENT/],
  ['none.pem', /none\.pem holds no certificate$/],
  ['broken.pem', /broken\.pem holds a certificate that cannot be read, number 2$/],
])('a ca that cannot be used is told by name and by what is wrong with it: %s', async (ca, message) => {
  await expect(addressBy({ ca })).rejects.toMatchObject({
    code: 'config-invalid',
    message: expect.stringMatching(message),
    hint: expect.stringContaining('BEGIN CERTIFICATE'),
  });
});

test('localhost behind two forwarders is two machines, and one without them; the ends end the forwarders', async () => {
  const url = 'postgres://ann:secret@localhost/shop';
  const by = (bastion: string) => ({
    url,
    via: { command: ['ssh', '-N', '-L', '{localPort}:{host}:{port}', bastion] },
  });
  const ends = await connect(configOf(by('one'), by('other')));
  const tunnels = [ends.source, ends.target].map(({ database }) => database?.address.tunnel);
  ends[Symbol.dispose]();
  for (const tunnel of tunnels)
    await expect(tunnel?.port()).rejects.toMatchObject({
      code: 'tunnel-failed',
      message: 'the tunnel to localhost:5432 by ssh was ended',
    });
  await expect(connect(configOf({ url }, { url }))).rejects.toMatchObject({ code: 'target-is-source' });
  await expect(connect(configOf(by('one'), by('one')))).rejects.toMatchObject({ code: 'target-is-source' });
});
