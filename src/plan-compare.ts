import { RestageError } from './errors.ts';
import { historyDifferences, migrationDifferences } from './plan-compare-migrations.ts';
import type { Plan, PlannedEnd } from './plan.ts';
import type { PlannedBucket } from './plan-objects.ts';
import { displayTable } from './postgres/names.ts';
import { schemaChanges } from './postgres/schema-print.ts';
import { someOf } from './postgres/some-of.ts';
import { keptBy } from './replaces.ts';
import { bytes, count, moment } from './report/format.ts';
import { json } from './report/json.ts';
import type { Step } from './step.ts';

export interface SavedPlan {
  readonly plan: Plan;
  /** Its file, for messages. */
  readonly file: string;
  /** How far a count may be off. */
  readonly tolerancePercent: number;
}

/**
 * Requires that a fresh plan does what a saved one said: the same ends, schemas and settings, and counts within the tolerance.
 * Throws `plan-outdated` with every difference at once.
 */
export function requireAsPlanned({ plan: then, file, tolerancePercent }: SavedPlan, now: Plan): void {
  const differences = differencesOf(then, now, tolerancePercent);
  if (differences.length === 0) return;
  const told = differences.map((difference) => `\n  ${difference}`).join('');
  throw new RestageError(
    'plan-outdated',
    `${file}, made ${moment(then.madeAt)}, does not hold any more; nothing was changed:${told}`,
    {
      hint: `Look at the plan anew: restage plan --out ${file}. Counts may be off by ${tolerancePercent} %; --tolerance PERCENT allows another share, but never that more is deleted.`,
    },
  );
}

/** What is otherwise in the second plan, each in a sentence, beyond what the tolerance allows for counts. */
export function differencesOf(then: Plan, fresh: Plan, tolerancePercent: number): string[] {
  // A plan that was written is without secrets, wherever one stood; and it has lost what JSON does not hold.
  const now = JSON.parse(json(fresh)) as Plan;
  return [
    ...endDifferences('source', then.source, now.source, tolerancePercent),
    ...endDifferences('target', then.target, now.target, tolerancePercent),
    ...migrationDifferences(then.migrations, now.migrations),
    ...bucketDifferences(then.objects, now.objects, tolerancePercent),
    ...stepDifferences(then.steps, now.steps),
    ...keyDifference(then.steps, now.steps),
    ...tableDifferences(then.steps, now.steps, tolerancePercent),
    ...(now.refusals ?? []).map(({ message }) => `it is refused now: ${message.replaceAll('\n', '\n  ')}`),
  ];
}

/** Below so many a share says nothing. */
const fewest = { objects: 10, bytes: 1_000_000 };

function isOff(then: number, now: number, percent: number, least = fewest.objects): boolean {
  const allowed = percent === 0 ? 0 : Math.max((then * percent) / 100, least);
  return Math.abs(now - then) > allowed;
}

function endDifferences(side: string, then: PlannedEnd, now: PlannedEnd, percent: number): string[] {
  const list = differing(`the ${side}'s`, [
    ['name', then.name, now.name],
    ['AWS account', then.account, now.account],
    ['database', then.database && 'planned', now.database && 'planned'],
    ['application', then.app?.url, now.app?.url],
    ["application's version", then.app?.version, now.app?.version],
    ["application's git sha", then.app?.gitSha, now.app?.gitSha],
    ["application's environment", then.app?.environment, now.app?.environment],
  ]);
  const [before, after] = [then.database, now.database];
  if (!before || !after) return list;
  const major = ({ version }: { readonly version: string }) => Number.parseInt(version, 10);
  list.push(
    ...differing(`the ${side}'s`, [
      ['host', before.origin.host, after.origin.host],
      ['port', before.origin.port, after.origin.port],
      ['database', before.origin.database, after.origin.database],
      ['user', before.origin.user, after.origin.user],
      ['PostgreSQL', major(before.origin), major(after.origin)],
      ['revision', before.revision, after.revision],
    ]),
    ...(before.revision === after.revision ? historyDifferences(side, before, after) : []),
  );
  const where = `${after.origin.database} at ${after.origin.host}:${after.origin.port}`;
  if (before.identity !== undefined && after.identity !== undefined && before.identity !== after.identity)
    list.push(
      `the ${side}'s database ${where} is another one than in the plan, under the same name: replaced, or of another server`,
    );
  const changes = schemaChanges(before.schema, after.schema);
  if (changes.length > 0) list.push(`the schema of the ${side}'s database ${where} has changed: ${changes.join(', ')}`);
  if (isOff(before.rows, after.rows, percent))
    list.push(`the ${side}'s database ${where} has ${count(after.rows)} rows; it had ${count(before.rows)}`);
  return list;
}

