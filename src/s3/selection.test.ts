import { expect, test } from 'vitest';
import { memoryBucket, object } from '../../test/memory-buckets.ts';
import { everything, filterOf, renamed, selectsInTarget, type Selection } from './selection.ts';
import { walk } from './walk.ts';

const select = (some: Partial<Selection>): Selection => ({ ...everything, ...some });

/** What meets what: `source > target`, either of them empty where only one end has it. */
async function met(some: Partial<Selection>, source: readonly string[], target: readonly string[]): Promise<string[]> {
  const found: string[] = [];
  const bucket = (keys: readonly string[]) => memoryBucket(keys.map((key) => object(key)));
  await walk({ source: bucket(source), target: bucket(target), selection: select(some) }, (meeting) => {
    found.push(`${meeting.source?.key ?? ''} > ${meeting.target?.key ?? ''}`);
    // Every meeting is told by the key that the target has or will have.
    expect(meeting.key).toBe(meeting.target?.key ?? renamed(select(some), meeting.source?.key ?? ''));
  });
  return found.toSorted();
}

const refusal = (key: string, reason: string) => ({
  code: 'objects-failed',
  message: `${JSON.stringify(key)} in shelf (account 111111111111) has no room in the target: ${reason}`,
});

test('without a selection every key counts', async () => {
  expect(await met({}, ['a', 'b'], ['b', 'c'])).toEqual([' > c', 'a > ', 'b > b']);
});

test('a prefix is text that keys begin with, not a folder', async () => {
  expect(await met({ prefix: 'img' }, ['img', 'img/a', 'imgs', 'im', 'x/img'], ['imgz'])).toEqual([
    ' > imgz',
    'img > ',
    'img/a > ',
    'imgs > ',
  ]);
});

test('what is excluded is left alone at both ends, whatever includes it', async () => {
  const some = { include: ['a/**', 'b/*.txt'], exclude: ['a/private/**', '**/*.tmp'] };
  const source = ['a/x', 'a/private/x', 'a/y.tmp', 'b/x.txt', 'b/x.jpg', 'c'];
  expect(await met(some, source, ['a/private/y', 'a/z.tmp', 'b/old.txt', 'b/old.jpg', 'd'])).toEqual([
    ' > b/old.txt',
    'a/x > ',
    'b/x.txt > ',
  ]);
});

test('patterns that overlap do not meet a key twice', async () => {
  const some = { include: ['a/**', 'a/b/**', 'a/b/*', 'a**'] };
  expect(await met(some, ['a/b/c', 'ab'], ['a/b/c'])).toEqual(['a/b/c > a/b/c', 'ab > ']);
});

test('a renamed prefix meets what the target has under its new name', async () => {
  const some = { renames: { 'old/': 'new/' } };
  expect(await met(some, ['old/a', 'old/b', 'x'], ['new/b', 'new/c', 'x'])).toEqual([
    ' > new/c',
    'old/a > ',
    'old/b > new/b',
    'x > x',
  ]);
});

test('what the target has under a name that is renamed away is no part of it', async () => {
  expect(await met({ renames: { 'old/': 'new/' } }, ['old/a'], ['old/a', 'new/a'])).toEqual(['old/a > new/a']);
});

test('patterns are of the keys of the source, also for what is renamed', async () => {
  const some = { renames: { 'old/': 'new/' }, exclude: ['old/x/**', 'new/y'] };
  const source = ['old/a', 'old/x/a', 'old/y'];
  expect(await met(some, source, ['new/a', 'new/x/gone', 'new/y'])).toEqual(['old/a > new/a', 'old/y > new/y']);
});

test('prefixes may be exchanged, or moved into themselves', async () => {
  expect(await met({ renames: { 'a/': 'b/', 'b/': 'a/' } }, ['a/1', 'b/2'], ['b/1', 'a/2'])).toEqual([
    'a/1 > b/1',
    'b/2 > a/2',
  ]);
  expect(await met({ renames: { 'a/': 'a/a/' } }, ['a/1', 'a/a/1'], ['a/1', 'a/a/1', 'a/a/a/1'])).toEqual([
    'a/1 > a/a/1',
    'a/a/1 > a/a/a/1',
  ]);
});

test('a prefix may be taken away, or put before every key', async () => {
  expect(await met({ prefix: 'a/', renames: { 'a/': '' } }, ['a/1', 'a/2', 'b'], ['1'])).toEqual(['a/1 > 1', 'a/2 > ']);
  expect(await met({ prefix: 'a/', renames: { a: 'copy/a' } }, ['a/1', 'b'], ['copy/a/1', 'a/1'])).toEqual([
    'a/1 > copy/a/1',
  ]);
});

