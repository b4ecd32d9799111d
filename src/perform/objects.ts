import { failureOf, RestageError } from '../errors.ts';
import type { SourceBucket, TargetBucket } from '../s3/bucket.ts';
import { countDifferences, diffBuckets } from '../s3/diff.ts';
import { copyObjects } from '../s3/transfer.ts';
import type { Context, Perform } from './context.ts';

/** Failures that a message names; the facts hold more. */
const named = 5;

/** The steps that bring the target's buckets to what the source's hold. */
export const objectSteps: Perform<'copy-objects' | 'verify-objects'> = {
  'copy-objects': async (step, context) => {
    const { source, target } = pair(context, step.bucket);
    const done = { bytes: 0, objects: 0, failed: 0 };
    const facts = await copyObjects(source, target, {
      signal: context.signal,
      onObject: (bytes, failed) => {
        done.bytes += bytes;
        done.objects += failed ? 0 : 1;
        done.failed += failed ? 1 : 0;
        context.progress(step, done);
      },
    });
    if (facts.failed === 0) return { facts };
    const lines = facts.failures.slice(0, named).map(({ key, reason }) => `${JSON.stringify(key)}: ${reason}`);
    if (facts.failed > named) lines.push(`and ${facts.failed - named} more`);
    const message = `${facts.failed} of ${facts.failed + facts.copied.objects} objects could not be copied from ${source.origin.bucket} to ${target.origin.bucket}:\n  ${lines.join('\n  ')}`;
    return { facts, failure: failureOf(new RestageError('objects-failed', message)) };
  },

  'verify-objects': async (step, context) => {
    const { source, target } = pair(context, step.bucket);
    // The source goes on being written to: what is newer than the copy's listing is not the copy's to have.
    const listedAt = context
      .facts('copy-objects')
      .map((copied) => copied.listedAt)
      .toSorted()[0];
    const facts = await countDifferences(diffBuckets(source, target, context.signal), listedAt);
    const wrong = facts.missing.objects + facts.changed.objects;
    if (wrong === 0) return { facts };
    const message = `${target.origin.bucket} still differs from ${source.origin.bucket}: ${facts.missing.objects} objects missing, ${facts.changed.objects} different`;
    return {
      facts,
      failure: failureOf(
        new RestageError('data-differs', message, {
          hint: 'Run again: only what is missing or different is copied.',
        }),
      ),
    };
  },
};

function pair({ ends }: Context, bucket: string): { source: SourceBucket; target: TargetBucket } {
  const source = ends.source.buckets.get(bucket);
  const target = ends.target.buckets.get(bucket);
  if (!source || !target)
    throw new RestageError(
      'config-invalid',
      `the plan copies the bucket ${bucket}, which the config does not name at both ends`,
    );
  return { source, target };
}
