import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { constants } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { keepLines } from './command-lines.ts';

/** A program that is started for the user, without a shell. */
export interface Command {
  /** Its file; `run` begins with the name that it is called by. */
  readonly file: string;
  readonly run: readonly string[];
  readonly cwd: string;
  /** All of its environment. */
  readonly env: Readonly<Record<string, string>>;
  readonly timeoutSeconds: number;
}

/** How a program ended. */
export interface CommandEnd {
  /** 128 and the signal's number where a signal ended it, as shells say it. */
  readonly exitCode: number;
  readonly signal?: NodeJS.Signals;
  /** It took longer than it may, and was ended for that. */
  readonly late: boolean;
  /** The last lines that it wrote, to either stream, without secrets. */
  readonly output: readonly string[];
}

/**
 * Waits for the end of its standard input, which comes when the program is over, is to end, or restage has died in whatever
 * way; then what is left of the program's group is asked to end, and made to after five seconds.
 */
const guardScript = `
read -r group || exit 0
cat >/dev/null
kill -s TERM -- "-$group" || exit 0
i=0
while [ "$i" -lt 25 ]; do
  sleep 0.2
  kill -s 0 -- "-$group" || exit 0
  i=$((i + 1))
done
kill -s KILL -- "-$group"`;

/** How long what a program has left behind may still write to its streams. */
const lastWordsMs = 500;

/**
 * Runs a program in a group of its own, to its end. When it is over, takes too long or `signal` is aborted, the whole group is
 * ended with it; it does not outlive restage either. Rejects with what the system says where it cannot be started, and with
 * the signal's reason once an interrupted one is gone. Needs a POSIX shell beside it.
 * @param onLine told each line as it is written
 */
export async function runCommand(
  { file, run: [name = file, ...args], cwd, env, timeoutSeconds }: Command,
  { signal, onLine }: { readonly signal: AbortSignal; readonly onLine: (line: string) => void },
): Promise<CommandEnd> {
  signal.throwIfAborted();
  const child = spawn(file, args, {
    argv0: name,
    cwd,
    env: { ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
  const closed = once(child, 'close');
  closed.catch(() => {}); // an error at its start is told by `exited`
  const exited = once(child, 'exit') as Promise<[number | null, NodeJS.Signals | null]>;
  const guard = startGuard(child);
  const output = keepLines(onLine);
  for (const stream of [child.stdout, child.stderr]) output.read(stream);
  let late = false;
  const limit = setTimeout(() => {
    late = true;
    guard.end();
  }, timeoutSeconds * 1000);
  const abort = () => guard.end();
  signal.addEventListener('abort', abort, { once: true });
  try {
    const [code, by] = await exited;
    // What it has left in its group would go on in the database.
    guard.end();
    await guard.gone;
    // What has left the group may hold the streams for ever.
    await Promise.race([closed.catch(() => {}), sleep(lastWordsMs, undefined, { ref: false })]);
    signal.throwIfAborted();
    return {
      exitCode: code ?? 128 + (by === null ? 0 : constants.signals[by]),
      ...(by === null ? {} : { signal: by }),
      late,
      output: output.last(),
    };
  } finally {
    clearTimeout(limit);
    signal.removeEventListener('abort', abort);
    guard.end();
    for (const stream of [child.stdout, child.stderr]) stream.destroy();
  }
}

interface Guard {
  end(): void;
  /** Once the group is, and the guard with it. */
  readonly gone: Promise<void>;
}

function startGuard(child: ChildProcess): Guard {
  const guard = spawn('/bin/sh', ['-c', guardScript], {
    env: { PATH: '/usr/bin:/bin' },
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
  });
  const gone = Promise.withResolvers<void>();
  guard.once('exit', () => gone.resolve());
  guard.once('error', () => gone.resolve());
  guard.stdin.on('error', () => {}); // of a guard that is gone
  guard.stdin.write(child.pid === undefined ? '' : `${child.pid}\n`);
  return {
    end: () => {
      guard.stdin.end();
      if (guard.pid === undefined) child.kill('SIGKILL'); // no shell: at least the program itself
    },
    gone: gone.promise,
  };
}
