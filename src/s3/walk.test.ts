import { expect, test } from 'vitest';
import { anyText, chance, memoryBucket, object } from '../../test/memory-buckets.ts';
import { everything, type Selection } from './selection.ts';
import { walk } from './walk.ts';

/** So small that the listings of a few thousand keys are long ones, and parted. */
const pageSize = 7;

const heads = ['a', 'a/', 'a//', '/', 'b/c/', 'old', 'old/', 'old/x/', 'new/', 'kept/', '\u{10ffff}', '\uffff/', ''];

/** Keys of every sort, many of which begin with others, for both ends: most of them are at both. */
function hostileKeys(seed: number, count: number): { readonly source: string[]; readonly target: string[] } {
  const random = chance(seed);
  const all = heads.slice(0, -1);
  while (all.length < count) {
    const start = random(3) === 0 ? (heads[random(heads.length)] ?? '') : (all[random(all.length)] ?? '');
    const key =
      start + (random(50) === 0 ? 'x'.repeat(1024 - Buffer.byteLength(start)) : anyText(random, 1 + random(3)));
    if (Buffer.byteLength(key) <= 1024) all.push(key);
  }
  const ends = [...new Set(all)].map((key) => ({ key, at: random(10) }));
  return {
    source: ends.filter(({ at }) => at !== 0).map(({ key }) => key),
    target: ends.filter(({ at }) => at !== 1).map(({ key }) => key),
  };
}

const objects = (keys: readonly string[]) => keys.map((key) => object(key));

/** What a walk must meet, found out without any order: by the target's key. */
function expected(
  { source, target }: { readonly source: readonly string[]; readonly target: readonly string[] },
  { renames, backup }: Selection,
  counts: (key: string) => boolean,
): Map<string, string> {
  const moved = Object.entries(renames);
  const found = new Map<string, string>();
  for (const key of source.filter(counts)) {
    const pair = moved.find(([from]) => key.startsWith(from));
    found.set(pair ? pair[1] + key.slice(pair[0].length) : key, key);
  }
  const met = new Map([...found].map(([key, from]) => [key, `${from} | `]));
  for (const key of target) {
    if (backup !== undefined && key.startsWith(backup)) continue;
    const pair = moved.find(([, to]) => key.startsWith(to));
    // What begins with a renamed prefix, and is where nothing is renamed to, is nobody's copy.
    if (!pair && moved.some(([from]) => key.startsWith(from))) continue;
    if (!counts(pair ? pair[0] + key.slice(pair[1].length) : key)) continue;
    met.set(key, `${found.get(key) ?? ''} | ${key}`);
  }
  return met;
}

const under = (prefix: string) => (key: string) => key.startsWith(prefix);

test.each<[string, Partial<Selection>, (key: string) => boolean]>([
  ['all keys', {}, () => true],
  ['a prefix', { prefix: 'a' }, under('a')],
  ['a prefix that is the last character there is', { prefix: '\u{10ffff}' }, under('\u{10ffff}')],
  ['patterns to include', { include: ['a/**', 'b/c/*', 'a/\u{10ffff}**'] }, (key) => /^(a\/|b\/c\/[^/]*$)/su.test(key)],
  ['a pattern to include that begins with anything', { include: ['**/'] }, (key) => key.endsWith('/')],
  ['a part that is jumped over', { exclude: ['a**'] }, (key) => !key.startsWith('a')],
  [
    'parts side by side that are jumped over',
    { exclude: ['a/**', 'old**', '\uffff/**'] },
    (key) => !/^(a\/|old|\uffff\/)/u.test(key),
  ],
  ['what is excluded here and there', { exclude: ['*a*'] }, (key) => !/^[^/]*a[^/]*$/su.test(key)],
  [
    'include and exclude in a prefix',
    { prefix: 'a', include: ['a/**'], exclude: ['a//**'] },
    (key) => /^a\/(?!\/)/u.test(key),
  ],
  ['nothing', { prefix: 'a', include: ['b/**'] }, () => false],
  ['a renamed prefix', { renames: { 'old/': 'moved/' }, exclude: ['moved/**'] }, (key) => !key.startsWith('moved/')],
  ['a prefix that is renamed into itself', { renames: { 'old/': 'old/x/' } }, () => true],
  [
    'renames in a ring, with a backup',
    { renames: { 'old/': 'new/', 'new/': 'old/' }, backup: 'kept/', exclude: ['kept/**', 'a/**'] },
    (key) => !/^(kept|a)\//u.test(key),
  ],
  ['a part of what is renamed', { prefix: 'old/a', renames: { 'old/': 'new/' } }, under('old/a')],
])('every key is met once and with its partner: %s', async (_what, some, counts) => {
  const selection = { ...everything, ...some };
  for (const seed of [1, 2]) {
    const keys = hostileKeys(seed, 1500);
    const source = memoryBucket(objects(keys.source), { pageSize });
    const target = memoryBucket(objects(keys.target), { pageSize });
    const met = new Map<string, string>();
    await walk({ source, target, selection }, (meeting) => {
      expect(met.has(meeting.key), `twice: ${JSON.stringify(meeting.key)}`).toBe(false);
      met.set(meeting.key, `${meeting.source?.key ?? ''} | ${meeting.target?.key ?? ''}`);
    });
    const wanted = expected(keys, selection, counts);
    expect([...met.keys()].filter((key) => met.get(key) !== wanted.get(key))).toEqual([]);
    expect(met.size).toBe(wanted.size);
  }
});

