import { expect, test } from 'vitest';
import { notifyRows } from './notify.ts';

async function rowOf(given: { readonly slack: string } | { readonly webhook: string }) {
  const [row] = await Promise.all(notifyRows({ notify: [{ headers: {}, on: 'failure', ...given }] }));
  return row;
}

test.each([
  [{ slack: 'https://hooks.slack.com/services/T0/B0/secret' }, 'right', 'hooks.slack.com, after failure'],
  [{ slack: 'https://hooks.slack.com/secret' }, 'wrong', 'hooks.slack.com, after failure'],
  [{ slack: 'https://mattermost.example.com/hooks/secret' }, 'right', 'mattermost.example.com, after failure'],
  [{ webhook: 'http://example.com/secret' }, 'note', 'example.com, after failure'],
  [{ webhook: 'http://127.0.0.1:8080/secret' }, 'right', '127.0.0.1:8080, after failure'],
] as const)('%j is %s, and its path is not told', async (given, verdict, configured) => {
  const row = await rowOf(given);
  expect(row).toMatchObject({ verdict, configured, group: 'notify' });
  expect(JSON.stringify(row)).not.toContain('/secret');
});
