import { expect, test } from 'vitest';
import { pausedReport, reportInParts } from '../test/example-parts.ts';
import { entryOf } from './history.ts';
import { newsOf } from './news.ts';
import { historyText } from './report/history-text.ts';
import { slackMessage } from './report/slack-message.ts';
import { plain } from './report/style.ts';

const [paused, inParts] = [pausedReport(), reportInParts()];
const entries = [paused, inParts].map((report) =>
  entryOf({ run: report.run, folder: 'runs/x', report: { value: JSON.parse(JSON.stringify(report)) as unknown } }),
);

test('the list of runs has those that have paused, and how many parts and which function others had', () => {
  const [, first = '', second = ''] = historyText(entries, plain).split('\n');
  expect(first).toContain('paused');
  expect(first).toContain('production → staging; 8 tables, 221,732 rows; in the function books-staging-refresh');
  expect(second).toContain('done');
  expect(second).toContain('in 3 parts; in the function books-staging-refresh');
});

test('a pause is news of its own: neither a success nor a failure, with what comes next', () => {
  const news = newsOf(paused);
  expect(news.event).toBe('paused');
  const { text, blocks } = slackMessage(news);
  expect(text).toBe('… staging is not refreshed yet: the run has paused');
  expect(JSON.stringify(blocks)).toContain('The next part compares the 8 tables with the source as it is then');
});

test('a run in parts ended with its last one, however long it waited between them', () => {
  expect(newsOf(inParts).at).toBe('2026-11-23T15:36:18.000Z');
  const gap = { ...inParts, durationMs: 1000 };
  expect(newsOf(gap).at).toBe('2026-11-23T15:36:18.000Z');
});
