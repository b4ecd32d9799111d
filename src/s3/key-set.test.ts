import { hash } from 'node:crypto';
import { expect, test } from 'vitest';
import { memoryBucket, object } from '../../test/memory-buckets.ts';
import { growKeySet, type KeySet } from './key-set.ts';
import { everything, filterOf, type Selection } from './selection.ts';
import { walk } from './walk.ts';

const hashed = (key: string) => hash('sha256', key).slice(0, 16);

function setOf(keys: Iterable<string>): KeySet {
  const set = growKeySet();
  for (const key of keys) set.add(hashed(key));
  return set.done();
}

test('what was added is in it, however often, and nothing else is', () => {
  const keys = Array.from({ length: 5000 }, (_, index) => `images/${index}.jpg`);
  const set = setOf([...keys, ...keys, ...keys.toReversed(), '💡']);
  expect(set.size).toBe(5001);
  expect(keys.every((key) => set.has(key)) && set.has('💡')).toBe(true);
  expect([set.has('images/5000.jpg'), set.has(''), set.has('images/1.JPG')]).toEqual([false, false, false]);
});

test('a key that many rows name takes the room of one', () => {
  const set = growKeySet();
  for (let row = 0; row < 100_000; row += 1) set.add(hashed(`key ${row % 10}`));
  expect(set.done().size).toBe(10);
});

test('what the source was not seen to have is counted, with some of the hashes', () => {
  const set = setOf(['a', 'b', 'c', 'd']);
  for (const key of ['b', 'b', 'unnamed']) set.meet(key);
  expect(set.absent()).toBe(3);
  const some = set.someAbsent(2);
  expect(some).toHaveLength(2);
  for (const one of some) expect(['a', 'c', 'd'].map(hashed)).toContain(one);
  expect(setOf([]).absent()).toBe(0);
});

const referenced: Selection = { ...everything, only: 'referenced', referencedBy: ['t.key'] };

test('of two listings only keys that rows name meet, and those of the source are noted', async () => {
  const keys = setOf(['a', 'b/1', 'x/2', 'gone', 'only there']);
  const selection = { ...referenced, exclude: ['tmp/**'], renames: { 'b/': 'x/' } };
  const found: string[] = [];
  const bucket = (all: readonly string[]) => memoryBucket(all.map((key) => object(key)));
  await walk(
    {
      source: bucket(['a', 'b/1', 'b/2', 'b/3', 'tmp/a', 'z']),
      target: bucket(['other', 'only there', 'x/1']),
      selection,
    },
    ({ key, source, target }) => void found.push(`${source?.key ?? ''} > ${target?.key ?? ''} (${key})`),
    { filter: filterOf(selection, keys) },
  );
  expect(found.toSorted()).toEqual([' > only there (only there)', 'a >  (a)', 'b/1 > x/1 (x/1)', 'b/2 >  (x/2)']);
  expect(keys.absent()).toBe(2);
});

test('a selection that is limited to what rows name is of no use without the keys', () => {
  expect(() => filterOf(referenced)).toThrow('the rows were not read');
  expect(filterOf(everything).meet).toBeUndefined();
});

test('of keys that are met at both ends it is known which are at one, at both or at none', () => {
  const growing = growKeySet();
  for (const key of ['a', 'b', 'c', 'd', 'e', 'a']) growing.add(hashed(key));
  const keys = growing.ofBothEnds();
  expect(keys.size).toBe(5);
  expect([keys.meet('a', 'source'), keys.meet('a', 'target'), keys.meet('b', 'source')]).toEqual([true, true, true]);
  expect([keys.meet('c', 'newer'), keys.meet('nobody', 'target')]).toEqual([true, false]);
  expect(keys.count(['source'])).toBe(1);
  expect(keys.some(['source'], 5)).toEqual([hashed('b')]);
  expect([keys.count(['source', 'target']), keys.count(['newer']), keys.count([])]).toEqual([1, 1, 2]);
  expect(keys.some([], 1)).toHaveLength(1);
  expect(keys.some([], 5).toSorted()).toEqual([hashed('d'), hashed('e')].toSorted());
});
