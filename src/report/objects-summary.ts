import type { Amount } from '../s3/diff.ts';
import type { Deleted } from '../s3/extras.ts';
import { transfersAtOnce, type Transferred } from '../s3/transfer.ts';
import { bytes, count, counted } from './format.ts';
import { copiesOf, isAgain } from './bucket-copies.ts';
import { referencedText } from './plan-objects-text.ts';
import { factsOf, stepsOf, type Report, type StepOf } from './report.ts';
import type { Style } from './style.ts';
import { isAccepted } from './verdict.ts';
import { objectChecks, type Fact } from './verification-facts.ts';

interface Progress {
  readonly objects: number;
  readonly failed: number;
}

/** What became of the objects, each a name and a text. */
export function objectFacts(report: Report, style: Style): Fact[] {
  const compared = objectChecks(report).map(([, text]): Fact => ['', text]);
  return [...copyFacts(report, style), ...compared, ...deletionFacts(report, style)];
}

/** What was copied, or why it was not; of what rows name alone, and where nothing was to be copied. */
export function copyFacts(report: Report, style: Style): Fact[] {
  const list: Fact[] = [];
  for (const step of stepsOf(report, 'copy-objects')) {
    const known = factsOf(step);
    const name = isAgain(step) ? '' : `objects ${step.bucket}`;
    if (known)
      list.push([
        name,
        `${isAgain(step) ? 'what came since: ' : ''}${copiedText(known)}, ${bytes(known.copied.bytes)}; ${count(known.unchanged.objects)} unchanged${isLast(report, step) ? leftThere(report, step.bucket, known.onlyInTarget) : ''}${known.failed > 0 ? style('bad', `; ${count(known.failed)} failed`) : ''}`,
      ]);
    else list.push([name, style('dim', `${isAgain(step) ? 'what came since: ' : ''}${notCopiedText(step)}`)]);
  }
  for (const step of stepsOf(report, 'copy-objects')) {
    const referenced = factsOf(step)?.referenced;
    if (referenced)
      list.push(['', `${step.bucket}: only what rows name: ${referencedText(referenced, step.selection)}`]);
  }
  for (const { bucket, totals } of report.objects)
    if (!report.steps.some((step) => step.kind === 'copy-objects' && step.bucket === bucket))
      list.push([
        `objects ${bucket}`,
        `nothing to copy when planned: ${count(totals.same.objects)} of ${count(totals.source.objects)} equal, ${bytes(totals.source.bytes)} at the source${leftThere(report, bucket, totals.extra)}`,
      ]);
  return list;
}

/** What was deleted, or why it was not. */
export function deletionFacts(report: Report, style: Style): Fact[] {
  return stepsOf(report, 'delete-objects').map((step): Fact => {
    const known = factsOf(step);
    const text = known ? deletionText(known, step.selection.backup, report.run) : style('dim', notDeletedText(step));
    return [`deleted ${step.bucket}`, text];
  });
}

/** What a run that was not accepted leaves in the buckets, in a sentence. */
export function objectsStay(report: Report): string | undefined {
  const { copied } = report.figures.objects;
  if (!report.failure || isAccepted(report) || copied === 0) return undefined;
  return copied === 1
    ? '1 object was copied before that; it stays'
    : `${count(copied)} objects were copied before that; they stay`;
}

function isLast(report: Report, step: StepOf<'copy-objects'>): boolean {
  return copiesOf(report, step.bucket).at(-1)?.id === step.id;
}

function deletes(report: Report, bucket: string): boolean {
  return report.steps.some((step) => step.kind === 'delete-objects' && step.bucket === bucket);
}

/** What only the target has, where nothing was to be deleted. */
function leftThere(report: Report, bucket: string, { objects }: Amount): string {
  return objects > 0 && !deletes(report, bucket) ? `; ${count(objects)} only in the target, left there` : '';
}

/** 40 objects copied, 14 of them over others */
function copiedText({ copied, overwritten }: Transferred): string {
  const text = `${counted(copied.objects, 'object')} copied`;
  if (overwritten.objects === 0) return text;
  if (copied.objects === 1) return `${text}, over another`;
  const part = overwritten.objects === copied.objects ? 'all' : count(overwritten.objects);
  return `${text}, ${part} of them over ${overwritten.objects === 1 ? 'another' : 'others'}`;
}

/** How far a step had come when it was stopped. */
export function progressOf(step: StepOf<'copy-objects' | 'delete-objects'>): Progress | undefined {
  const known = step.outcome.status === 'stopped' ? step.outcome.progress : undefined;
  return known && { objects: known.objects ?? 0, failed: known.failed ?? 0 };
}

function notCopiedText(step: StepOf<'copy-objects'>): string {
  const { status } = step.outcome;
  if (status === 'not-run') return 'not copied';
  const progress = progressOf(step);
  if (!progress) return `${status}; what was copied until then stays`;
  const { objects, failed } = progress;
  return [
    `stopped: ${partOf(objects, step.objects)} copied`,
    ...(objects > 0 ? [objects === 1 ? 'it stays' : 'they stay'] : []),
    ...(failed > 0 ? [`${count(failed)} failed`] : []),
    ...underWay(progress, step.objects, transfersAtOnce),
  ].join('; ');
}

function notDeletedText(step: StepOf<'delete-objects'>): string {
  const { outcome } = step;
  if (outcome.status === 'not-run') return 'nothing';
  // What fails while objects are deleted is told in the facts: without them none was.
  if (outcome.status === 'failed')
    return outcome.failure.code === 'deletion-refused' ? 'nothing: refused' : 'nothing: it failed before that';
  const progress = progressOf(step) ?? { objects: 0, failed: 0 };
  return [
    `stopped: ${partOf(progress.objects, step.objects)} deleted`,
    ...(progress.failed > 0 ? [`${count(progress.failed)} failed`] : []),
    ...underWay(progress, step.objects, deletedAtOnce),
  ].join('; ');
}

/** S3 deletes so many in one request. */
const deletedAtOnce = 1000;

/** 1,387 of 9,012 objects; where there turned out to be more than planned, only how many. */
function partOf(objects: number, planned: number): string {
  return objects > planned ? counted(objects, 'object') : `${count(objects)} of ${counted(planned, 'object')}`;
}

/** What may have arrived all the same. */
function underWay({ objects, failed }: Progress, planned: number, most: number): string[] {
  const rest = planned - objects - failed;
  const more = rest > 0 ? Math.min(rest, most) : most;
  return [`up to ${count(more)} more ${more === 1 ? 'was' : 'were'} under way`];
}

function deletionText({ deleted, kept, newer, failed }: Deleted, backup: string | undefined, run: string): string {
  const more = [
    ...(backup !== undefined && deleted.objects > 0 ? [`kept under ${backup}${run}/`] : []),
    ...(newer > 0 ? [`${count(newer)} left, as they were written since the plan`] : []),
    ...(kept > 0 ? [`${count(kept)} left, as the source has them after all`] : []),
    ...(failed > 0 ? [`${count(failed)} failed`] : []),
  ];
  return [`${counted(deleted.objects, 'object')} that only the target had, ${bytes(deleted.bytes)}`, ...more].join(
    '; ',
  );
}
