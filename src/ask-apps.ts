import type { App } from './app/client.ts';
import { awaitValue, type ExpectedValue } from './app/expected-value.ts';
import { awaitHealth, type Health, type HealthQuestion } from './app/health.ts';
import { askUntilRight, type Answered, type Patience } from './app/patience.ts';
import { compareTotals, readValue, type Total, type TotalPlace } from './app/total.ts';
import {
  compareVersions,
  policyBreach,
  readVersion,
  type ComparedVersions,
  type Version,
  type VersionPolicy,
} from './app/version.ts';
import type { Ends } from './connect.ts';
import { RestageError } from './errors.ts';
import { refuseProduction, requireEnvironment } from './plan.ts';

// What the applications of both ends say, judged: in a run once the new database is in place, in `verify` at any time. Each gives
// what was found with why it is not right, and throws where nothing was found: `app-unreachable`, `app-unexpected`.

/** Throws `config-invalid` where the config names none. */
export function requireApp(app: App | undefined, end: string): App {
  if (app) return app;
  throw new RestageError(
    'config-invalid',
    `the plan speaks to the ${end}'s application, which the config does not name`,
  );
}

/** Whether the target's application is well, by its own verdict. */
export async function askHealth(
  { target }: Pick<Ends, 'target'>,
  question: HealthQuestion,
  signal: AbortSignal | undefined,
): Promise<Answered<Health>> {
  return awaitHealth(requireApp(target.app, 'target'), question, signal);
}

/**
 * The versions of both applications, by the policy. What the target's application says that it is must still be so: behind its address
 * another one may stand by now. With the policy `any` a source that tells nothing is no fault.
 */
export async function askVersions(
  ends: Pick<Ends, 'source' | 'target'>,
  policy: VersionPolicy,
  patience: Patience,
): Promise<Answered<ComparedVersions>> {
  const read = async (side: 'source' | 'target'): Promise<Version | undefined> => {
    const { app } = ends[side];
    return app?.version && readVersion(app, app.version, patience.signal);
  };
  return askUntilRight(patience, async () => {
    const [source, target] = await Promise.all([
      read('source').catch((error: unknown) => {
        if (policy === 'any' && error instanceof RestageError && error.code !== 'interrupted') return undefined;
        throw error;
      }),
      read('target'),
    ]);
    const found = compareVersions(source, target);
    const wrong = anotherEnvironment(ends, found);
    if (wrong) return { found, wrong };
    const breach = policyBreach(found, policy);
    if (breach === undefined) return { found };
    return { found, wrong: new RestageError('data-differs', breach, { hint: `verify.versions is ${policy}.` }) };
  });
}

/** What speaks against an end from what its application says that it is. */
function anotherEnvironment(
  ends: Pick<Ends, 'source' | 'target'>,
  versions: ComparedVersions,
): RestageError | undefined {
  try {
    for (const side of ['source', 'target'] as const) {
      const { app } = ends[side];
      const version = versions[side];
      if (app && version) requireEnvironment(side, app, version);
    }
    const { app } = ends.target;
    if (app) refuseProduction(versions.target?.environment, `the environment of ${app.url}`);
    return undefined;
  } catch (error) {
    if (error instanceof RestageError) return error;
    throw error;
  }
}

/** A total of the target's application beside the source's, or beside the number of a table's rows in the target. */
export async function askTotal(
  { source, target }: Pick<Ends, 'source' | 'target'>,
  place: TotalPlace,
  patience: Patience & { readonly label: string },
): Promise<Answered<Total>> {
  const { table } = place;
  const { label, signal } = patience;
  const reference =
    table === undefined
      ? () => readValue(requireApp(source.app, 'source'), place, signal)
      : async () => {
          if (!target.database)
            throw new RestageError('config-invalid', `${table} is of a database, and there is none`);
          const { countRows } = await import('./postgres/count-rows.ts');
          await using session = await target.database.session({ label, access: 'read-only', signal });
          return await countRows(session, table);
        };
  return compareTotals(place, requireApp(target.app, 'target'), reference, patience);
}

/** Any value of either application, and what it must be. */
export async function askValue(
  ends: Pick<Ends, 'source' | 'target'>,
  expected: ExpectedValue,
  patience: Patience,
): Promise<Answered<unknown>> {
  return awaitValue(requireApp(ends[expected.end].app, expected.end), expected, patience);
}
