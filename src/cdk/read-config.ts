import { existsSync, readFileSync } from 'node:fs';
import { basename, dirname, isAbsolute, join, relative, resolve } from 'node:path';
import { failureOf, loadConfig, onLambda, RestageError, type Config } from '../index.ts';

/** A restage.yaml as far as it can be known where templates are made: what its variables hold is not. */
export interface ReadConfig {
  /** As it was given, for messages. */
  readonly file: string;
  readonly config: Config;
  /** The role that the function takes on to reach the source; undefined: its own is enough. */
  readonly sourceRole: { readonly role: string; readonly externalId?: string | undefined } | undefined;
  /** Variables that it wants, and that were not given. */
  readonly unset: readonly string[];
  /** Files and folders that it names, relative to its own folder, each once; whole paths where it has those. */
  readonly files: readonly string[];
}

/** What stands in the way of a construct, in a sentence, and the line that mends it. */
export interface Obstacle {
  readonly message: string;
  readonly fix?: string;
}

/**
 * Reads a restage.yaml for its names. `variables` are those that are no secrets; no other is asked for, and nobody is connected to.
 * Throws `config-missing`; `config-invalid` with every problem at once.
 */
export function readConfig(file: string, variables: Readonly<Record<string, string>> = {}): ReadConfig {
  if (!existsSync(file))
    throw new RestageError(
      'config-missing',
      `there is no ${file} (${resolve(file)}): the construct reads in it what the function does and may do; \`restage init\` writes one`,
    );
  const text = readFileSync(file, 'utf8');
  const unset = new Set<string>();
  const known = new Proxy<Readonly<Record<string, string>>>(variables, {
    get: (given, name) => {
      if (typeof name === 'symbol' || Object.hasOwn(given, name)) return Reflect.get(given, name) as unknown;
      unset.add(name);
      return unknownValue(name);
    },
  });
  const config = loadConfig(text, { file, variables: known });
  // What is a whole path stays that, wherever the file lies.
  const elsewhere = namedFiles(
    loadConfig(text, { file: join(dirname(file), 'elsewhere', basename(file)), variables: known }),
  );
  const folder = dirname(resolve(file));
  const files = namedFiles(config).map((one) => (elsewhere.includes(one) ? one : relative(folder, one)));
  return {
    file,
    config,
    sourceRole: onLambda(config).source.aws?.assumeRole,
    unset: [...unset],
    files: [...new Set(files)],
  };
}

/** No host has this name (RFC 2606). */
const unknownHost = 'unset.invalid';

/** What stands for a variable that is not known here: an address too, and long enough for a key. */
function unknownValue(name: string): string {
  return `http://${unknownHost}/${name}`;
}

function namedFiles({ source, target, database, migrate }: Config): readonly string[] {
  return [
    source.database?.ca,
    target.database?.ca,
    ...database.afterLoad.map(({ file }) => file),
    migrate.versions,
  ].flatMap((file) => file ?? []);
}

/** Files that cannot stand beside the bundle under the names that the config has for them. */
export function strayFiles({ file, files }: ReadConfig): readonly Obstacle[] {
  const folder = dirname(resolve(file));
  return files.flatMap((one) => {
    if (one === '' || one.startsWith('..') || isAbsolute(one))
      return {
        message: `it names ${resolve(folder, one)}, and the function has only what is below its own folder, by names from there`,
        fix: `Put it below ${folder}, and name it from there.`,
      };
    return existsSync(resolve(folder, one))
      ? []
      : { message: `it names ${one}, and there is no such file in ${folder}` };
  });
}

/** Names of an end that a policy holds, by their paths in the configuration. */
export function namesOf(
  { config }: ReadConfig,
  side: 'source' | 'target',
): Readonly<Record<string, string | undefined>> {
  const { database, buckets } = config[side];
  return {
    [`${side}.database.secret`]: database?.secret,
    [`${side}.database.identifier`]: database?.identifier,
    ...Object.fromEntries(Object.entries(buckets).map(([key, bucket]) => [`${side}.buckets.${key}`, bucket])),
  };
}

/** Names that hold a variable which is not known where templates are made. */
export function unknownNames(names: Readonly<Record<string, string | undefined>>): readonly Obstacle[] {
  return Object.entries(names).flatMap(([path, value]) =>
    value?.includes(unknownHost)
      ? {
          message: `${path} holds a variable that is not known here, and a policy needs the name`,
          fix: 'Give it in `environment`, or write the name itself.',
        }
      : [],
  );
}

/** Where a person would have to be asked: what `requireUnattended` throws. */
export function unattendedObstacles(ask: () => void): readonly Obstacle[] {
  try {
    ask();
    return [];
  } catch (error) {
    const { message, hint = message } = failureOf(error);
    return [{ message: "nobody is there to type the target's name", fix: hint.replace(/ Or leave --yes out.*$/, '') }];
  }
}

/** Throws `config-invalid` with all that stands in the way, for whoever reads it in a terminal. */
export function requireClear(file: string, path: string, obstacles: readonly Obstacle[]): void {
  if (obstacles.length === 0) return;
  const lines = obstacles.map(({ message, fix }) => `  ${message}${fix === undefined ? '' : `\n    ${fix}`}`);
  throw new RestageError('config-invalid', `${file}, for ${path}:\n${lines.join('\n')}`);
}
