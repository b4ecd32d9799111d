import type { Config } from './config.ts';
import type { Ends } from './connect.ts';
import { checkReferences, type ReferenceCheck } from './references.ts';
import { selectionOf } from './selection-of.ts';

/**
 * What rows of the target's present database name, held against both buckets as they are now. Buckets that only one end has are left
 * out. Throws `config-invalid` for columns that are not there, and what the ends throw.
 */
export async function verifyReferences(
  config: Config,
  { source, target }: Ends,
  signal: AbortSignal | undefined,
): Promise<readonly ReferenceCheck[]> {
  const { database } = target;
  if (!database) return [];
  await using session = await database.session({ label: 'verify', access: 'read-only', signal });
  await session.execute('begin transaction isolation level repeatable read, read only');
  const checks: ReferenceCheck[] = [];
  for (const [bucket, columns] of Map.groupBy(config.verify.references, (one) => one.bucket)) {
    const pair = { source: source.buckets.get(bucket), target: target.buckets.get(bucket) };
    if (!pair.source || !pair.target) continue;
    const wanted = { bucket, columns, selection: selectionOf(config, bucket), signal };
    checks.push(await checkReferences((work) => work(session), { source: pair.source, target: pair.target }, wanted));
  }
  return checks;
}
