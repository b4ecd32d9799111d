import { readVersion, type Version } from './app/version.ts';
import type { Config } from './config.ts';
import type { TargetEnd } from './connect-target.ts';
import { failureOf, RestageError } from './errors.ts';
import { refuseProduction } from './plan.ts';
import type { FoundDatabase, SideDatabase } from './postgres/databases.ts';
import type { Origin } from './postgres/session.ts';
import type { OpenSessions, TargetDatabase } from './postgres/target.ts';
import { beside, held, rolledBackTo, type BesideDatabase, type HeldDatabase } from './status.ts';
import type { Step } from './step.ts';

/** What a rollback would do: plain JSON, no secret in it. */
export interface RollbackPlan {
  readonly version: 1;
  readonly kind: 'rollback';
  readonly madeAt: string;
  readonly target: {
    readonly name: string;
    readonly account?: string;
    readonly app?: { readonly url: string } & Partial<Version>;
  };
  readonly origin: Origin;
  /** What comes back; `run` is the run that is undone. */
  readonly back: BesideDatabase & Known;
  /** What goes aside, and can be had back in the same way. */
  readonly aside: HeldDatabase & Known;
  /** Sessions of others with the target's database, which are ended. */
  readonly sessions: readonly OpenSessions[];
  /** What the application is asked afterwards. */
  readonly checks: readonly Step[];
  /** What a reader should know before agreeing, in whole sentences. */
  readonly notes: readonly string[];
}

/** By what a database is known again. */
interface Known {
  /** Its number on the server. */
  readonly oid: string;
  readonly revision?: string;
}

