import { createInterface } from 'node:readline/promises';
import {
  eventLine,
  plan,
  planText,
  RestageError,
  run,
  summary,
  type Config,
  type Ends,
  type Listener,
  type Plan,
  type Report,
} from '../index.ts';
import { liveListener } from './live.ts';
import { keepRun, prepareRuns } from './run-folder.ts';
import type { Terminal } from './terminal.ts';

export interface RefreshOptions {
  readonly only?: 'database' | 'objects' | undefined;
  /** Agreed to beforehand. */
  readonly yes: boolean;
  readonly signal: AbortSignal;
}

/** Plan, confirm, run, keep, tell: one refresh as a person sees it. Throws `not-confirmed`, and what plan and run throw. */
export async function refresh(
  config: Config,
  ends: Ends,
  terminal: Terminal,
  options: RefreshOptions,
): Promise<Report> {
  const { only, signal } = options;
  await prepareRuns();
  const planned = await plan(config, ends, { only, signal });
  terminal.tell(`${planText(planned, terminal.style)}\n`);
  if (!options.yes) await confirm(planned, terminal, signal);
  const report = await watched(terminal, (listen) => run(planned, ends, { listen, signal }));
  const file = await keepRun(report, planned);
  terminal.print(`\n${summary(report, terminal.style)}\n\n  report: ${file}`);
  return report;
}

/** The live display on a terminal; a line for each step elsewhere. */
async function watched(terminal: Terminal, work: (listen: Listener) => Promise<Report>): Promise<Report> {
  if (terminal.live) {
    using display = liveListener(process.stdout, terminal.style);
    return await work(display.listen);
  }
  return work((event) => {
    const line = eventLine(event, terminal.style);
    if (line !== undefined) terminal.tell(line);
  });
}

async function confirm({ target, objects }: Plan, terminal: Terminal, signal: AbortSignal): Promise<void> {
  const what = [
    target.database && `the database ${target.database.origin.database} at ${target.database.origin.host}`,
    ...objects.map((pair) => `objects in ${pair.target.bucket}`),
  ]
    .filter(Boolean)
    .join(' and ');
  if (!process.stdin.isTTY)
    throw new RestageError('not-confirmed', `nobody is there to confirm that ${what} may be replaced`, {
      hint: 'Say --yes if that is what you want.',
    });
  using question = createInterface({ input: process.stdin, output: process.stderr });
  const answer = await question.question(
    `This replaces ${terminal.style('warn', what)}.\nType ${target.name} to go on: `,
    { signal },
  );
  if (answer.trim() !== target.name)
    throw new RestageError('not-confirmed', `${target.name} was not typed; nothing was changed`);
}
