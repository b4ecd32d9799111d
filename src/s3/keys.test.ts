import { expect, test } from 'vitest';
import { anyText, chance } from '../../test/memory-buckets.ts';
import { behind, boundsOf, compareKeys } from './keys.ts';

const bytesOf = (a: string, b: string) => Buffer.compare(Buffer.from(a), Buffer.from(b));

test('keys are ordered as their UTF-8 bytes are, whatever characters they hold', () => {
  const random = chance(42);
  const text = (length: number) => anyText(random, length);
  let notAsUtf16 = 0;
  for (let round = 0; round < 5000; round++) {
    const shared = text(random(4));
    const a = shared + text(random(4));
    const b = shared + (random(8) === 0 ? a.slice(shared.length) : text(random(4)));
    for (const [x, y] of [[a, b] as const, [a.normalize('NFC'), a.normalize('NFD')] as const]) {
      const order = bytesOf(x, y);
      expect(Math.sign(compareKeys(x, y)), JSON.stringify([x, y])).toBe(order);
      expect(Math.sign(compareKeys(y, x)), JSON.stringify([y, x])).toBe(0 - order);
      if (order !== 0 && x < y !== order < 0) notAsUtf16++;
    }
  }
  expect(notAsUtf16).toBeGreaterThan(100); // or the strings above would prove nothing
});

test('a key stands before every longer one that begins with it', () => {
  expect(compareKeys('a', 'a/b')).toBeLessThan(0);
  expect(compareKeys('', 'a')).toBeLessThan(0);
  expect(compareKeys('a', 'a')).toBe(0);
});

test('behind a beginning are all keys that begin so, and before it is whatever comes later', () => {
  const bound = behind('images/');
  for (const inside of ['images/', 'images/~', 'images/\uffff', 'images/\u{10fffe}zz'])
    expect(compareKeys(inside, bound), JSON.stringify(inside)).toBeLessThan(0);
  for (const later of ['images0', 'imaget', 'j', '\u{10ffff}'])
    expect(compareKeys(later, bound), JSON.stringify(later)).toBeGreaterThan(0);
});

test('the bounds after a key go from the widest to the narrowest, and all stand behind it', () => {
  const random = chance(7);
  for (let round = 0; round < 500; round++) {
    const key = anyText(random, random(12)).replaceAll('\u{10ffff}', '~');
    const bounds = boundsOf(key);
    expect(bounds).toHaveLength(Array.from(key).length + 1);
    for (const [index, bound] of bounds.entries()) {
      expect(compareKeys(key, bound), JSON.stringify([key, bound])).toBeLessThan(0);
      if (index > 0) expect(compareKeys(bound, bounds[index - 1] ?? '')).toBeLessThan(0);
    }
  }
});

test('no bound is longer than a key may be, nor cuts a character', () => {
  for (const key of ['a'.repeat(1024), '\u00e9'.repeat(512), '\u{1f600}'.repeat(256)])
    for (const bound of boundsOf(key)) {
      expect(Buffer.byteLength(bound)).toBeLessThanOrEqual(1024);
      expect(bound.isWellFormed()).toBe(true);
    }
});
