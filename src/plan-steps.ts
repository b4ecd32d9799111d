import type { Config } from './config.ts';
import { RestageError } from './errors.ts';
import type { PlannedDatabase } from './plan-database.ts';
import { planDatabaseSteps, type AddStep, type DatabaseToPlan } from './plan-steps-database.ts';
import type { PlannedBucket } from './plan-objects.ts';
import { quoteTable, type TableName } from './postgres/names.ts';
import type { Selection } from './s3/selection.ts';
import { namesKeys } from './selection-of.ts';
import type { ContentScope, Step } from './step.ts';

/** The steps with what each waits for: the database and the buckets side by side, the swap when both are verified. */
export function planSteps(
  config: Config,
  database: DatabaseToPlan | undefined,
  objects: readonly PlannedBucket[],
  withApp: boolean,
): Step[] {
  const list: Step[] = [];
  const ids = new Set<string>();
  const add: AddStep = (id, after, act) => {
    if (ids.has(id)) throw new RestageError('internal', `two steps of the plan are called ${id}`);
    ids.add(id);
    list.push({ id, after, ...act });
    return id;
  };
  const verified: string[] = [];
  let snapshot: string[] = [];
  if (database) {
    const steps = planDatabaseSteps(add, config, database, () =>
      objects.flatMap((planned) => addKeys(add, planned, namingSteps(list, planned.selection, database))),
    );
    snapshot = [steps.snapshot];
    verified.push(steps.built);
  }
  const content = contentScope(config);
  for (const { bucket, totals, selection, keeping, route, forced } of objects) {
    const amount = {
      objects: totals.missing.objects + totals.changed.objects,
      bytes: totals.missing.bytes + totals.changed.bytes,
    };
    // Beside a database the buckets are always listed again, after its snapshot was taken; by themselves they have just been.
    const isCopied = database !== undefined || amount.objects > 0;
    if (!isCopied && content === 'none') continue;
    const named = database ? [...ids].filter((id) => id === keysId(bucket)) : addKeys(add, { bucket, selection }, []);
    const copied = isCopied
      ? [
          add(`copy-objects ${bucket}`, [...snapshot, ...named], {
            kind: 'copy-objects',
            bucket,
            ...amount,
            selection,
            keeping,
            route: route?.kind ?? 'stream',
            routeReason: route?.reason ?? 'nothing was to be copied when it was planned',
            forced,
          }),
        ]
      : [];
    const mayBeEmpty = config.objects[bucket]?.mayBeEmpty ?? false;
    verified.push(
      add(`verify-objects ${bucket}`, [...named, ...copied], {
        kind: 'verify-objects',
        bucket,
        selection,
        content,
        mayBeEmpty,
      }),
    );
  }
  let last = verified;
  if (database)
    last = [
      add('swap', verified, {
        kind: 'swap',
        database: database.target.origin.database,
        sessions: sessionsOf(database),
        ...(database.maskKey === undefined ? {} : { maskKey: database.maskKey }),
      }),
    ];
  if (withApp) {
    for (const [index, { http }] of config.migrate.entries())
      last = [
        add(config.migrate.length === 1 ? 'migrate' : `migrate ${index + 1}`, last, {
          kind: 'migrate',
          method: http.method,
          path: http.path,
          expect: http.expect,
          timeoutSeconds: http.timeoutSeconds,
        }),
      ];
    const { health, totals } = config.verify;
    if (health) last = [add('check-health', last, { kind: 'check-health', ...health })];
    for (const { path, read } of totals)
      last = [add(`compare-total ${path} ${read}`, last, { kind: 'compare-total', path, read })];
  }
  if (database)
    last = [
      add('drop-previous', last, {
        kind: 'drop-previous',
        database: database.target.origin.database,
        keep: config.database.keepPrevious,
      }),
    ];
  // What is deleted cannot be put back with the database: last of all, when everything else has ended well.
  for (const { bucket, selection, deletion, totals, versioning, plannedAt } of objects)
    if (deletion)
      add(`delete-objects ${bucket}`, last, {
        kind: 'delete-objects',
        bucket,
        selection,
        guard: deletion.guard,
        objects: deletion.objects,
        bytes: deletion.bytes,
        sourceObjects: totals.source.objects,
        plannedAt,
        versioned: versioning === 'enabled',
      });
  return list;
}

/** The step that reads what rows name, where only that counts. */
function addKeys(
  add: AddStep,
  { bucket, selection }: Pick<PlannedBucket, 'bucket' | 'selection'>,
  after: readonly string[],
): readonly string[] {
  return selection.only === undefined ? [] : [add(keysId(bucket), after, { kind: 'read-keys', bucket, selection })];
}

function keysId(bucket: string): string {
  return `read-keys ${bucket}`;
}

/** The steps that decide which rows name keys of this selection: those that bring rows, and those that take some away. */
function namingSteps(
  steps: readonly Step[],
  selection: Selection,
  database: DatabaseToPlan | undefined,
): readonly string[] {
  if (!database || selection.only === undefined) return [];
  const naming = database.tables.filter((table) => namesKeys(selection, table)).map(({ table }) => quoteTable(table));
  const isOne = (table: TableName) => naming.includes(quoteTable(table));
  return steps
    .filter(
      (step) =>
        ((step.kind === 'copy-table' || step.kind === 'keep-rows' || step.kind === 'carry-values') &&
          isOne(step.table)) ||
        (step.kind === 'settle-orphans' && step.tables.some(({ table }) => isOne(table))),
    )
    .map(({ id }) => id);
}

function sessionsOf({ sessions }: PlannedDatabase): number {
  return sessions.reduce((sum, { count }) => sum + count, 0);
}

function contentScope({ verify }: Config): ContentScope {
  if (verify.objects === 'listing') return 'none';
  return verify.objects === 'content' ? 'all' : verify.objects;
}
