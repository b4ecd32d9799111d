import {
  eventLine,
  fit,
  moment,
  planText,
  requireAsPlanned,
  RestageError,
  summary,
  type Listener,
  type Plan,
  type Report,
  type SavedPlan,
} from '../index.ts';
import { confirm } from './confirm.ts';
import { showComparing } from './comparing.ts';
import { openRunFolder, type RunFolder } from './run-folder.ts';
import { leftBehind } from './left-behind.ts';
import type { Route } from './route.ts';
import type { Terminal } from './terminal.ts';

export interface RefreshOptions {
  readonly only?: 'database' | 'objects' | undefined;
  /** Agreed to beforehand. */
  readonly yes: boolean;
  /** What was looked at beforehand: nothing else may be done. Its `only` counts. */
  readonly saved?: SavedPlan | undefined;
  readonly signal: AbortSignal;
  /** Called when the first step is about to begin: until then nothing has been changed. */
  readonly onStart: () => void;
  /** Told what would be left if it were ended at once, whenever that changes. */
  readonly onLeft?: (words: string) => void;
}

export interface Refreshed {
  readonly report: Report;
  /** Of the command: a refresh whose report could not be kept has not ended well. */
  readonly exitCode: number;
}

/** Plan, confirm, run, keep, tell: one refresh as a person sees it. Throws `not-confirmed`, and what plan and run throw. */
export async function refresh(route: Route, terminal: Terminal, options: RefreshOptions): Promise<Refreshed> {
  const { saved, signal } = options;
  const only = saved ? saved.plan.only : options.only;
  if (options.yes) route.requireUnattended(only);
  await using folder = await openRunFolder();
  const last = await route.lastRuns();
  await route.prepare(only);
  const fresh = await comparing(terminal, (onCompared) =>
    route.plan({ only, last, signal, onObject: folder.planned, onCompared }),
  );
  const planned = saved ? { ...fresh, notes: [...fresh.notes, asPlanned(saved)] } : fresh;
  terminal.tell(`${fit(planText(saved ? fresh : planned, terminal.style), terminal.width)}\n`);
  if (saved) {
    requireAsPlanned(saved, fresh);
    terminal.tell(`${fit(asPlanned(saved), terminal.width)}\n`);
  }
  requireRunnable(planned);
  if (!options.yes && planned.steps.length > 0) await confirm(planned, terminal, signal);
  const report = await watched(terminal, (show) => {
    const listen: Listener = (event) => {
      if (event.kind === 'run-started') options.onStart();
      folder.listen(event);
      const left = route.isHere ? leftBehind(event) : undefined;
      if (left !== undefined) options.onLeft?.(left);
      show(event);
    };
    return route.run(planned, { listen, signal });
  });
  const kept = await keep(folder, report, planned);
  const told = fit(summary(report, terminal.style), terminal.width);
  terminal.tell('');
  terminal.print(`${told}${'file' in kept ? `\n\n  report: ${kept.file}` : ''}`);
  if ('problem' in kept) terminal.warn(`${terminal.style('bad', '✗')} the report could not be kept: ${kept.problem}`);
  const exitCode = { done: 'file' in kept ? 0 : 1, failed: 1, interrupted: 130, paused: 1 }[report.outcome];
  return { report, exitCode };
}

/** Plans, showing on a terminal how far both listings have been compared. */
export async function comparing(
  terminal: Terminal,
  make: (onCompared: (bucket: string, keys: number) => void) => Promise<Plan>,
): Promise<Plan> {
  using shown = showComparing(terminal);
  return await make(shown.onCompared);
}

/** What a fresh plan that differs little is told by. */
function asPlanned({ plan: { madeAt }, file, tolerancePercent }: SavedPlan): string {
  return `this is what ${file} said at ${moment(madeAt)}, with counts that differ by ${tolerancePercent} % at most; the run goes by today's`;
}

/** Throws why a plan may not be run, when it has been shown. */
function requireRunnable({ refusals: [first, ...more] = [] }: Plan): void {
  if (!first) return;
  const others = more.map(({ message }) => `\n  ${message}`).join('');
  throw new RestageError(first.code, `${first.message}${others}`, { hint: first.hint });
}

async function keep(
  folder: RunFolder,
  report: Report,
  planned: Plan,
): Promise<{ readonly file: string } | { readonly problem: string }> {
  try {
    return { file: await folder.keep(report, planned) };
  } catch (error) {
    return { problem: error instanceof Error ? error.message : String(error) };
  }
}

/** The live display on a terminal; a line for each step elsewhere. */
async function watched(terminal: Terminal, work: (listen: Listener) => Promise<Report>): Promise<Report> {
  if (terminal.live) {
    const { liveDisplay } = await import('./live.ts');
    using display = liveDisplay(process.stdout, terminal.style);
    using _shown = terminal.display(display);
    return await work(display.listen);
  }
  return work((event) => {
    const line = eventLine(event, terminal.style);
    if (line !== undefined) terminal.tell(line);
  });
}
