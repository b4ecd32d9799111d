import { randomBytes } from 'node:crypto';
import { RestageError } from './errors.ts';

/** Sorts by time, and is unique among the runs of any number of people. */
export function newRunId(now = new Date()): string {
  return `${now.toISOString().slice(0, 19).replace(/[-:]/g, '').replace('T', '-')}-${randomBytes(2).toString('hex')}`;
}

export function isRunId(text: string): boolean {
  return /^\d{8}-\d{6}-[0-9a-f]{4}$/.test(text);
}

/** What a run leaves behind is found by the form of its id. Throws `usage`. */
export function requireRunId(id: string): string {
  if (isRunId(id)) return id;
  throw new RestageError('usage', `${id} is not the id of a run`, { hint: 'One looks like 20260131-031500-4f2a.' });
}
