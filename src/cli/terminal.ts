import { styleText } from 'node:util';
import { json as toJson, plain, type Style, type Tone } from '../index.ts';

const colours = { good: 'green', bad: 'red', warn: 'yellow', dim: 'dim', strong: 'bold' } as const satisfies Record<
  Tone,
  Parameters<typeof styleText>[0]
>;

/** Where a command writes: its answer to stdout, what goes wrong to stderr. Writing never fails a command. */
export interface Terminal {
  readonly style: Style;
  /** A person watches: stdout is a terminal, and neither --quiet nor --json was said. */
  readonly live: boolean;
  /** Of the terminal that the answer goes to; undefined where that is none. */
  readonly width: number | undefined;
  /** The answer of the command. */
  print(text: string): void;
  /** On the way; nothing with --quiet. */
  tell(text: string): void;
  /** What must be seen with --quiet and --json too: on stderr, and not drawn over by a live display. */
  warn(text: string): void;
  /** The answer as JSON, alone on stdout. */
  json(value: unknown): void;
  /** What is waited for, shown by a display that moves while there is one; undefined: nothing any more. */
  wait(what: string | undefined): void;
  /** Until it is disposed of, warnings and what is waited for are handed to a display that moves on the screen. */
  display(display: Shown): Disposable;
}

interface Shown {
  /** A line that stays, above what moves. */
  write(text: string): void;
  wait(what: string | undefined): void;
}

export interface OutputOptions {
  readonly json?: boolean;
  readonly quiet?: boolean;
}

export function openTerminal({ json = false, quiet = false }: OutputOptions): Terminal {
  // A reader that has seen enough (`| head`), or a terminal that was closed, must not end a run half-way.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {});
  const dumb = process.env['TERM'] === 'dumb';
  // With --json the answer goes to a program: what a person may read goes to stderr, the decision on colours too.
  const stream = json ? process.stderr : process.stdout;
  const coloured = stream.isTTY && !dumb && !process.env['NO_COLOR'];
  const style: Style = coloured ? (tone, text) => styleText(colours[tone], text, { validateStream: false }) : plain;
  let shown: Shown | undefined;
  let waited: string | undefined;
  return {
    style,
    live: !json && !quiet && process.stdout.isTTY && !dumb,
    // Some pseudo-terminals have no size.
    width: stream.isTTY && stream.columns > 0 ? stream.columns : undefined,
    print: (text) => {
      if (!json) console.log(text);
    },
    tell: (text) => {
      if (!quiet) (json ? console.error : console.log)(text);
    },
    warn: (text) => (shown ? shown.write(text) : console.error(text)),
    json: (value) => {
      if (json) console.log(toJson(value));
    },
    wait: (what) => {
      waited = what;
      shown?.wait(what);
    },
    display: (display) => {
      shown = display;
      display.wait(waited);
      return {
        [Symbol.dispose]: () => {
          shown = undefined;
        },
      };
    },
  };
}
