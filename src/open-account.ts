import type { Account, AccountSettings, ProfileFiles } from './aws/account.ts';

/** Profile or ambient keys → role → identity: as `connect` does, of one account. The AWS SDK is loaded only now. */
export async function openAccount(
  settings: AccountSettings,
  files?: ProfileFiles,
  signal?: AbortSignal,
): Promise<Account> {
  const account = await import('./aws/account.ts');
  return account.openAccount(settings, files, signal);
}
