import type { Config } from '../config.ts';
import { RestageError } from '../errors.ts';
import type { PlannedBucket } from '../plan-objects.ts';
import type { Plan, PlannedEnd, PlannedFunction } from '../plan.ts';
import type { Step } from '../step.ts';
import { unseenReferences } from '../unseen-references.ts';
import { againId, copyId } from './again-id.ts';

// A refresh that is made from two places: its database in a function beside the databases, its objects from here. Objects are
// copied twice: before the database's snapshot, so that it takes little time once that is taken; and after it, what came since.

type CopyStep = Extract<Step, { kind: 'copy-objects' }>;

export interface JoinOptions {
  /** Where the database's part is made. */
  readonly on?: PlannedFunction | undefined;
  /** The config's `verify.references`, which are looked at when everything is there. */
  readonly references?: Config['verify']['references'] | undefined;
}

/**
 * The plans of a database and of objects, each made where its part is going to be made, as the one plan that a person agrees to. Its
 * order is that of the run: the objects' first pass, the database, their second pass with the references before any deletion.
 */
export function joinPlans(database: Plan, objects: Plan, { on, references = [] }: JoinOptions = {}): Plan {
  const before = firstPass(objects).steps;
  const built = database.steps.map((step) =>
    step.after.length === 0 ? { ...step, after: before.map(({ id }) => id) } : step,
  );
  const ends = lastOf(built.length === 0 ? before : built);
  const since = secondPass(objects).steps.map((step) => (step.after.length === 0 ? { ...step, after: ends } : step));
  // What is deleted cannot be put back: the references are looked at before.
  const kept = since.filter(({ kind }) => kind !== 'delete-objects');
  const looked = referenceSteps(objects.objects, references, lastOf([...before, ...built, ...kept]));
  const deletions = since.flatMap((step) =>
    step.kind === 'delete-objects' ? [{ ...step, after: looked.length > 0 ? lastOf(looked) : step.after }] : [],
  );
  const replaces = database.replaces ?? objects.replaces;
  const made = on ?? database.onLambda;
  const refusals = [...(database.refusals ?? []), ...(objects.refusals ?? [])];
  const { only: _database, refusals: _refusals, ...rest } = database;
  // What either part by itself would leave out is not left out of both.
  const untrue = new Set([unseenReferences('database'), unseenReferences('objects')]);
  return {
    ...rest,
    madeAt: database.madeAt < objects.madeAt ? database.madeAt : objects.madeAt,
    ...(made ? { onLambda: { ...made, ...(objects.objects.length > 0 ? { objects: 'here' as const } : {}) } } : {}),
    source: joinEnds(database.source, objects.source),
    target: joinEnds(database.target, objects.target),
    objects: objects.objects,
    ...(replaces ? { replaces: { ...database.replaces, buckets: objects.replaces?.buckets ?? [] } } : {}),
    steps: unique([...before, ...built, ...kept, ...looked, ...deletions]),
    notes: [...new Set([...database.notes, ...objects.notes])].filter((note) => !untrue.has(note)),
    ...(refusals.length > 0 ? { refusals } : {}),
  };
}

/**
 * The plan of objects as far as it is carried out before the database's snapshot: what is to be copied, and nothing that is judged or
 * deleted. Where only what rows name counts, nothing: those rows are not there yet.
 */
export function firstPass(objects: Plan): Plan {
  return { ...objects, steps: firstCopies(objects).map((step) => ({ ...step, after: [] })) };
}

/**
 * The plan of objects as it is carried out when the database is in place: every pair is listed again and what came since is copied,
 * then all of it is verified, and last of all deleted what was agreed to.
 */
