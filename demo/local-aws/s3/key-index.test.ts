import { expect, test } from 'vitest';
import { KeyIndex } from './key-index.ts';

const keys = (index: KeyIndex<{ readonly key: string }>, from = ''): readonly string[] =>
  [...index.from(from)].map((entry) => entry.key);

test('keys come in order, however they were added and removed', () => {
  const index = new KeyIndex<{ readonly key: string }>();
  const expected = new Set<string>();
  // A generator with a fixed seed: additions, removals and listings in any order, with few distinct keys.
  let state = 1;
  const next = (limit: number): number => (state = (state * 48_271) % 2_147_483_647) % limit;
  for (let turn = 0; turn < 20_000; turn++) {
    const key = `k${next(900)}`;
    if (next(3) > 0) {
      if (!expected.has(key)) index.add({ key });
      expected.add(key);
    } else {
      index.remove(key);
      expected.delete(key);
    }
    if (next(300) === 0) expect(keys(index)).toEqual([...expected].toSorted());
  }
  expect(index.size).toBe(expected.size);
  expect(keys(index, 'k5')).toEqual([...expected].filter((key) => key >= 'k5').toSorted());
});

test('a listing that starts exclusively leaves its start out', () => {
  const index = new KeyIndex<{ readonly key: string }>();
  for (const key of ['c', 'a', 'b']) index.add({ key });
  expect([...index.from('a', true)].map((entry) => entry.key)).toEqual(['b', 'c']);
});
