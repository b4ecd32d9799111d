import { mkdir, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import {
  connectTarget,
  count,
  fit,
  json,
  newsOfRollback,
  planRollback,
  requireUnattended,
  RestageError,
  rollback,
  rollbackMarkdown,
  rollbackPlanText,
  rollbackText,
  sessionsEnded,
  type RollbackPlan,
  type RollbackReport,
} from '../index.ts';
import { mkdirSync, writeFileSync } from 'node:fs';
import { confirmName } from './confirm.ts';
import type { Session } from './frame.ts';
import { tellRollback } from './github-results.ts';
import { openHerald } from './herald.ts';
import { runsFolder } from './run-folder.ts';
import { readTargetSettings } from './settings.ts';

interface Rollback {
  readonly run: string | undefined;
  /** Agreed to beforehand. */
  readonly yes: boolean;
  readonly dryRun: boolean;
}

/** Shows what comes back and what goes aside, asks, puts back, keeps the report, tells. The exit code. */
export async function rollBack(
  { terminal, signal, file, github, onStart, onFailure, interrupt }: Session,
  { run, yes, dryRun }: Rollback,
): Promise<number> {
  const { config, connect } = await readTargetSettings(file);
  const herald = openHerald(config, { terminal, signal }, 'rollback');
  if (!dryRun) onFailure(herald.refused);
  if (yes && !dryRun) requireUnattended(config, { only: 'database' });
  using target = await connectTarget(config, { ...connect, signal });
  if (yes && !dryRun) requireUnattended(config, { only: 'database', ends: { target } });
  const plan = await planRollback(config, target, { run, signal });
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
    await confirmName(target.name, changesOf(plan), terminal, signal);
  }
  const report = await rollback(plan, target, {
    signal,
    onStart: (id) => {
      begin(id, plan);
      interrupt.words = {
        first: 'interrupted: what has begun is ended first …',
        second: 'still at it; once more ends at once',
        third: `ended at once: ${target.name} holds the database as it was or the one before, whole either way. restage status tells which`,
      };
      onStart('interrupted after the rollback had ended');
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
