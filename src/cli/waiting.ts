import { liveDisplay } from './live.ts';
import type { Terminal } from './terminal.ts';

/** Shows a person what is waited for, and for how long, until it has come. */
export async function waiting<T>(terminal: Terminal, what: string, work: () => Promise<T>): Promise<T> {
  if (!terminal.live) return await work();
  using display = liveDisplay(process.stdout, terminal.style);
  using _shown = terminal.display(display);
  terminal.wait(what);
  try {
    return await work();
  } finally {
    terminal.wait(undefined);
  }
}
