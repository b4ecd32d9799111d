import { spawn, type ChildProcess } from 'node:child_process';
import { createConnection, createServer, Socket } from 'node:net';
import { basename } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { RestageError } from '../errors.ts';
import { interrupted, type Tunnel } from './session.ts';

export interface TunnelSettings {
  /** The program and its arguments; `{localPort}`, `{host}` and `{port}` in them are filled in. */
  readonly command: readonly string[];
  /** Where it listens. Default: a port that is free. */
  readonly localPort?: number | undefined;
  readonly withinSeconds: number;
}

/** What a tunnel leads to. */
export interface TunnelTarget {
  readonly host: string;
  readonly port: number;
}

const loopback = '127.0.0.1';
const keptCharacters = 2000;

/**
 * The command in a process group and session of its own: what Ctrl-C on a terminal ends is not the forwarder, which
 * restage needs to put staging back. Beside it a shell waits for the end of file descriptor 3, which comes when restage
 * lets go of it or dies in whatever way; then the group is asked to end, and made to after three seconds.
 */
const script = `
(
  trap '' TERM
  cat <&3
  kill -TERM 0
  for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15; do
    kill -0 $$ || break
    sleep 0.2
  done
  sleep 0.2
  kill -KILL 0
) >/dev/null 2>&1 </dev/null &
exec "$@" 3<&-`;

/** A forwarder under way. */
interface Forwarder {
  readonly port: number;
  /** Why it has ended, once it has. */
  ended(): string | undefined;
  end(): void;
}

/**
 * A forwarder to a database: started at the first call of `port`, shared by all, started again once it has ended. It
 * does not keep the process alive, does not outlive it either, and needs a POSIX shell.
 * `port` throws `tunnel-failed` with the last words of the command.
 */
export function openTunnel(settings: TunnelSettings, target: TunnelTarget): Tunnel {
  const program = basename(settings.command[0] ?? '');
  const where = `${target.host}:${target.port}`;
  let starting: Promise<Forwarder> | undefined;
  let running: Forwarder | undefined;
  let isOver = false;
  let words = '';
  const failed = (what: string, hint: string) =>
    new RestageError(
      'tunnel-failed',
      `the tunnel to ${where} by ${program} ${what}${words === '' ? '' : `: ${words}`}`,
      {
        hint,
      },
    );

  async function begin(): Promise<Forwarder> {
    words = '';
    const port = settings.localPort ?? (await findFreePort());
    if (!(await isFree(port)))
      throw failed(
        `cannot begin: port ${port} of this machine is taken already`,
        `End what listens there (lsof -i :${port} names it), or leave out via.localPort and write {localPort} in via.command: then a free one is taken.`,
      );
    const filled = { localPort: port, host: target.host, port: target.port };
    const child = launch(settings.command.map((part) => fillIn(part, filled)));
    const forwarder = follow(child, port, (text) => (words = text));
    const limit = performance.now() + settings.withinSeconds * 1000;
    for (;;) {
      const accepted = await accepts(port);
      const end = forwarder.ended();
      if (end !== undefined) {
        await sleep(20); // its last words may come after its end
        throw failed(`ended before it listened on port ${port}, with ${end}`, adviceFor(end, program));
      }
      if (isOver) {
        forwarder.end();
        throw failed('was ended', 'It was not needed any more.');
      }
      if (accepted) return forwarder;
      if (performance.now() > limit) {
        forwarder.end();
        throw failed(
          `did not listen on port ${port} of this machine within ${settings.withinSeconds} ${settings.withinSeconds === 1 ? 'second' : 'seconds'}`,
          'Run the command by hand and see what it says. Where it only needs longer, raise via.withinSeconds.',
        );
      }
      await sleep(50);
    }
  }

  return {
    program,
    port: async (signal) => {
      if (isOver) throw failed('was ended', 'It was not needed any more.');
      if (running && running.ended() === undefined) return running.port;
      running?.end();
      running = undefined;
      starting ??= begin().then(
        (forwarder) => {
          starting = undefined;
          return (running = forwarder);
        },
        (error: unknown) => {
          starting = undefined;
          throw error;
        },
      );
      return (await orInterrupted(starting, signal)).port;
    },
    lastWords: () => words,
    [Symbol.dispose]: () => {
      isOver = true;
      running?.end();
      running = undefined;
    },
  };
}

function fillIn(part: string, values: Readonly<Record<string, string | number>>): string {
  return part.replace(/\{(localPort|host|port)\}/g, (_, name: string) => String(values[name]));
}

function launch(command: readonly string[]): ChildProcess {
  return spawn('/bin/sh', ['-c', script, 'sh', ...command], {
    stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
    detached: true,
  });
}

/** Listens to a forwarder, without keeping this process alive for it. */
function follow(child: ChildProcess, port: number, onWords: (words: string) => void): Forwarder {
  const said = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const)
    child[name]?.setEncoding('utf8').on('data', (text: string) => {
      said[name] = (said[name] + text).slice(-keptCharacters);
      // Some say on stdout why they fail.
      onWords(tidy(said.stderr) || tidy(said.stdout));
    });
  const line = child.stdio[3];
  const end = () => line?.destroy();
  let ended: string | undefined;
  // The shell that waits, and what the command has left in its group, go with it.
  const onEnd = (how: string) => {
    ended ??= how;
    end();
  };
  child.once('error', (error) => onEnd(error.message));
  child.once('exit', (code, signal) => onEnd(code === null ? String(signal) : `exit code ${code}`));
  line?.on('error', () => {}); // of a shell that is gone
  for (const stream of child.stdio) if (stream instanceof Socket) stream.unref();
  child.unref();
  return { port, ended: () => ended, end };
}

function tidy(text: string): string {
  const lines = text.split(/\r?\n/).map((line) => line.trim());
  return lines.filter(Boolean).slice(-5).join('; ');
}

function adviceFor(end: string, program: string): string {
  if (end === 'exit code 127')
    return `Is ${program} installed, and on the PATH? Or write its whole path in via.command.`;
  if (end === 'exit code 126') return `${program} may not be run: is it a program, and executable?`;
  if (end === 'exit code 0')
    return 'It must stay in the foreground for as long as it forwards: leave out what sends it to the background, such as -f of ssh.';
  return 'Run the command by hand and see what it says; ssh needs -N, and -o BatchMode=yes so that it does not ask.';
}

/** The promise, or the interrupt if that comes first. */
async function orInterrupted<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (!signal) return promise;
  promise.catch(() => {}); // told to whoever else waits
  if (signal.aborted) throw interrupted(signal);
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const abort = () => reject(interrupted(signal));
  signal.addEventListener('abort', abort, { once: true });
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    signal.removeEventListener('abort', abort);
  }
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createConnection({ host: loopback, port });
    const settle = (accepted: boolean) => {
      socket.destroy();
      resolve(accepted);
    };
    socket.once('connect', () => settle(true));
    socket.once('error', () => settle(false));
  });
}

/** Whether nobody listens there; a forwarder that was just ended is given time to be gone. */
async function isFree(port: number): Promise<boolean> {
  for (const limit = performance.now() + 2000; await accepts(port); await sleep(50))
    if (performance.now() >= limit) return false;
  return true;
}

function findFreePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, loopback, () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address ? address.port : 0));
    });
  });
}
