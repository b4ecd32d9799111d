import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, expect } from 'vitest';
import type { Report } from '../src/index.ts';
import { openNetwork, type Network } from './network.ts';
import { aws, expectAllCopied, type Pair, pairIn, strike } from './objects-scene.ts';
import { needs, store, useStore } from './store/use-store.ts';

// What a network does to a copy of objects: the store is the same, the way to it is not.
useStore();
const faulty = needs('faults');

afterEach(() => store.aws?.clearFaults());

const objects = 120;

/** A pair of buckets that is known by a way of its own, and objects that take a while. */
async function wire(): Promise<{ readonly pair: Pair; readonly way: Network }> {
  const way = await openNetwork(Number(new URL(store.source.endpoint).port));
  const endpoint = `http://127.0.0.1:${way.port}`;
  const ends = { ...store, source: { ...store.source, endpoint }, target: { ...store.target, endpoint } };
  const [from, to] = [await store.source.createBucket(), await store.target.createBucket()];
  const seeds = Array.from({ length: objects }, (_, index) => ({ key: `${index}`, body: `content of ${index}` }));
  await aws().seedObjects(from, seeds);
  await aws().seedObjects(to, [{ key: 'of staging alone', body: 'staging' }]);
  await strike({ operation: 'PutObject' }, { kind: 'delay', delayMs: 300 });
  return { way, pair: await pairIn(from, to, { route: 'stream' }, ends) };
}

/** Begins a refresh, and does something when it has begun to copy. */
async function refresh({ shell, to }: Pair, act: () => Promise<unknown>) {
  const running = shell.begin('sync', '--yes', '--json');
  const copied = async () =>
    (await aws().requests()).some(
      ({ bucket, operation, status }) => bucket === to && operation === 'PutObject' && status === 200,
    );
  while (!(await copied())) await sleep(20);
  await act();
  const clock = performance.now();
  const { code, stdout, stderr } = await running.ended;
  expect(stdout, stderr).toMatch(/^\{/);
  return { code, report: JSON.parse(stdout) as Report, tookMs: performance.now() - clock };
}

interface Tried {
  readonly pair: Pair;
  readonly way: Network;
  readonly code: number | null;
  readonly report: Report;
  readonly tookMs: number;
}

/** In three pairs of buckets at once, for they do little but wait. */
async function tryAll(...acts: readonly ((way: Network) => Promise<unknown>)[]): Promise<readonly Tried[]> {
  return Promise.all(
    acts.map(async (act) => {
      const { pair, way } = await wire();
      return { pair, way, ...(await refresh(pair, () => act(way))) };
    }),
  );
}

faulty(
  'a network that is gone or stands still for half a minute is waited for, and one that is gone for a minute is not',
  async () => {
    const [still, gone, lost] = (await tryAll(
      async (way) => {
        way.freeze();
        await sleep(30_000);
        way.thaw();
      },
      async (way) => {
        await way.cut();
        await sleep(30_000);
        await way.mend();
      },
      (way) => way.cut(),
    )) as [Tried, Tried, Tried]; // as many as were tried
    for (const { pair, way, code, report } of [still, gone]) {
      expect([code, report.failure]).toEqual([0, undefined]);
      expect(report.figures.objects).toMatchObject({ copied: objects });
      expect(Object.keys(await pair.contents('target'))).toHaveLength(objects);
      await way[Symbol.asyncDispose]();
    }
    const { pair, way, code, report, tookMs } = lost;
    expect([code, report.failure]).toMatchObject([1, { code: 'objects-failed', step: 'copy-objects images' }]);
    expect(report.failure?.message).toMatch(/^a store cannot be reached any more: connect ECONNREFUSED/);
    expect(tookMs).toBeGreaterThan(50_000);
    expect(tookMs).toBeLessThan(90_000);
    await way.mend();
    await store.aws?.clearFaults();
    const [source, target] = [await pair.contents('source'), await pair.contents('target')];
    for (const [key, object] of Object.entries(target)) expect(object).toEqual(source[key]);
    await expectAllCopied(pair, await pair.refresh());
    await way[Symbol.asyncDispose]();
  },
);
