import type { Ends } from './connect.ts';
import { failedChecks } from './perform/check-restored.ts';
import type { DatabaseRun } from './perform/database-run.ts';
import type { Recovery } from './perform/recover.ts';
import { loadedWords } from './pause.ts';
import { placeOfCommands } from './place-of-commands.ts';
import type { Plan } from './plan.ts';
import type { StepReport } from './step.ts';

/** What is known of a run when it is over. */
export interface Ended {
  readonly database: Pick<DatabaseRun, 'stage' | 'run' | 'names' | 'changedBeside'> | undefined;
  readonly recovery?: Recovery | undefined;
  /** The step whose failure ended it. */
  readonly failed?: string | undefined;
  /** Of a run that pauses: its steps. */
  readonly loaded?: readonly StepReport[] | undefined;
}

/** What the target holds when the run is over, in a sentence or two. */
export function holding(plan: Plan, ends: Ends, { database, recovery, failed, loaded }: Ended): string {
  const name = plan.target.name;
  const there = placeOfCommands(plan);
  if (!database)
    return ends.target.database ? `${name}'s database was not touched` : `nothing of ${name} but objects was concerned`;
  const { changedBeside } = database;
  const before =
    changedBeside === undefined
      ? ' as it was before the run'
      : `, which a command of migrate has changed: ${changedBeside}`;
  if (loaded)
    return `${name} holds its database${before}. What is loaded of the new one so far (${loadedWords(loaded)}) stands beside it as ${database.names.incoming}, for the run to go on with`;
  if (recovery?.kept)
    return `${name} holds the new database, which was not accepted: ${failed} failed. The one before it stands beside it as ${recovery.kept.previous}; to go back to it: restage rollback ${database.run}${there}`;
  if (recovery?.takenOn)
    return `another part of the run ${database.run} goes on with what was being built for ${name}: restage status${there} tells what it holds`;
  const wrong = failedChecks(recovery?.verified ?? []);
  if (recovery?.failure && recovery.asBefore)
    return `${name} holds its database${before}${but(wrong)}. What was built beside it is still there, for the next run to drop: ${recovery.failure.message}`;
  if (recovery?.failure)
    return `${name} could not be put back completely: ${recovery.failure.message}. ${recovery.failure.hint ?? ''}`.trim();
  if (recovery?.swappedBack && wrong !== undefined)
    return `${name} was given its previous database back${but(wrong)}. restage status${there} shows what it holds`;
  if (recovery?.swappedBack)
    return `${name} holds its previous database again${changedBeside === undefined ? ',' : ''}${before}`;
  if (database.stage === 'settled') return `${name} holds the new database`;
  return `${name} holds its database${before}`;
}

function but(wrong: string | undefined): string {
  return wrong === undefined ? '' : `, but not all is well with it: ${wrong}`;
}
