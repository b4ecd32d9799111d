import { access, constants, stat } from 'node:fs/promises';
import { delimiter, join, resolve } from 'node:path';
import { RestageError } from './errors.ts';

/** What is looked at before a program is started. */
export interface ProgramPlace {
  readonly run: readonly string[];
  readonly cwd: string;
  /** Its own PATH. */
  readonly path: string | undefined;
}

/** Where the system looks without a PATH. */
const usualPath = '/usr/bin:/bin';

/**
 * The file of a program, found as the system would. Throws `migrate-failed` where the folder or the program is not there, or
 * may not be run.
 */
export async function findProgram({ run: [program = ''], cwd, path = usualPath }: ProgramPlace): Promise<string> {
  const folder = await stat(cwd).catch(() => undefined);
  if (!folder?.isDirectory())
    throw wrong(folder ? `${cwd} is no folder` : `the folder ${cwd} does not exist`, 'Correct cwd of the command.');
  if (program.includes('/')) {
    const file = resolve(cwd, program);
    if (await isRunnable(file)) return file;
    const exists = await stat(file).catch(() => undefined);
    throw exists
      ? wrong(`${file} may not be run`, 'Make it executable (chmod +x), or run it by its interpreter.')
      : wrong(`there is no ${file}`, `A path is read from cwd of the command, ${cwd}.`);
  }
  for (const entry of path.split(delimiter)) {
    const file = join(resolve(cwd, entry === '' ? '.' : entry), program);
    if (await isRunnable(file)) return file;
  }
  throw wrong(
    `${program} is not found on the PATH`,
    `Install it, write its whole path in run, or give the command a PATH in env. It was looked for in ${path}`,
  );
}

function wrong(message: string, hint: string): RestageError {
  return new RestageError('migrate-failed', message, { hint });
}

async function isRunnable(file: string): Promise<boolean> {
  const isFile = await stat(file).then(
    (found) => found.isFile(),
    () => false,
  );
  return (
    isFile &&
    access(file, constants.X_OK).then(
      () => true,
      () => false,
    )
  );
}
