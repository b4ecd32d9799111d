import { mkdir, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import {
  askFunction,
  connectTarget,
  count,
  fit,
  json,
  newRunId,
  newsOfRollback,
  planRollback,
  requireUnattended,
  RestageError,
  rollback,
  rollbackMarkdown,
  rollbackPlanText,
  rollbackText,
  sessionsEnded,
  type InvocationInput,
  type RollbackPlan,
  type RollbackReport,
  type RollbackRunOptions,
} from '../index.ts';
import { mkdirSync, writeFileSync } from 'node:fs';
import { confirmName } from './confirm.ts';
import type { Place } from './arguments.ts';
import type { Session } from './frame.ts';
import { tellRollback } from './github-results.ts';
import { openHerald } from './herald.ts';
import { runsFolder } from './run-folder.ts';
import { readSettings, readTargetSettings, type Settings } from './settings.ts';
import { waiting } from './waiting.ts';

interface Rollback {
  readonly run: string | undefined;
  /** Agreed to beforehand. */
  readonly yes: boolean;
  readonly dryRun: boolean;
  readonly on: Place;
}

/** Where a rollback is made: planned once, then perhaps done. */
interface Way extends Disposable {
  plan(): Promise<RollbackPlan>;
  run(plan: RollbackPlan, options: RollbackRunOptions): Promise<RollbackReport>;
}

async function openHere(
  { config, connect }: Settings,
  { signal }: Pick<Session, 'signal'>,
  { run, yes }: Rollback,
): Promise<Way> {
  const target = await connectTarget(config, { ...connect, signal });
  try {
    if (yes) requireUnattended(config, { only: 'database', ends: { target } });
  } catch (error) {
    target[Symbol.dispose]();
    throw error;
  }
  return {
    plan: () => planRollback(config, target, { run, signal }),
    run: (plan, options) => rollback(plan, target, options),
    [Symbol.dispose]: () => target[Symbol.dispose](),
  };
}

/** By the function: one invocation that plans, and one that does what was read. */
async function openOnLambda(
  settings: Settings,
  { signal, terminal }: Pick<Session, 'signal' | 'terminal'>,
  { run }: Rollback,
): Promise<Way> {
  const { openRemote } = await import('./lambda-route.ts');
  requireUnattended(settings.config, { only: 'database', by: 'function' });
  const remote = await openRemote(settings, signal);
  const ask = async (event: InvocationInput) => {
    const work = event.dryRun ? 'makes its plan' : 'puts the previous database back';
    return await waiting(
      terminal,
      `the function ${remote.name} ${work}`,
      async () => (await askFunction(remote, event, signal)).report,
    );
  };
  return {
    plan: async () => {
      const to = run === undefined ? {} : { to: run };
      return (await ask({ action: 'rollback', dryRun: true, ...to })) as RollbackPlan; // the function's own
    },
    run: async ({ back }, { onStart }) => {
      const runId = newRunId();
      onStart?.(runId);
      const event = { action: 'rollback' as const, runId, to: back.run, notify: false };
      return (await ask(event)) as RollbackReport; // the function's own
    },
    [Symbol.dispose]: () => remote[Symbol.dispose](),
  };
}

/** Shows what comes back and what goes aside, asks, puts back, keeps the report, tells. The exit code. */
export async function rollBack(
  { terminal, signal, file, github, onStart, onFailure, interrupt }: Session,
  how: Rollback,
): Promise<number> {
  const { yes, dryRun, on } = how;
  const settings = on === 'lambda' ? await readSettings(file, process.env, 'buckets') : await readTargetSettings(file);
  const { config } = settings;
  const herald = openHerald(config, { terminal, signal }, 'rollback');
  if (!dryRun) onFailure(herald.refused);
  if (yes && !dryRun) requireUnattended(config, { only: 'database' });
  const open = on === 'lambda' ? openOnLambda : openHere;
  using way = await open(settings, { signal, terminal }, { ...how, yes: yes && !dryRun });
  const plan = await way.plan();
  const shown = fit(rollbackPlanText(plan, terminal.style), terminal.width);
  if (dryRun) {
    terminal.print(shown);
    terminal.json(plan);
    return 0;
  }
  terminal.tell(shown);
  await requireFolder();
  if (!yes) {
    terminal.tell('');
    await confirmName(config.target.name, changesOf(plan), terminal, signal);
  }
  const { name } = config.target;
  const again = on === 'lambda' ? 'restage status --on lambda' : 'restage status';
  const report = await way.run(plan, {
    signal,
    onStart: (id) => {
      begin(id, plan);
      interrupt.words = {
        first: 'interrupted: what has begun is ended first …',
        second: 'still at it; once more ends at once',
        third: `ended at once: ${name} holds the database as it was or the one before, whole either way. ${again} tells which`,
      };
      onStart(
        on === 'lambda'
          ? `interrupted: the function goes on with the rollback; ${again} tells what ${name} holds`
          : 'interrupted after the rollback had ended',
      );
    },
  });
  const problem = await keep(report);
  terminal.tell('');
  terminal.print(fit(rollbackText(report, terminal.style), terminal.width));
  if (problem === undefined) terminal.print(`\n  report: ${relative('.', join(runsFolder, report.run, 'report.md'))}`);
  else terminal.warn(`${terminal.style('bad', '✗')} the report could not be kept: ${problem}`);
  terminal.json(report);
  tellRollback(github, report);
  await herald.tell(newsOfRollback(report, config.source.name));
  return problem === undefined ? { done: 0, failed: 1, interrupted: 130 }[report.outcome] : 1;
}

/** What it does, for whoever types the target's name to it. */
function changesOf({ origin, back, sessions }: RollbackPlan): string {
  const ended = sessionsEnded({ sessions });
  const ends = ended === 0 ? '' : `, and ends ${count(ended)} ${ended === 1 ? 'session' : 'sessions'} of others`;
  return `puts the database back that the run ${back.run} replaced, in place of ${origin.database} at ${origin.host}:${origin.port}${ends}; it keeps what is there now beside it`;
}

/** Makes sure that a report can be kept, before there is one: throws `folder-unwritable`. */
async function requireFolder(): Promise<void> {
  try {
    await mkdir(runsFolder, { recursive: true, mode: 0o700 });
  } catch (error) {
    throw new RestageError(
      'folder-unwritable',
      `reports cannot be kept under ${runsFolder}: ${(error as Error).message}`,
      {
        cause: error,
        hint: 'Run restage in a folder that you may write to.',
      },
    );
  }
}

/** A rollback that is killed can be found by its folder. */
function begin(run: string, plan: RollbackPlan): void {
  try {
    mkdirSync(join(runsFolder, run), { recursive: true, mode: 0o700 });
    writeFileSync(join(runsFolder, run, 'plan.json'), `${json(plan)}\n`, { mode: 0o600 });
  } catch {
    // keep meets the same
  }
}

/** Why the report could not be kept; undefined where it is. */
async function keep(report: RollbackReport): Promise<string | undefined> {
  const write = (name: string, text: string) => writeFile(join(runsFolder, report.run, name), text, { mode: 0o600 });
  try {
    await Promise.all([write('report.json', `${json(report)}\n`), write('report.md', rollbackMarkdown(report))]);
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}
