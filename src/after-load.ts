import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import type { Config } from './config.ts';
import { RestageError } from './errors.ts';
import type { AfterLoad } from './postgres/rules/after-load.ts';

/**
 * What `database.afterLoad` says, files read, each under a name of its own: the file's, or `afterLoad 1`.
 * Throws `config-invalid` where a file is missing or holds nothing.
 */
export async function readAfterLoad({ database }: Pick<Config, 'database'>): Promise<AfterLoad[]> {
  const list: AfterLoad[] = [];
  for (const [index, { sql, file }] of database.afterLoad.entries()) {
    const number = `afterLoad ${index + 1}`;
    const text = file === undefined ? (sql ?? '') : await readStatements(file, index);
    const name = file === undefined ? number : basename(file);
    const taken = list.some((other) => other.name === name);
    list.push({ name: taken ? `${name} (${number})` : name, sql: text });
  }
  return list;
}

async function readStatements(file: string, index: number): Promise<string> {
  const wrong = (what: string, cause?: unknown) =>
    new RestageError('config-invalid', `database.afterLoad.${index}.file: ${file} ${what}`, {
      cause,
      hint: "It is a file of SQL statements. A relative path begins at the config's folder.",
    });
  const bytes = await readFile(file).catch((error: unknown) => {
    throw wrong(`cannot be read: ${error instanceof Error ? error.message : String(error)}`, error);
  });
  const text = bytes.toString('utf8').replace(/^\uFEFF/, '');
  if (text.trim() === '') throw wrong('is empty');
  if (text.includes('\0') || !Buffer.from(text).equals(bytes.subarray(bytes.length - Buffer.byteLength(text))))
    throw wrong('is no text in UTF-8');
  return text;
}
