import { bytes, count, counted, duration, moment, sentence } from '../format.ts';
import { factsOf, stepsOf, type Report } from '../report.ts';
import { objectsStay } from '../objects-summary.ts';
import { pausedText } from '../parts-text.ts';
import { isDiscarded, verdictOf } from '../verdict.ts';
import { facts } from './facts.ts';
import { markup, type Markup, type Part } from './markup.ts';

const outcomes = {
  done: { word: 'Done', shape: '✓', tone: 'good' },
  failed: { word: 'Failed', shape: '✗', tone: 'bad' },
  interrupted: { word: 'Interrupted', shape: '!', tone: 'warn' },
  paused: { word: 'Paused', shape: '…', tone: 'warn' },
} as const;

/** The first thing on the page: how it ended, what staging holds, and the figures of the whole. */
export function verdict(report: Report): Markup {
  const { word, shape, tone } = outcomes[report.outcome];
  const stay = objectsStay(report);
  const next = pausedText(report);
  return markup`<header class="verdict ${tone}">
<p class="outcome"><span class="shape" aria-hidden="true">${shape}</span> ${word} <span class="dim">refresh ${report.run}</span></p>
<h1>${verdictOf(report)}</h1>
<p class="holds">${sentence(report.holds)}${stay === undefined ? '' : ` ${sentence(stay)}`}${next === undefined ? '' : ` ${next}`}</p>
${facts(figures(report))}
</header>`;
}

function figures(report: Report): [string, Part][] {
  const { source, target, figures: told } = report;
  const [snapshot] = stepsOf(report, 'take-snapshot').flatMap((step) => factsOf(step) ?? []);
  const { tables, objects } = told;
  return [
    ...place('From', source),
    ...place('To', target),
    ['Started', moment(report.startedAt)],
    ...(snapshot ? [['Snapshot', moment(snapshot.takenAt)] as [string, Part]] : []),
    [
      'Took',
      `${duration(report.durationMs)}${report.parts && report.parts.length > 1 ? `, in ${counted(report.parts.length, 'part')}` : ''}`,
    ],
    ...(tables.planned > 0
      ? [
          [
            'Tables',
            `${count(tables.copied)} of ${count(tables.planned)} ${report.outcome === 'paused' ? 'loaded' : 'copied'}${tables.copied > 0 && isDiscarded(report) ? ', then discarded' : ''}, ${counted(tables.rows, 'row')}`,
          ] as [string, Part],
        ]
      : []),
    ...(report.objects.length > 0
      ? [
          [
            'Objects',
            [
              objects.equal === undefined
                ? `${count(objects.source)} at the source`
                : `${count(objects.equal)} of ${count(objects.source)} equal`,
              `${count(objects.copied)} copied${objects.copied > 0 ? `, ${bytes(objects.bytes)}` : ''}`,
              ...(objects.deleted > 0 ? [`${count(objects.deleted)} deleted`] : []),
              ...(objects.failed > 0 ? [`${count(objects.failed)} failed`] : []),
            ].join('; '),
          ] as [string, Part],
        ]
      : []),
  ];
}

/** production: bluemoxon at host:5432 */
function place(name: string, end: Report['source']): [string, Part][] {
  if (!end.database) return [[name, end.name]];
  const { database, host, port } = end.database.origin;
  return [[name, markup`${end.name}: <bdi>${database}</bdi> at ${host}:${port}`]];
}
