import type { Config } from './config.ts';
import { RestageError } from './errors.ts';
import type { PlannedDatabase } from './plan-database.ts';
import { addPrivileges, goalOf, planDatabaseSteps, type AddStep, type DatabaseToPlan } from './plan-steps-database.ts';
import type { PlannedBucket } from './plan-objects.ts';
import { quoteTable, type TableName } from './postgres/names.ts';
import type { Selection } from './s3/selection.ts';
import { rulesTold } from './rules-told.ts';
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
  let built: string | undefined;
  if (database) {
    const steps = planDatabaseSteps(add, config, database, () =>
      objects.flatMap((planned) => addKeys(add, planned, namingSteps(list, planned.selection, database))),
    );
    snapshot = [steps.snapshot];
    built = steps.built;
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
  if (built !== undefined) {
    const named = addReferences(add, config, objects, [built, ...verified]);
    verified.push(...named, addPrivileges(add, config, [built, ...named]));
  }
  const rules = rulesTold(list);
  let last: readonly string[] = verified;
  if (database)
    last = [
      add('swap', verified, {
        kind: 'swap',
        database: database.target.origin.database,
        sessions: sessionsOf(database),
        ...(database.maskKey === undefined ? {} : { maskKey: database.maskKey }),
        ...(rules.length === 0 ? {} : { rules }),
      }),
    ];
  if (withApp) {
    const requests = config.migrate.steps.flatMap(({ http }) => http ?? []);
    for (const [index, http] of requests.entries())
      last = [
        add(requests.length === 1 ? 'migrate' : `migrate ${index + 1}`, last, {
          kind: 'migrate',
          ...http,
          ...goalOf(database ?? { migrations: [] }, index < requests.length - 1),
        }),
      ];
    last = addAppChecks(add, config, last);
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

/** The keys that rows name, compared with what the target's buckets hold once all is copied. */
function addReferences(
  add: AddStep,
  { verify: { references } }: Config,
  objects: readonly PlannedBucket[],
  after: readonly string[],
): readonly string[] {
  const buckets = Map.groupBy(references, ({ bucket }) => bucket);
  return [...buckets].flatMap(([bucket, named]) => {
    const planned = objects.find((pair) => pair.bucket === bucket);
    if (!planned) return [];
    const columns = named.map(({ column, absent }) => ({ column, absent }));
    const { selection } = planned;
    return [add(`verify-references ${bucket}`, after, { kind: 'verify-references', bucket, columns, selection })];
  });
}

/** What both applications must say when all is done. */
function addAppChecks(add: AddStep, { source, target, verify }: Config, after: readonly string[]): readonly string[] {
  const { health, versions, totals, expect, withinSeconds } = verify;
  let last = after;
  if (health) last = [add('check-health', last, { kind: 'check-health', ...health })];
  if (target.app?.version || source.app?.version)
    last = [add('compare-versions', last, { kind: 'compare-versions', policy: versions, withinSeconds })];
  for (const { path, read, table } of totals) {
    const told = table === undefined ? {} : { table };
    last = [add(`compare-total ${path} ${read}`, last, { kind: 'compare-total', path, read, ...told, withinSeconds })];
  }
  for (const [index, value] of expect.entries())
    last = [
      add(`check-value ${index + 1} ${value.path} ${value.read}`, last, {
        kind: 'check-value',
        ...value,
        withinSeconds,
      }),
    ];
  return last;
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
