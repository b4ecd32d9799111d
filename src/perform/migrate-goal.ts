import { setTimeout as sleep } from 'node:timers/promises';
import type { Asked } from '../app/migrate.ts';
import { failureOf, RestageError } from '../errors.ts';
import { lacking, readVersionTables, revisionOf, type VersionTable } from '../postgres/version-tables.ts';
import type { Migrated } from '../facts.ts';
import type { Step } from '../step.ts';
import type { Context } from './context.ts';

/** What a step that migrates is to reach. */
export type GoalOf = Pick<Extract<Step, { kind: 'migrate' | 'migrate-incoming' }>, 'goal' | 'goalFrom'>;

/** What the version tables of a database say. */
export interface Standing {
  readonly tables: readonly VersionTable[];
  /** All their heads in one text; absent where there is none. */
  readonly revision?: string;
}

/** What the target's own database says now, or the one of that name beside it; undefined in a run without databases. */
export async function readStanding(
  { database: state, signal }: Context,
  database?: string,
): Promise<Standing | undefined> {
  if (!state) return undefined;
  const named = database === undefined ? {} : { database };
  await using session = await state.target.session({ label: state.run, access: 'read-only', signal, ...named });
  const tables = await readVersionTables(session);
  const revision = revisionOf(tables);
  return { tables, ...(revision === undefined ? {} : { revision }) };
}

/** The revisions before and after a step, for its facts. */
export function migrated(before: Standing | undefined, after: Standing | undefined): Migrated {
  return {
    ...(before?.revision === undefined ? {} : { revisionBefore: before.revision }),
    ...(after?.revision === undefined ? {} : { revisionAfter: after.revision }),
  };
}

/** A tool may write an id otherwise into its table than into its files, and a migration that failed half-way is there too. */
function hasReached({ goal }: Pick<GoalOf, 'goal'>, { tables }: Standing): boolean {
  return lacking(goal, tables).length === 0;
}

/**
 * Whether a step that said that it ended well has brought the database to where the target's code ends. Returns the failure
 * where that is known from its files; where only the revision is known that the target was at before, it is a remark.
 * @param said how the step ended, in words: `alembic upgrade head: exit code 0`
 * @param hint what to look at where it did not
 */
export function judgeGoal(
  step: GoalOf,
  standing: Standing | undefined,
  said: string,
  hint: string,
): { readonly failure?: RestageError; readonly remark?: string } {
  if (!standing || step.goal.length === 0 || hasReached(step, standing)) return {};
  const at =
    standing.revision === undefined ? 'the database names no revision' : `the database is at ${standing.revision}`;
  const goal = step.goal.join(', ');
  if (step.goalFrom === undefined)
    return {
      remark: `${said}, and ${at}; before the refresh the target was at ${goal}. migrate.versions makes this certain`,
    };
  return { failure: new RestageError('migrate-failed', `${said}, but ${at}; the code's head is ${goal}`, { hint }) };
}

/** Looks at the target's own database until it is where the target's code ends, or that has taken too long. Throws `interrupted`. */
export async function awaitGoal(step: GoalOf, context: Context, withinMs: number): Promise<Asked> {
  const end = performance.now() + withinMs;
  for (let waitMs = 500; ; waitMs = Math.min(waitMs * 1.5, 5000)) {
    let reason: string;
    try {
      const standing = await readStanding(context);
      if (standing && hasReached(step, standing)) return { kind: 'succeeded', answer: null };
      reason = `the database is at ${standing?.revision ?? 'no revision'}, not at ${step.goal.join(', ')}`;
    } catch (error) {
      if (context.signal.aborted) throw error;
      reason = failureOf(error).message; // a migration may hold the table for a while
    }
    if (performance.now() >= end) return { kind: 'unknown', reason };
    await sleep(Math.min(waitMs, Math.max(0, end - performance.now())), undefined, { signal: context.signal });
  }
}
