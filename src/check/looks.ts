import { accountRows, openEnd } from './account.ts';
import { appRows, askApp, verifyRows, type CheckedApps } from './app.ts';
import { databaseRows, migrationRow, obstacleOf, openDatabases, type CheckedDatabases } from './both-databases.ts';
import { bucketRows } from './buckets.ts';
import { commandRows } from './command-rows.ts';
import type { Config } from '../config.ts';
import { failureOf } from '../errors.ts';
import { refuseProduction } from '../plan.ts';
import type { CheckContext } from './context.ts';
import { begun, lookIn, type Finding } from './finding.ts';
import { lambdaRows } from './lambda.ts';
import { notifyRows } from './notify.ts';
import { ruleRows } from './rule-rows.ts';

/** Begins every look of a check; their findings are in the order in which they are told. */
export function looks(context: CheckContext, only: 'database' | 'objects' | undefined): Promise<Finding>[] {
  const { config } = context;
  const source = openEnd('source', context);
  const target = openEnd('target', context);
  const ends = { source, target };
  const databases = only === 'objects' ? undefined : openDatabases(ends, context);
  if (databases) context.closing.use(databases);
  const apps: CheckedApps = { source: askApp(source, context), target: askApp(target, context) };
  const rows = databases && databaseRows(ends, databases, context);
  const obstacle = begun(obstacleTo(config, databases, apps));
  return [
    ...accountRows(source, context),
    ...(rows?.source ?? []),
    nameRow(config),
    ...accountRows(target, context),
    ...(rows?.target ?? []).map((row) => withoutAdvice(row, obstacle)),
    ...(databases ? ruleRows(databases, context) : []),
    ...(only === 'database' ? [] : bucketRows(ends, context, obstacle)),
    ...appRows([source, target], apps, context),
    ...(databases ? migrationRow(databases, context) : []),
    ...(databases ? commandRows(context) : []),
    ...(only === undefined || context.inFunction ? verifyRows(context, apps, databases) : []),
    ...(only === 'objects' && !context.onLambda ? [] : lambdaRows(ends, context)),
    ...notifyRows(config),
  ];
}

/**
 * Advice that would make this database fit to be replaced (to end its sessions, to change its owner) must not be given
 * where it is none that may be; what it lacks for that is no fault then. `obstacle`: the row that says so.
 */
async function withoutAdvice(row: Promise<Finding>, obstacle: Promise<string | undefined>): Promise<Finding> {
  const finding = await row;
  if (finding.fix === undefined) return finding;
  const why = await obstacle;
  if (why === undefined || why === finding.setting) return finding;
  return { ...finding, verdict: 'note', fix: `Change nothing there: ${why} is wrong.` };
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
  databases: CheckedDatabases | undefined,
  { target }: CheckedApps,
): Promise<string | undefined> {
  try {
    refuseProduction(name, 'target.name');
  } catch {
    return 'target.name';
  }
  const row = databases && (await obstacleOf(databases));
  if (row !== undefined) return row;
  const code = await target?.right.then(
    () => undefined,
    (error: unknown) => failureOf(error).code,
  );
  // One that gives no answer says nothing of what it is.
  return app && (code === 'app-unexpected' || code === 'ends-swapped') ? 'target.app.environment' : undefined;
}
