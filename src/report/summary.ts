import { displayTable } from '../postgres/names.ts';
import { bytes, columns, count, counted, duration } from './format.ts';
import { factsOf, stepsOf, type Report, type StepOf } from './report.ts';
import { ruleFacts } from './rules-summary.ts';
import { referencedText } from './plan-objects-text.ts';
import { contentText, newerText, totalText } from './step-words.ts';
import type { Amount } from '../s3/diff.ts';
import type { Deleted } from '../s3/extras.ts';
import { transfersAtOnce, type Transferred } from '../s3/transfer.ts';
import type { Style } from './style.ts';

interface Progress {
  readonly objects: number;
  readonly failed: number;
}

/** The end of a run for whoever watched it: what was done, what was not, what staging holds now. */
export function summary(report: Report, style: Style): string {
  const rows = facts(report, style).map(([name, text]) => [`  ${name}`, text]);
  return [
    headline(report, style),
    '',
    ...failureLines(report, style),
    ...columns(rows, ['left', 'left']),
    '',
    ...endLines(report, style),
  ].join('\n');
}

function headline(report: Report, style: Style): string {
  const { outcome, source, target, run, durationMs } = report;
  const told = style('dim', `run ${run}, ${duration(durationMs)}`);
  if (outcome === 'done' && report.steps.length === 0)
    return `${style('good', '✓')} ${style('strong', `${target.name} has all that ${source.name} has`)}  ${told}`;
  if (outcome === 'done')
    return `${style('good', '✓')} ${style('strong', `${target.name} is refreshed from ${source.name}`)}  ${told}`;
  const what = report.recovery?.kept
    ? `${target.name} holds new data of ${source.name} that was not accepted`
    : isAccepted(report)
      ? `${target.name} is refreshed from ${source.name}, but the run did not end well`
      : `${target.name} was not refreshed${outcome === 'interrupted' ? ': interrupted' : ''}`;
  return `${style('bad', '✗')} ${style('strong', what)}  ${told}`;
}

/** The new database was in place and verified, and only what comes after that went wrong. */
export function isAccepted(report: Report): boolean {
  const swapped = stepsOf(report, 'swap').some((step) => step.outcome.status === 'done');
  return swapped && report.recovery === undefined;
}

/**
 * The facts of a run, each a name and a text: the same in the terminal and in Markdown, where those of the data rules have a part of
 * their own.
 */
