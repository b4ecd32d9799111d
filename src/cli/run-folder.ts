import { mkdirSync, writeFileSync } from 'node:fs';
import { mkdir, mkdtemp, rmdir, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { json, markdown, RestageError, type Plan, type Report } from '../index.ts';

const runs = join('.restage', 'runs');

/** Makes sure that a run can be kept, before there is one: throws `folder-unwritable`. */
export async function prepareRuns(): Promise<void> {
  try {
    await mkdir(runs, { recursive: true, mode: 0o700 });
    await rmdir(await mkdtemp(join(runs, '.try-')));
  } catch (error) {
    const words = error instanceof Error ? error.message : String(error);
    throw new RestageError('folder-unwritable', `reports cannot be kept under ${runs}: ${words}`, {
      cause: error,
      hint: 'Run restage in a folder that you may write to.',
    });
  }
}

/**
 * Notes that a run has begun: a run that is killed can be found by its folder. Synchronous, so that it is there before the
 * first step. Never throws: a run that has begun is not ended by a full disk here, and `keepRun` will say it.
 */
export function beginRun(run: string, plan: Plan): void {
  try {
    const folder = join(runs, run);
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    writeFileSync(join(folder, 'plan.json'), `${json(plan)}\n`, { mode: 0o600 });
  } catch {
    // keepRun meets the same
  }
}

/** Keeps a run under .restage/runs/<run>/, readable by its owner only. Returns the report's path for people. */
export async function keepRun(report: Report, plan: Plan): Promise<string> {
  const folder = join(runs, report.run);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const keep = (name: string, text: string) => writeFile(join(folder, name), text, { mode: 0o600 });
  await Promise.all([
    keep('plan.json', `${json(plan)}\n`),
    keep('report.json', `${json(report)}\n`),
    keep('report.md', markdown(report)),
  ]);
  return relative('.', join(folder, 'report.md'));
}