function bucketDifferences(then: readonly PlannedBucket[], now: readonly PlannedBucket[], percent: number): string[] {
  const names = [...new Set([...then, ...now].map(({ bucket }) => bucket))];
  return names.flatMap((name) => {
    const [before, after] = [then, now].map((list) => list.find(({ bucket }) => bucket === name));
    if (!before) return [`the bucket ${name} was not planned`];
    if (!after) return [`the bucket ${name} is not planned any more`];
    const places = (['source', 'target'] as const).flatMap((side) =>
      differing(`the ${side} of ${name}:`, [
        ['bucket', before[side].bucket, after[side].bucket],
        ['account', before[side].account, after[side].account],
        ['endpoint', before[side].endpoint, after[side].endpoint],
        ['region', before[side].region, after[side].region],
      ]),
    );
    const settings = [
      ...fieldsOf(name, before.selection, after.selection),
      ...fieldsOf(name, before.keeping, after.keeping),
      ...differing(name, [['route: server', before.forced, after.forced]]),
    ];
    const kept =
      before.versioning === undefined || after.versioning === undefined || keptBy(before) === keptBy(after)
        ? []
        : [
            `what is overwritten or deleted in ${after.target.bucket} is kept by ${keptBy(after)}; in the plan by ${keptBy(before)}`,
          ];
    return [...places, ...settings, ...kept, ...amountDifferences(name, before, after, percent)];
  });
}

function amountDifferences(name: string, then: PlannedBucket, now: PlannedBucket, percent: number): string[] {
  const none = { objects: 0, bytes: 0 };
  const amounts = [
    ['to add', then.totals.missing, now.totals.missing],
    ['to overwrite', then.totals.changed, now.totals.changed],
    ['to delete', then.deletion ?? none, now.deletion ?? none],
  ] as const;
  return amounts.flatMap(([what, before, after]) => {
    const isMore = what === 'to delete' && (after.objects > before.objects || after.bytes > before.bytes);
    const isOther =
      isMore ||
      isOff(before.objects, after.objects, percent) ||
      isOff(before.bytes, after.bytes, percent, fewest.bytes);
    return isOther
      ? [
          `${name}: ${count(after.objects)} objects ${what}, ${bytes(after.bytes)}; in the plan ${count(before.objects)}, ${bytes(before.bytes)}`,
        ]
      : [];
  });
}

/** Fields of steps that are figures, or follow from them, or are told by themselves. */
const figures = new Set(
  `id after kind rows rowsAreEstimated bytes parts partsReason least tables largeObjects objects sequences sessions
   columnsPrint route routeReason versioned sourceObjects plannedAt maskKey`.split(/\s+/),
);

