import { RestageError } from '../errors.ts';
import type { LastRun } from '../last-run.ts';

const atMost = 5;

/** What is kept of the newest runs, newest first. Throws `report-invalid` where it is no such list. */
export function readLastRuns(text: string, place: string): readonly LastRun[] {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    value = undefined;
  }
  if (Array.isArray(value) && value.every(isLastRun)) return value;
  throw new RestageError('report-invalid', `${place} is no list of runs`, {
    hint: 'It is what the next run measures the source by, and was written by something else than restage. The next run that ends well writes it anew.',
  });
}

function isLastRun(value: unknown): value is LastRun {
  const { run, endedAt, buckets } = Object(value) as Partial<LastRun>;
  return typeof run === 'string' && typeof endedAt === 'string' && Array.isArray(buckets);
}

/**
 * The newest few with this one among them. Runs of one part do not drive out the last that measured the other: without it the next
 * run of that part would have nothing to be measured by.
 */
export function withLastRun(runs: readonly LastRun[], added: LastRun): readonly LastRun[] {
  const all = [added, ...runs.filter(({ run }) => run !== added.run)].toSorted((a, b) =>
    a.endedAt < b.endedAt ? 1 : -1,
  );
  const kept = all.slice(0, atMost);
  for (const measures of [
    ({ database }: LastRun) => database !== undefined,
    ({ buckets }: LastRun) => buckets.length > 0,
  ]) {
    const older = kept.some(measures) ? undefined : all.find(measures);
    if (older) kept.splice(-1, 1, older);
  }
  return kept;
}
