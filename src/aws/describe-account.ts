import type { Account } from './account.ts';

/** The account and region that a name was looked for in. */
export function describeAccount({ id, region }: Pick<Account, 'id' | 'region'>): string {
  return `account ${id ?? 'unknown'}, ${region}`;
}