export interface RollbackOptions {
  /** Whose database is to come back: the run that replaced it. Default: the newest that was accepted. */
  readonly run?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Reads what there is to go back to, and what of the present is put aside. Writes nothing.
 * Throws `previous-missing`, `protected`, `ends-swapped` for a target that is called production, `run-in-progress`,
 * `database-unfit`, `app-unexpected` for an application of another environment, and what a connection throws.
 */
export async function planRollback(
  config: Config,
  target: TargetEnd,
  { run, signal }: RollbackOptions = {},
): Promise<RollbackPlan> {
  refuseProduction(target.name, 'target.name');
  const { database } = target;
  if (!database)
    throw new RestageError('config-invalid', 'the config names no database of the target', {
      hint: 'Objects cannot be put back: what is deleted or overwritten is kept by objects.….backup, or the bucket.',
    });
  const app = await askApp(config, target, signal);
  const { readDatabases } = await import('./postgres/databases.ts');
  const { readLockHolder, readTarget, requireSwappable } = await import('./postgres/target.ts');
  const { requireUnmarked } = await import('./postgres/protected-marker.ts');
  await using session = await database.session({ label: 'rollback', access: 'read-only', signal });
  const { origin } = session;
  await requireUnmarked(session, origin.database);
  await requireSwappable(session);
  const holder = await readLockHolder(session, origin.database);
  if (holder !== undefined)
    throw new RestageError(
      'run-in-progress',
      `${origin.database} at ${origin.host}:${origin.port} is being refreshed, by ${holder.words}`,
      { hint: 'Wait until that run has ended, or end it: it puts back what was there before.', run: holder.run },
    );
  const databases = await readDatabases(session, origin.database);
  const { present, previous } = databases;
  if (!present) throw new RestageError('internal', 'a database that one is connected with is not listed');
  const chosen = run === undefined ? await rolledBackTo(databases) : previous.find((one) => one.run === run);
  if (!chosen) throw missing(origin, run, previous);
  const { sessions } = await readTarget(session);
  const { health } = config.verify;
  return {
    version: 1,
    kind: 'rollback',
    madeAt: new Date().toISOString(),
    target: {
      name: target.name,
      ...(target.account?.id === undefined ? {} : { account: target.account.id }),
      ...(app.told ? { app: app.told } : {}),
    },
    origin,
    back: { ...beside(chosen), ...(await known(database, chosen, signal)) },
    aside: { ...held(present), ...(await known(database, present, signal)) },
    sessions,
    checks: [
      ...(health ? [{ id: 'check-health', after: [], kind: 'check-health' as const, ...health }] : []),
      ...(config.target.app?.version
        ? [
            {
              id: 'compare-versions',
              after: [],
              kind: 'compare-versions' as const,
              policy: 'any' as const,
              withinSeconds: config.verify.withinSeconds,
            },
          ]
        : []),
    ],
    notes: [...app.notes, ...notesOf(chosen, sessions)],
  };
}

function notesOf(back: SideDatabase, sessions: readonly OpenSessions[]): string[] {
  const lasting = sessions.filter(({ mayEnd }) => !mayEnd);
  const { description } = back;
  return [
    'only the database goes back: objects that were copied, overwritten or deleted since stay as they are',
    ...(description && !description.acceptedAt
      ? [
          `${back.name} was never accepted: ${description.failed === undefined ? `the run ${description.run} did not end` : `${description.failed} of the run ${description.run} failed`}`,
        ]
      : []),
    ...(lasting.length === 0
      ? []
      : [
          `these sessions may not be ended by restage, and nothing can be put back while they are there: ${lasting.map(({ user, count }) => `${user} (${count})`).join(', ')}`,
        ]),
  ];
}

function missing({ database, host, port }: Origin, run: string | undefined, previous: readonly SideDatabase[]) {
  const place = `${database} at ${host}:${port}`;
  if (previous.length === 0)
    return new RestageError('previous-missing', `no previous database stands beside ${place}`, {
      hint: 'database.keepPrevious says how many stay after a refresh. To have the data anew: restage sync',
    });
  const there = previous.map((one) => one.run).join(', ');
  return new RestageError('previous-missing', `no previous database of ${place} was replaced by the run ${run}`, {
    hint: `These runs replaced what is still there: ${there}. restage status says what each is.`,
  });
}

/** Its number and its revision, as far as the role may read it. */
async function known(
  target: TargetDatabase,
  { name, oid }: FoundDatabase,
  signal: AbortSignal | undefined,
): Promise<Known> {
  const { readVersionTables, revisionOf } = await import('./postgres/version-tables.ts');
  await using session = await target.session({ label: 'rollback', database: name, access: 'read-only', signal });
  const revision = revisionOf(await readVersionTables(session));
  return { oid, ...(revision === undefined ? {} : { revision }) };
}

/** Who the application says that it is. One that does not answer, as it may not with what is there now, is told. */
async function askApp(
  config: Config,
  { app }: TargetEnd,
  signal: AbortSignal | undefined,
): Promise<{ readonly told?: RollbackPlan['target']['app']; readonly notes: readonly string[] }> {
  const settings = config.target.app;
  if (!app || !settings) return { notes: [] };
  if (!settings.version) return { told: { url: app.url }, notes: [] };
  let version: Version;
  try {
    version = await readVersion(app, settings.version, signal);
  } catch (error) {
    const { code, message } = failureOf(error);
    if (code === 'interrupted') throw error;
    return { told: { url: app.url }, notes: [`the application could not be asked who it is: ${message}`] };
  }
  refuseProduction(version.environment, `the environment of ${app.url}`);
  if (settings.environment !== undefined && version.environment !== settings.environment)
    throw new RestageError(
      'app-unexpected',
      `${app.url} says that its environment is ${version.environment ?? 'unknown'}, not ${settings.environment}`,
      { hint: 'The URL leads to another environment, or app.environment in restage.yaml is wrong.' },
    );
  const told = Object.fromEntries(Object.entries(version).filter(([, value]) => value !== undefined));
  return { told: { url: app.url, ...(told as Partial<Version>) }, notes: [] }; // fewer of the same
}
