import type { Account } from './account.ts';

/** A function's name alone, of its name, its ARN, or a part of that, each perhaps with an alias. */
export function plainName(name: string): string {
  return name.replace(/^.*\bfunction:/, '').replace(/:.*$/, '');
}

/** The command that shows a function's log. `group`: where it is told to write; absent: where functions do by themselves. */
export function logCommand(account: Pick<Account, 'flags'>, name: string, group?: string): string {
  return `aws logs tail ${group ?? `/aws/lambda/${plainName(name)}`} --since 1h ${account.flags}`;
}
