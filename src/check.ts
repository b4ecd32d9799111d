import { accountRows, openAccountOf } from './check/account.ts';
import { appRows, askApp, verifyRows, type CheckedApps } from './check/app.ts';
import { databaseRows, migrationRow, mixedUp, openDatabases } from './check/both-databases.ts';
import { bucketRows } from './check/buckets.ts';
import type { CheckContext, CheckedEnd, Side } from './check/context.ts';
import { lookIn, type Finding } from './check/finding.ts';
import { lambdaRows } from './check/lambda.ts';
import type { Config } from './config.ts';
import type { ConnectOptions } from './connect.ts';
import { failureOf, RestageError } from './errors.ts';
import { refuseProduction } from './plan.ts';

export interface CheckOptions extends ConnectOptions {
  readonly only?: 'database' | 'objects' | undefined;
  /** Whether writing into the target's buckets is tried, with an object that is removed again. Default: yes. */
  readonly mayWrite?: boolean;
}

/**
 * Looks at every name, login, permission and connection that the config relies on, all at once and each by itself: what
 * relies on something that is wrong is not tried. Writes nothing but one object into each bucket of the target, which is
 * removed again. What is wrong is a finding; throws `interrupted` only, at once.
 */
export async function check(config: Config, options: CheckOptions = {}): Promise<readonly Finding[]> {
  const { signal, only, mayWrite = true } = options;
  await using closing = new AsyncDisposableStack();
  const undoing = new Set<Promise<unknown>>();
  const context: CheckContext = { config, connection: options, signal, mayWrite, undoing, closing };
  const { promise: aborted, resolve: abort } = Promise.withResolvers<undefined>();
  const end = () => abort(undefined);
  signal?.addEventListener('abort', end, { once: true });
  const found = signal?.aborted ? undefined : await Promise.race([Promise.all(looks(context, only)), aborted]);
  signal?.removeEventListener('abort', end);
  if (found && !signal?.aborted) return found;
  await Promise.allSettled(undoing);
  throw new RestageError('interrupted', 'the check was interrupted');
}

function looks(context: CheckContext, only: CheckOptions['only']): Promise<Finding>[] {
  const { config } = context;
  const source = endOf('source', context);
  const target = endOf('target', context);
  const ends = { source, target };
  const databases = only === 'objects' ? undefined : openDatabases(ends, context);
  if (databases) context.closing.use(databases);
  const apps: CheckedApps = { source: askApp(source, context), target: askApp(target, context) };
  const rows = databases && databaseRows(ends, databases, context);
  return [
    ...accountRows(source, context),
    ...(rows?.source ?? []),
    nameRow(config),
    ...accountRows(target, context),
    ...(rows?.target ?? []),
    ...(only === 'database' ? [] : bucketRows(ends, context, obstacleTo(config, databases?.apart, apps))),
    ...appRows([source, target], apps),
    ...(databases ? migrationRow(databases, context) : []),
    ...(only === undefined ? verifyRows(context, apps) : []),
    ...(only === 'objects' ? [] : lambdaRows(target, context)),
  ];
}

function endOf(side: Side, context: CheckContext): CheckedEnd {
  const config = context.config[side];
  return { side, config, account: config.aws && openAccountOf(config.aws, context) };
}

function nameRow({ target: { name } }: Config): Promise<Finding> {
  return lookIn('target')('target.name', name, async () => {
    refuseProduction(name, 'target.name');
    return 'nothing that is called production';
  });
}

/** What says that the target is none, and nothing may be written to it: the row that tells. */
async function obstacleTo(
  { target: { name, app } }: Config,
  apart: Promise<void> | undefined,
  { target }: CheckedApps,
): Promise<string | undefined> {
  try {
    refuseProduction(name, 'target.name');
  } catch {
    return 'target.name';
  }
  if (apart && (await mixedUp(apart))) return 'target.database apart';
  const code = await target?.right.then(
    () => undefined,
    (error: unknown) => failureOf(error).code,
  );
  // One that gives no answer says nothing of what it is.
  return app && (code === 'app-unexpected' || code === 'ends-swapped') ? 'target.app.environment' : undefined;
}

export type { Finding } from './check/finding.ts';
