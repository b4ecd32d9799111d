import { expect, test } from 'vitest';
import type { News } from '../news.ts';
import { slackMessage } from './slack-message.ts';

const news: News = {
  event: 'failure',
  command: 'sync',
  source: 'production',
  target: 'staging',
  at: '2026-11-22T23:15:00.500Z',
  run: '20261122-231500-ab12',
  durationMs: 4200,
  failure: { code: 'migrate-failed', message: 'relation <x> & "y"', hint: 'See its log.', step: 'migrate' },
  holds: 'staging holds its previous database again, as it was before the run',
};

function textsOf(message: ReturnType<typeof slackMessage>): string[] {
  return message.blocks.map((block) => (block.type === 'section' ? block.text : block.elements[0])?.text ?? '');
}

test('it tells the verdict, when, where it failed with what to do, and what staging holds', () => {
  expect(textsOf(slackMessage(news))).toEqual([
    '*✗ staging was not refreshed from production*',
    'production → staging, 2026-11-22 23:15:00 UTC, 4.2 s, run 20261122-231500-ab12',
    'failed at `migrate`\n```relation &lt;x&gt; &amp; "y"```\nSee its log.',
    'Staging holds its previous database again, as it was before the run.',
  ]);
});

test('a rollback tells whether it ended well, and of one that did not no more than is known: what staging holds says the rest', () => {
  const { run: _, ...begun } = { ...news, command: 'rollback' as const };
  const verdict = (given: News) => slackMessage(given).text;
  expect(verdict({ ...news, command: 'rollback', event: 'success' })).toBe(
    '✓ staging holds its previous database again',
  );
  expect(verdict({ ...news, command: 'rollback' })).toBe('✗ the rollback of staging did not end well');
  expect(verdict(begun)).toBe('✗ the rollback of staging did not begin');
  expect(textsOf(slackMessage({ ...news, command: 'rollback' }))[1]).toMatch(/^staging, 2026-11-22/);
});

test('what did not begin says so, and claims nothing of what staging holds', () => {
  const { run: _, durationMs: __, holds: ___, ...refused } = news;
  const [verdict = '', , , ...more] = textsOf(slackMessage(refused));
  expect([verdict, more]).toEqual(['*✗ the refresh of staging from production did not begin*', []]);
});

test('no text is longer than Slack takes, no character is cut in two, and none of it calls people', () => {
  const long = '<!channel> 💥&'.repeat(2000);
  const message = slackMessage({
    ...news,
    target: long,
    holds: long,
    failure: { code: 'internal', message: `a \`\`\` ${long}`, hint: long, step: long },
  });
  for (const text of [message.text, ...textsOf(message)]) {
    expect(text.length).toBeLessThanOrEqual(3000);
    expect(text).toSatisfy((one: string) => one.isWellFormed());
    expect(text).not.toContain('<');
    expect(text.replaceAll(/&(amp|lt|gt);/g, '')).not.toContain('&');
  }
  const [, , failure = ''] = textsOf(message);
  expect(failure.match(/```/g)).toHaveLength(2);
});
