import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { stripVTControlCharacters } from 'node:util';

// Node cannot open a terminal of its own; Python's pty module can. Only the tests at a terminal need it.
export const hasPython = spawnSync('python3', ['-c', 'import pty']).status === 0;
if (!hasPython) console.log('what is tried at a terminal is skipped: there is no python3, which opens the terminals');

/** Runs a command in a terminal of 24 × 80. What comes in is typed, and a zero byte closes the terminal. */
const inTerminal = `
import fcntl, os, pty, select, struct, sys, termios
pid, fd = pty.fork()
if pid == 0: os.execv(sys.argv[1], sys.argv[1:])
fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack('HHHH', 24, 80, 0, 0))
sources = [fd, 0]
while fd in sources:
  for source in select.select(sources, [], [])[0]:
    try: data = os.read(source, 65536)
    except OSError: data = b''
    if source == fd and data: os.write(1, data)
    elif source == fd: sources.remove(fd)
    elif not data: sources.remove(0)
    elif b'\\0' in data:
      sources.remove(fd)
      os.close(fd)
      break
    else: os.write(fd, data)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) & 255)
`;

const node = fileURLToPath(new URL('../node_modules/.bin/node', import.meta.url));
const main = fileURLToPath(new URL('../src/cli/main.ts', import.meta.url));

export interface Screen {
  type(text: string): void;
  close(): void;
  /** Waits until the text has been shown, `times` times in all. */
  shows(text: string, times?: number): Promise<void>;
  readonly ended: Promise<{ readonly code: number | null; readonly text: string; readonly raw: string }>;
}

export interface ScreenSettings {
  readonly folder: string;
  readonly variables: Readonly<Record<string, string>>;
  /** What TERM says. */
  readonly kind?: string;
}

/** Types `restage …` at a terminal. */
export function openScreen(args: readonly string[], { folder, variables, kind }: ScreenSettings): Screen {
  const env = { PATH: process.env['PATH'] ?? '', HOME: folder, TERM: kind ?? 'xterm-256color', ...variables };
  const command = ['-c', inTerminal, node, main, ...args];
  const child = spawn('python3', command, { cwd: folder, env, stdio: ['pipe', 'pipe', 'inherit'] });
  let printed = '';
  child.stdout.setEncoding('utf8').on('data', (data: string) => (printed += data));
  const shown = () => stripVTControlCharacters(printed).replaceAll('\r', '');
  const ended = once(child, 'close').then(([code]) => ({ code: code as number | null, text: shown(), raw: printed }));
  return {
    ended,
    type: (text) => void child.stdin.write(text),
    close: () => void child.stdin.write('\0'),
    shows: async (text, times = 1) => {
      while (shown().split(text).length <= times) {
        if (child.exitCode !== null) throw new Error(`it ended without showing ${text}:\n${shown()}`);
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    },
  };
}
