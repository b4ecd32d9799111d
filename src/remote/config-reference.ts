import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Account } from '../aws/account.ts';
import { bucketOf } from '../connect.ts';
import { RestageError } from '../errors.ts';

export interface FetchOptions {
  /** Where `file:` looks. */
  readonly folder: string;
  /** Whose place and parameters are meant; opened where it is needed. */
  readonly account: () => Promise<Account>;
  readonly signal?: AbortSignal | undefined;
}

/**
 * A configuration by its reference: `s3://bucket/key`, `ssm:/name`, or `file:name`; with what it is called, for messages and for where
 * the files that it names begin. Throws `config-missing` where there is none, with the near name of a parameter; `config-invalid` for
 * what is no reference; `bucket-missing`, `bucket-denied`, `secret-denied` with what is to be allowed; `aws-unreachable`, `interrupted`.
 */
export async function fetchConfig(
  reference: string,
  { folder, account, signal }: FetchOptions,
): Promise<{ readonly text: string; readonly file: string }> {
  const [, kind = '', rest = ''] = /^(s3:\/\/|ssm:|file:)(.+)$/s.exec(reference) ?? [];
  switch (kind) {
    case 'file:': {
      const file = join(folder, rest);
      return { text: await readLocal(file, reference), file };
    }
    case 'ssm:': {
      const { readParameter } = await import('../aws/parameter.ts');
      return { text: await readParameter(await account(), rest, signal), file: reference };
    }
    case 's3://':
      return { text: await readObject(rest, reference, account), file: reference };
    default:
      throw new RestageError('config-invalid', `${reference} is no reference to a configuration`, {
        hint: 'It is s3://bucket/key, ssm:/name, or file:name of a file in the bundle.',
      });
  }
}

async function readLocal(file: string, reference: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    throw new RestageError(
      'config-missing',
      `${reference} cannot be read: ${error instanceof Error ? error.message : String(error)}`,
      {
        cause: error,
        hint: missing,
      },
    );
  }
}

const missing = 'Put the configuration there, or say with RESTAGE_CONFIG of the function where it is.';

async function readObject(place: string, reference: string, account: FetchOptions['account']): Promise<string> {
  const [, bucket = '', key = ''] = /^([^/]+)\/(.+)$/s.exec(place) ?? [];
  if (bucket === '')
    throw new RestageError('config-invalid', `${reference} names no object`, { hint: 'It is s3://bucket/key.' });
  const opened = await account();
  const { textFiles } = await import('../s3/text-files.ts');
  using files = textFiles({ bucket: bucketOf(opened, bucket), asker: opened.arn ?? opened.name });
  const found = await files.read(key);
  if (found) return found.text;
  throw new RestageError('config-missing', `there is no ${reference}`, { hint: missing });
}
