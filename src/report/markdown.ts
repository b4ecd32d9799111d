import { displayTable } from '../postgres/names.ts';
import { bytes, count, duration, moment } from './format.ts';
import { factsOf, stepsOf, type Report } from './report.ts';
import { replacedRows } from './replaces-text.ts';
import { ruleFacts } from './rules-summary.ts';
import { hasDone } from './step-words.ts';
import { plain } from './style.ts';
import { facts, objectsStay } from './summary.ts';
import { originText } from './plan-text.ts';
import { table } from './markdown-table.ts';
import { objectLines } from './objects-markdown.ts';
import { describeBucket } from '../s3/origin.ts';

/** The report of a run as a page to keep or send. `list` is the file beside it that has a line for each object. */
export function markdown(report: Report, list?: string): string {
  const { source, target, run, outcome } = report;
  const isIdle = outcome === 'done' && report.steps.length === 0;
  const verdict = isIdle
    ? 'Nothing was to be done'
    : { done: 'Refreshed', failed: 'Failed', interrupted: 'Interrupted' }[outcome];
  const stay = objectsStay(report);
  return [
    `# ${source.name} to ${target.name}: ${isIdle ? 'nothing to do' : verdict.toLowerCase()}`,
    '',
    `**Date:** ${moment(report.startedAt)}  `,
    `**Run:** ${run}  `,
    `**Time taken:** ${duration(report.durationMs)}  `,
    `**Outcome:** ${verdict}. ${sentence(report.holds)}${stay === undefined ? '' : ` ${sentence(stay)}`}`,
    '',
    ...failureLines(report),
    '## Results',
    '',
    ...table(
      ['What', 'Result'],
      facts(report, plain, []).map(([name, text]) => [name, text]),
    ),
    '',
    ...ruleSection(report),
    '## Ends',
    '',
    ...table(['Setting', source.name, target.name], settings(report)),
    '',
    ...replacedSection(report),
    ...objectLines(report, list),
    ...tableLines(report),
    ...stepLines(report),
    ...(report.notes.length > 0 ? ['## Notes', '', ...report.notes.map((note) => `- ${note}`), ''] : []),
  ].join('\n');
}

function stepLines({ steps }: Report): string[] {
  const rows = steps
    .filter((step) => step.kind !== 'copy-table')
    .map((step) => [
      step.id,
      step.outcome.status,
      'durationMs' in step.outcome ? duration(step.outcome.durationMs) : '',
      hasDone(step) ?? '',
    ]);
  return rows.length === 0 ? [] : ['## Steps', '', ...table(['Step', 'Outcome', 'Time', 'What was done'], rows), ''];
}

function ruleSection(report: Report): string[] {
  const rows = ruleFacts(report);
  return rows.length === 0 ? [] : ['## Data rules', '', ...table(['What', 'Result'], rows), ''];
}

/** As it was planned: what came of it is told above. */
function replacedSection({ replaces, outcome }: Report): string[] {
  const rows = replaces ? replacedRows(replaces) : [];
  return rows.length === 0
    ? []
    : [`## ${outcome === 'done' ? 'Replaced' : 'To be replaced'}`, '', ...table(['What', 'As planned'], rows), ''];
}

function failureLines({ failure, recovery, outcome }: Report): string[] {
  if (!failure) return [];
  const lines =
    outcome === 'interrupted'
      ? ['## Interruption', '', `At **${failure.step}**.`, '']
      : [
          '## Failure',
          '',
          `**${failure.step}** (${failure.code})`,
          '',
          ...failure.message.split('\n').map((line) => `    ${line}`),
          '',
        ];
  if (failure.hint) lines.push(failure.hint, '');
  if (recovery?.failure)
    lines.push(`**Not put back completely:** ${recovery.failure.message}. ${recovery.failure.hint ?? ''}`, '');
  return lines;
}

function settings({ source, target, objects }: Report): string[][] {
  const rows: string[][] = [['AWS account', source.account ?? '', target.account ?? '']];
  if (source.database && target.database) {
    rows.push(['Database', originText(source.database.origin), originText(target.database.origin)]);
    rows.push(['Rows before', count(source.database.rows), count(target.database.rows)]);
    rows.push(['Revision before', source.database.revision ?? '', target.database.revision ?? '']);
  }
  for (const pair of objects) {
    rows.push([`Bucket ${pair.bucket}`, describeBucket(pair.source), describeBucket(pair.target)]);
    const amount = (total: { objects: number; bytes: number }) =>
      `${count(total.objects)} objects, ${bytes(total.bytes)}`;
    rows.push(['Objects before', amount(pair.totals.source), amount(pair.totals.target)]);
  }
  if (source.app || target.app) {
    const app = (end: typeof source) =>
      end.app ? `${end.app.url}, version ${end.app.version ?? 'unknown'}, git ${end.app.gitSha ?? 'unknown'}` : '';
    rows.push(['Application', app(source), app(target)]);
  }
  return rows;
}

function tableLines(report: Report): string[] {
  const steps = stepsOf(report, 'copy-table').toSorted((a, b) => a.id.localeCompare(b.id, 'en'));
  if (steps.length === 0) return [];
  const rows = steps.map((step) => {
    const known = factsOf(step);
    const equal = known && known.source.rows === known.target.rows && known.source.content === known.target.content;
    const result =
      step.outcome.status === 'failed'
        ? step.outcome.failure.message
        : step.outcome.status === 'done'
          ? equal
            ? step.verify === 'content'
              ? 'equal'
              : 'rows equal'
            : 'different'
          : step.outcome.status;
    return [
      displayTable(step.table),
      known ? count(known.rows) : '',
      known ? bytes(known.bytes) : '',
      known ? duration(known.copyMs + known.indexMs) : '',
      result,
    ];
  });
  return ['## Tables', '', ...table(['Table', 'Rows', 'Copied', 'Time', 'Content'], rows), ''];
}

function sentence(text: string): string {
  return `${text.slice(0, 1).toUpperCase()}${text.slice(1)}${text.endsWith('.') ? '' : '.'}`;
}
