import { requireRuns, type RunStore } from '../index.ts';
import type { Session } from './frame.ts';
import { readSettings } from './settings.ts';

/** Where the function of the configuration keeps its runs, read with the target's keys; the function is not invoked. */
export async function openFunctionRuns({
  file,
  signal,
}: Pick<Session, 'file' | 'signal'>): Promise<{ readonly runs: RunStore; readonly target: string }> {
  const { config, connect } = await readSettings(file, process.env, 'buckets');
  return { runs: await requireRuns(config, { ...connect, signal }), target: config.target.name };
}
