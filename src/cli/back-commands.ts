import type { Command } from 'commander';
import {
  connectTarget,
  entryOf,
  failureOf,
  fit,
  historyOf,
  historyText,
  listRuns,
  lastRunOf,
  status,
  statusText,
  bytes,
  columns,
  count,
  type Failure,
  type KeptRun,
  type Status,
} from '../index.ts';
import { keptOnOption, onOption, parseCount, parseRun, type Place } from './arguments.ts';
import { perform, type GlobalOptions, type Session } from './frame.ts';
import { openFunctionRuns } from './function-runs.ts';
import { readKeptRuns } from './kept-runs.ts';
import { readSettings, readTargetSettings } from './settings.ts';
import type { StatusOnLambda } from './status-on-lambda.ts';
import { waiting } from './waiting.ts';

/** `status`, `runs` and `rollback`: what there is, what was, and how to go back. `command` makes one with the options that all have. */
export function backCommands(command: (name: string, description: string) => Command): void {
  command('status', "what the target holds, from when, and what can be put back; asks the target's server only")
    .option(...onOption)
    .action((options: GlobalOptions & { on?: Place }) =>
      perform(options, (session) => showStatus(session, options.on ?? 'local')),
    );

  command('runs', "the runs that are known of: those kept here, and those that the target's databases tell of")
    .option('--limit <number>', 'so many at most (default: 20)', parseCount)
    .option(...keptOnOption)
    .action((options: GlobalOptions & { limit?: number; on?: Place }) =>
      perform(options, (session) =>
        options.on === 'lambda'
          ? showRunsOnLambda(session, options.limit ?? 20)
          : showRuns(session, options.limit ?? 20),
      ),
    );

  command('rollback', 'put back the database that a run replaced: the newest that was accepted, unless told otherwise')
    .argument('[run]', 'the run that is undone, as restage status shows it', parseRun)
    .option('-y, --yes', 'go on without asking; only where the config says which account the target is in')
    .option('--dry-run', 'say what would be done, and do nothing')
    .option(...onOption)
    .action((run: string | undefined, options: GlobalOptions & { yes?: boolean; dryRun?: boolean; on?: Place }) =>
      perform(options, async (session) => {
        const { rollBack } = await import('./rollback.ts');
        const { yes = false, dryRun = false, on = 'local' } = options;
        return rollBack(session, { run, yes, dryRun, on });
      }),
    );
}

async function readStatus({ file, signal }: Pick<Session, 'file' | 'signal'>): Promise<Status> {
  const { config, connect } = await readTargetSettings(file);
  using target = await connectTarget(config, { ...connect, signal });
  return await status(config, target, { signal });
}

/** So many reports are looked at for the target's last run. */
const looked = 50;

/** The same by the function, with how far a run is that goes on there. */
async function readStatusOnLambda(
  { file, signal, terminal }: Pick<Session, 'file' | 'signal' | 'terminal'>,
  kept: readonly KeptRun[],
): Promise<StatusOnLambda> {
  const { openRemote } = await import('./lambda-route.ts');
  const { statusOnLambda } = await import('./status-on-lambda.ts');
  const settings = await readSettings(file, process.env, 'buckets');
  using remote = await openRemote(settings, signal);
  const { name: target } = settings.config.target;
  return await waiting(terminal, `the function ${remote.name} is asked`, () =>
    statusOnLambda(remote, kept, { target, signal }),
  );
}

async function showStatus({ terminal, ...session }: Session, on: Place): Promise<number> {
  const there =
    on === 'lambda' ? await readStatusOnLambda({ ...session, terminal }, await readKeptRuns(looked)) : undefined;
  const rows = (there?.rows ?? []).map(([name, text]): [string, string] => [name, text]);
  const found = there ? there.status : await readStatus(session);
  if (!found) {
    terminal.print(fit(columns(rows, ['left', 'left'], '  ').join('\n'), terminal.width));
    terminal.json(statesOf(there));
    return 0;
  }
  const kept = await readKeptRuns(looked);
  const last = kept.map(entryOf).find(({ target }) => target === found.target);
  const buckets = kept.flatMap(({ report, folder }) => {
    const read = report && 'value' in report ? lastRunOf(report.value, folder) : undefined;
    const isOurs = entryOf({ run: '', folder, ...(report ? { report } : {}) }).target === found.target;
    return read && isOurs && read.buckets.length > 0 ? [read] : [];
  })[0];
  const more: [string, string][] = [
    ...rows,
    ['last run', last ? `${last.run}, ${last.outcome}: ${last.folder}` : 'none is kept in this folder'],
    ...(buckets?.buckets ?? []).map((one): [string, string] => [
      `bucket ${one.bucket}`,
      `${one.target.bucket} had all of ${count(one.objects)} objects, ${bytes(one.bytes)}, when the run ${buckets?.run} ended; not asked now`,
    ]),
  ];
  terminal.print(fit(statusText(found, terminal.style, more, there ? ' --on lambda' : ''), terminal.width));
  terminal.json({
    ...found,
    ...statesOf(there),
    ...(last ? { lastRun: last } : {}),
    ...(buckets ? { buckets: { run: buckets.run, endedAt: buckets.endedAt, buckets: buckets.buckets } } : {}),
  });
  return 0;
}

function statesOf(there: StatusOnLambda | undefined): object {
  const { state, newest } = there ?? {};
  return { ...(state ? { inFunction: state } : {}), ...(newest ? { newestInFunction: newest } : {}) };
}

async function showRuns({ terminal, ...session }: Session, limit: number): Promise<number> {
  const kept = (await readKeptRuns(limit)).map(entryOf);
  let found: Status | undefined;
  let unasked: Failure | undefined;
  try {
    found = await readStatus(session);
  } catch (error) {
    if (session.signal.aborted) throw error;
    unasked = failureOf(error);
  }
  const runs = historyOf(kept, found).slice(0, limit);
  terminal.print(fit(historyText(runs, terminal.style), terminal.width));
  if (unasked)
    terminal.warn(
      `${terminal.style('warn', 'note:')} only what is kept in this folder: the target's database was not asked: ${unasked.message}`,
    );
  terminal.json({ runs, ...(unasked ? { unasked } : {}) });
  return 0;
}

async function showRunsOnLambda({ terminal, ...session }: Session, limit: number): Promise<number> {
  using store = (await openFunctionRuns(session)).runs;
  const runs = await listRuns(store, limit);
  terminal.print(
    fit(runs.length === 0 ? `no run is kept under ${store.place}` : historyText(runs, terminal.style), terminal.width),
  );
  terminal.json({ runs });
  return 0;
}
