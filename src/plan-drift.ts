import { RestageError } from './errors.ts';
import { compareObjects } from './postgres/drift/compare-objects.ts';
import type { Drift } from './postgres/drift/drift.ts';
import { readObjects } from './postgres/drift/read-objects.ts';
import type { SchemaObjects } from './postgres/drift/schema-objects.ts';
import type { RoleMap } from './postgres/named-roles.ts';
import type { TableName } from './postgres/names.ts';
import type { ReadSession } from './postgres/session.ts';

/** What a database is made of, or why that could not be read: no plan fails for that. */
export async function readForDrift(session: ReadSession, roles: RoleMap = {}): Promise<SchemaObjects | RestageError> {
  try {
    return await readObjects(session, { roles });
  } catch (error) {
    if (error instanceof RestageError && error.code === 'statement-failed') return error;
    throw error;
  }
}

interface DriftSide {
  readonly objects: SchemaObjects | RestageError;
}

/** How the schemas differ, or a note that says why that is not known. */
export function driftBetween(
  source: DriftSide & { readonly skipped: readonly TableName[] },
  target: DriftSide,
  skipExtensions: readonly string[],
): { readonly drift?: Drift; readonly notes: readonly string[] } {
  const [from, to] = [source.objects, target.objects];
  if (!(from instanceof RestageError) && !(to instanceof RestageError))
    return { drift: compareObjects(from, to, { skip: source.skipped, skipExtensions }), notes: [] };
  const reasons = [from, to].flatMap((one) => (one instanceof RestageError ? [one.message] : []));
  return { notes: [`how the schemas differ could not be read: ${reasons.join('; ')}`] };
}
