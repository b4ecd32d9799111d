import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Account } from '../aws/account.ts';
import { RestageError } from '../errors.ts';

export interface FetchOptions {
  /** Where `file:` looks. */
  readonly folder: string;
  /** Whose place and parameters are meant; opened where it is needed. */
  readonly account: () => Promise<Account>;
  readonly signal?: AbortSignal | undefined;
}

/** A configuration by its reference: s3://bucket/key, ssm:/name, file:name; with the file that its relative paths start from. Throws `config-missing`. */
export async function fetchConfig(
  reference: string,
  { folder }: FetchOptions,
): Promise<{ readonly text: string; readonly file: string }> {
  const file = join(folder, reference.replace(/^file:/, ''));
  try {
    return { text: await readFile(file, 'utf8'), file };
  } catch (error) {
    throw new RestageError('config-missing', `${reference} cannot be read: ${(error as Error).message}`, {
      cause: error,
    });
  }
}
