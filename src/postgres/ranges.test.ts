import { expect, test } from 'vitest';
import { cut, inRange } from './ranges.ts';

test.each([
  [0, 4, [{ from: 0 }]],
  [1, 4, [{ from: 0 }]],
  [3, 4, [{ from: 0, to: 1 }, { from: 1, to: 2 }, { from: 2 }]],
  [10, 4, [{ from: 0, to: 3 }, { from: 3, to: 6 }, { from: 6, to: 9 }, { from: 9 }]],
  [8, 2, [{ from: 0, to: 4 }, { from: 4 }]],
  [4_294_967_294, 1, [{ from: 0 }]],
])('%i blocks in %i parts leave no block out and take none twice', (blocks, parts, ranges) => {
  expect(cut(blocks, parts)).toEqual(ranges);
});

test('the last range has no end: rows that were added since belong to it, and the snapshot leaves them out', () => {
  expect(inRange({ from: 3, to: 6 })).toBe(`ctid >= '(3,0)' and ctid < '(6,0)'`);
  expect(inRange({ from: 6 })).toBe(`ctid >= '(6,0)'`);
});
