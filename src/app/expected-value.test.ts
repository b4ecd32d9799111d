import { expect, test } from 'vitest';
import { comparisonText, judge, type Comparisons } from './expected-value.ts';

test.each<[unknown, Comparisons]>([
  [5, { equals: 5 }],
  [false, { equals: false }],
  ['', { equals: '' }],
  [0, { equals: 0, not: 1, atLeast: 0, atMost: 0 }],
  ['5', { not: 5 }],
  ['153', { atLeast: 153, atMost: 153 }],
  [-1.5, { atMost: -1 }],
  ['v1.4', { matches: '^v\\d' }],
  [14, { matches: '^1' }],
  [true, { matches: 'true' }],
  ['ünï', { matches: '^\\p{L}+$' }],
])('%j is %j', (value, expected) => {
  expect(judge(value, expected)).toBeUndefined();
});

test.each<[unknown, Comparisons, string]>([
  [undefined, { not: 1 }, 'is missing'],
  [undefined, { matches: '' }, 'is missing'],
  ['5', { equals: 5 }, 'is "5", 5 expected'],
  [null, { equals: 0 }, 'is null, 0 expected'],
  [1, { not: 1 }, 'is 1, anything else expected'],
  [4, { atLeast: 5 }, 'is 4, at least 5 expected'],
  ['4', { atLeast: 5 }, 'is "4", at least 5 expected'],
  [6, { atLeast: 1, atMost: 5 }, 'is 6, at most 5 expected'],
  ['many', { atLeast: 5 }, 'is "many", a number expected'],
  [null, { atMost: 5 }, 'is null, a number expected'],
  [[1], { atLeast: 1 }, 'is [1], a number expected'],
  [' 5', { atLeast: 1 }, 'is " 5", a number expected'],
  [true, { atLeast: 1 }, 'is true, a number expected'],
  ['beta', { matches: '^v' }, 'is "beta", what matches ^v expected'],
  [{ v: 1 }, { matches: '1' }, 'is {"v":1}, text that matches 1 expected'],
  [null, { matches: 'null' }, 'is null, text that matches null expected'],
])('%j is not %j', (value, expected, words) => {
  expect(judge(value, expected)).toBe(words);
});

test('a long value is told by its beginning', () => {
  expect(judge('x'.repeat(5000), { equals: 'y' })).toMatch(/^is "x{199}…, "y" expected$/);
});

test('all that must hold is told', () => {
  expect(comparisonText({ equals: 'a', not: 'b', atLeast: 1, atMost: 2, matches: '^c' })).toBe(
    '"a", not "b", at least 1, at most 2, matches ^c',
  );
});
