import { expect, test } from 'vitest';
import { addressesOf, plainAddress, plainHost, shareAddress } from './host-addresses.ts';

test.each([
  ['127.0.0.1', '127.0.0.1'],
  ['::1', '127.0.0.1'],
  ['0:0:0:0:0:0:0:1', '127.0.0.1'],
  ['::', '127.0.0.1'],
  ['0.0.0.0', '127.0.0.1'],
  ['::ffff:127.0.0.1', '127.0.0.1'],
  ['::ffff:0a00:0105', '10.0.1.5'],
  ['2001:DB8:0:0::7', '2001:db8::7'],
  ['fe80::1%eth0', 'fe80::1'],
  // Another server may listen there.
  ['127.0.0.2', '127.0.0.2'],
])('%s is the address %s', (address, plain) => {
  expect(plainAddress(address)).toBe(plain);
});

test('a name is the same in capitals, with the dot of the root, and in brackets', () => {
  expect(['DB.Example.com.', 'db.example.com', '[::1]'].map(plainHost)).toEqual([
    'db.example.com',
    'db.example.com',
    '::1',
  ]);
});

test('names that lead to one address share it, and a name that is not known shares nothing', async () => {
  expect(await shareAddress('localhost', '127.1')).toBe(true);
  expect(await shareAddress('localhost', '[::1]')).toBe(true);
  expect(await shareAddress('127.0.0.1', '127.0.0.2')).toBe(false);
  expect(await addressesOf('db.invalid')).toEqual([]);
  expect(await shareAddress('db.invalid', 'db.invalid')).toBe(false);
});
