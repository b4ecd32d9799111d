import { expect, test } from 'vitest';
import { fromBytes } from '../byte-string.ts';
import { SynthesizedIndex } from './synthesized-index.ts';

const account = '111111111111';
const index = (objects: number, more = {}): SynthesizedIndex => new SynthesizedIndex({ objects, ...more }, account);
const keysOf = (of: SynthesizedIndex, from = '', exclusive = false): readonly string[] =>
  [...of.from(from, exclusive)].map((entry) => entry.key);
const etagsOf = (of: SynthesizedIndex): ReadonlyMap<string, string | undefined> =>
  new Map(
    [...of.from('')].map(({ key, versions: [version] }) => [key, version?.kind === 'object' ? version.etag : '']),
  );

test.each([1, 7, 5000])('%d synthesized keys are all different and in byte order', (objects) => {
  const keys = keysOf(index(objects));
  expect(keys).toHaveLength(objects);
  expect(keys).toEqual([...new Set(keys)].toSorted((left, right) => (left < right ? -1 : 1)));
  expect(index(objects).size).toBe(objects);
});

test('synthesized keys stand at the top, in folders deep and shallow, and beyond ASCII, and folders differ in size', () => {
  const keys = keysOf(index(50_000)).map(fromBytes);
  const folders = Map.groupBy(keys, (key) => key.slice(0, key.lastIndexOf('/') + 1));
  expect(folders.size).toBe(240);
  for (const name of ['', 'books/004/', 'images/001/thumb/', 'users/Zoë 002/', '日本語/003/'])
    expect(folders.has(name), name).toBe(true);
  const sizes = [...folders.values()].map((of) => of.length).toSorted((left, right) => left - right);
  expect(sizes.at(-1)).toBeGreaterThan((sizes[0] ?? 0) * 15);
});

test('a listing starts at any text, as one of stored keys would', () => {
  const some = index(3000, { missingEvery: 7 });
  const keys = keysOf(some);
  const starts = ['', '0', 'a', 'books', 'books/', 'books/004/', 'books/zzz', 'users/Zo\u00c3', 'zzz', '\u00ff'];
  for (const start of [...starts, keys[17] ?? '', `${keys[1234]}0`, keys[2000]?.slice(0, -1) ?? '']) {
    expect(keysOf(some, start)).toEqual(keys.filter((key) => key >= start));
    expect(keysOf(some, start, true)).toEqual(keys.filter((key) => key > start));
  }
});

test('a key is found if it is one of them', () => {
  const some = index(3000, { missingEvery: 7 });
  const keys = keysOf(some);
  for (const key of keys) expect(some.get(key)?.key).toBe(key);
  expect(some.get('books/004/')).toBeUndefined();
  expect(some.get('zzz')).toBeUndefined();
  const gone = keysOf(index(3000)).filter((key) => !keys.includes(key));
  expect(gone).toHaveLength(428);
  expect(some.get(gone[0] ?? '')).toBeUndefined();
});

test('two of them differ in as many objects as they were told to, and in no size', () => {
  const left = etagsOf(index(3000));
  const right = index(3000, { differEvery: 10, missingEvery: 100 });
  const pairs = [...etagsOf(right)].map(([key, etag]) => etag === left.get(key));
  expect(pairs).toHaveLength(2970);
  expect(right.size).toBe(2970);
  expect(pairs.filter((same) => !same)).toHaveLength(300);
  const sizes = (of: SynthesizedIndex) =>
    [...of.from('')].map(({ versions: [version] }) => (version?.kind === 'object' ? version.body.sizeBytes : 0));
  expect(sizes(index(3000, { differEvery: 10 }))).toEqual(sizes(index(3000)));
});

test('nothing is held for a key: a hundred million take no more time than a few', () => {
  const many = index(100_000_000);
  const { key = '' } = many.from('images/').next().value ?? {};
  expect(key).toBe('images/001/thumb/00000000.jpg');
  expect(many.get('日本語') ?? many.get(key)?.key).toBe(key);
});

test('it takes no object and loses none', () => {
  expect(() => index(1).add()).toThrow();
  expect(() => index(1).remove()).toThrow();
});