test('what is jumped over may hold any number of keys that begin with the last character there is', async () => {
  const inside = Array.from({ length: 50 }, (_, index) => `skip/\u{10ffff}${index}`);
  const bucket = memoryBucket(objects(['a', 'skip/a', ...inside, 'z']), { pageSize });
  const met: string[] = [];
  await walk(
    { source: bucket, target: bucket, selection: { ...everything, exclude: ['skip/**'] } },
    ({ key }) => void met.push(key),
  );
  expect(met).toEqual(['a', 'z']);
});

const many = (count: number, name = (index: number) => `images/${String(index).padStart(6, '0')}`) =>
  objects(Array.from({ length: count }, (_, index) => name(index)));

test('a long listing is read at several places at once, and hardly any page of it twice', async () => {
  const keys = many(7000, (index) => `${(Math.imul(index, 2654435761) >>> 0).toString(16)}/x`);
  const source = memoryBucket(keys, { pageSize });
  const target = memoryBucket(keys, { pageSize });
  let met = 0;
  await walk({ source, target, selection: everything }, () => void met++);
  expect(met).toBe(7000);
  expect(source.listers).toBeGreaterThanOrEqual(8);
  expect(target.listers).toBeGreaterThanOrEqual(8);
  expect(target.asked('list').length).toBeLessThan(1.2 * 1000);
  expect(source.asked('list').length).toBeLessThan(2 * 1000); // some to find out where to part it
});

test('a short listing is read page by page, with no request too many', async () => {
  const source = memoryBucket(many(63), { pageSize });
  const target = memoryBucket(many(63), { pageSize });
  await walk({ source, target, selection: everything }, () => {});
  expect([source.asked('list').length, target.asked('list').length]).toEqual([9, 9]);
});

test('what is jumped over is not listed page by page, at neither end', async () => {
  const keys = [...many(5000, (index) => `lambda/${index}`), ...many(5000, (index) => `old/${index}`), ...many(20)];
  const source = memoryBucket(keys, { pageSize });
  const target = memoryBucket(
    [...keys, ...many(5000, (index) => `new/${index}`), ...many(5000, (index) => `kept/${index}`)],
    {
      pageSize,
    },
  );
  const selection = { ...everything, prefix: '', exclude: ['lambda/**', 'old/**', 'new/**'], backup: 'kept/' };
  let met = 0;
  await walk({ source, target, selection }, () => void met++);
  expect(met).toBe(20);
  expect(source.asked('list').length).toBeLessThan(15);
  expect(target.asked('list').length).toBeLessThan(15);
});

test('what no pattern may include is not listed', async () => {
  const bucket = memoryBucket([...many(5000), ...many(5000, (index) => `z${index}`), object('logs/a')], { pageSize });
  const selection = { ...everything, include: ['logs/*', 'loot/**'] };
  let met = 0;
  await walk({ source: bucket, target: bucket, selection }, () => void met++);
  expect(met).toBe(1);
  expect(bucket.asked('list').length).toBeLessThanOrEqual(4);
});
