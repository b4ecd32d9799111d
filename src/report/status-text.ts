import type { placeOfCommands } from '../place-of-commands.ts';
import type { BesideDatabase, DatabaseStatus, PresentDatabase, Status } from '../status.ts';
import { acceptanceWords, amountWords, contentWords, oneLine, sizeWords } from './database-words.ts';
import { bytes, columns, count, counted, moment } from './format.ts';
import { originText } from './origin-text.ts';
import type { Style } from './style.ts';

type There = ReturnType<typeof placeOfCommands>;

/**
 * What the target holds, for people. `more`: what else is known of it here, each a name and a text. `there`: what commands about it have to
 * say besides.
 */
export function statusText(
  status: Status,
  style: Style,
  more: readonly [string, string][] = [],
  there: There = '',
): string {
  const { database } = status;
  const rows: [string, string][] = [...(database ? databaseRows(database, style, there) : []), ...more];
  return [
    style('strong', `${status.target}${status.account === undefined ? '' : `, AWS account ${status.account}`}`),
    ...columns(rows, ['left', 'left'], '  '),
    ...(database ? previousLines(database, style, there) : []),
  ].join('\n');
}

function databaseRows(status: DatabaseStatus, style: Style, there: There): [string, string][] {
  const { origin, present, running, incoming } = status;
  return [
    ['database', originText(origin)],
    ...(present
      ? presentRows(present, status, style, there)
      : [['holds', style('bad', 'there is no database of that name')]]),
    ['running', running === undefined ? 'nothing' : style('warn', `a run: ${oneLine(running)}`)],
    ...incoming.map((one): [string, string] => [
      'beside it',
      `${oneLine(one.name)}, ${sizeWords(one.sizeBytes)}: ${running === undefined ? leftWords(one) : 'being built'}`,
    ]),
    ['disk', diskText(status)],
  ] as [string, string][]; // pairs, each of them
}

/** What no run is at work on. */
function leftWords({ made, run }: BesideDatabase): string {
  if (!made?.paused) return 'left by a run that died; the next sync drops it';
  const { at, tables, of } = made.paused;
  return `the run ${oneLine(run)} has paused ${moment(at)} with ${count(tables)} of ${counted(of, 'table')} loaded; its next part goes on with it, another sync drops it`;
}

function presentRows(
  present: PresentDatabase,
  { rollsBack }: DatabaseStatus,
  style: Style,
  there: There,
): [string, string][] {
  const { made, now, state, isProtected } = present;
  const judged = acceptanceWords(present);
  const back = rollsBack === undefined ? '' : `; to go back: restage rollback ${rollsBack}${there}`;
  const amount = amountWords(present);
  return [
    ['holds', contentWords(present)],
    ...(made ? [['made by', `run ${made.run}, put in place ${moment(made.swappedAt)}`] as [string, string]] : []),
    ...(made?.restored
      ? [['', `put back ${moment(made.restored.at)} by the rollback ${made.restored.run}`] as [string, string]]
      : []),
    ['', state === 'not-accepted' ? style('bad', `${judged}${back}`) : judged],
    ...(amount === undefined ? [] : [['copied', amount] as [string, string]]),
    ...(now
      ? [
          [
            'now',
            `${counted(now.tables, 'table')}, ${now.rows === undefined ? 'how many rows is not known yet' : `about ${counted(now.rows, 'row')}`}${now.revision === undefined ? '' : `, revision ${oneLine(now.revision)}`}`,
          ] as [string, string],
        ]
      : []),
    ...(made?.rules ?? []).map((rule, index): [string, string] => [index === 0 ? 'rules' : '', oneLine(rule)]),
    ['protected', isProtected ? style('warn', 'yes: no sync and no rollback replaces it') : 'no'],
  ];
}

/** 24 MB in 2 databases, of 1 more unknown; keepPrevious 1 */
function diskText({ present, previous, incoming, sizeBytes, unknownSizes, keepPrevious }: DatabaseStatus): string {
  const all = previous.length + incoming.length + (present ? 1 : 0);
  const known =
    unknownSizes === all
      ? `unknown: the role may read no sizes`
      : `${bytes(sizeBytes)} in ${counted(all - unknownSizes, 'database')}${unknownSizes > 0 ? `, of ${count(unknownSizes)} more unknown` : ''}`;
  return `${present ? `${sizeWords(present.sizeBytes)} of it; ${known} in all` : known}; database.keepPrevious is ${keepPrevious}`;
}

function previousLines({ previous, rollsBack }: DatabaseStatus, style: Style, there: There): string[] {
  if (previous.length === 0)
    return ['', style('strong', 'previous databases'), '  none: there is nothing to go back to'];
  const rows = previous.map((one: BesideDatabase) => [
    one.run,
    contentWords(one),
    acceptanceWords(one),
    sizeWords(one.sizeBytes),
    one.isProtected ? 'protected' : '',
  ]);
  return [
    '',
    style('strong', `previous databases, by the run that replaced them`),
    ...columns(rows, ['left', 'left', 'left', 'right', 'left'], '  '),
    ...(rollsBack === undefined ? [] : [style('dim', `  restage rollback${there} puts that of ${rollsBack} back`)]),
  ];
}
