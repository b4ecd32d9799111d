import { expect, test } from 'vitest';
import { memoryBucket, object, type Call, type MemoryBucket, type MemorySettings } from '../../test/memory-buckets.ts';
import type { DeletionGuard, PlannedExtras } from './deletion-guard.ts';
import { deleteExtras, type DeletionOptions } from './extras.ts';
import { noteOutage } from './retry.ts';
import { S3Error } from './s3-error.ts';
import { everything } from './selection.ts';
import type { ObjectOutcome } from './transfer.ts';

const anything: DeletionGuard = { maxCount: 100_000, maxPercent: 100 };
/** What somebody agreed to, when the source had so many objects. */
const agreed = (sourceObjects: number, objects = 100_000): PlannedExtras => ({
  objects,
  sourceObjects,
  plannedAt: '2100-01-01T00:00:00.000Z',
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

test('a store that is out of reach is waited for once, and the rest told without asking for each', async () => {
  let asked = 0;
  const before = ({ act }: Call) => {
    if (act === 'head' && (asked += 1) > 1000) throw noteOutage(new Error('connect ECONNREFUSED'));
  };
  const both = arrange({ extra: 2500, source: { before } });
  const { deleted, failed, outcomes } = await remove(both);
  expect([deleted.objects, failed]).toEqual([1000, 1500]);
  expect(both.source.asked('head').length).toBeLessThanOrEqual(1032);
  expect(outcomes.at(-1)?.reason).toBe('it was not tried: connect ECONNREFUSED');
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
