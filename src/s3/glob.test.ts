import { expect, test } from 'vitest';
import { readGlob } from './glob.ts';

const matches = (pattern: string, keys: readonly string[]) => keys.filter((key) => readGlob(pattern).matches(key));

test.each([
  ['a/*', ['a/b', 'a/', 'a/.b', 'a/..'], ['a/b/c', 'a', 'xa/b', 'a//']],
  ['a/**', ['a/b', 'a/', 'a/b/c', 'a//c', 'a/../b'], ['a', 'b/a/c']],
  ['**/*.jpg', ['a/b.jpg', 'a/b/c.jpg', '/x.jpg', '/.jpg', 'b.jpg'], ['a/b.jpgx', 'a/b.JPG']],
  ['**.jpg', ['b.jpg', 'a/b.jpg'], ['b.jpg/x']],
  ['a/**/b', ['a/b', 'a//b', 'a/x/b', 'a/x/y/b'], ['ab', 'a/x/bc', 'a/xb']],
  ['a**/b', ['a/b', 'ab/b', 'a/x/b'], ['b', 'x/b']],
  ['a?c', ['abc', 'a.c', 'a\nc', 'a\u{1f600}c', 'a\u00e9c'], ['a/c', 'ac', 'abbc', 'ae\u0301c']],
  ['[abc]x', ['ax', 'cx'], ['dx', 'x', 'abx']],
  ['[a-c0-9]x', ['bx', '7x'], ['dx', '-x']],
  ['[!abc]x', ['dx', '!x', '\u{1f600}x'], ['ax', '/x', 'x']],
  ['[]x]', [']', 'x'], ['y']],
  ['[!]x]', ['y'], [']', 'x', '/']],
  ['[^a]', ['^', 'a'], ['b']],
  ['[.$\u{1f600}]', ['.', '$', '\u{1f600}'], ['a', '\ud83d']],
  ['{a,b/c}/*', ['a/x', 'b/c/x'], ['c/x', 'b/x', '{a,b/c}/x']],
  ['x{,.gz}', ['x', 'x.gz'], ['x,', 'xgz']],
  ['{a,{b,c}d}', ['a', 'bd', 'cd'], ['b', 'ad']],
  ['a,b}', ['a,b}'], ['a', 'b']],
  ['\\*\\?\\[\\{\\\\', ['*?[{\\'], ['a?[{\\']],
  ['\\a', ['a'], ['\\a']],
  ['a.b+c|d^e$f(g)', ['a.b+c|d^e$f(g)'], ['axb+c|d^e$f(g)', 'd']],
  ['', [''], ['a']],
])('%j matches what it says and nothing else', (pattern, wanted, others) => {
  expect(matches(pattern, [...wanted, ...others])).toEqual(wanted);
});

test('a hyphen is a character as any other', () => {
  expect(matches('my-images/**', ['my-images/a', 'my/images'])).toEqual(['my-images/a']);
  expect(matches('\\-', ['-', '\\-'])).toEqual(['-']);
  expect(matches('{a-b,c}', ['a-b', 'c', 'a'])).toEqual(['a-b', 'c']);
});

test('a hyphen at the edge of a negated class is the hyphen itself', () => {
  expect(matches('[!-~]', ['-', '~', 'a', '/', ' '])).toEqual(['a', ' ']);
  expect(matches('[!a-]', ['-', 'a', 'b', '/'])).toEqual(['b']);
});

test('a key is text and not a path: nothing in it is normalised', () => {
  const keys = ['a/../b', 'a/./b', 'a//b', '/a/b', 'a/b/', './a/b', 'a/b', 'a\\b'];
  expect(matches('a/b', keys)).toEqual(['a/b']);
  expect(matches('a/../b', keys)).toEqual(['a/../b']);
  expect(matches('a//b', keys)).toEqual(['a//b']);
  expect(matches('a/*/b', keys)).toEqual(['a/../b', 'a/./b', 'a//b']);
  expect(matches('*/b', keys)).toEqual(['a/b']);
  expect(matches('**', keys)).toEqual(keys);
});

test('a line end in a key is a character as any other', () => {
  expect(matches('a*b', ['a\nb', 'a\r\nb', 'a\u2028b'])).toHaveLength(3);
  expect(matches('a**b', ['a\n/\nb'])).toHaveLength(1);
  expect(matches('a', ['a\n', '\na'])).toEqual([]);
});

test('characters that only look alike are two characters', () => {
  expect(matches('caf\u00e9', ['caf\u00e9', 'cafe\u0301'])).toEqual(['caf\u00e9']);
});

test.each([
  ['a\\', 'it ends with a backslash'],
  ['a[b', 'its [ is not closed'],
  ['[]', 'its [ is not closed'],
  ['[!]', 'its [ is not closed'],
  ['a{b,c', 'its { is not closed'],
  ['{a,{b}', 'its { is not closed'],
])('%j cannot be read: %s', (pattern, message) => {
  expect(() => readGlob(pattern)).toThrow(new SyntaxError(message));
});

test('a range of characters the wrong way round cannot be read', () => {
  expect(() => readGlob('[z-a]')).toThrow(SyntaxError);
});

test.each([
  ['lambda/**', 'lambda/', true],
  ['lambda/***', 'lambda/', true],
  ['**', '', true],
  ['lambda**', 'lambda', true],
  ['a\\*/**', 'a*/', true],
  ['a,}b/**', 'a,}b/', true],
  ['\u{1f600}/**', '\u{1f600}/', true],
  ['lambda/*', 'lambda/', false],
  ['lambda/', 'lambda/', false],
  ['lambda/**/*', 'lambda/', false],
  ['a?b/**', 'a', false],
  ['[a]b/**', '', false],
  ['{a,b}/**', '', false],
  ['a/\\**', 'a/*', false],
  ['**/a', '', false],
  ['*', '', false],
])('what every match of %j begins with is %j, and whether that alone decides is %j', (pattern, prefix, isPrefix) => {
  const glob = readGlob(pattern);
  expect([glob.prefix, glob.isPrefix]).toEqual([prefix, isPrefix]);
});

test('what a pattern matches always begins with its prefix', () => {
  const keys = ['a', 'a/', 'a/b', 'a/b/c', 'ab/c', '*/a', '{a', 'b\\', 'b/a'];
  for (const pattern of ['a/*', '\\*/*', 'a{/b,b}/c', 'a?c', '**/a', 'b\\\\', 'a/**']) {
    const glob = readGlob(pattern);
    for (const key of keys) {
      if (glob.matches(key)) expect(key.startsWith(glob.prefix), `${pattern} ${key}`).toBe(true);
      if (glob.isPrefix && key.startsWith(glob.prefix)) expect(glob.matches(key), `${pattern} ${key}`).toBe(true);
    }
  }
});
