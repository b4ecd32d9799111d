import { againId } from '../remote/again-id.ts';
import type { Facts } from '../facts.ts';
import type { Amount } from '../s3/diff.ts';
import { factsOf, stepsOf, type Report, type StepOf } from './report.ts';

/** The steps that copy a pair: two where a run goes from two places, before the database's snapshot and after it. */
export function copiesOf(report: Pick<Report, 'steps'>, bucket: string): readonly StepOf<'copy-objects'>[] {
  return stepsOf(report, 'copy-objects').filter((step) => step.bucket === bucket);
}

/** Whether a step copies what came since the first one of the same pair. */
export function isAgain({ id, bucket }: Pick<StepOf<'copy-objects'>, 'id' | 'bucket'>): boolean {
  return id === againId(bucket);
}

/** What all of them have done, as far as it is known; undefined where nothing is. */
export function copiedOf(report: Pick<Report, 'steps'>, bucket: string): Facts['copy-objects'] | undefined {
  const known = copiesOf(report, bucket).flatMap((step) => factsOf(step) ?? []);
  return known.length === 0
    ? undefined
    : known.reduce((first, then) => ({
        ...then,
        copied: sum(first.copied, then.copied),
        overwritten: sum(first.overwritten, then.overwritten),
        // What the first one brought is there unchanged, but not from before.
        unchanged: less(then.unchanged, first.copied),
        backedUp: sum(first.backedUp, then.backedUp),
        failed: first.failed + then.failed,
        failures: [...first.failures, ...then.failures],
      }));
}

function sum(one: Amount, other: Amount): Amount {
  return { objects: one.objects + other.objects, bytes: one.bytes + other.bytes };
}

function less(one: Amount, other: Amount): Amount {
  return { objects: Math.max(0, one.objects - other.objects), bytes: Math.max(0, one.bytes - other.bytes) };
}
