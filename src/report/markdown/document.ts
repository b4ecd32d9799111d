import { redact } from '../../errors.ts';
import { describeBucket } from '../../s3/origin.ts';
import { databaseLines, tableLines } from './database.ts';
import { bytes, count, duration, moment, sentence } from '../format.ts';
import { knownIssues } from './known-issues.ts';
import { table } from './table.ts';
import { escaped } from './text.ts';
import { objectFigures } from './objects-figures.ts';
import { objectLines } from './objects.ts';
import { objectsStay } from '../objects-summary.ts';
import { originText } from '../origin-text.ts';
import { replacedRows } from '../replaces-text.ts';
import { functionRows, momentText, partCells, partHeads, pausedText } from '../parts-text.ts';
import type { Report } from '../report.ts';
import { ruleFacts } from '../rules-summary.ts';
import { schemaLines } from './schema.ts';
import { hasDone } from '../step-words.ts';
import { verificationLines } from './verification.ts';
import { versionLines } from './versions.ts';

/** The report of a run as a page to keep or send. `list` is the file beside it that has a line for each object. */
export function markdown(report: Report, list?: string): string {
  const { source, target, run, outcome, startedAt } = report;
  const isIdle = outcome === 'done' && report.steps.length === 0;
  const verdict = isIdle
    ? 'Nothing was to be done'
    : { done: 'Refreshed', failed: 'Failed', interrupted: 'Interrupted', paused: 'Paused' }[outcome];
  const stay = objectsStay(report);
  const next = pausedText(report);
  const lines = [
    `# ${escaped(source.name)} to ${escaped(target.name)}, ${startedAt.slice(0, 10)}: ${isIdle ? 'nothing to do' : verdict.toLowerCase()}`,
    '',
    `**Date:** ${moment(startedAt)}  `,
    `**Run:** ${run}  `,
    `**Time taken:** ${duration(report.durationMs)}  `,
    `**Outcome:** ${verdict}. ${escaped(sentence(report.holds))}${stay === undefined ? '' : ` ${sentence(stay)}`}${next === undefined ? '' : ` ${next}`}`,
    '',
    ...failureLines(report),
    ...resultLines(report),
    ...issueLines(report),
    ...schemaLines(report),
    ...versionLines(report),
    ...verificationLines(report),
    ...ruleSection(report),
    ...partLines(report),
    '## Settings',
    '',
    ...table(['Setting', escaped(source.name), escaped(target.name)], settings(report)),
    '',
    ...replacedSection(report),
    ...objectLines(report, list),
    ...tableLines(report),
    ...stepLines(report),
  ];
  return redact(lines.join('\n'));
}

/** The parts of a run, and the function that it was made in. */
function partLines(report: Report): string[] {
  const { parts = [], function: ranIn } = report;
  if (!ranIn && parts.length === 0) return [];
  const rows = functionRows(report).map(([name, text]) => [name, escaped(text)]);
  const when = momentText(report);
  return [
    `## ${parts.length === 0 ? 'Function' : 'Parts'}`,
    '',
    ...(parts.length === 0 ? [] : [...table(partHeads, parts.map(partCells)), '']),
    ...(when === undefined ? [] : [escaped(sentence(when)), '']),
    ...(rows.length === 0 ? [] : [...table(['Function', ''], rows), '']),
  ];
}

function resultLines(report: Report): string[] {
  const told = [...objectFigures(report), ...databaseLines(report)];
  return told.length === 0 ? [] : [`## Results (${report.startedAt.slice(0, 10)})`, '', ...told];
}

function issueLines(report: Report): string[] {
  const issues = knownIssues(report);
  return issues.length === 0
    ? []
    : ['## Known issues', '', ...issues.map((issue) => `- ${escaped(inLine(issue))}`), ''];
}

function stepLines({ steps }: Report): string[] {
  const rows = steps
    .filter((step) => step.kind !== 'copy-table')
    .map((step) => [
      escaped(step.id),
      step.outcome.status,
      'durationMs' in step.outcome ? duration(step.outcome.durationMs) : '',
      escaped(hasDone(step) ?? ''),
    ]);
  return rows.length === 0 ? [] : ['## Steps', '', ...table(['Step', 'Outcome', 'Time', 'What was done'], rows), ''];
}

function ruleSection(report: Report): string[] {
  const rows = ruleFacts(report).map(([name, text]) => [name, escaped(text)]);
  return rows.length === 0 ? [] : ['## Data rules', '', ...table(['What', 'Result'], rows), ''];
}

/** As it was planned: what came of it is told above. */
function replacedSection({ replaces, outcome }: Report): string[] {
  const rows = (replaces ? replacedRows(replaces) : []).map(([name, text]) => [escaped(name), escaped(text)]);
  return rows.length === 0
    ? []
    : [`## ${outcome === 'done' ? 'Replaced' : 'To be replaced'}`, '', ...table(['What', 'As planned'], rows), ''];
}

function failureLines({ failure, recovery, outcome }: Report): string[] {
  if (!failure) return [];
  const lines =
    outcome === 'interrupted'
      ? ['## Interruption', '', `At **${escaped(failure.step)}**.`, '']
      : [
          '## Failure',
          '',
          `**${escaped(failure.step)}** (${failure.code})`,
          '',
          ...failure.message.split('\n').map((line) => `    ${line}`),
          '',
        ];
  if (failure.hint) lines.push(escaped(failure.hint), '');
  const restored = (recovery?.verified ?? []).map(({ what, ok, found }) => [
    escaped(what),
    ok ? 'as before' : '**not as before**',
    escaped(found),
  ]);
  if (restored.length > 0) lines.push(...table(['Put back', '', 'Found'], restored), '');
  if (recovery?.failure)
    lines.push(
      `**Not put back completely:** ${escaped(`${recovery.failure.message}. ${recovery.failure.hint ?? ''}`)}`,
      '',
    );
  return lines;
}

/** Of both ends; a row that neither has anything to say in is left out. */
function settings({ source, target, objects }: Report): string[][] {
  const rows: string[][] = [['AWS account', source.account ?? '', target.account ?? '']];
  if (source.database && target.database) {
    rows.push(['Database', originText(source.database.origin), originText(target.database.origin)]);
    rows.push(['Rows before', count(source.database.rows), count(target.database.rows)]);
  }
  for (const pair of objects) {
    rows.push([`Bucket ${pair.bucket}`, describeBucket(pair.source), describeBucket(pair.target)]);
    const amount = (total: { objects: number; bytes: number }) =>
      `${count(total.objects)} objects, ${bytes(total.bytes)}`;
    rows.push([`Objects before`, amount(pair.totals.source), amount(pair.totals.target)]);
  }
  rows.push(['Application', source.app?.url ?? '', target.app?.url ?? '']);
  return rows.filter(([, ...values]) => values.some((value) => value !== '')).map((cells) => cells.map(escaped));
}

function inLine(text: string): string {
  return text.replaceAll(/\s*\n\s*/g, '; ');
}
