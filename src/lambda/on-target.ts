import { connectTarget, status, type DatabaseStatus, type HeldDatabase } from '../index.ts';
import type { Task } from './task.ts';

// What the target's own server tells of a run that has said nothing more itself.

/** What the target's own server says; undefined where the config names no database. */
export async function statusOf({ settings: { config }, deadline }: Task): Promise<DatabaseStatus | undefined> {
  using target = await connectTarget(config, { signal: deadline.signal });
  return (await status(config, target, { signal: deadline.signal })).database;
}

/** What the run has made, wherever it stands by now; undefined where there is none of it. */
export function madeBy({ present, previous }: Held, run: string): HeldDatabase | undefined {
  return [present, ...previous].find((one) => one?.made?.run === run);
}

type Held = Pick<DatabaseStatus, 'present' | 'previous'>;

/** Whether what the run was to make, or to put back, stands or stood in the target's place, verified. */
export function isDone(found: Held, run: string): boolean {
  return madeBy(found, run)?.state === 'accepted' || found.present?.made?.restored?.run === run;
}

/** Whether what a killed part was building holds rows and nothing else: what the part before it left can be gone on with. */
export function isOnlyLoaded(
  { present, incoming }: Pick<DatabaseStatus, 'present' | 'incoming'>,
  run: string,
): boolean {
  if (present?.made?.run === run) return false;
  const left = incoming.find((one) => one.run === run);
  return left !== undefined && left.made?.completing !== true;
}

/** What the target holds after a run that nobody has told the end of, in a sentence. */
export function holdsAfter(found: DatabaseStatus, run: string): string {
  const { origin, present, previous, incoming } = found;
  const where = `${origin.database} at ${origin.host}:${origin.port}`;
  if (present?.made?.restored?.run === run) return `${where} is the database of the run ${present.made.run} again`;
  if (present?.made?.run === run) {
    const back = previous.find((one) => one.run === run);
    const undo = back
      ? `; what it replaced is kept as ${back.name}, and restage rollback ${run} --on lambda puts it back`
      : '';
    return present.state === 'accepted'
      ? `${where} is the new database, verified${undo}`
      : `${where} is the new database, whole, and nothing after its swap was verified${undo}`;
  }
  if (madeBy(found, run)?.state === 'accepted')
    return `the database that the run ${run} made has been replaced since by a later one`;
  const left = incoming.find((one) => one.run === run);
  const beside = left ? `; what was being built is still beside it as ${left.name}, and the next run drops it` : '';
  const of = present?.made ? `, of the run ${present.made.run}` : '';
  return `${where} is as it was before the run${of}${beside}`;
}
