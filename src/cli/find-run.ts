import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { chooseRun, RestageError } from '../index.ts';
import { runsFolder } from './run-folder.ts';

/** A run that has a report. */
export interface FoundRun {
  readonly run: string;
  readonly folder: string;
}

/**
 * The run that is called so, by all of its id or by the beginning of it; the newest one with a report where none is named.
 * Throws `run-missing`.
 */
export async function findRun(name: string | undefined): Promise<FoundRun> {
  const entries = await readdir(runsFolder).catch(() => []);
  // A run's id begins with its time.
  const runs = entries
    .filter((entry) => /^\d{8}-\d{6}-/.test(entry))
    .toSorted()
    .toReversed();
  const hasReport = (run: string) => existsSync(join(runsFolder, run, 'report.json'));
  if (runs.length === 0)
    throw missing(
      `no run is kept under ${runsFolder}`,
      'Type it where restage sync was typed: runs are kept in that folder.',
    );
  if (name === undefined) {
    const newest = runs.find(hasReport);
    if (newest === undefined) throw missing(`none of the runs under ${runsFolder} has a report`, killed);
    return { run: newest, folder: join(runsFolder, newest) };
  }
  const run = chooseRun(name, runs, runsFolder);
  if (!hasReport(run)) throw missing(`the run ${run} has no report`, killed);
  return { run, folder: join(runsFolder, run) };
}

const killed = 'A run that is killed leaves its plan.json only; what staging then holds, the next plan says.';

function missing(message: string, hint: string): RestageError {
  return new RestageError('run-missing', message, { hint });
}