/** What is done, and how; that there is more or less of it is told elsewhere. */
function stepDifferences(then: readonly Step[], now: readonly Step[]): string[] {
  const byId = (steps: readonly Step[]): StepMap => new Map(steps.map((step) => [step.id, step]));
  const [before, after] = [byId(then), byId(now)];
  const isCounted = ({ kind, id }: Step) =>
    ['copy-table', 'copy-large-objects', 'copy-objects', 'delete-objects'].includes(kind) ||
    // Without anything to copy there may be nothing to verify.
    (kind === 'verify-objects' && before.has(id.replace('verify', 'copy')) !== after.has(id.replace('verify', 'copy')));
  const only = (one: StepMap, other: StepMap) =>
    [...one.values()].filter((step) => !other.has(step.id) && !isCounted(step)).map(({ id }) => id);
  const settings = [...before.values()].flatMap((step) => {
    const other = after.get(step.id);
    return other ? settingsOf(step, other).map((change) => ({ step, change })) : [];
  });
  const grouped = [...Map.groupBy(settings, ({ step, change }) => `${step.kind} ${change}`).values()];
  return [
    ...only(after, before).map((id) => `the step ${id} was not planned`),
    ...only(before, after).map((id) => `the step ${id} is not planned any more`),
    ...grouped.map(
      (all) =>
        `${someOf(
          all.map(({ step }) => step.id),
          5,
        )}: ${all[0]?.change}`,
    ),
  ];
}

/** The same masks by another key make other values. */
function keyDifference(then: readonly Step[], now: readonly Step[]): string[] {
  const [before, after] = [then, now].map((steps) => steps.find(({ kind }) => kind === 'swap'));
  if (before?.kind !== 'swap' || after?.kind !== 'swap' || before.maskKey === after.maskKey) return [];
  return [`database.masks.key is another one than in the plan`];
}

type StepMap = ReadonlyMap<string, Step>;

function settingsOf(then: Step, now: Step): string[] {
  const plain = (step: Step) => Object.fromEntries(Object.entries(step).filter(([key]) => !figures.has(key)));
  return fieldsOf('', plain(then), plain(now));
}

function tableDifferences(then: readonly Step[], now: readonly Step[], percent: number): string[] {
  const rows = (steps: readonly Step[]) =>
    new Map(
      steps.flatMap((step) =>
        step.kind === 'copy-table'
          ? [[displayTable(step.table), step.rows] as const]
          : step.kind === 'copy-large-objects'
            ? [['large objects', step.objects] as const]
            : [],
      ),
    );
  const [before, after] = [rows(then), rows(now)];
  const absent = (one: ReadonlyMap<string, number>, other: ReadonlyMap<string, number>) =>
    [...one.keys()].filter((name) => !other.has(name));
  const [more, fewer] = [absent(after, before), absent(before, after)];
  const off = [...after].flatMap(([name, number]) => {
    const old = before.get(name);
    return old !== undefined && isOff(old, number, percent)
      ? [`${name}: ${count(number)} rows at the source; in the plan ${count(old)}`]
      : [];
  });
  return [
    ...(more.length > 0 ? [`tables that were not planned: ${someOf(more)}`] : []),
    ...(fewer.length > 0 ? [`tables that the source has no more: ${someOf(fewer)}`] : []),
    ...off.slice(0, 20),
    ...(off.length > 20 ? [`and ${count(off.length - 20)} tables more with other numbers of rows`] : []),
  ];
}

/** A sentence for each field that is another one now. */
function fieldsOf(what: string, then: object, now: object): string[] {
  const [before, after] = [then, now] as [Record<string, unknown>, Record<string, unknown>]; // of JSON
  const keys = [...new Set([...Object.keys(before), ...Object.keys(after)])];
  return differing(
    what,
    keys.map((key) => [key, before[key], after[key]]),
  );
}

function differing(what: string, fields: readonly (readonly [name: string, then: unknown, now: unknown])[]): string[] {
  return fields
    .filter(([, then, now]) => JSON.stringify(then) !== JSON.stringify(now))
    .map(([name, then, now]) => `${what} ${name} is ${shown(now)}; it was ${shown(then)}`.trim());
}

function shown(value: unknown): string {
  if (value === undefined) return 'not given';
  return typeof value === 'string' ? value : JSON.stringify(value);
}