export function facts(
  report: Report,
  style: Style,
  rules: readonly [string, string][] = ruleFacts(report),
): [string, string][] {
  const list: [string, string][] = [];
  for (const step of stepsOf(report, 'copy-objects')) {
    const known = factsOf(step);
    const name = `objects ${step.bucket}`;
    if (known)
      list.push([
        name,
        `${copiedText(known)}, ${bytes(known.copied.bytes)}; ${count(known.unchanged.objects)} unchanged${leftThere(report, step.bucket, known.onlyInTarget)}${known.failed > 0 ? style('bad', `; ${count(known.failed)} failed`) : ''}`,
      ]);
    else list.push([name, style('dim', notCopiedText(step))]);
  }
  for (const step of stepsOf(report, 'copy-objects')) {
    const referenced = factsOf(step)?.referenced;
    if (referenced)
      list.push(['', `${step.bucket}: only what rows name: ${referencedText(referenced, step.selection)}`]);
  }
  for (const step of stepsOf(report, 'verify-objects')) {
    const known = factsOf(step);
    if (known)
      list.push([
        '',
        `${count(known.same.objects)} of ${count(known.source.objects)} equal${newerText(known.newer.objects)}, ${bytes(known.source.bytes)} at the source${contentText(known.content)}`,
      ]);
  }
  for (const { bucket, totals } of report.objects)
    if (!report.steps.some((step) => step.kind === 'copy-objects' && step.bucket === bucket))
      list.push([
        `objects ${bucket}`,
        `nothing to copy when planned: ${count(totals.same.objects)} of ${count(totals.source.objects)} equal, ${bytes(totals.source.bytes)} at the source${leftThere(report, bucket, totals.extra)}`,
      ]);
  for (const step of stepsOf(report, 'delete-objects')) {
    const known = factsOf(step);
    const name = `deleted ${step.bucket}`;
    if (known) list.push([name, deletionText(known, step.selection.backup, report.run)]);
    else list.push([name, style('dim', notDeletedText(step))]);
  }
  list.push(...tableFacts(report, style), ...rules);
  const revisions = revisionText(report);
  if (revisions !== undefined) list.push(['revision', revisions]);
  const versions = [report.source, report.target].flatMap(({ name, app }) =>
    app ? [`${name} ${app.version ?? 'unknown'} (${app.gitSha ?? 'unknown'})`] : [],
  );
  if (versions.length > 0) list.push(['app', versions.join('; ')]);
  for (const step of stepsOf(report, 'check-health')) {
    const known = factsOf(step);
    list.push([
      'health',
      known && step.outcome.status === 'done'
        ? style('good', healthWord(report))
        : style('dim', step.outcome.status === 'failed' ? 'not as expected' : 'not asked'),
    ]);
  }
  for (const step of stepsOf(report, 'compare-total')) {
    const known = factsOf(step);
    if (known) list.push([`${step.read} of ${step.path}`, totalText(step, known)]);
  }
  for (const step of stepsOf(report, 'drop-previous')) {
    const known = factsOf(step);
    if (known)
      list.push([
        'previous',
        `${known.kept.length === 0 ? 'none is kept' : `kept: ${known.kept.join(', ')}`}${known.freedBytes === undefined ? '' : `; ${bytes(known.freedBytes)} freed`}`,
      ]);
  }
  for (const { what, ok, found } of report.recovery?.verified ?? [])
    list.push([`put back: ${what}`, style(ok ? 'good' : 'bad', `${ok ? '' : 'not as before: '}${found}`)]);
  for (const remark of report.remarks) list.push(['note', style('warn', remark)]);
  return list;
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

/** production a; staging b before, a as copied, c now */
function revisionText(report: Report): string | undefined {
  const { source, targetBefore, targetAfter } = report.figures.revision;
  if (source === undefined && targetBefore === undefined) return undefined;
  const swapped = stepsOf(report, 'swap').some((step) => step.outcome.status === 'done');
  const target =
    swapped && !report.recovery?.swappedBack
      ? `${targetBefore ?? 'none'} before, ${source ?? 'none'} as copied, ${targetAfter ?? 'none'} now`
      : `${targetBefore ?? 'none'} before and now`;
  return `${report.source.name} ${source ?? 'none'}; ${report.target.name} ${target}`;
}

function tableFacts(report: Report, style: Style): [string, string][] {
  const tables = stepsOf(report, 'copy-table');
  if (tables.length === 0) return [];
  const done = tables.filter((step) => step.outcome.status === 'done');
  const failed = tables.flatMap((step) =>
    step.outcome.status === 'failed' ? [`${displayTable(step.table)}: ${step.outcome.failure.message}`] : [],
  );
  const origin = report.source.database?.origin;
  const discarded = done.length > 0 && (report.recovery?.dropped.length ?? 0) > 0;
  const list: [string, string][] = [
    [
      'tables',
      `${count(done.length)} of ${count(tables.length)} copied${discarded ? ', then discarded' : ''}; ${counted(report.figures.tables.rows, 'row')}${origin ? ` from ${origin.database} at ${origin.host}:${origin.port}` : ''}`,
    ],
  ];
  for (const text of failed) list.push(['', style('bad', text)]);
  for (const step of stepsOf(report, 'verify-tables')) {
    const known = factsOf(step);
    if (known)
      list.push([
        step.verify === 'content' ? 'digests' : 'verified',
        known.different.length === 0
          ? `${how(step.verify)}: ${style('good', `all ${count(known.tables)} equal`)}`
          : `${how(step.verify)}: ${style('bad', `${count(known.different.length)} of ${count(known.tables)} different`)}`,
      ]);
  }
  return list;
}

function how(verify: 'content' | 'rows'): string {
  return verify === 'content' ? 'taken while copying' : 'rows counted while copying, their content not compared';
}

/** What went wrong comes first. */
function failureLines({ failure, outcome }: Report, style: Style): string[] {
  if (!failure) return [];
  if (outcome === 'interrupted') return [`${style('bad', 'interrupted at')} ${style('strong', failure.step)}`, ''];
  const lines = [`${style('bad', 'failed')} ${style('strong', failure.step)}: ${failure.message}`];
  if (failure.hint) lines.push(`  ${failure.hint}`);
  return [...lines, ''];
}

/** What the target holds now. */
function endLines(report: Report, style: Style): string[] {
  const { failure, recovery, holds } = report;
  const state = `${holds.replace(/\.$/, '')}.`;
  if (!failure) return [`  ${state}`];
  const objects = objectsStay(report);
  return [...(objects === undefined ? [] : [`${objects}.`]), recovery?.failure ? style('bad', state) : state];
}

/** What a run that was not accepted leaves in the buckets, in a sentence. */
export function objectsStay(report: Report): string | undefined {
  const { copied } = report.figures.objects;
  if (!report.failure || isAccepted(report) || copied === 0) return undefined;
  return copied === 1
    ? '1 object was copied before that; it stays'
    : `${count(copied)} objects were copied before that; they stay`;
}

function healthWord({ figures: { health } }: Report): string {
  return typeof health === 'string' ? health : 'as expected';
}
