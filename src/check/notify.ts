import type { Config } from '../config.ts';
import { lookIn, type Finding, type Seen } from './finding.ts';

/** That the addresses of `notify` are of the right form. Nothing is sent: whoever reads there would take it for news. */
export function notifyRows({ notify }: Pick<Config, 'notify'>): Promise<Finding>[] {
  const look = lookIn('notify');
  return notify.map(({ slack, webhook, on }, index) => {
    const url = new URL(slack ?? webhook ?? '');
    const kind = slack === undefined ? 'webhook' : 'slack';
    // The path of such an address is a secret.
    return look(`notify.${index}.${kind}`, `${url.host}, ${onWords[on]}`, async () => seen(url, kind));
  });
}

const onWords = { success: 'after success', failure: 'after failure', always: 'after every run' } as const;

function seen(url: URL, kind: 'slack' | 'webhook'): Seen {
  if (url.protocol === 'http:' && !/^(localhost|127\.|\[::1\])/.test(url.hostname))
    return {
      found: 'well-formed, but what is told goes there unencrypted',
      verdict: 'note',
      fix: 'Name it by https://.',
    };
  if (
    kind === 'slack' &&
    url.hostname.endsWith('slack.com') &&
    !/^\/(services|workflows|triggers)\/./.test(url.pathname)
  )
    return {
      found: 'an address of Slack, but of no incoming webhook',
      verdict: 'wrong',
      fix: 'It begins with https://hooks.slack.com/services/: copy it from the page of the incoming webhook.',
    };
  return 'well-formed; nothing was sent';
}
