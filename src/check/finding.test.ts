import { expect, test } from 'vitest';
import { RestageError } from '../errors.ts';
import { after, lookIn, NotTried, within } from './finding.ts';

const look = lookIn('app');
const never = () => new Promise<string>(() => {});

test('what is thrown is wrong, with its hint for the fix', async () => {
  const find = () => Promise.reject(new RestageError('app-unreachable', 'it is down', { hint: 'Start it.' }));
  expect(await look('app.url', 'http://a', find)).toEqual({
    group: 'app',
    setting: 'app.url',
    configured: 'http://a',
    found: 'it is down',
    verdict: 'wrong',
    fix: 'Start it.',
  });
});

test('what waits for something that is wrong is not tried, and names the first of them', async () => {
  const first = after('a', Promise.reject(new Error('no')));
  const found = await look('c', '', async () => String(await after<unknown>('b', first)));
  expect([found.verdict, found.found]).toEqual(['not-tried', 'not tried: a is wrong']);
  expect('fix' in found).toBe(false);
});

test('what gives no answer is given up, and ended', async () => {
  let ended: AbortSignal | undefined;
  const ask = (signal: AbortSignal) => {
    ended = signal;
    return never();
  };
  const asked = within('the store', undefined, ask, 20);
  await expect(asked).rejects.toMatchObject({ message: 'the store gave no answer within 0.02 s' });
  expect(ended?.aborted).toBe(true);
});

test('an interrupt ends the waiting at once', async () => {
  const stop = new AbortController();
  const asked = within('the store', stop.signal, never, 60_000);
  stop.abort();
  await expect(asked).rejects.toMatchObject({ code: 'interrupted' });
  await expect(within('the store', stop.signal, never, 60_000)).rejects.toMatchObject({ code: 'interrupted' });
});

test('an answer is no matter of the limit', async () => {
  await expect(within('the store', undefined, async () => 'here', 20)).resolves.toBe('here');
  await expect(within('it', undefined, () => Promise.reject(new NotTried('x')), 20)).rejects.toThrow('not tried: x');
});
