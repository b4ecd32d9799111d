import type { Ends } from '../connect.ts';
import { versionText } from '../app/version.ts';
import { valueAt } from '../app/json-path.ts';
import { failureOf } from '../errors.ts';
import type { Step } from '../step.ts';
import type { Session } from '../postgres/session.ts';
import { quoteText } from '../postgres/names.ts';
import type { TargetDatabase } from '../postgres/target.ts';
import { readVersionTables, revisionOf } from '../postgres/version-tables.ts';
import { appSteps } from './app.ts';
import type { Context, Performed } from './context.ts';

/** One thing that was looked at once a database had been put back. */
export interface RestoredCheck {
  readonly what: 'database' | 'revision' | 'health' | 'version';
  readonly ok: boolean;
  /** In words. */
  readonly found: string;
}

/** What must be found again. */
export interface Restored {
  readonly target: TargetDatabase;
  readonly label: string;
  /** The database's number. */
  readonly oid: string;
  /** As it was read before; absent where nothing was. */
  readonly revision?: string | undefined;
}

/** Whether the database that bears the target's name is the one that was meant, and its revision. Never throws. */
export async function checkDatabase(
  maintenance: () => Promise<Session>,
  { target, label, oid, revision }: Restored,
): Promise<readonly RestoredCheck[]> {
  const { database } = target.address;
  const named = await told('database', async () => {
    const session = await maintenance();
    const [row] = await session.rows<{ oid: string }>(
      `select oid from pg_database where datname = ${quoteText(database)}`,
    );
    if (row?.oid === oid) return { ok: true, found: `${database} is the one from before, by its number ${oid}` };
    return { ok: false, found: `${database} is ${row ? `number ${row.oid}` : 'not there'}, and was number ${oid}` };
  });
  const at = await told('revision', async () => {
    await using session = await target.session({ label, access: 'read-only' });
    const now = revisionOf(await readVersionTables(session));
    if (now === undefined && revision === undefined) return undefined;
    if (now === revision) return { ok: true, found: `${now}, as it was read before` };
    return { ok: false, found: `${now ?? 'none'}, and was ${revision ?? 'none'}` };
  });
  return [...named, ...at];
}

/** Whether the target's application is well with it, and still of its environment, as the plan's own checks say. Never throws. */
export async function checkApp(
  steps: readonly Step[],
  ends: Ends,
  run: string,
  signal: AbortSignal,
): Promise<readonly RestoredCheck[]> {
  const context: Context = {
    run,
    // What the source's application says is no matter of a database that was put back.
    ends: { ...ends, source: { ...ends.source, app: undefined } },
    signal,
    environment: {},
    database: undefined,
    keys: new Map(),
    facts: () => [],
    object: () => {},
    progress: () => {},
    tell: () => {},
  };
  const found: RestoredCheck[] = [];
  for (const step of steps) {
    if (step.kind === 'check-health')
      found.push(
        ...(await told('health', async () => {
          const { facts } = passed(await appSteps['check-health'](step, context));
          const status = valueAt(facts.answer, 'status');
          return { ok: true, found: typeof status === 'string' ? status : 'as expected' };
        })),
      );
    if (step.kind === 'compare-versions')
      found.push(
        ...(await told('version', async () => {
          const { facts } = passed(await appSteps['compare-versions']({ ...step, policy: 'any' }, context));
          return facts.target && { ok: true, found: versionText(facts.target) };
        })),
      );
  }
  return found;
}

/** What a check that failed says. */
export function failedChecks(checks: readonly RestoredCheck[]): string | undefined {
  const failed = checks.filter(({ ok }) => !ok).map(({ what, found }) => `${what}: ${found}`);
  return failed.length === 0 ? undefined : failed.join('; ');
}

function passed<K extends 'check-health' | 'compare-versions'>(performed: Performed<K>): Performed<K> {
  if (performed.failure) throw new Error(performed.failure.message);
  return performed;
}

async function told(
  what: RestoredCheck['what'],
  look: () => Promise<Omit<RestoredCheck, 'what'> | undefined>,
): Promise<readonly RestoredCheck[]> {
  try {
    const found = await look();
    return found ? [{ what, ...found }] : [];
  } catch (error) {
    return [{ what, ok: false, found: failureOf(error).message }];
  }
}
