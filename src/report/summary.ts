import { displayTable } from '../postgres/names.ts';
import { bytes, columns, count, counted, duration } from './format.ts';
import { factsOf, stepsOf, type Report } from './report.ts';
import { contentText, newerText } from './step-words.ts';
import type { Deleted } from '../s3/extras.ts';
import type { Style } from './style.ts';

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
  const what = isAccepted(report)
    ? `${target.name} is refreshed from ${source.name}, but the run did not end well`
    : `${target.name} was not refreshed${outcome === 'interrupted' ? ': interrupted' : ''}`;
  return `${style('bad', '✗')} ${style('strong', what)}  ${told}`;
}

/** The new database was in place and verified, and only what comes after that went wrong. */
function isAccepted(report: Report): boolean {
  const swapped = stepsOf(report, 'swap').some((step) => step.outcome.status === 'done');
  return swapped && report.recovery === undefined;
}

/** The facts of a run, each a name and a text: the same in the terminal and in Markdown. */
export function facts(report: Report, style: Style): [string, string][] {
  const list: [string, string][] = [];
  for (const step of stepsOf(report, 'copy-objects')) {
    const known = factsOf(step);
    const name = `objects ${step.bucket}`;
    if (!known) {
      const begun = step.outcome.status !== 'not-run';
      list.push([name, style('dim', begun ? 'stopped; what was copied until then stays' : 'not copied')]);
    } else
      list.push([
        name,
        `${counted(known.copied.objects, 'object')} copied, ${bytes(known.copied.bytes)}; ${count(known.unchanged.objects)} unchanged${known.onlyInTarget.objects > 0 && !deletes(report, step.bucket) ? `; ${count(known.onlyInTarget.objects)} only in the target, left there` : ''}${known.failed > 0 ? style('bad', `; ${count(known.failed)} failed`) : ''}`,
      ]);
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
        `nothing to copy: ${count(totals.same.objects)} of ${count(totals.source.objects)} equal, ${bytes(totals.source.bytes)} at the source`,
      ]);
  for (const step of stepsOf(report, 'delete-objects')) {
    const known = factsOf(step);
    const name = `deleted ${step.bucket}`;
    if (!known) list.push([name, style('dim', step.outcome.status === 'not-run' ? 'nothing' : 'stopped on the way')]);
    else list.push([name, deletionText(known)]);
  }
  list.push(...tableFacts(report, style));
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
      known
        ? style('good', healthWord(report))
        : style('dim', step.outcome.status === 'failed' ? 'not as expected' : 'not asked'),
    ]);
  }
  for (const step of stepsOf(report, 'compare-total')) {
    const known = factsOf(step);
    if (known)
      list.push([
        `${step.read} of ${step.path}`,
        `${JSON.stringify(known.source)} at the source, ${JSON.stringify(known.target)} at the target`,
      ]);
  }
  for (const step of stepsOf(report, 'drop-previous')) {
    const known = factsOf(step);
    if (known) list.push(['previous', known.kept.length === 0 ? 'none is kept' : `kept: ${known.kept.join(', ')}`]);
  }
  for (const remark of report.remarks) list.push(['note', style('warn', remark)]);
  return list;
}

function deletes(report: Report, bucket: string): boolean {
  return report.steps.some((step) => step.kind === 'delete-objects' && step.bucket === bucket);
}

function deletionText({ deleted, kept, failed }: Deleted): string {
  const more = [
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
