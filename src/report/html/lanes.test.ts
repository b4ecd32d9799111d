import { expect, test } from 'vitest';
import { inLanes } from './lanes.ts';

const span = (name: string, from: number, to: number) => ({ name, from, to });
const names = (lanes: ReturnType<typeof inLanes>) => lanes.map((lane) => lane.map(({ name }) => name));

test('what ran side by side stands in lanes of its own, what came after it in one that was free', () => {
  const lanes = inLanes([span('a', 0, 10), span('b', 1, 4), span('c', 5, 20), span('d', 11, 12), span('e', 12, 15)]);
  expect(names(lanes)).toEqual([
    ['a', 'd', 'e'],
    ['b', 'c'],
  ]);
});

test('the order in which they are given does not matter, and a millisecond of overlap is none', () => {
  const spans = [span('later', 9, 30), span('first', 0, 10)];
  expect(names(inLanes(spans))).toEqual([['first', 'later']]);
  expect(inLanes([])).toEqual([]);
});
