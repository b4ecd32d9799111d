import type { Account } from '../aws/account.ts';

/** The variables that a secret holds: a JSON object of names and texts. */
export function fetchVariables(
  _secret: string,
  _account: Account,
  _signal?: AbortSignal,
): Promise<Readonly<Record<string, string>>> {
  throw new Error('to be written');
}
