import { expect, test } from 'vitest';
import { findLeftovers, swapNames } from './database-names.ts';
import type { Session } from './session.ts';

const run = '20261122-231500-ab12';

/** A maintenance session on a server that has these databases. */
function serverWith(...databases: string[]): Session {
  const rows = async () => databases.toSorted().map((name) => ({ name }));
  return { rows } as unknown as Session; // all that findLeftovers asks of it
}

test('the names say what they are and of which run', () => {
  expect(swapNames('staging', run)).toEqual({
    current: 'staging',
    incoming: 'staging__incoming_20261122-231500-ab12',
    previous: 'staging__previous_20261122-231500-ab12',
  });
});

test.each([
  'x'.repeat(63),
  'ä'.repeat(31),
  'a' + 'ä'.repeat(31),
  '数'.repeat(21),
  '🐘'.repeat(15),
  `a${'🐘'.repeat(15)}`,
])('the names made from %s are whole characters within the 63 bytes of a name', (database) => {
  const { incoming, previous } = swapNames(database, run);
  for (const name of [incoming, previous]) {
    expect(Buffer.byteLength(name)).toBeLessThanOrEqual(63);
    expect(name).toMatch(new RegExp(`__(incoming|previous)_${run}$`));
    expect(name.isWellFormed()).toBe(true);
  }
  expect(incoming).not.toBe(previous);
});

test('the names of two runs differ, also where the database leaves no room', () => {
  const long = 'x'.repeat(63);
  expect(swapNames(long, run).incoming).not.toBe(swapNames(long, '20261122-231500-ab13').incoming);
});

test('leftovers are found by kind, oldest run first', async () => {
  const older = swapNames('staging', '20261101-000000-ffff');
  const newer = swapNames('staging', run);
  const server = serverWith('staging', 'postgres', newer.previous, older.previous, newer.incoming);
  expect(await findLeftovers(server, 'staging')).toEqual({
    incoming: [newer.incoming],
    previous: [older.previous, newer.previous],
  });
});

test('leftovers of a database with a long name are found again', async () => {
  const { incoming } = swapNames('ä'.repeat(31), run);
  expect((await findLeftovers(serverWith(incoming), 'ä'.repeat(31))).incoming).toEqual([incoming]);
});

test('another database whose long name begins alike keeps what is its own', async () => {
  const [ours, theirs] = ['europe', 'us'].map((region) => `acme_catalogue_service_staging_database_${region}`) as [
    string,
    string,
  ];
  const server = serverWith(swapNames(theirs, run).incoming, swapNames(theirs, run).previous);
  expect(await findLeftovers(server, ours)).toEqual({ incoming: [], previous: [] });
});

test('a database that a person named alike is not taken for a leftover', async () => {
  const server = serverWith('staging__previous_good', 'staging__incoming_from_anna');
  expect(await findLeftovers(server, 'staging')).toEqual({ incoming: [], previous: [] });
});
