import { setImmediate, setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { memoryBucket, object, type Call, type MemoryBucket } from '../../test/memory-buckets.ts';
import { everything } from './selection.ts';
import { walk, type Meeting } from './walk.ts';

/** So small that the listings of a few thousand keys are long ones, and parted. */
const pageSize = 7;

const objects = (keys: readonly string[]) => keys.map((key) => object(key));

const many = (count: number, name = (index: number) => `images/${String(index).padStart(6, '0')}`) =>
  objects(Array.from({ length: count }, (_, index) => name(index)));

/** Rejections that nobody has heard of end the process: they are counted instead. */
async function unheard(act: () => Promise<void>): Promise<unknown[]> {
  const found: unknown[] = [];
  const others = process.listeners('unhandledRejection');
  process.removeAllListeners('unhandledRejection');
  process.on('unhandledRejection', (error) => found.push(error));
  try {
    await act();
  } finally {
    await sleep(100);
    process.removeAllListeners('unhandledRejection');
    for (const one of others) process.on('unhandledRejection', one);
  }
  return found;
}

/** A bucket whose listing fails at its nth page. */
function failingAt(page: number): MemoryBucket {
  let pages = 0;
  const before = ({ act }: Call) => {
    if (act === 'list' && ++pages === page) throw new Error(`page ${page} was lost`);
  };
  return memoryBucket(many(7000), { pageSize, before });
}

test.each([40, 200, 500])(
  'a failure of page %i of the source ends the walk, with every request heard of',
  async (page) => {
    await failsAt(page, 'source');
  },
);

test.each([1, 2, 10])('a failure of page %i, early in the listing, ends the walk', async (page) => {
  await failsAt(page, 'source');
  await failsAt(page, 'target');
});

async function failsAt(page: number, end: 'source' | 'target'): Promise<void> {
  const pair = { source: memoryBucket(many(7000), { pageSize }), target: memoryBucket(many(7000), { pageSize }) };
  const failing = failingAt(page);
  let met = 0;
  const lost = await unheard(() =>
    expect(walk({ ...pair, [end]: failing, selection: everything }, () => void met++)).rejects.toThrow(
      `page ${page} was lost`,
    ),
  );
  expect(lost).toEqual([]);
  const [shown, asked] = [met, failing.calls.length];
  await sleep(20);
  expect([met, failing.calls.length]).toEqual([shown, asked]);
  expect(met).toBeLessThan(7000);
}

test('after a failure nothing more is shown', async () => {
  const pair = { source: memoryBucket(many(20_000), { pageSize: 200 }), target: memoryBucket([], { pageSize: 200 }) };
  let [met, late] = [0, 0];
  const lost = await unheard(() =>
    expect(
      walk({ ...pair, selection: everything }, async () => {
        const turn = (met += 1);
        await setImmediate();
        if (turn > 6000) late += 1;
        if (turn === 6000) throw new Error('enough');
      }),
    ).rejects.toThrow('enough'),
  );
  expect(lost).toEqual([]);
  expect(late).toBeLessThanOrEqual(16); // each stretch was showing one key
});

test('an abort ends the walk with its reason, and nothing more is shown or asked', async () => {
  const pair = { source: memoryBucket(many(60), { pageSize }), target: memoryBucket([], { pageSize }) };
  const stop = new AbortController();
  let met = 0;
  const visit = async () => {
    const turn = (met += 1);
    await setImmediate();
    if (turn === 30) stop.abort(new Error('called off'));
  };
  await expect(walk({ ...pair, selection: everything }, visit, { signal: stop.signal })).rejects.toThrow('called off');
  expect(met).toBeLessThanOrEqual(42); // what was read already
  const asked = pair.source.calls.length;
  await sleep(20);
  expect(pair.source.calls.length).toBe(asked);
});

test('an abort in the middle of a long listing leaves no rejection unheard', async () => {
  const stop = new AbortController();
  const before = () => sleep(1);
  const pair = {
    source: memoryBucket(many(7000), { pageSize, before }),
    target: memoryBucket([], { pageSize, before }),
  };
  let met = 0;
  const visit = () => {
    if (++met === 80) setTimeout(() => stop.abort(new Error('called off')), 2);
  };
  const lost = await unheard(() =>
    expect(walk({ ...pair, selection: everything }, visit, { signal: stop.signal })).rejects.toThrow('called off'),
  );
  expect(lost).toEqual([]);
});

test('a walk that is called off before it began asks nothing', async () => {
  const bucket = memoryBucket(many(60), { pageSize });
  const signal = AbortSignal.abort(new Error('called off'));
  await expect(walk({ source: bucket, target: bucket, selection: everything }, () => {}, { signal })).rejects.toThrow(
    'called off',
  );
  expect(bucket.calls).toEqual([]);
});

test('the listings wait for a visitor that gives promises', async () => {
  const pair = { source: memoryBucket(many(7000), { pageSize }), target: memoryBucket(many(7000), { pageSize }) };
  const asked = () => pair.source.asked('list').length + pair.target.asked('list').length;
  let [met, waiting] = [0, 0];
  let hasBegun = () => {};
  const begun = new Promise<void>((resolve) => (hasBegun = resolve));
  let goOn = () => {};
  const open = new Promise<void>((resolve) => (goOn = resolve));
  const done = walk({ ...pair, selection: everything }, () => {
    met += 1;
    if (met < 2000) return undefined;
    waiting += 1;
    hasBegun();
    return open;
  });
  await begun;
  await sleep(30);
  const [then, ahead] = [asked(), met];
  await sleep(30);
  expect([asked(), met]).toEqual([then, ahead]);
  expect(waiting).toBeLessThanOrEqual(8); // one key of each stretch
  goOn();
  await done;
  expect(met).toBe(7000);
});

const bucketOf = (pages: readonly (readonly string[])[]) => {
  const bucket = memoryBucket([]);
  return {
    ...bucket,
    list: async (_range?: unknown, token = '0') => {
      const next = Number(token) + 1;
      const page = pages[Number(token)] ?? [];
      return { objects: objects(page), lastKey: page.at(-1), ...(next < pages.length ? { next: String(next) } : {}) };
    },
  };
};

test.each([
  ['the wrong way round', [['b', 'a']]],
  ['the wrong way round from page to page', [['b'], ['a']]],
  ['twice the same', [['b'], ['b']]],
  ['in the order of UTF-16', [['\u{1f600}', '\uffee']]],
])('a listing with keys %s is refused, at either end', async (_how, pages) => {
  const refusal = { code: 'objects-failed', message: expect.stringContaining('shelf (account 111111111111)') };
  const [wrong, empty] = [bucketOf(pages), bucketOf([])];
  const shown: Meeting[] = [];
  const visit = (meeting: Meeting) => void shown.push(meeting);
  await expect(walk({ source: wrong, target: empty, selection: everything }, visit)).rejects.toMatchObject(refusal);
  await expect(walk({ source: empty, target: wrong, selection: everything }, visit)).rejects.toMatchObject(refusal);
  expect(shown.length).toBeLessThanOrEqual(2);
});

// Some stores take no notice of start-after.
test('a listing that does not begin where it was told to is refused', async () => {
  const honest = memoryBucket(many(500), { pageSize });
  const source: MemoryBucket = {
    ...honest,
    list: (range = {}, token, signal) => honest.list({ ...range, after: undefined }, token, signal),
  };
  const met: string[] = [];
  const signal = AbortSignal.timeout(5000); // or it might have no end
  const lost = await unheard(() =>
    expect(
      walk({ source, target: memoryBucket([]), selection: everything }, ({ key }) => void met.push(key), { signal }),
    ).rejects.toMatchObject({ code: 'objects-failed' }),
  );
  expect(lost).toEqual([]);
  expect(new Set(met).size).toBe(met.length);
});

test('a page without keys is not the end of the listing', async () => {
  const met: string[] = [];
  const pair = { source: bucketOf([[], ['a'], [], [], ['b'], []]), target: bucketOf([[]]) };
  await walk({ ...pair, selection: everything }, ({ key }) => void met.push(key));
  expect(met).toEqual(['a', 'b']);
});