export function secondPass(objects: Plan): Plan {
  const first = new Set(firstCopies(objects).map(({ bucket }) => bucket));
  const copies = objects.objects.map((planned): CopyStep => {
    const [named, known] = [keysStep(objects, planned.bucket), copyStep(objects, planned.bucket)];
    return {
      ...(known ?? copyOf(planned)),
      ...(first.has(planned.bucket) ? { objects: 0, bytes: 0 } : {}),
      id: first.has(planned.bucket) ? againId(planned.bucket) : copyId(planned.bucket),
      after: named ? [named.id] : [],
    };
  });
  const steps = objects.objects.flatMap(({ bucket, selection, totals }, index): Step[] => {
    const copy = copies[index];
    if (!copy) return [];
    const verify = objects.steps.find((step) => step.kind === 'verify-objects' && step.bucket === bucket);
    const named = keysStep(objects, bucket);
    return [
      ...(named ? [{ ...named, after: [] }] : []),
      copy,
      verify
        ? { ...verify, after: [copy.id] }
        : {
            id: `verify-objects ${bucket}`,
            after: [copy.id],
            kind: 'verify-objects',
            bucket,
            selection,
            content: 'none',
            mayBeEmpty: totals.source.objects === 0, // else it would be refused
          },
    ];
  });
  const verified = lastOf(steps);
  const deletions = objects.steps.flatMap((step) =>
    step.kind === 'delete-objects' ? [{ ...step, after: verified }] : [],
  );
  return { ...objects, steps: [...steps, ...deletions] };
}

export type Pass = 'first' | 'database' | 'second' | 'references';

/** Which part of a joined plan a step is of. */
export function passOf(step: Step, joined: Pick<Plan, 'steps'>): Pass {
  const { id, kind } = step;
  if (kind === 'verify-references') return 'references';
  if (
    kind === 'copy-objects' &&
    id === copyId(step.bucket) &&
    joined.steps.some((one) => one.id === againId(step.bucket))
  )
    return 'first';
  return kind === 'copy-objects' || kind === 'read-keys' || kind === 'verify-objects' || kind === 'delete-objects'
    ? 'second'
    : 'database';
}

function firstCopies(objects: Plan): readonly CopyStep[] {
  return objects.steps.flatMap((step) =>
    step.kind === 'copy-objects' && step.selection.only === undefined ? [step] : [],
  );
}

function copyStep({ steps }: Plan, bucket: string): CopyStep | undefined {
  return steps.flatMap((step) => (step.kind === 'copy-objects' && step.bucket === bucket ? [step] : []))[0];
}

function keysStep({ steps }: Plan, bucket: string): Step | undefined {
  return steps.find((step) => step.kind === 'read-keys' && step.bucket === bucket);
}

/** The step for a pair that nothing was to be copied of when it was planned. */
function copyOf({ bucket, selection, keeping, route, forced }: PlannedBucket): CopyStep {
  return {
    id: copyId(bucket),
    after: [],
    kind: 'copy-objects',
    bucket,
    objects: 0,
    bytes: 0,
    selection,
    keeping,
    route: route?.kind ?? 'stream',
    routeReason: route?.reason ?? 'nothing was to be copied when it was planned',
    forced,
  };
}

function referenceSteps(
  objects: readonly PlannedBucket[],
  references: Config['verify']['references'],
  after: readonly string[],
): Step[] {
  return objects.flatMap(({ bucket, selection }): Step[] => {
    const columns = references.flatMap(({ column, absent, bucket: of }) => (of === bucket ? [{ column, absent }] : []));
    return columns.length === 0
      ? []
      : [{ id: `verify-references ${bucket}`, after, kind: 'verify-references', bucket, columns, selection }];
  });
}

/** Of whichever part it was read, the database's first. */
function joinEnds(database: PlannedEnd, objects: PlannedEnd): PlannedEnd {
  return { ...objects, ...database };
}

/** The ids of those that no other one waits for. */
function lastOf(steps: readonly Step[]): readonly string[] {
  const waitedFor = new Set(steps.flatMap(({ after }) => after));
  return steps.flatMap(({ id }) => (waitedFor.has(id) ? [] : [id]));
}

function unique(steps: readonly Step[]): readonly Step[] {
  const ids = new Set<string>();
  for (const { id } of steps) {
    if (ids.has(id)) throw new RestageError('internal', `two steps of the joined plan are called ${id}`);
    ids.add(id);
  }
  return steps;
}
