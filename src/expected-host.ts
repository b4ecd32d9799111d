import type { EndConfig } from './config.ts';
import { RestageError } from './errors.ts';
import { plainHost } from './host-addresses.ts';

/**
 * Throws `host-unexpected` where an end's names lead to another host than its `expect.host`, before anything is connected to.
 * `side`: where the end stands in the config.
 */
export function requireExpectedHost(side: 'source' | 'target', end: EndConfig, host: string | undefined): void {
  const expected = end.expect?.host;
  if (expected === undefined || host === undefined || matchesHost(expected, host)) return;
  const { words, setting } = originOfHost(side, end);
  throw new RestageError(
    'host-unexpected',
    `${end.name}'s database is expected at ${expected}, and ${words} leads to ${host}`,
    {
      hint: `Nothing was connected to. Correct ${setting} in restage.yaml, or ${side}.expect.host if that is out of date.`,
    },
  );
}

/** Whether a host fits a pattern in which `*` stands for any characters; capitals do not count. */
export function matchesHost(pattern: string, host: string): boolean {
  const parts = plainHost(pattern)
    .split('*')
    .map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'));
  return new RegExp(`^${parts.join('.*')}$`, 's').test(plainHost(host));
}

/** What named the host: in words, and the setting to correct. */
function originOfHost(side: string, { database }: EndConfig): { readonly words: string; readonly setting: string } {
  const at = (key: string) => `${side}.database.${key}`;
  if (database?.url !== undefined) return { words: `the address in ${at('url')}`, setting: at('url') };
  if (database?.identifier !== undefined)
    return { words: `the identifier ${database.identifier}, by RDS,`, setting: at('identifier') };
  if (database?.host !== undefined) return { words: at('host'), setting: at('host') };
  return { words: `the secret ${database?.secret}`, setting: `${at('secret')}, or the host in that secret` };
}
