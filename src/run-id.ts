import { randomBytes } from 'node:crypto';

/** Sorts by time, and is unique among the runs of any number of people. */
export function newRunId(now = new Date()): string {
  return `${now.toISOString().slice(0, 19).replace(/[-:]/g, '').replace('T', '-')}-${randomBytes(2).toString('hex')}`;
}
