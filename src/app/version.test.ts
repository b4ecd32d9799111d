import { expect, test } from 'vitest';
import { compareVersions, policyBreach, type Version, type VersionPolicy } from './version.ts';
import { orderOfVersions } from './version-order.ts';

test('versions are ordered part by part, as numbers', () => {
  const ascending = [
    '0.9',
    '1.4.0-1',
    '1.4.0-alpha',
    '1.4.0-alpha.1',
    '1.4.0-beta',
    '1.4.0-rc.2',
    'v1.4.0-rc.10',
    '1.4.0',
    '1.4.0-3-g6575f61',
    '1.4.0-12-g6575f61',
    '1.9',
    '1.10.0',
    'v2',
    '2026.11.2',
    '2026.11.23',
  ];
  for (const [index, lower] of ascending.entries())
    for (const higher of ascending.slice(index + 1)) {
      expect([lower, higher, Math.sign(orderOfVersions(lower, higher) ?? 0)]).toEqual([lower, higher, -1]);
      expect([higher, lower, Math.sign(orderOfVersions(higher, lower) ?? 0)]).toEqual([higher, lower, 1]);
    }
});

test('what is written differently can be the same, and what is no number is in no order', () => {
  expect(orderOfVersions('v1.4', '1.4.0')).toBe(0);
  expect(orderOfVersions('1.4.0+build.7', '1.4.0')).toBe(0);
  expect(orderOfVersions('1.4.0rc1', '1.4.0')).toBeLessThan(0);
  for (const other of ['6575f61', 'main', '', 'latest-1.4'])
    expect([other, orderOfVersions('1.4.0', other)]).toEqual([other, undefined]);
});

const at = (version?: string, gitSha?: string): Version => ({ version, gitSha });

test.each<[Version | undefined, Version | undefined, string]>([
  [at('1.3.0', 'a9fd309'), at('1.4.0-rc.2', '6575f61'), 'ahead'],
  [at('1.4.0'), at('1.3.9'), 'behind'],
  [at('1.4.0', 'a9fd309'), at('1.4.0', 'a9fd309'), 'same'],
  [at('1.4.0', 'a9fd309'), at('1.4.0'), 'same'],
  [at('1.4.0', 'a9fd309'), at('1.4.0', '6575f61'), 'other'],
  [at('1.4.0', 'a9fd309'), at('1.4.0', 'A9FD309b3f3a0c1d2e3f4a5b6c7d8e9f00112233'), 'same'],
  [at('1.4.0', 'a9'), at('1.4.0', 'a9fd309'), 'other'],
  [at(undefined, 'a9fd309'), at('1.4.0', 'a9fd309'), 'same'],
  [at('unknown', 'a9fd309'), at('1.4.0', '6575f61'), 'other'],
  [at('unknown', 'unknown'), at('unknown', 'unknown'), 'unknown'],
  [at('blue', 'unknown'), at('green', 'unknown'), 'other'],
  [at('1.4.0+one'), at('1.4.0+two'), 'other'],
  [at(), at('1.4.0'), 'unknown'],
  [undefined, at('1.4.0'), 'unknown'],
  [undefined, undefined, 'unknown'],
])('of %j at the source %j is %s', (source, target, relation) => {
  const compared = compareVersions(source, target);
  expect(compared.relation).toBe(relation);
  expect(['source' in compared, 'target' in compared]).toEqual([source !== undefined, target !== undefined]);
});

test.each<[VersionPolicy, Version | undefined, Version | undefined, RegExp | undefined]>([
  ['any', at('2.0.0'), at('1.0.0'), undefined],
  ['any', undefined, at('1.0.0'), undefined],
  ['same', at('1.0.0', 'a'), at('1.0.0', 'a'), undefined],
  [
    'same',
    at('1.0.0', 'a'),
    at('1.0.0', 'b'),
    /1\.0\.0 \(a\) at the source and 1\.0\.0 \(b\) at the target: not the same$/,
  ],
  ['same', at('1.0.0'), at('1.1.0'), /: not the same$/],
  ['same', at('unknown'), at('1.1.0'), /unknown at the source .* cannot be told$/],
  ['ahead', at('1.0.0'), at('1.1.0'), undefined],
  ['ahead', at('1.0.0', 'a'), at('1.0.0', 'b'), undefined],
  ['ahead', at('1.0.0', 'a'), at('v1.0', 'b'), undefined],
  ['ahead', at('1.1.0'), at('1.0.0'), /: the target's is lower$/],
  ['ahead', at('blue'), at('green'), /: which one is lower cannot be told$/],
  ['ahead', undefined, at('1.0.0'), /none told at the source .* cannot be told$/],
])('the policy %s on %j and %j', (policy, source, target, words) => {
  const breach = policyBreach(compareVersions(source, target), policy);
  if (words) expect(breach).toMatch(words);
  else expect(breach).toBeUndefined();
});
