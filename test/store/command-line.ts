import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { Report } from '../../src/index.ts';

/** What a command printed, and how it ended. */
export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Running {
  readonly pid: number | undefined;
  readonly ended: Promise<Ended>;
  /** Waits until it has printed the text. */
  said(text: string): Promise<void>;
  signal(name: NodeJS.Signals): void;
}

const node = fileURLToPath(new URL('../../node_modules/.bin/node', import.meta.url));
const main = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));

/** Types `restage …` in a folder, in a shell that exports nothing but the variables. */
export function type(args: readonly string[], cwd: string, variables: Readonly<Record<string, string>>): Running {
  const env = { PATH: process.env['PATH'] ?? '', HOME: cwd, ...variables };
  const child = spawn(node, [main, ...args], { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] });
  const printed = { stdout: '', stderr: '' };
  for (const stream of ['stdout', 'stderr'] as const)
    child[stream].setEncoding('utf8').on('data', (text: string) => {
      printed[stream] += text;
      child.emit('said');
    });
  const ended = once(child, 'close').then(([code]) => ({ code: code as number | null, ...printed }));
  const has = (text: string) => (printed.stdout + printed.stderr).includes(text);
  return {
    pid: child.pid,
    ended,
    said: async (text) => {
      const over = ended.then(() => true);
      while (!has(text)) {
        const isOver = await Promise.race([over, once(child, 'said').then(() => false)]);
        if (isOver && !has(text))
          throw new Error(`it ended without saying ${text}:\n${printed.stdout}\n${printed.stderr}`);
      }
    },
    signal: (name) => void child.kill(name),
  };
}

/** For a promise that a test may leave behind when it fails: what becomes of it is told to whoever waits, and to nobody else. */
export function left<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => undefined);
  return promise;
}

/** `restage sync --yes --json …`, begun already, and the report that it printed. */
export function synced(ended: Promise<Ended>): Promise<Ended & { readonly report: Report }> {
  return left(ended.then((result) => ({ ...result, report: reportOf(result) })));
}

/** The one JSON document that is all of stdout. */
function reportOf(ended: Ended): Report {
  try {
    return JSON.parse(ended.stdout) as Report; // the tests look at each field that they use
  } catch {
    throw new Error(`stdout is no JSON document:\n${ended.stdout}\n${ended.stderr}`);
  }
}
