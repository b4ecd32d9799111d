import type { RollbackPlan } from '../plan-rollback.ts';
import type { RollbackReport } from '../rollback.ts';
import { acceptanceWords, amountWords, contentWords, oneLine, sizeWords } from './database-words.ts';
import { columns, counted, duration, moment } from './format.ts';
import { table } from './markdown/table.ts';
import { originText } from './origin-text.ts';
import { sessionsEnded } from './replaces-text.ts';
import { plain, type Style } from './style.ts';

/** What a rollback would do, for people. */
export function rollbackPlanText(plan: RollbackPlan, style: Style): string {
  const lines = columns(planRows(plan), ['left', 'left'], '  ');
  return [
    style('strong', `${plan.target.name} goes back to what the run ${plan.back.run} had replaced`),
    ...lines,
    ...plan.notes.map((note) => style('warn', `note: ${note}`)),
  ].join('\n');
}

/** How a rollback ended. */
export function rollbackText(report: RollbackReport, style: Style): string {
  const { outcome, run, durationMs, swapped, failure } = report;
  const told = style('dim', `run ${run}, ${duration(durationMs)}`);
  const mark = outcome === 'done' ? style('good', '✓') : style('bad', '✗');
  return [
    `${mark} ${style('strong', headline(report))}  ${told}`,
    ...(failure && !swapped
      ? [
          '',
          `${style('bad', 'failed')} ${failure.message}`,
          ...(failure.hint === undefined ? [] : [`  ${failure.hint}`]),
        ]
      : []),
    '',
    ...columns(resultRows(report, style), ['left', 'left'], '  '),
    ...(swapped ? [''] : []),
    `  ${report.holds.replace(/\.$/, '')}.`,
  ].join('\n');
}

/** The same as a page to keep or send. */
export function rollbackMarkdown(report: RollbackReport): string {
  const { run, startedAt, durationMs, failure, swapped, notes } = report;
  return [
    `# ${headline(report)}`,
    '',
    `**Date:** ${moment(startedAt)}  `,
    `**Run:** ${run}  `,
    `**Time taken:** ${duration(durationMs)}  `,
    `**Outcome:** ${report.outcome}. ${report.holds.slice(0, 1).toUpperCase()}${report.holds.slice(1)}.`,
    '',
    ...(failure && !swapped ? ['## Failure', '', ...failure.message.split('\n').map((line) => `    ${line}`), ''] : []),
    ...(failure?.hint === undefined ? [] : [failure.hint, '']),
    '## Results',
    '',
    ...table(['What', 'Result'], [...planRows(report), ...resultRows(report, plain)]),
    '',
    ...(notes.length === 0 ? [] : ['## Notes', '', ...notes.map((note) => `- ${note}`), '']),
  ].join('\n');
}

function headline({ outcome, target, swapped }: RollbackReport): string {
  if (outcome === 'done') return `${target.name} is back on its previous database`;
  return swapped
    ? `${target.name} is back on its previous database, but not all is well with it`
    : `${target.name} was not put back`;
}

function planRows({ origin, back, aside, sessions, target }: RollbackPlan): [string, string][] {
  const ended = sessionsEnded({ sessions });
  const words = (one: RollbackPlan['aside']) =>
    [contentWords(one), acceptanceWords(one), amountWords(one), sizeWords(one.sizeBytes)].filter(Boolean).join('; ');
  const revision = ({ revision: known }: { readonly revision?: string }) => oneLine(known ?? 'none');
  return [
    ['database', originText(origin)],
    ['comes back', words(back)],
    ['goes aside', `${words(aside)}; it stays beside, and can be had back in the same way`],
    ...(back.revision === undefined && aside.revision === undefined
      ? []
      : [
          [
            'revision',
            back.revision === aside.revision
              ? `${revision(back)}, as now`
              : `${revision(aside)} now, ${revision(back)} then: what the application's code expects must fit it`,
          ] as [string, string],
        ]),
    [
      'sessions',
      ended === 0
        ? 'none of others is open'
        : `${counted(ended, 'session')} of others ${ended === 1 ? 'is' : 'are'} ended`,
    ],
    ...(target.app
      ? [
          ['app', `${target.app.url}${target.app.version === undefined ? '' : `, version ${target.app.version}`}`] as [
            string,
            string,
          ],
        ]
      : []),
  ];
}

function resultRows(
  { swapped, putAside, sessionsEnded: ended, verified }: RollbackReport,
  style: Style,
): [string, string][] {
  if (!swapped) return [];
  return [
    ['put aside', putAside ?? ''],
    ['ended', counted(ended, 'session')],
    ...verified.map(({ what, ok, found }): [string, string] => [
      what,
      style(ok ? 'good' : 'bad', `${ok ? '' : 'not well: '}${found}`),
    ]),
  ];
}
