import type { Ends } from './connect.ts';
import { failedChecks } from './perform/check-restored.ts';
import type { DatabaseRun } from './perform/database-run.ts';
import type { Recovery } from './perform/recover.ts';
import type { Plan } from './plan.ts';

/** What the target holds when the run is over, in a sentence or two. `failed`: the step whose failure ended it. */
export function holding(
  plan: Plan,
  ends: Ends,
  database: Pick<DatabaseRun, 'stage' | 'run' | 'changedBeside'> | undefined,
  recovery: Recovery | undefined,
  failed: string | undefined,
): string {
  const name = plan.target.name;
  if (!database)
    return ends.target.database ? `${name}'s database was not touched` : `nothing of ${name} but objects was concerned`;
  const { changedBeside } = database;
  const before =
    changedBeside === undefined
      ? ' as it was before the run'
      : `, which a command of migrate has changed: ${changedBeside}`;
  if (recovery?.kept)
    return `${name} holds the new database, which was not accepted: ${failed} failed. The one before it stands beside it as ${recovery.kept.previous}; to go back to it: restage rollback ${database.run}`;
  const wrong = failedChecks(recovery?.verified ?? []);
  if (recovery?.failure && recovery.asBefore)
    return `${name} holds its database${before}${but(wrong)}. What was built beside it is still there, for the next run to drop: ${recovery.failure.message}`;
  if (recovery?.failure)
    return `${name} could not be put back completely: ${recovery.failure.message}. ${recovery.failure.hint ?? ''}`.trim();
  if (recovery?.swappedBack && wrong !== undefined)
    return `${name} was given its previous database back${but(wrong)}. restage status shows what it holds`;
  if (recovery?.swappedBack)
    return `${name} holds its previous database again${changedBeside === undefined ? ',' : ''}${before}`;
  if (database.stage === 'settled') return `${name} holds the new database`;
  return `${name} holds its database${before}`;
}

function but(wrong: string | undefined): string {
  return wrong === undefined ? '' : `, but not all is well with it: ${wrong}`;
}