test.each([
  ['under the new name', { renames: { 'old/': 'new/' } }, 'new/x', 'renames puts there what begins with old/'],
  ['anywhere, where a prefix is taken away', { renames: { 'a/': '' } }, 'b', 'renames puts there what begins with a/'],
  ['where the backup is kept', { backup: 'kept/' }, 'kept/run/x', 'backup is kept there'],
  [
    'that would be renamed to where the backup is kept',
    { renames: { 'old/': 'new/' }, backup: 'new/kept/' },
    'old/kept/x',
    'backup is kept there',
  ],
])('a key of the source %s has no room, and the walk is refused', async (_where, some, key, reason) => {
  await expect(met(some, ['a/1', key, 'zz'], [])).rejects.toMatchObject(refusal(key, reason));
  // Whoever excludes it has no collision.
  const others = await met({ ...some, exclude: [key, 'zz'] }, ['a/1', key, 'zz'], []);
  expect(others).toEqual(['a/1 > ']);
});

// Nothing under backup counts as being there: every run would copy it again.
test('a rename into the place of the backup is refused', async () => {
  const some = { renames: { 'old/': 'kept/old/' }, backup: 'kept/' };
  await expect(met(some, ['a', 'old/x'], [])).rejects.toMatchObject(refusal('old/x', 'backup is kept there'));
});

test('a prefix that is renamed leaves its old place to the backup', async () => {
  const some = { renames: { 'old/': 'new/' }, backup: 'old/kept/' };
  expect(await met(some, ['old/kept/x'], ['new/kept/x', 'old/kept/run/y'])).toEqual(['old/kept/x > new/kept/x']);
});

test('what the target keeps under backup never counts, also under a renamed prefix', async () => {
  expect(await met({ backup: 'kept/' }, ['a'], ['a', 'kept/run/a', 'kept/', 'kept'])).toEqual([' > kept', 'a > a']);
  expect(
    await met({ renames: { 'old/': 'new/' }, backup: 'new/kept/' }, ['old/a'], ['new/kept/run/a', 'new/b']),
  ).toEqual([' > new/b', 'old/a > ']);
});

test('the key of the source decides where it goes', () => {
  const selection = select({ renames: { 'a/': 'b/', 'c/': '' } });
  expect(['a/x', 'b/x', 'c/x', 'x/a/', 'a'].map((key) => renamed(selection, key))).toEqual([
    'b/x',
    'b/x',
    'x',
    'x/a/',
    'a',
  ]);
});

test('a key is part of the selection or not, whoever asks', () => {
  const { accepts } = filterOf(select({ prefix: 'a/', include: ['**/*.jpg', 'a/b'], exclude: ['a/x**'] }));
  expect(['a/1.jpg', 'a/b', 'b/1.jpg', 'a/1.txt', 'a/x.jpg', 'a'].filter(accepts)).toEqual(['a/1.jpg', 'a/b']);
});

test('patterns that no key has met are known, and no others', () => {
  const filter = filterOf(select({ include: ['a/**', 'nothing/*'], exclude: ['**/*.tmp', '*.bak'] }));
  expect(filter.unmatched()).toHaveLength(4);
  for (const key of ['a/b', 'a/b.tmp', 'c']) filter.accepts(key);
  expect(filter.unmatched()).toEqual(['nothing/*', '*.bak']);
});

test('a pattern whose keys another pattern matches too has met them', () => {
  const filter = filterOf(select({ exclude: ['lambda/**', '**/*.zip'] }));
  filter.accepts('lambda/code.zip');
  expect(filter.unmatched()).toEqual([]);
});

test("a target's key is part of a selection where a copy would put it, and nothing else has put it aside", () => {
  const selection = select({ exclude: ['a/tmp/**'], renames: { 'a/': 'b/' }, backup: 'kept/', only: 'referenced' });
  const keys = ['b/1', 'a/1', 'b/tmp/1', 'c', 'kept/x', 'old/20261123-154911-0a1b/c', 'a/tmp/1'];
  expect(keys.filter(selectsInTarget(selection))).toEqual(['b/1', 'c']);
  expect(['x/1', 'y'].filter(selectsInTarget(select({ prefix: 'x/' })))).toEqual(['x/1']);
});
