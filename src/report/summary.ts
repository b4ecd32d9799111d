import { displayTable } from '../postgres/names.ts';
import { bytes, columns, count, counted, duration } from './format.ts';
import { objectFacts, objectsStay } from './objects-summary.ts';
import { functionFacts, partFacts, pausedText } from './parts-text.ts';
import { factsOf, stepsOf, type Report } from './report.ts';
import { ruleFacts } from './rules-summary.ts';
import type { Style, Tone } from './style.ts';
import { isDiscarded, verdictOf } from './verdict.ts';
import { appChecks, dataChecks, type Fact } from './verification-facts.ts';
import { versionsOf, versionsText } from './versions-text.ts';

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

const marks = {
  done: ['good', '✓'],
  failed: ['bad', '✗'],
  interrupted: ['bad', '✗'],
  paused: ['warn', '…'],
} as const satisfies Readonly<Record<Report['outcome'], readonly [Tone, string]>>;

function headline(report: Report, style: Style): string {
  const told = style('dim', `run ${report.run}, ${duration(report.durationMs)}`);
  const [tone, shape] = marks[report.outcome];
  return `${style(tone, shape)} ${style('strong', verdictOf(report))}  ${told}`;
}

/** The facts of a run, each a name and a text. */
function facts(report: Report, style: Style): Fact[] {
  const revisions = revisionText(report);
  const versions = versionsOf(report);
  return [
    ...objectFacts(report, style),
    ...tableFacts(report, style),
    ...ruleFacts(report),
    ...dataChecks(report, style),
    ...(revisions === undefined ? [] : [['revision', revisions] as Fact]),
    ...migratedFacts(report),
    ...(versions ? [['app', versionsText(versions, namesOf(report))] as Fact] : []),
    ...appChecks(report, style),
    ...partFacts(report),
    ...functionFacts(report, style),
    ...previousFacts(report),
    ...restoredFacts(report, style),
    ...report.remarks.map((remark): Fact => ['note', style('warn', remark)]),
  ];
}

function namesOf({ source, target }: Report): { readonly source: string; readonly target: string } {
  return { source: source.name, target: target.name };
}

/** What was kept of the databases before, and how the last one comes back. */
function previousFacts(report: Report): Fact[] {
  return stepsOf(report, 'drop-previous').flatMap((step): Fact[] => {
    const known = factsOf(step);
    if (!known) return [];
    const freed = known.freedBytes === undefined ? '' : `; ${bytes(known.freedBytes)} freed`;
    if (known.kept.length === 0) return [['previous', `none is kept${freed}`]];
    return [
      ['previous', `kept: ${known.kept.join(', ')}${freed}`],
      ['', `restage rollback${report.function ? ' --on lambda' : ''} puts the last one back`],
    ];
  });
}

/** What was looked at when the previous database had been put back. */
function restoredFacts({ recovery }: Report, style: Style): Fact[] {
  return (recovery?.verified ?? []).map(({ what, ok, found }): Fact => {
    const words = `${ok ? '' : 'not as before: '}${found}`;
    return [`put back: ${what}`, style(ok ? 'good' : 'bad', words)];
  });
}

/** Requests whose answer did not come, and how it was known that they ended well all the same. */
function migratedFacts(report: Report): Fact[] {
  return stepsOf(report, 'migrate').flatMap((step): Fact[] => {
    const polled = factsOf(step)?.polled;
    if (!polled) return [];
    return [['migrated', `${step.path}: ${polled.reason}; it had ended well after ${count(polled.seconds)} s`]];
  });
}

/** production a; staging b before, a as copied, c now */
function revisionText(report: Report): string | undefined {
  const { source, targetBefore, targetAfter } = report.figures.revision;
  if (source === undefined && targetBefore === undefined) return undefined;
  const swapped = stepsOf(report, 'swap').some((step) => step.outcome.status === 'done');
  const target =
    swapped && !report.recovery?.swappedBack
      ? `${targetBefore ?? 'none'} before, ${source ?? 'none'} as copied, ${targetAfter ?? 'none'} now`
      : // Of a run whose end nobody told it is not known what there is now.
        `${targetBefore ?? 'none'} before${report.failure?.code === 'function-failed' ? '' : ' and now'}`;
  return `${report.source.name} ${source ?? 'none'}; ${report.target.name} ${target}`;
}

function tableFacts(report: Report, style: Style): Fact[] {
  const tables = stepsOf(report, 'copy-table');
  if (tables.length === 0) return [];
  const done = tables.filter((step) => step.outcome.status === 'done');
  const failed = tables.flatMap((step) =>
    step.outcome.status === 'failed' ? [`${displayTable(step.table)}: ${step.outcome.failure.message}`] : [],
  );
  const origin = report.source.database?.origin;
  const discarded = done.length > 0 && isDiscarded(report);
  const list: Fact[] = [
    [
      'tables',
      `${count(done.length)} of ${count(tables.length)} ${report.outcome === 'paused' ? 'loaded' : 'copied'}${discarded ? ', then discarded' : ''}; ${counted(report.figures.tables.rows, 'row')}${origin ? ` from ${origin.database} at ${origin.host}:${origin.port}` : ''}`,
    ],
  ];
  for (const text of failed) list.push(['', style('bad', text)]);
  return list;
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
  const next = pausedText(report);
  if (!failure) return [`  ${state}`, ...(next === undefined ? [] : [`  ${next}`])];
  const objects = objectsStay(report);
  return [...(objects === undefined ? [] : [`${objects}.`]), recovery?.failure ? style('bad', state) : state];
}
