import { expect, test } from 'vitest';
import { compareKeys, countDifferences, diffBuckets, sourceEtagHeader, type Difference } from './diff.ts';
import type { ListedObject, SourceBucket } from './bucket.ts';

const etag = (text: string) => text.padEnd(32, '0');
const object = (key: string, content = 'a', sizeBytes = 10): ListedObject => ({
  key,
  sizeBytes,
  etag: etag(content),
  modifiedAt: '2026-11-22T23:15:00.000Z',
});

/** A bucket that lists these pages, and remembers which keys were looked at one by one. */
function bucket(pages: readonly (readonly ListedObject[])[], metadata: Readonly<Record<string, string>> = {}) {
  const heads: string[] = [];
  const made: SourceBucket = {
    origin: { bucket: 'shelf', account: '111111111111', endpoint: undefined },
    async *list() {
      yield* pages;
    },
    get: () => Promise.reject(new Error('a diff reads no object')),
    head: async (key) => {
      heads.push(key);
      return metadata[key] === undefined ? {} : { [sourceEtagHeader]: metadata[key] };
    },
    [Symbol.dispose]: () => {},
  };
  return { ...made, heads };
}

async function diff(source: SourceBucket, target: SourceBucket): Promise<string[]> {
  const found: Difference[] = await Array.fromAsync(diffBuckets(source, target));
  return found.map((one) => `${one.kind} ${one.kind === 'extra' ? one.target.key : one.source.key}`);
}

test('keys are ordered as their UTF-8 bytes are, whatever characters they hold', () => {
  let seed = 42;
  const random = (below: number) => {
    seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
    return Math.floor((seed / 2 ** 32) * below);
  };
  const ranges = [
    [0x20, 0x7e],
    [0x20, 0x7e],
    [0xc0, 0x24f],
    [0x300, 0x36f],
    [0xd7f0, 0xd7ff],
    [0xe000, 0xe010],
    [0xfff0, 0xffff],
    [0x10000, 0x1000f],
    [0x1f600, 0x1f64f],
    [0x10fff0, 0x10ffff],
  ] as const;
  const letter = () => {
    const [from, to] = ranges[random(ranges.length)] ?? [0x61, 0x61];
    return String.fromCodePoint(from + random(to - from + 1));
  };
  const text = (length: number) => Array.from({ length }, letter).join('');
  let notAsUtf16 = 0;
  for (let round = 0; round < 5000; round++) {
    const shared = text(random(4));
    const a = shared + text(random(4));
    const b = shared + (random(8) === 0 ? a.slice(shared.length) : text(random(4)));
    const pairs = [[a, b] as const, [a.normalize('NFC'), a.normalize('NFD')] as const];
    for (const [x, y] of pairs) {
      const bytes = Buffer.compare(Buffer.from(x), Buffer.from(y));
      expect(compareKeys(x, y), JSON.stringify([x, y])).toBe(bytes);
      expect(compareKeys(y, x), JSON.stringify([y, x])).toBe(0 - bytes);
      if (bytes !== 0 && x < y !== bytes < 0) notAsUtf16++;
    }
  }
  expect(notAsUtf16).toBeGreaterThan(100); // or the strings above would prove nothing
});

test('two listings are joined key by key, across the ends of their pages', async () => {
  const source = bucket([[object('a'), object('b')], [object('c', 'new')], [], [object('e'), object('\ufffd')]]);
  const target = bucket([
    [object('a')],
    [object('c', 'old'), object('d')],
    [object('e', 'a', 11), object('\u{1f600}')],
  ]);
  expect(await diff(source, target)).toEqual([
    'same a',
    'missing b',
    'changed c',
    'extra d',
    'changed e',
    'missing \ufffd',
    'extra \u{1f600}',
  ]);
});

test('keys that only look alike are two keys', async () => {
  const name = 'caf\u00e9';
  expect(await diff(bucket([[object(name.normalize('NFC'))]]), bucket([[object(name.normalize('NFD'))]]))).toEqual([
    `extra ${name.normalize('NFD')}`,
    `missing ${name.normalize('NFC')}`,
  ]);
});

test('an empty side leaves everything missing, or everything extra', async () => {
  const full = bucket([[object('a')], [object('b')]]);
  expect(await diff(full, bucket([]))).toEqual(['missing a', 'missing b']);
  expect(await diff(bucket([[]]), full)).toEqual(['extra a', 'extra b']);
  expect(await diff(bucket([]), bucket([]))).toEqual([]);
});

test.each([
  ['the wrong way round', [[object('b'), object('a')]]],
  ['the wrong way round from page to page', [[object('b')], [object('a')]]],
  ['twice the same', [[object('b')], [object('b')]]],
  ['in the order of UTF-16', [[object('\u{1f600}'), object('\uffee')]]],
])('a listing with keys %s is refused, at either end', async (_how, pages) => {
  const refusal = { code: 'objects-failed', message: expect.stringContaining('shelf (account 111111111111)') };
  await expect(diff(bucket(pages), bucket([]))).rejects.toMatchObject(refusal);
  await expect(diff(bucket([]), bucket(pages))).rejects.toMatchObject(refusal);
});

test('an ETag of many parts is looked for in the metadata of the target', async () => {
  const parts = `${etag('f')}-7`;
  const source = bucket([[{ ...object('big'), etag: parts }]]);
  expect(await diff(source, bucket([[object('big')]], { big: parts }))).toEqual(['same big']);
  expect(await diff(source, bucket([[object('big')]], { big: `${etag('e')}-7` }))).toEqual(['changed big']);
  expect(await diff(source, bucket([[object('big')]]))).toEqual(['changed big']);
});

test('an object that was encrypted with KMS is the same where the target remembers its ETag', async () => {
  // Its ETag is 32 digits, but not the MD5 that the copy's will be: copyObjects remembers it in the copy's metadata.
  const source = bucket([[object('sealed', 'c1f0')]]);
  expect(await diff(source, bucket([[object('sealed', 'beef')]], { sealed: etag('c1f0') }))).toEqual(['same sealed']);
});

test('no request is spent on an object that size or ETag decide', async () => {
  const target = bucket([[object('a'), object('b', 'a', 11)]]);
  await diff(bucket([[object('a'), { ...object('b'), etag: `${etag('f')}-2` }]]), target);
  expect(target.heads).toEqual([]);
});

test('the totals count objects and bytes of each kind, and of each side as it is', async () => {
  const source = bucket([[object('a', 'a', 1), object('b', 'b', 20), object('c', 'c', 300)]]);
  const target = bucket([[object('b', 'x', 50), object('c', 'c', 300), object('d', 'd', 4000), object('e', 'e', 0)]]);
  expect(await countDifferences(diffBuckets(source, target))).toEqual({
    missing: { objects: 1, bytes: 1 },
    changed: { objects: 1, bytes: 20 },
    same: { objects: 1, bytes: 300 },
    extra: { objects: 2, bytes: 4000 },
    newer: { objects: 0, bytes: 0 },
    source: { objects: 3, bytes: 321 },
    target: { objects: 4, bytes: 4350 },
  });
});

test('what was written to the source after the copy had listed it is no difference of the copy', async () => {
  const late = { ...object('late'), modifiedAt: '2026-11-22T23:16:00.000Z' };
  const source = bucket([[object('early'), late]]);
  const totals = await countDifferences(diffBuckets(source, bucket([[]])), '2026-11-22T23:15:30.000Z');
  expect([totals.missing.objects, totals.newer.objects, totals.source.objects]).toEqual([1, 1, 2]);
});
