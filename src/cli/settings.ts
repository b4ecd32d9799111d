import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import {
  loadConfig,
  printOfConfig,
  RestageError,
  type Config,
  type ConnectOptions,
  type LoadOptions,
} from '../index.ts';

export interface Settings {
  readonly config: Config;
  readonly connect: ConnectOptions;
  /** The print of the file, which a function compares with its own. */
  readonly print: () => Promise<string>;
}

/** The same for a command that uses the target alone: what the source needs need not be set. */
export function readTargetSettings(file: string): Promise<Settings> {
  return readSettings(file, process.env, 'target');
}

/**
 * The configuration from a file, with this process's environment. The profile files are where AWS's own tools look;
 * no other variable of AWS changes anything.
 */
export async function readSettings(
  file: string,
  environment: NodeJS.ProcessEnv = process.env,
  only?: LoadOptions['only'],
): Promise<Settings> {
  const text = await read(file);
  return {
    config: loadConfig(text, { file, variables: environment, ...(only ? { only } : {}) }),
    connect: { profileFiles: profileFilesOf(environment) },
    print: () => printOfConfig(text, file),
  };
}

/** The places of the profile files, as AWS's own tools are told of them. */
export function profileFilesOf({
  AWS_SHARED_CREDENTIALS_FILE: credentials,
  AWS_CONFIG_FILE: config,
}: NodeJS.ProcessEnv): NonNullable<ConnectOptions['profileFiles']> {
  return { credentials, config };
}

async function read(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    const missing = (error as NodeJS.ErrnoException).code === 'ENOENT';
    throw new RestageError(
      'config-missing',
      missing
        ? `there is no ${file}${basename(file) === file ? ' here' : ''}`
        : `${file} cannot be read: ${(error as Error).message}`,
      {
        cause: error,
        hint: missing ? 'Name another with --config FILE, or write one: restage init' : undefined,
      },
    );
  }
}
