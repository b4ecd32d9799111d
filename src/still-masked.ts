import type { Config } from './config.ts';
import { RestageError } from './errors.ts';
import { readSourceRules } from './plan-rules.ts';
import { readTables } from './postgres/catalog.ts';
import type { SourceDatabase } from './postgres/source.ts';

/** The values of JSON tell what is personal too, and production has gone on since the plan. Throws `unmasked` where nothing may be so. */
export async function requireStillMasked(
  source: SourceDatabase,
  { database }: Config,
  signal: AbortSignal | undefined,
): Promise<void> {
  await using snapshot = await source.snapshot({ label: 'resume', signal });
  const rules = await readSourceRules(snapshot.session, database, await readTables(snapshot.session));
  const refusal = rules.refusals.find(({ code }) => code === 'unmasked');
  if (refusal) throw new RestageError(refusal.code, refusal.message, { hint: refusal.hint });
}
