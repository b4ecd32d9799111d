import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { lastRunOf, measures, type Config, type Ends, type LastRun } from '../index.ts';
import { runsFolder } from './run-folder.ts';

/** So many reports are looked at: what is older says little of today. */
const most = 50;

/** What the newest runs between these ends read of the source, by the reports that are kept here; newest first. Never throws. */
export async function findLastRuns(config: Config, ends: Ends): Promise<LastRun[]> {
  // A run's id begins with its time.
  const names = await readdir(runsFolder).catch(() => []);
  const runs = names
    .filter((name) => /^\d{8}-\d{6}-/.test(name))
    .toSorted()
    .toReversed();
  const found: LastRun[] = [];
  for (const run of runs.slice(0, most)) {
    const file = join(runsFolder, run, 'report.json');
    const last = lastRunOf(await readJson(file), file);
    if (last) found.push(last);
    if (measures(found, ends, config)) break;
  }
  return found;
}

/** Undefined for what is not there or is no JSON: a run that was killed, or a report that somebody has edited. */
async function readJson(file: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(file, 'utf8')) as unknown;
  } catch {
    return undefined;
  }
}
