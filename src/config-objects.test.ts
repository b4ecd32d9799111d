import { expect, test } from 'vitest';
import { objectsSchema, strayObjects, usualObjects } from './config-objects.ts';

/** What is wrong with the settings of a pair, by the place. */
function problems(settings: object): Record<string, string> {
  const { error } = objectsSchema.safeParse({ images: settings });
  return Object.fromEntries((error?.issues ?? []).map(({ path, message }) => [path.slice(1).join(' '), message]));
}

const parsed = (settings: object) => objectsSchema.parse({ images: settings })['images'];

test('without settings every key is copied, by the way that is open, and nothing is deleted', () => {
  expect(usualObjects).toEqual({
    include: [],
    exclude: [],
    renames: {},
    route: 'auto',
    mayBeEmpty: false,
    mayShrink: false,
    referencedBy: [],
  });
  expect(parsed({})).toEqual(usualObjects);
  expect(objectsSchema.parse(undefined)).toEqual({});
});

test('all settings together are accepted as they are', () => {
  const settings = {
    prefix: 'books/',
    include: ['**/*.jpg', 'books/{a,b}/[!x]*'],
    exclude: ['lambda/**', 'my-images/*'],
    renames: { 'old/': 'new/', 'older/': 'other/' },
    route: 'server',
    storageClass: 'keep',
    encryption: { kmsKey: 'arn:aws:kms:us-west-2:222222222222:key/1' },
    acl: 'private',
    delete: { maxCount: 0, maxPercent: 100 },
    backup: 'kept/',
    mayBeEmpty: true,
    mayShrink: true,
    referencedBy: [],
  };
  expect(parsed(settings)).toEqual(settings);
});

test('who deletes without saying how much has the usual guard', () => {
  expect(parsed({ delete: {} })?.delete).toEqual({ maxCount: 1000, maxPercent: 10 });
});

test.each([
  [{ delete: { maxCount: -1 } }, 'delete maxCount', 'a whole number, 0 or more'],
  [{ delete: { maxCount: 1.5 } }, 'delete maxCount', 'a whole number, 0 or more'],
  [{ delete: { maxCount: '5' } }, 'delete maxCount', 'a whole number, 0 or more'],
  [{ delete: { maxPercent: 101 } }, 'delete maxPercent', 'a number from 0 to 100'],
  [{ delete: { maxPercent: -0.1 } }, 'delete maxPercent', 'a number from 0 to 100'],
  [{ delete: { maxPercent: Number.NaN } }, 'delete maxPercent', 'a number from 0 to 100'],
  [{ include: [''] }, 'include 0', 'text that is not empty'],
  [{ exclude: ['a', 'b\\'] }, 'exclude 1', 'cannot be read: it ends with a backslash'],
  [{ exclude: ['[ab'] }, 'exclude 0', 'cannot be read: its [ is not closed'],
  [{ include: ['{a,b'] }, 'include 0', 'cannot be read: its { is not closed'],
  [{ prefix: '' }, 'prefix', 'text that is not empty'],
  [{ route: 'fast' }, 'route', 'auto, server or stream'],
  [{ encryption: 'aws:kms' }, 'encryption', 'AES256, or kmsKey with the id of a key'],
  [{ acl: 'public-read-write' }, 'acl', 'private, public-read, bucket-owner-read or bucket-owner-full-control'],
  [{ backup: 'kept' }, 'backup', 'a prefix that ends with /'],
  [{ backup: '/' }, 'backup', 'a prefix that ends with /'],
  [{ renames: { 'a/': 'a/' } }, 'renames a/', 'is renamed to itself'],
  [{ renames: { 'a/': 'x/', 'a/b/': 'y/' } }, 'renames a/b/', 'begins with a/, which is renamed too'],
  [{ renames: { 'a/': 'x/', 'b/': 'x/y/' } }, 'renames b/', 'goes where a/ goes too: x/'],
  [{ renames: { 'a/': '', 'b/': 'x/' } }, 'renames b/', 'goes where a/ goes too: '],
])('%j is refused: %s %s', (settings, place, message) => {
  expect(problems(settings)).toEqual({ [place]: message });
});

test('a storage class that S3 has not is refused, with those that it has', () => {
  expect(problems({ storageClass: 'COLD' })['storageClass']).toMatch(/^keep, or one of STANDARD, STANDARD_IA, /);
});

test('two prefixes that go to the same place are both named', () => {
  expect(problems({ renames: { 'a/': 'x/', 'b/': 'x/' } })).toEqual({
    'renames a/': 'goes where b/ goes too: x/',
    'renames b/': 'goes where a/ goes too: x/',
  });
});

test('prefixes may be exchanged, or moved into themselves', () => {
  expect(problems({ renames: { 'a/': 'b/', 'b/': 'a/' } })).toEqual({});
  expect(problems({ renames: { 'a/': 'a/a/' } })).toEqual({});
});

test('a prefix that would be renamed to where the backup is kept is refused', () => {
  expect(problems({ renames: { 'old/': 'kept/old/' }, backup: 'kept/' })).toHaveProperty(['renames old/']);
});

test('a setting that there is not is refused', () => {
  expect(objectsSchema.safeParse({ images: { exlude: ['a'] } }).error?.issues[0]).toMatchObject({
    code: 'unrecognized_keys',
    keys: ['exlude'],
  });
});

test('settings of a bucket that is not there are refused, with the one that may be meant', () => {
  expect(strayObjects(['images', 'imges', 'zzz'], ['images', 'logs'])).toEqual([
    { name: 'imges', message: 'is no bucket of source.buckets; did you mean images?' },
    { name: 'zzz', message: 'is no bucket of source.buckets' },
  ]);
  expect(strayObjects([], ['images'])).toEqual([]);
});
