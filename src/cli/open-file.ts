import { spawn } from 'node:child_process';
import { pathToFileURL } from 'node:url';

/** What opens a file as its owner would: no shell, so that no name of a file is a command. */
const openers: Partial<Record<NodeJS.Platform, readonly string[]>> = {
  darwin: ['open'],
  win32: ['rundll32', 'url.dll,FileProtocolHandler'],
};

/** A browser may be the opener's own child, and stay: what has not failed by then has opened it. */
const patienceMs = 2000;

/** Opens a file with what this system opens such files with. Why it could not, in words; undefined where nothing says so. */
export async function openFile(file: string): Promise<string | undefined> {
  const [program = '', ...args] = openers[process.platform] ?? ['xdg-open'];
  const target = process.platform === 'win32' ? pathToFileURL(file).href : file;
  return new Promise((resolve) => {
    const child = spawn(program, [...args, target], { stdio: 'ignore', detached: true });
    const timer = setTimeout(() => resolve(undefined), patienceMs);
    const told = (problem: string | undefined) => {
      clearTimeout(timer);
      resolve(problem);
    };
    child.on('error', (error: NodeJS.ErrnoException) =>
      told(error.code === 'ENOENT' ? `there is no ${program}` : error.message),
    );
    child.on('exit', (code) => told(code === 0 ? undefined : `${program} ended with ${code ?? 'a signal'}`));
    child.unref();
  });
}
