import { expect, test } from 'vitest';
import { isBetween, isSameFigure } from './figure.ts';

test.each([
  [153, '153'],
  [0, '0'],
  [1.5, '1.50'],
  ['007', 7],
  ['12345678901234567890', '12345678901234567890'],
  [{ a: 1 }, { a: 1 }],
  ['abc', 'abc'],
])('%j and %j are the same', (one, other) => {
  expect(isSameFigure(one, other)).toBe(true);
});

test.each([
  [153, 154],
  [153, '154'],
  [1, true],
  [0, ''],
  [0, null],
  [1, ' 1'],
  ['12345678901234567890', '12345678901234567891'],
  [12345678901234567000, '12345678901234567001'],
  [[1], 1],
  [undefined, 0],
])('%j and %j are not', (one, other) => {
  expect(isSameFigure(one, other)).toBe(false);
});

test('between are figures only, the ends among them', () => {
  expect([isBetween(5, 4, 6), isBetween('5', 6, 4), isBetween(4, 4, 4), isBetween('b', 'a', 'c')]).toEqual([
    true,
    true,
    true,
    false,
  ]);
});

test('figures that JavaScript would round are between none', () => {
  expect(isBetween('12345678901234567891', '12345678901234567890', '12345678901234567890')).toBe(false);
});

test('what is too large for a number is no figure, and the same as nothing', () => {
  const tooLarge: unknown = JSON.parse('1e400');
  for (const other of [null, tooLarge, '9'.repeat(400)]) expect(isSameFigure(tooLarge, other)).toBe(false);
  expect(isSameFigure('9'.repeat(400), '9'.repeat(400))).toBe(true);
  expect(isBetween(tooLarge, 1, tooLarge)).toBe(false);
});
