import type { Account } from '../aws/account.ts';
import { keepSecret, RestageError } from '../errors.ts';

const shape = 'restage reads a JSON object of texts, {"STAGING_API_KEY": "…", "RESTAGE_MASK_KEY": "…"}.';

/**
 * Variables that a secret of Secrets Manager holds, for `${VAR}` and passwordEnv: a JSON object of names and texts. None of them
 * is shown in any output. Throws as reading a database's secret does; `secret-invalid` names what is no text.
 */
export async function fetchVariables(
  name: string,
  account: Account,
  signal?: AbortSignal,
): Promise<Readonly<Record<string, string>>> {
  const { readSecretText } = await import('../aws/secret.ts');
  const { text, where } = await readSecretText(account, name, shape, signal);
  const wrong = (message: string) => new RestageError('secret-invalid', `${where} ${message}`, { hint: shape });
  let value: unknown;
  try {
    value = JSON.parse(text ?? '');
  } catch {
    throw wrong('is not JSON');
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw wrong('is not a JSON object');
  const entries: [string, unknown][] = Object.entries(value);
  const odd = entries.filter(([, found]) => typeof found !== 'string').map(([key]) => key);
  if (odd.length > 0) throw wrong(`holds no text under ${odd.join(', ')}`);
  return Object.fromEntries(entries.map(([key, found]) => [key, keepSecret(String(found))]));
}
