import { expect, test } from 'vitest';
import { memoryBucket, object, type Call, type MemoryBucket, type MemorySettings } from '../../test/memory-buckets.ts';
import type { DiffTotals } from './diff.ts';
import {
  deleteExtras,
  requireDeletable,
  surveyor,
  type DeletionGuard,
  type DeletionOptions,
  type PlannedExtras,
} from './extras.ts';
import { S3Error } from './s3-error.ts';
import { everything } from './selection.ts';
import type { ObjectOutcome } from './transfer.ts';

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

test('what was written to the target since the plan is left', async () => {
  const both = arrange();
  const present = new Date().toISOString();
  const planned = { ...agreed(10, 5), plannedAt: '2020-01-01T00:00:00.000Z' };
  both.target.objects.set('late', { ...object('late'), modifiedAt: present });
  for (const one of both.target.objects.values())
    if (one.key !== 'late') Object.assign(one, { modifiedAt: planned.plannedAt });
  const { deleted, newer } = await remove(both, { planned });
  expect([deleted.objects, newer, both.target.objects.has('late')]).toEqual([5, 1, true]);
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

const keys = (length: number, prefix: string) =>
  Array.from({ length }, (_, index) => object(`${prefix}${String(index).padStart(5, '0')}`));

interface Arranged {
  readonly source?: MemorySettings;
  readonly target?: MemorySettings;
  readonly common?: number;
  readonly extra?: number;
}

/** Two buckets with something in common, and some that only the target has. */
function arrange({ source = {}, target = {}, common = 10, extra = 5 }: Arranged = {}) {
  return {
    source: memoryBucket(keys(common, 'both/'), source),
    target: memoryBucket([...keys(common, 'both/'), ...keys(extra, 'gone/')], target),
  };
}

async function remove(
  { source, target }: { readonly source: MemoryBucket; readonly target: MemoryBucket },
  options: Partial<DeletionOptions> = {},
) {
  const outcomes: ObjectOutcome[] = [];
  const result = await deleteExtras('images', source, target, {
    selection: everything,
    guard: anything,
    planned: agreed(source.objects.size),
    onObject: (outcome) => outcomes.push(outcome),
    ...options,
  });
  return { ...result, outcomes };
}

const removed = (target: MemoryBucket) => target.asked('remove').flatMap((call) => call.keys ?? []);

test('what only the target has is deleted, told one by one, and nothing else is touched', async () => {
  const both = arrange();
  const { deleted, kept, failed, outcomes } = await remove(both);
  expect({ deleted, kept, failed }).toEqual({ deleted: { objects: 5, bytes: 5 }, kept: 0, failed: 0 });
  expect([...both.target.objects.keys()]).toEqual([...both.source.objects.keys()]);
  expect(outcomes).toHaveLength(5);
  expect(outcomes[0]).toEqual({ key: 'gone/00000', bytes: 1, outcome: 'deleted' });
  expect(new Set(both.source.calls.map(({ act }) => act))).toEqual(new Set(['list', 'head']));
});

test.each<[string, Arranged, Partial<DeletionOptions>]>([
  ['the guard allows fewer', {}, { guard: { maxCount: 4, maxPercent: 100 } }],
  ['the guard allows a smaller share', {}, { guard: { maxCount: 100, maxPercent: 33 } }],
  ['the source has shrunk since the plan', {}, { planned: agreed(17), guard: { maxCount: 9, maxPercent: 40 } }],
  ['the source is empty', { common: 0 }, { planned: agreed(0) }],
])('nothing is deleted where %s', async (_why, arranged, options) => {
  const both = arrange(arranged);
  await expect(remove(both, options)).rejects.toMatchObject({ code: 'deletion-refused' });
  expect(new Set(both.target.calls.map(({ act }) => act))).toEqual(new Set(['list']));
});

test.each(['source', 'target'] as const)(
  'nothing is deleted where the listing of the %s fails at its second page',
  async (end) => {
    let pages = 0;
    const before = ({ act }: Call) => {
      if (act === 'list' && ++pages === 2) throw new S3Error(500, 'InternalError', 'the second page');
    };
    const both = arrange({ common: 30, extra: 30, [end]: { pageSize: 10, before } });
    await expect(remove(both)).rejects.toThrow('the second page');
    expect(both.target.asked('remove')).toEqual([]);
  },
);

test('what is found at the source after all, when it is asked for by itself, stays', async () => {
  const both = arrange({
    extra: 3,
    source: {
      before: ({ act, key }, bucket) => {
        if (act === 'head' && key === 'gone/00001') bucket.objects.set(key, object(key));
      },
    },
  });
  const { deleted, kept, outcomes } = await remove(both);
  expect([deleted.objects, kept]).toEqual([2, 1]);
  expect(both.target.objects.has('gone/00001')).toBe(true);
  expect(outcomes.filter(({ outcome }) => outcome === 'kept')).toEqual([
    { key: 'gone/00001', bytes: 1, outcome: 'kept', reason: 'it is at the source after all' },
  ]);
});

test('what the source does not tell of stays, and is named', async () => {
  const before = ({ act, key }: Call) => {
    if (act === 'head' && key === 'gone/00002') throw new S3Error(403, 'AccessDenied', 'HTTP 403');
  };
  const both = arrange({ source: { before } });
  const { deleted, failed, failures } = await remove(both);
  expect([deleted.objects, failed, failures]).toEqual([
    4,
    1,
    [{ key: 'gone/00002', reason: 'it could not be asked for at the source: HTTP 403 (AccessDenied)' }],
  ]);
  expect(both.target.objects.has('gone/00002')).toBe(true);
});

test('a renamed object is asked for by its own key, and what begins with a renamed prefix stays', async () => {
  const source = memoryBucket([object('old/a'), object('x')]);
  const target = memoryBucket([object('new/a'), object('new/b'), object('old/c'), object('x')]);
  const { deleted } = await remove({ source, target }, { selection: { ...everything, renames: { 'old/': 'new/' } } });
  expect(deleted.objects).toBe(1);
  expect([...target.objects.keys()]).toEqual(['new/a', 'old/c', 'x']);
  expect(source.asked('head').map(({ key }) => key)).toEqual(['old/b']);
});

test('what is kept under backup is never deleted', async () => {
  const both = {
    source: memoryBucket([object('a')]),
    target: memoryBucket([object('a'), object('b'), object('kept/run/z')]),
  };
  await remove(both, { selection: { ...everything, backup: 'kept/' } });
  expect([...both.target.objects.keys()]).toEqual(['a', 'kept/run/z']);
});

test.each([
  ['one stretch of the listings', everything],
  [
    'several at once',
    { ...everything, include: ['both/**', ...Array.from({ length: 8 }, (_, index) => `gone/0${index}**`)] },
  ],
])('a request deletes a thousand objects at most, in %s', async (_what, selection) => {
  const both = arrange({ extra: 7543, target: { pageSize: 100 }, source: { pageSize: 100 } });
  const { deleted, outcomes } = await remove(both, { selection });
  expect(deleted.objects).toBe(7543);
  expect(outcomes).toHaveLength(7543);
  expect(both.target.asked('remove').map((call) => call.keys?.length)).toEqual([...Array<number>(7).fill(1000), 543]);
  expect(new Set(removed(both.target)).size).toBe(7543);
  expect(both.target.objects.size).toBe(10);
});

test('what is written to the target after both listings is not deleted', async () => {
  let lists = 0;
  const before = ({ act }: Call, bucket: MemoryBucket) => {
    if (act === 'list') lists += 1;
    if (act === 'remove') bucket.objects.set('late/1', object('late/1'));
  };
  const both = arrange({ target: { before } });
  await remove(both);
  expect(both.target.objects.has('late/1')).toBe(true);
  expect(lists).toBe(1);
});

test('what is refused is named, and the rest counted', async () => {
  const both = arrange();
  const write = { ...both.target.write, remove: async () => new Map([['gone/00003', 'Access Denied (AccessDenied)']]) };
  const { deleted, failed, failures } = await remove({ ...both, target: { ...both.target, write } });
  expect([deleted.objects, failed]).toEqual([4, 1]);
  expect(failures).toEqual([{ key: 'gone/00003', reason: 'Access Denied (AccessDenied)' }]);
});

test('a request that is refused as a whole fails its objects, and what was deleted before is told', async () => {
  let requests = 0;
  const before = ({ act }: Call) => {
    if (act === 'remove' && (requests += 1) === 2) throw new S3Error(403, 'AccessDenied', 'no');
  };
  const both = arrange({ extra: 2500, target: { before } });
  const { deleted, failed, failures } = await remove(both);
  expect([deleted.objects, failed, both.target.objects.size]).toEqual([1500, 1000, 1010]);
  expect(failures[0]).toEqual({ key: 'gone/01000', reason: 'no (AccessDenied)' });
});

test('with a backup each object is put aside before it goes', async () => {
  const both = arrange({ extra: 3 });
  const { outcomes } = await remove(both, { backup: 'kept/run-1/', selection: { ...everything, backup: 'kept/' } });
  expect(outcomes[0]).toMatchObject({ outcome: 'deleted', backup: 'kept/run-1/gone/00000' });
  const kept = [...both.target.objects.keys()].filter((key) => key.startsWith('kept/'));
  expect(kept.toSorted()).toEqual(['kept/run-1/gone/00000', 'kept/run-1/gone/00001', 'kept/run-1/gone/00002']);
  const acts = both.target.calls.map(({ act }) => act);
  expect(acts.lastIndexOf('copy')).toBeLessThan(acts.indexOf('remove'));
});

test('an object that could not be put aside stays, and is named', async () => {
  const before = ({ act, key }: Call) => {
    if (act !== 'list' && act !== 'remove' && key.endsWith('gone/00001')) throw new S3Error(403, 'AccessDenied', 'no');
  };
  const both = arrange({ extra: 3, target: { before } });
  const { deleted, failures } = await remove(both, {
    backup: 'kept/1/',
    selection: { ...everything, backup: 'kept/' },
  });
  expect(deleted.objects).toBe(2);
  expect(failures).toEqual([{ key: 'gone/00001', reason: 'it could not be put aside: no (AccessDenied)' }]);
  expect(both.target.objects.has('gone/00001')).toBe(true);
});

test('an abort ends it before the next request that deletes', async () => {
  const stop = new AbortController();
  const before = ({ act }: Call) => {
    if (act === 'remove') stop.abort(new Error('called off'));
  };
  const both = arrange({ extra: 3000, target: { before } });
  await expect(remove(both, { signal: stop.signal })).rejects.toThrow('called off');
  expect(both.target.asked('remove')).toHaveLength(1);
});
