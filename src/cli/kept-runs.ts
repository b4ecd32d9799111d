import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { KeptRun } from '../index.ts';
import { runsFolder } from './run-folder.ts';

/** The runs that are kept in this folder, newest first, `most` at most. Never throws: what cannot be read is said in it. */
export async function readKeptRuns(most: number): Promise<readonly KeptRun[]> {
  const names = await readdir(runsFolder).catch(() => []);
  // A run's id begins with its time.
  const runs = names
    .filter((name) => /^\d{8}-\d{6}-/.test(name))
    .toSorted()
    .toReversed()
    .slice(0, most);
  const kept: KeptRun[] = [];
  for (const run of runs) {
    const folder = join(runsFolder, run);
    const report = await readJson(join(folder, 'report.json'));
    const plan = report ? undefined : await readJson(join(folder, 'plan.json'));
    kept.push({ run, folder, ...(report ? { report } : {}), ...(plan ? { plan } : {}) });
  }
  return kept;
}

/** Undefined where there is no such file. */
async function readJson(file: string): Promise<KeptRun['report']> {
  try {
    return { value: JSON.parse(await readFile(file, 'utf8')) as unknown };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    return { problem: error instanceof SyntaxError ? 'it is not JSON' : (error as Error).message };
  }
}
