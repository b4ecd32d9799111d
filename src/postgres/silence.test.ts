import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { watchSilence, type Silent } from './silence.ts';

const quick = { lookEachMs: 5, askAfterMs: 20, askAtMostMs: 80, giveUpMs: 60 };

/** A session of which every byte and every answer is the test's; what became of it after a while. */
async function after(ms: number, of: Partial<Silent>) {
  let asked = 0;
  let ended: string | undefined;
  const { ask = async () => 'working' as const } = of;
  using _watch = watchSilence(
    {
      isWaiting: () => ended === undefined,
      moved: () => 1,
      end: (reason) => (ended = reason.message),
      ...of,
      ask: async () => {
        asked += 1;
        return await ask();
      },
    },
    quick,
  );
  await sleep(ms);
  return { asked, ended };
}

test('a session that nothing comes through is asked about less and less often while its server says that it works', async () => {
  const { asked, ended } = await after(400, {});
  expect(ended).toBeUndefined();
  expect(asked).toBeGreaterThan(1);
  expect(asked).toBeLessThan(8);
});

test('a session that bytes come through, or that waits for nothing, is not asked about', async () => {
  let moved = 0;
  expect(await after(100, { moved: () => (moved += 1) })).toEqual({ asked: 0, ended: undefined });
  expect(await after(100, { isWaiting: () => false })).toEqual({ asked: 0, ended: undefined });
});

test('a session that its server does not know any more is ended', async () => {
  const { asked, ended } = await after(100, { ask: async () => 'gone' });
  expect([asked, ended]).toEqual([1, 'its server knows nothing of it any more']);
});

test('a session whose server is out of reach is ended when it has been so for long enough', async () => {
  const { asked, ended } = await after(300, { ask: async () => new Error('timeout expired') });
  expect(ended).toMatch(/^no byte came for 0 s, and no new connection was answered: timeout expired$/);
  expect(asked).toBeGreaterThan(2);
});

test('a session whose server is out of reach for a moment goes on', async () => {
  const until = performance.now() + 60;
  const away = new Error('timeout expired');
  const { ended } = await after(300, { ask: async () => (performance.now() < until ? away : 'working') });
  expect(ended).toBeUndefined();
});
