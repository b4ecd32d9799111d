import { RestageError } from '../errors.ts';
import type { TargetBucket } from './bucket.ts';
import type { Amount, DiffTotals } from './diff.ts';
import type { ListedObject } from './listing.ts';
import { describeBucket } from './origin.ts';
import { byPrefix, type Prefixes } from './prefixes.ts';

/** How much may be deleted at most; more is refused, and nothing is deleted then. */
export interface DeletionGuard {
  readonly maxCount: number;
  /** Of the target's objects; also how far the source may have shrunk since the plan. */
  readonly maxPercent: number;
}

/** What would be deleted, for whoever is to agree to it. */
export interface ExtrasSurvey extends Amount, Prefixes {
  /** Of the target's objects. */
  readonly percent: number;
  readonly samples: readonly string[];
}

const samplesTold = 5;

/** Collects what only the target has, in bounded memory. */
export function surveyor(): { see(object: ListedObject): void; survey(totals: DiffTotals): ExtrasSurvey } {
  const counted = byPrefix();
  const samples: string[] = [];
  return {
    see: (object) => {
      counted.see(object);
      if (samples.length < samplesTold) samples.push(object.key);
    },
    survey: ({ extra, target }) => ({
      ...extra,
      percent: percentOf(extra.objects, target.objects),
      ...counted.told(),
      samples,
    }),
  };
}

function percentOf(part: number, whole: number): number {
  return whole === 0 ? 0 : (part * 100) / whole; // in this order whole percents are exact
}

/** What somebody has agreed to. */
export interface PlannedExtras {
  /** How many objects only the target had. */
  readonly objects: number;
  /** How many objects the source had. */
  readonly sourceObjects: number;
  /** When the target's listing began, ISO 8601 by its clock: what is written there later is not meant. */
  readonly plannedAt: string;
}

/**
 * Throws `deletion-refused` where what would be deleted is more than the guard allows or somebody has agreed to, or where the
 * source lists so little that its listing cannot be trusted. `name` is the config's name for the pair.
 */
export function requireDeletable(
  name: string,
  totals: DiffTotals,
  guard: DeletionGuard,
  target: TargetBucket['origin'],
  planned?: PlannedExtras,
): void {
  const { extra, source } = totals;
  if (extra.objects === 0) return;
  const percent = percentOf(extra.objects, totals.target.objects);
  const share = `${number(extra.objects)} of the target's ${number(totals.target.objects)} objects, ${percent.toFixed(percent < 10 ? 1 : 0)} %`;
  const refuse = (why: string, hint: string) =>
    new RestageError('deletion-refused', `nothing is deleted in ${describeBucket(target)}: ${why}`, { hint });
  if (source.objects === 0)
    throw refuse(
      `the source lists no object at all, and all ${number(extra.objects)} of the target would go`,
      'Is it the right bucket, and the right prefix? An empty source never deletes.',
    );
  if (planned && percentOf(planned.sourceObjects - source.objects, planned.sourceObjects) > guard.maxPercent)
    throw refuse(
      `the source lists ${number(source.objects)} objects now and listed ${number(planned.sourceObjects)} when this was planned`,
      `It has shrunk by more than maxPercent, ${guard.maxPercent} %. Find out why, then plan again.`,
    );
  if (planned && extra.objects > planned.objects)
    throw refuse(
      `${number(extra.objects)} objects would go, and ${number(planned.objects)} ${planned.objects === 1 ? 'was' : 'were'} planned`,
      'Objects are gone at the source since. Plan again, and see whether they are meant.',
    );
  const broken = [
    ...(extra.objects > guard.maxCount ? [{ key: 'maxCount', allows: number(guard.maxCount) }] : []),
    ...(percent > guard.maxPercent ? [{ key: 'maxPercent', allows: `${guard.maxPercent} %` }] : []),
  ];
  if (broken.length > 0)
    throw refuse(
      `${share}, would go, and ${broken.map(({ key, allows }) => `${key} allows ${allows}`).join(', ')}`,
      `If they are to go, raise ${broken.map(({ key }) => `objects.${name}.delete.${key}`).join(' and ')}; if not, exclude them.`,
    );
}

/** 4709 → 4,709; the reports' own is not for this room. */
function number(value: number): string {
  return value.toLocaleString('en-US');
}
