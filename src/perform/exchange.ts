import { failureOf, RestageError } from '../errors.ts';
import type { RollbackPlan } from '../plan-rollback.ts';
import { swapNames } from '../postgres/database-names.ts';
import { describeDatabase, readDescription } from '../postgres/description.ts';
import { quoteText } from '../postgres/names.ts';
import { requireUnmarked } from '../postgres/protected-marker.ts';
import { nameOf, swapDatabases } from '../postgres/swap.ts';
import type { Session } from '../postgres/session.ts';
import { maintenanceOf, type Locked } from './maintenance.ts';

export type Exchanged =
  | { readonly swapped: true; readonly aside: string; readonly sessionsEnded: number }
  /** `unknown`: the server could not be asked which of them it is. */
  | { readonly swapped: false; readonly error: unknown; readonly unknown: boolean };

type Planned = Pick<RollbackPlan, 'origin' | 'back' | 'aside'>;

/** Throws `protected`, or `plan-outdated` where the databases are not those that the plan was about: others had time to change them. */
export async function requireAsPlanned(maintenance: Session, { origin, back, aside }: Planned): Promise<void> {
  await requireUnmarked(maintenance, origin.database);
  const rows = await maintenance.rows<{ name: string; oid: string }>(
    `select datname as name, oid from pg_database where datname in (${quoteText(aside.name)}, ${quoteText(back.name)})`,
  );
  for (const { name, oid } of [aside, back])
    if (!rows.some((row) => row.name === name && row.oid === oid))
      throw new RestageError('plan-outdated', `${name} is not the database any more that was shown`, {
        hint: 'It was changed meanwhile. restage status says what there is now.',
      });
}

/**
 * Puts a previous database in the present one's place, which becomes a previous one itself, by the name of this run: both are
 * renamed, or neither. An answer that was lost on the way says nothing: then the server is asked which it is. Never throws.
 */
export async function exchange(state: Locked, { origin, back }: Planned): Promise<Exchanged> {
  const { target, run } = state;
  const { current, previous: aside } = swapNames(origin.database, run);
  let sessionsEnded = 0;
  try {
    const maintenance = await maintenanceOf(state);
    sessionsEnded = await swapDatabases(
      target,
      maintenance,
      { current, incoming: back.name, previous: aside },
      'in',
      run,
    );
  } catch (error) {
    try {
      const name = await nameOf(await maintenanceOf(state, 'toPutBack'), back.oid);
      if (name !== current) return { swapped: false, error, unknown: false };
    } catch (lost) {
      const cause = failureOf(error);
      return { swapped: false, error: new RestageError(cause.code, cause.message, { cause: lost }), unknown: true };
    }
  }
  await noteRestored(state, current).catch(() => {}); // it is back, whatever its comment says
  return { swapped: true, aside, sessionsEnded };
}

/** For the history: what restage noted on it says nothing of how it came back. */
async function noteRestored(state: Locked, database: string): Promise<void> {
  const maintenance = await maintenanceOf(state, 'toPutBack');
  const description = await readDescription(maintenance, database);
  const restored = { run: state.run, at: new Date().toISOString() };
  if (description) await describeDatabase(maintenance, database, { ...description, restored });
}
