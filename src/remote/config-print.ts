import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { join, resolve } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { folderOf, readSettings } from '../config.ts';
import { RestageError } from '../errors.ts';
import { listRevisionFiles } from '../revisions/read-revision-files.ts';

/** 64 bits: they tell by accident different ones apart, and can be read out to somebody. */
const digits = 16;

/**
 * A print of a configuration: of what its file says before any variable is put in, and of the files that it names (afterLoad,
 * migrations, certificates), not of comments, order of keys or layout. Two that are the same make the same plan of the same ends.
 * A file that is not there counts as that. `config-invalid` for what is no YAML.
 */
export async function printOfConfig(text: string, file: string): Promise<string> {
  const settings = readSettings(text, file);
  const folder = folderOf(file);
  const files: [string, unknown][] = [];
  for (const name of filesNamed(settings)) files.push([name, (await hashOfFile(resolve(folder, name))) ?? 'missing']);
  for (const name of foldersNamed(settings))
    files.push([name, (await hashesOfFolder(resolve(folder, name))) ?? 'missing']);
  return createHash('sha256')
    .update(JSON.stringify(canonical([settings, files])))
    .digest('hex')
    .slice(0, digits);
}

function filesNamed(settings: unknown): readonly string[] {
  const afterLoad = at(settings, 'database', 'afterLoad');
  return named([
    at(settings, 'source', 'database', 'ca'),
    at(settings, 'target', 'database', 'ca'),
    ...(Array.isArray(afterLoad) ? afterLoad.map((one) => at(one, 'file')) : []),
  ]);
}

function foldersNamed(settings: unknown): readonly string[] {
  return named([at(settings, 'migrate', 'versions')]);
}

/** Where a variable stands in the name, it is another file in another place. */
function named(values: readonly unknown[]): readonly string[] {
  return values.filter((value): value is string => typeof value === 'string' && !value.includes('${'));
}

function at(value: unknown, ...path: readonly string[]): unknown {
  let found = value;
  for (const key of path) found = typeof found === 'object' && found !== null ? Reflect.get(found, key) : undefined;
  return found;
}

/** Undefined where it cannot be read. */
async function hashOfFile(file: string): Promise<string | undefined> {
  const hash = createHash('sha256');
  try {
    await pipeline(createReadStream(file), hash);
  } catch {
    return undefined; // who needs it says what is wrong with it
  }
  return hash.digest('hex');
}

/** The same files that restage reads there, but for those that a desktop leaves behind. */
async function hashesOfFolder(folder: string): Promise<Readonly<Record<string, unknown>> | undefined> {
  const names = await listRevisionFiles(folder).catch((error: unknown) => {
    if (error instanceof RestageError) return undefined;
    throw error;
  });
  if (!names) return undefined;
  const hashes: Record<string, unknown> = {};
  for (const name of names.filter((one) => !/(^|\/)\./.test(one)))
    hashes[name] = (await hashOfFile(join(folder, name))) ?? 'missing';
  return hashes;
}

/** The same data with its keys in one order. */
function canonical(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(canonical);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).toSorted(([one], [other]) => (one < other ? -1 : 1));
  // A list of pairs, for an object would put names that are numbers first.
  return { map: entries.map(([key, item]) => [key, canonical(item)]) };
}
