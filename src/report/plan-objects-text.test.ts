import { expect, test } from 'vitest';
import type { PlannedBucket } from '../plan-objects.ts';
import { everything } from '../s3/selection.ts';
import { bucketLines } from './plan-objects-text.ts';
import { plain } from './style.ts';

const amount = (objects: number) => ({ objects, bytes: objects * 10 });
const origin = { bucket: 'shop', account: undefined, endpoint: undefined, region: 'us-west-2' };

/** The plan of a pair of which 470 objects are missing, 5 different and 20 only in the target. */
function text(given: Partial<PlannedBucket> = {}): string {
  const planned: PlannedBucket = {
    bucket: 'images',
    source: origin,
    target: origin,
    selection: everything,
    totals: {
      source: amount(475),
      target: amount(25),
      missing: amount(470),
      changed: amount(5),
      same: amount(0),
      extra: amount(20),
      newer: amount(0),
      examples: [],
    },
    archived: amount(0),
    keeping: {},
    forced: false,
    deletion: {
      ...amount(20),
      percent: 80,
      prefixes: [],
      others: amount(0),
      samples: ['a'],
      guard: { maxCount: 1000, maxPercent: 100 },
    },
    versioning: 'never',
    plannedAt: '2026-11-22T23:15:00.000Z',
    unmatched: [],
    refusals: [],
    notes: [],
    ...given,
  };
  return bucketLines(planned, plain).join('\n');
}

test('what is overwritten and kept by nothing is told to go for good', () => {
  const forGood = '470 missing, 5 different, overwritten for good';
  expect(text()).toContain(forGood);
  expect(text({ versioning: 'suspended', archived: amount(3) })).toContain(`${forGood}; 3 of them archived`);
  expect(text({ versioning: 'enabled' })).not.toContain('for good');
  expect(text({ versioning: 'unknown' })).not.toContain('for good');
  expect(text({ selection: { ...everything, backup: 'kept/' } })).not.toContain('for good');
});

test('a share of what is selected is not told as one of the whole bucket', () => {
  expect(text()).toContain('80 % of its objects. They are deleted when all else is verified, and for good');
  for (const selection of [{ prefix: 'a/' }, { include: ['a'] }, { exclude: ['a'] }, { renames: { 'a/': 'b/' } }])
    expect(text({ selection: { ...everything, ...selection } })).toContain("80 % of the target's selected objects.");
});

test('a pattern that should protect and matches nothing is asked about beside what is deleted', () => {
  const selection = { ...everything, include: ['images/**'], exclude: ['upload/**', 'kept/**'] };
  const asked = text({ selection, unmatched: ['images/**', 'upload/**'] })
    .split('\n')
    .filter((line) => line.includes('matches no key'));
  expect(asked).toEqual(['    exclude upload/** matches no key: is it what should protect something?']);
});

test('a deletion that is refused is not told as one that comes', () => {
  const refused = text({ refusals: [{ code: 'deletion-refused', message: 'too many' }] });
  expect(refused).toContain('deleting them is refused');
  expect(refused).not.toContain('are deleted');
});
