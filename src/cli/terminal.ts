import { styleText } from 'node:util';
import { json as toJson, plain, type Style, type Tone } from '../index.ts';

const colours = { good: 'green', bad: 'red', warn: 'yellow', dim: 'dim', strong: 'bold' } as const satisfies Record<
  Tone,
  Parameters<typeof styleText>[0]
>;

/** Where a command writes: its answer to stdout, what it tells on the way to stderr. */
export interface Terminal {
  readonly style: Style;
  /** A person watches: stderr is a terminal, and neither --quiet nor --json was said. */
  readonly live: boolean;
  /** The answer of the command. */
  print(text: string): void;
  /** On the way; nothing with --quiet. */
  tell(text: string): void;
  /** The answer as JSON, alone on stdout. */
  json(value: unknown): void;
}

export interface OutputOptions {
  readonly json?: boolean;
  readonly quiet?: boolean;
}

export function openTerminal({ json = false, quiet = false }: OutputOptions): Terminal {
  // A reader that has seen enough (`| head`) is no failure.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
  });
  // With --json the answer goes to a program: what a person may read goes to stderr, the decision on colours too.
  const stream = json ? process.stderr : process.stdout;
  const coloured = stream.isTTY && !process.env['NO_COLOR'];
  const style: Style = coloured ? (tone, text) => styleText(colours[tone], text, { validateStream: false }) : plain;
  return {
    style,
    live: !json && !quiet && process.stdout.isTTY && process.env['TERM'] !== 'dumb',
    print: (text) => {
      if (!json) console.log(text);
    },
    tell: (text) => {
      if (!quiet) (json ? console.error : console.log)(text);
    },
    json: (value) => {
      if (json) console.log(toJson(value));
    },
  };
}
