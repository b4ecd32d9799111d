import { newsOf, newsOfRefusal, notify, type Config, type Failure, type News, type Report } from '../index.ts';
import type { Terminal } from './terminal.ts';

/** Tells the addressees of `notify` how a command ended; once. Never throws, and changes no exit code. */
export interface Herald {
  ended(report: Report): Promise<void>;
  tell(news: News): Promise<void>;
  /** That it did not begin, unless a person who sits there has called it off. */
  refused(failure: Failure): Promise<void>;
}

/** After Ctrl-C nobody wants to wait as long. */
const interruptedMs = 5_000;

export function openHerald(
  config: Config,
  { terminal, signal }: { readonly terminal: Pick<Terminal, 'warn' | 'style'>; readonly signal: AbortSignal },
  command: News['command'] = 'sync',
): Herald {
  let told = false;
  const tell = async (news: News) => {
    if (told || config.notify.length === 0) return;
    told = true;
    const problems = await notify(config.notify, news, signal.aborted ? { withinMs: interruptedMs } : { signal });
    for (const problem of problems) terminal.warn(`${terminal.style('warn', '!')} ${problem}`);
  };
  return {
    tell,
    ended: (report) => tell(newsOf(report)),
    refused: async (failure) => {
      const isCalledOff = failure.code === 'interrupted' || failure.code === 'not-confirmed';
      if (isCalledOff && process.stdin.isTTY) return;
      await tell(newsOfRefusal(command, config, failure));
    },
  };
}
