import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { Keys } from './account.ts';
import { renewing } from './renewing.ts';

const minute = 60_000;
let given = 0;

beforeEach(() => {
  given = 0;
  vi.useFakeTimers({ toFake: ['Date'], now: 0 });
});
afterEach(() => void vi.useRealTimers());

/** Keys with a number, good for so many minutes from now. */
function keysFor(minutes?: number): Keys {
  const expiration = minutes === undefined ? {} : { expiration: new Date(Date.now() + minutes * minute) };
  return { accessKeyId: `key ${(given += 1)}`, secretAccessKey: 'x', ...expiration };
}

const after = (minutes: number) => vi.setSystemTime(minutes * minute);

test('keys that do not expire are asked for once, and those that do anew five minutes before', async () => {
  const forEver = renewing(async () => keysFor());
  const forAnHour = renewing(async () => keysFor(60));
  const before = [await forEver(), await forAnHour()].map(({ accessKeyId }) => accessKeyId);
  expect(before).toEqual(['key 1', 'key 2']);
  after(54);
  expect((await forAnHour()).accessKeyId).toBe('key 2');
  after(56);
  expect((await forAnHour()).accessKeyId).toBe('key 3');
  expect((await forEver()).accessKeyId).toBe('key 1');
});

test('a renewal that fails leaves the present keys in use until they expire, and is tried again meanwhile', async () => {
  let isDown = false;
  let asked = 0;
  const keys = renewing(async () => {
    asked += 1;
    if (isDown) throw new Error('STS is down');
    return keysFor(60);
  });
  await keys();
  isDown = true;
  after(56);
  expect((await keys()).accessKeyId).toBe('key 1');
  expect((await keys()).accessKeyId).toBe('key 1');
  expect(asked).toBe(2);
  after(57);
  expect((await keys()).accessKeyId).toBe('key 1');
  expect(asked).toBe(3);
  after(60);
  await expect(keys()).rejects.toThrow('STS is down');
  isDown = false;
  expect((await keys()).accessKeyId).toBe('key 2');
});

test('keys that were refused are not used again, however long they were to last', async () => {
  let isDown = false;
  const seen: boolean[] = [];
  const keys = renewing(async (anew) => {
    seen.push(anew);
    if (isDown) throw new Error('STS is down');
    return keysFor(60);
  });
  const first = await keys();
  expect((await keys(first)).accessKeyId).toBe('key 2');
  expect((await keys(first)).accessKeyId).toBe('key 2'); // told late: they were renewed since
  isDown = true;
  await expect(keys(await keys())).rejects.toThrow('STS is down');
  isDown = false;
  expect((await keys()).accessKeyId).toBe('key 3');
  expect(seen).toEqual([false, true, true, true]);
});

test('whoever asks while keys are being renewed waits for the same answer', async () => {
  const keys = renewing(async () => keysFor(60));
  await keys();
  after(56);
  const both = await Promise.all([keys(), keys()]);
  expect(both.map(({ accessKeyId }) => accessKeyId)).toEqual(['key 2', 'key 2']);
});
