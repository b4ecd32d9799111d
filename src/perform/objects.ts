import { allOf } from '../all-of.ts';
import type { Ends } from '../connect.ts';
import { failureOf, RestageError } from '../errors.ts';
import type { SourceBucket, TargetBucket } from '../s3/bucket.ts';
import { checkContent, type ContentCheck } from '../s3/content.ts';
import { count } from '../report/format.ts';
import { emptyBucket } from '../plan-objects.ts';
import { countDifferences } from '../s3/diff.ts';
import { deleteExtras } from '../s3/extras.ts';
import { copyObjects, type ObjectFailure, type ObjectOutcome } from '../s3/transfer.ts';
import { filterOf, type Selection } from '../s3/selection.ts';
import type { Step } from '../step.ts';
import type { Context, Perform } from './context.ts';

/** Failures that a message names; the facts hold more. */
const named = 5;

/** Throws `protected` where a bucket that the steps write to bears the marker, as it may since they were planned. */
export async function requireUnmarkedBuckets(
  steps: readonly Step[],
  { target }: Ends,
  signal: AbortSignal | undefined,
): Promise<void> {
  const written = steps.flatMap((step) =>
    step.kind === 'copy-objects' || step.kind === 'delete-objects' ? [step.bucket] : [],
  );
  await allOf([...new Set(written)].map((name) => target.buckets.get(name)?.requireUnmarked(signal)));
}

/** The steps that bring the target's buckets to what the source's hold. */
export const objectSteps: Perform<'read-keys' | 'copy-objects' | 'verify-objects' | 'delete-objects'> = {
  'read-keys': async ({ bucket, selection }, context) => {
    const wanted = { bucket, referencedBy: selection.referencedBy ?? [], label: context.run, signal: context.signal };
    // It speaks to a database, whose driver a run of objects need not load otherwise.
    const { readKeysOfRun } = await import('./referenced.ts');
    const keys = await readKeysOfRun(context, wanted);
    context.keys.set(bucket, keys);
    return { facts: { bucket, keys: keys.size } };
  },

  'copy-objects': async (step, context) => {
    const { source, target } = pair(context, step.bucket);
    const done = await copyObjects(source, target, step, {
      filter: filterFor(context, step),
      backup: backupOf(context, step.selection),
      ...watch(step, context),
    });
    const keys = context.keys.get(step.bucket);
    const referenced = keys && { keys: keys.size, absent: keys.absent() };
    const facts = { bucket: step.bucket, ...done, ...(referenced ? { referenced } : {}) };
    if (facts.failed === 0) return { facts };
    const message = `${count(facts.failed)} of ${count(facts.failed + facts.copied.objects)} objects could not be copied from ${source.origin.bucket} to ${target.origin.bucket}:\n  ${lines(facts.failures, facts.failed)}`;
    return { facts, failure: failureOf(new RestageError('objects-failed', message)) };
  },

  'verify-objects': async (step, context) => {
    const both = { ...pair(context, step.bucket), selection: step.selection };
    // The source goes on being written to: what is newer than the copy's listing is not the copy's to have.
    const listedAt = context.facts('copy-objects').find(({ bucket }) => bucket === step.bucket)?.listedAt;
    const { signal } = context;
    const filter = filterFor(context, step);
    const totals = await countDifferences(both, { until: listedAt, signal, filter });
    const content: ContentCheck | undefined =
      step.content === 'none'
        ? undefined
        : await checkContent(both, {
            ...watch(step, context),
            filter,
            ...(step.content === 'all' ? {} : { sample: { count: step.content.sample, of: totals.same.objects } }),
          });
    const facts = { ...totals, ...(content ? { content } : {}) };
    const wrong = totals.missing.objects + totals.changed.objects;
    if (totals.source.objects === 0 && !step.mayBeEmpty)
      return { facts, failure: failureOf(emptyBucket(step.bucket, both.source.origin, step.selection)) };
    const [to, from] = [both.target.origin.bucket, both.source.origin.bucket];
    const message =
      wrong > 0
        ? `${to} still differs from ${from}: ${count(totals.missing.objects)} objects missing, ${count(totals.changed.objects)} different, e.g. ${totals.examples.map((key) => JSON.stringify(key)).join(', ')}`
        : content && content.differences > 0
          ? `${count(content.differences)} of ${count(content.checked.objects)} objects read back from ${to} are not what ${from} holds:\n  ${lines(content.different, content.differences)}`
          : undefined;
    if (message === undefined) return { facts };
    const hint =
      wrong > 0
        ? 'Run again: only what is missing or different is copied.'
        : `They have the right size and ETag: delete them in ${to}, then run again.`;
    return { facts, failure: failureOf(new RestageError('data-differs', message, { hint })) };
  },

  'delete-objects': async (step, context) => {
    const { source, target } = pair(context, step.bucket);
    const { selection, guard } = step;
    await target.requireUnmarked(context.signal); // the copy may have taken hours
    const filter = filterFor(context, step);
    const facts = await deleteExtras(step.bucket, source, target, {
      selection,
      filter,
      guard,
      planned: step,
      backup: backupOf(context, selection),
      ...watch(step, context),
    });
    if (facts.failed === 0) return { facts };
    const message = `${count(facts.failed)} of ${count(facts.failed + facts.deleted.objects)} objects could not be deleted in ${target.origin.bucket}:\n  ${lines(facts.failures, facts.failed)}`;
    return { facts, failure: failureOf(new RestageError('objects-failed', message)) };
  },
};

/** A step's selection, with the keys that rows name where only those count. */
function filterFor(
  { keys }: Context,
  { bucket, selection }: Pick<Step & { kind: 'read-keys' }, 'bucket' | 'selection'>,
) {
  return filterOf(selection, keys.get(bucket));
}

/** What is overwritten or deleted is kept by run, so that no run overwrites what another has put aside. */
function backupOf({ run }: Context, { backup }: Selection): string | undefined {
  return backup === undefined ? undefined : `${backup}${run}/`;
}

function watch(
  step: Step,
  context: Context,
): {
  readonly signal: AbortSignal;
  readonly onBytes: (bytes: number) => void;
  readonly onObject: (object: ObjectOutcome) => void;
} {
  const done = { bytes: 0, objects: 0, failed: 0 };
  return {
    signal: context.signal,
    onBytes: (bytes) => {
      done.bytes += bytes;
      context.progress(step, done);
    },
    onObject: (object) => {
      if (object.outcome === 'failed' || object.outcome === 'different') done.failed += 1;
      else if (object.outcome !== 'interrupted') done.objects += 1;
      context.object(step, object);
      context.progress(step, done);
    },
  };
}

function lines(failures: readonly ObjectFailure[], all: number): string {
  const told = failures.slice(0, named).map(({ key, reason }) => `${JSON.stringify(key)}: ${reason}`);
  return [...told, ...(all > told.length ? [`and ${count(all - told.length)} more`] : [])].join('\n  ');
}

/** Both buckets of a pair. */
export function pair({ ends }: Pick<Context, 'ends'>, bucket: string): { source: SourceBucket; target: TargetBucket } {
  const source = ends.source.buckets.get(bucket);
  const target = ends.target.buckets.get(bucket);
  if (!source || !target)
    throw new RestageError(
      'config-invalid',
      `the plan copies the bucket ${bucket}, which the config does not name at both ends`,
    );
  return { source, target };
}
