import type { Config } from './config.ts';
import type { Ends } from './connect.ts';
import { failureOf, RestageError, type Failure } from './errors.ts';
import type { PlanOptions } from './plan.ts';
import { readTables } from './postgres/catalog.ts';
import { findKeyColumns } from './postgres/rules/named-keys.ts';
import type { TargetDatabase } from './postgres/target.ts';
import { partsOf } from './referenced-keys.ts';
import { resolveRules } from './resolve-rules.ts';
import { unseenReferences } from './unseen-references.ts';

/** What the plan says of `verify.references`. */
export interface PlannedReferences {
  readonly notes: readonly string[];
  readonly refusals: readonly Failure[];
}

const setting = 'verify.references';

/**
 * Whether each column of `verify.references` will be there, and name objects. In a run of one part alone they are not verified: the
 * database's rows may name what only a copy of the objects brings, and the objects are copied beside rows that stay.
 */
export async function planReferences(
  config: Config,
  { source, target }: Ends,
  { only, signal }: Pick<PlanOptions, 'only' | 'signal'>,
): Promise<PlannedReferences> {
  const { references } = config.verify;
  if (references.length === 0) return { notes: [], refusals: [] };
  const { database } = source;
  if (only !== undefined || !database || !target.database) return { notes: [unseenReferences(only)], refusals: [] };
  const notes: string[] = [];
  const refusals: Failure[] = [];
  await using moment = await database.snapshot({ label: 'plan', signal });
  const { session } = moment;
  const tables = await readTables(session, config.database.skipExtensions);
  const rules = resolveRules(config.database.tables, tables);
  const isMigrated = config.migrate.steps.some(({ command }) => command);
  for (const { column, bucket } of references) {
    if (!source.buckets.has(bucket))
      notes.push(`${setting}: ${column} is not verified, for source.buckets has no ${bucket}`);
    const found = await refusedOr(() => findKeyColumns(session, [column], setting));
    if (!(found instanceof RestageError)) {
      const fit = await refusedOr(async () => found.map((one) => partsOf(one, tables, rules, setting)));
      if (fit instanceof RestageError) refusals.push(failureOf(fit));
    } else if (isMigrated && (await isThere(target.database, column, signal)))
      notes.push(
        `${setting}: the source has no ${column}; the commands of migrate must make it, as staging has it now`,
      );
    else refusals.push(failureOf(found));
  }
  return { notes, refusals };
}

/** Whether staging has the column, where its own migrations may have made it. */
async function isThere(target: TargetDatabase, column: string, signal: AbortSignal | undefined): Promise<boolean> {
  await using session = await target.session({ label: 'plan', access: 'read-only', signal });
  return !((await refusedOr(() => findKeyColumns(session, [column], setting))) instanceof RestageError);
}

/** What is found, or why the config cannot be meant. */
async function refusedOr<T>(find: () => Promise<T>): Promise<T | RestageError> {
  try {
    return await find();
  } catch (error) {
    if (error instanceof RestageError && error.code === 'config-invalid') return error;
    throw error;
  }
}
