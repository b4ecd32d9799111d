import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, expect } from 'vitest';
import type { Keys } from '../demo/local-aws/local-aws.ts';
import type { Report } from '../src/index.ts';
import { aws, expectAllCopied, type Pair, pairOf, strike } from './objects-scene.ts';
import { needs, store, useStore } from './store/use-store.ts';

useStore();
const faulty = needs('faults');

afterEach(async () => {
  if (!store.aws) return;
  await store.aws.clearFaults();
  await store.aws.setClock(0);
  for (const side of ['source', 'target'] as const) await restoreKeys(side);
});

const hourMs = 3_600_000;

for (const [words, offsetMs] of [
  ['ahead', hourMs],
  ['behind', -hourMs],
] as const)
  for (const route of ['auto', 'stream'] as const) {
    faulty(`all is copied by the route ${route} where the store's clock is an hour ${words}`, async () => {
      const pair = await pairOf({ objects: { route }, source: { readableBy: store.target } });
      for (const key of ['a', 'b', 'c']) await pair.put(key, key, { Tagging: 'a=b' });
      await pair.putParts('d', [Buffer.alloc(5 * 1024 ** 2), Buffer.from('end')]);
      await aws().setClock(offsetMs);
      const refreshed = await pair.refresh();
      await aws().setClock(0);
      expect(refreshed.planned.objects[0]?.route?.kind).toBe(route === 'auto' ? 'server' : 'stream');
      await expectAllCopied(pair, refreshed);
    });
  }

const fresh: Keys = { accessKeyId: 'ASIAFRESH', secretAccessKey: 'fresh-and-secret', sessionToken: 'token' };

for (const route of ['stream', 'server'] as const)
  for (const side of ['source', 'target'] as const) {
    faulty(
      `keys of the ${side} that expire on the way and are written anew are read anew, by the route ${route}`,
      async () => {
        const pair = await arrange(route);
        const expiry = once(() => renew(pair, side));
        const refreshed = await pair.refresh(undefined, expiry.begin);
        await expiry.end();
        await restoreKeys(side);
        await expectAllCopied(pair, refreshed);
        expect(refreshed.copied?.copied.objects).toBe(60);
        expect(await refusals(side)).toBeGreaterThan(0); // so they did expire on the way
      },
    );

    faulty(
      `keys of the ${side} that expire on the way for good end the run with one message, by the route ${route}`,
      async () => {
        const pair = await arrange(route);
        const expiry = once(() => aws().replaceKeys(store[side].account ?? '', fresh));
        const refreshed = await pair.refresh(undefined, expiry.begin);
        await expiry.end();
        await restoreKeys(side);
        expect(refreshed.report.durationMs).toBeLessThan(15_000);
        expect(refreshed.report.failure).toMatchObject({ code: 'credentials-failed', step: 'copy-objects images' });
        expect(refreshed.failed).toEqual({});
        const [source, target] = [await pair.contents('source'), await pair.contents('target')];
        for (const [key, object] of Object.entries(target)) expect(object).toEqual(source[key]);
        await expectAllCopied(pair, await pair.refresh());
      },
    );
  }

faulty(
  'keys that have expired and are not written anew end the command with 1, soon, and with one message',
  async () => {
    const pair = await arrange('stream');
    await strike({ operation: 'GetObject' }, { kind: 'delay', delayMs: 300 });
    const running = pair.shell.begin('sync', '--yes');
    await running.said('run 2');
    await aws().replaceKeys(store.source.account ?? '', fresh);
    const begun = performance.now();
    const { code, stdout, stderr } = await running.ended;
    expect(performance.now() - begun).toBeLessThan(15_000);
    await restoreKeys('source');
    expect(code, stderr).toBe(1);
    expect(stdout + stderr).toMatch(/ExpiredToken/);
    expect((stdout + stderr).match(/could not be copied/g)).toBeNull();
    expect(stdout + stderr).not.toContain('fresh-and-secret');
    const runs = join(pair.shell.folder, '.restage', 'runs');
    const [run = ''] = await readdir(runs);
    const report = JSON.parse(await readFile(join(runs, run, 'report.json'), 'utf8')) as Report;
    expect(report).toMatchObject({ outcome: 'failed', failure: { code: 'credentials-failed' } });
  },
);

/** Sixty objects, each of which takes a while, so that there is a middle of the run. */
async function arrange(route: 'stream' | 'server'): Promise<Pair> {
  const pair = await pairOf({ objects: { route }, source: { readableBy: store.target } });
  await aws().seedObjects(
    pair.from,
    Array.from({ length: 60 }, (_, index) => ({ key: `${index}`, body: `${index}` })),
  );
  for (const operation of ['PutObject', 'CopyObject']) await strike({ operation }, { kind: 'delay', delayMs: 100 });
  await aws().resetRequests();
  return pair;
}

/** Begun at the first call, whoever else calls. */
function once(act: () => Promise<void>): { begin(): void; end(): Promise<void> | undefined } {
  let done: Promise<void> | undefined;
  return { begin: () => void (done ??= act()), end: () => done };
}

/** The keys expire, and the profile has others by then. */
async function renew({ shell }: Pair, side: 'source' | 'target'): Promise<void> {
  const other = side === 'source' ? 'target' : 'source';
  const profile = (name: string, keys: Keys) => {
    const token = keys.sessionToken === undefined ? '' : `aws_session_token = ${keys.sessionToken}\n`;
    return `[${name}]\naws_access_key_id = ${keys.accessKeyId}\naws_secret_access_key = ${keys.secretAccessKey}\n${token}`;
  };
  const file = shell.variables['AWS_SHARED_CREDENTIALS_FILE'] ?? '';
  await writeFile(file, profile(side, fresh) + profile(other, store[other]));
  await aws().replaceKeys(store[side].account ?? '', fresh);
}

/** The SDK that looks and the next run have the keys from before. */
async function restoreKeys(side: 'source' | 'target'): Promise<void> {
  const { account = '', accessKeyId, secretAccessKey } = store[side];
  await aws().replaceKeys(account, { accessKeyId, secretAccessKey });
}

/** How often the keys of an end were called expired; an answer to them is not known to be of that end's account. */
async function refusals(side: 'source' | 'target'): Promise<number> {
  const { account } = store[side];
  const refused = (await aws().requests()).filter(
    (request) => request.status === 400 && (request.account === account || request.account === ''),
  );
  return refused.reduce((sum, { count }) => sum + count, 0);
}
