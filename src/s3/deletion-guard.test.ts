import { expect, test } from 'vitest';
import { object } from '../../test/memory-buckets.ts';
import { requireDeletable, surveyor, type DeletionGuard, type PlannedExtras } from './deletion-guard.ts';
import type { DiffTotals } from './diff.ts';

const anything: DeletionGuard = { maxCount: 100_000, maxPercent: 100 };
const origin = { bucket: 'shelf', account: '222222222222', endpoint: undefined, region: 'us-west-2' };
const count = (objects: number) => ({ objects, bytes: objects * 10 });
const totals = (source: number, target: number, extra: number): DiffTotals => ({
  source: count(source),
  target: count(target),
  extra: count(extra),
  missing: count(0),
  changed: count(0),
  same: count(target - extra),
  newer: count(0),
  examples: [],
});
/** What somebody agreed to, when the source had so many objects. */
const agreed = (sourceObjects: number, objects = 100_000): PlannedExtras => ({
  objects,
  sourceObjects,
  plannedAt: '2100-01-01T00:00:00.000Z',
});
const refused = (message: string) =>
  expect.objectContaining({ code: 'deletion-refused', message: expect.stringContaining(message) });

test('no guard is asked where nothing would be deleted', () => {
  requireDeletable('images', totals(0, 0, 0), { maxCount: 0, maxPercent: 0 }, origin, agreed(1000));
});

test('an empty source never deletes, whatever the guard allows', () => {
  expect(() => requireDeletable('images', totals(0, 3, 3), anything, origin)).toThrow(
    refused('the source lists no object at all'),
  );
});

test('exactly as many as maxCount may go, and not one more', () => {
  const guard = { maxCount: 5, maxPercent: 100 };
  requireDeletable('images', totals(5, 10, 5), guard, origin);
  expect(() => requireDeletable('images', totals(5, 10, 6), guard, origin)).toThrow(
    refused("shelf (account 222222222222): 6 of the target's 10 objects, 60 %, would go, and maxCount allows 5"),
  );
});

test('exactly the share of maxPercent may go, and not one more', () => {
  for (let maxPercent = 0; maxPercent <= 100; maxPercent++)
    for (const target of [100, 300, 700, 12_300]) {
      const allowed = (target / 100) * maxPercent;
      const guard = { maxCount: 100_000, maxPercent };
      requireDeletable('images', totals(1, target, allowed), guard, origin);
      if (maxPercent < 100)
        expect(() => requireDeletable('images', totals(1, target, allowed + 1), guard, origin)).toThrow(
          refused(`maxPercent allows ${maxPercent} %`),
        );
    }
});

test('a source that shrank by exactly maxPercent since the plan may delete, and not by one more', () => {
  for (let maxPercent = 0; maxPercent < 100; maxPercent++)
    for (const planned of [100, 300, 700, 12_300]) {
      const left = planned - (planned / 100) * maxPercent;
      const guard = { maxCount: 100_000, maxPercent };
      const share = totals(left, 1_000_000, 1);
      if (maxPercent > 0) requireDeletable('images', share, guard, origin, agreed(planned)); // else the one that goes is more already
      expect(() => requireDeletable('images', totals(left - 1, 1_000_000, 1), guard, origin, agreed(planned))).toThrow(
        refused(left === 1 ? 'lists no object at all' : 'when this was planned'),
      );
    }
  requireDeletable('images', totals(2000, 1_000_000, 1), { maxCount: 1, maxPercent: 10 }, origin, agreed(1000)); // it grew
});

test('both limits are told where both are broken, with the names in the config', () => {
  try {
    requireDeletable('images', totals(9, 10, 5), { maxCount: 1, maxPercent: 10 }, origin);
    expect.unreachable();
  } catch (error) {
    expect(error).toMatchObject({
      message: expect.stringContaining('maxCount allows 1, maxPercent allows 10 %'),
      hint: expect.stringContaining('objects.images.delete.maxCount and objects.images.delete.maxPercent'),
    });
  }
});

test('not one more goes than was planned', () => {
  requireDeletable('images', totals(9, 10, 3), anything, origin, agreed(9, 3));
  expect(() => requireDeletable('images', totals(9, 10, 4), anything, origin, agreed(9, 3))).toThrow(
    refused('4 objects would go, and 3 were planned'),
  );
});

test('guards of nothing refuse the first object', () => {
  expect(() => requireDeletable('images', totals(9, 10, 1), { maxCount: 0, maxPercent: 100 }, origin)).toThrow(
    refused('maxCount'),
  );
  expect(() => requireDeletable('images', totals(9, 10, 1), { maxCount: 9, maxPercent: 0 }, origin)).toThrow(
    refused('maxPercent'),
  );
});

test('a survey tells the share, the largest prefixes and some keys, in bounded memory', () => {
  const { see, survey } = surveyor();
  const keys = [
    ...Array.from({ length: 30 }, (_, index) => `logs/${index}`),
    ...Array.from({ length: 20 }, (_, index) => `top-${index}`),
    ...Array.from({ length: 3000 }, (_, index) => `p${index}/x`),
  ];
  for (const key of keys) see(object(key, 'ten bytes!'));
  const found = survey(totals(1, 6100, 3050));
  expect(found).toMatchObject({ objects: 3050, percent: 50, samples: keys.slice(0, 5) });
  expect(found.prefixes).toHaveLength(10);
  expect(found.prefixes.slice(0, 3)).toEqual([
    { prefix: 'logs/', objects: 30, bytes: 300 },
    { prefix: '', objects: 20, bytes: 200 },
    { prefix: 'p0/', objects: 1, bytes: 10 },
  ]);
  const told = found.prefixes.reduce((sum, { objects }) => sum + objects, found.others.objects);
  expect([told, found.others.bytes]).toEqual([3050, 10 * (3050 - 58)]);
});
