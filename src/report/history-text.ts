import type { HistoryEntry } from '../history.ts';
import { oneLine } from './database-words.ts';
import { columns, count, counted, duration, moment } from './format.ts';
import { stepsText } from './run-state-text.ts';
import type { Style, Tone } from './style.ts';

const tones: Readonly<Record<HistoryEntry['outcome'], Tone>> = {
  done: 'good',
  failed: 'bad',
  interrupted: 'warn',
  paused: 'warn',
  running: 'strong',
  unfinished: 'warn',
  unreadable: 'bad',
  unknown: 'dim',
};

/** The runs, a line or two for each. */
export function historyText(entries: readonly HistoryEntry[], style: Style): string {
  if (entries.length === 0) return 'no run is known of';
  const rows = entries.map((entry) => [
    entry.run,
    entry.kind,
    style(tones[entry.outcome], entry.outcome),
    entry.startedAt === '' ? '' : moment(entry.startedAt),
    entry.durationMs === undefined ? '' : duration(entry.durationMs),
    wordsOf(entry),
  ]);
  const [head = '', ...lines] = columns(
    [['run', 'kind', 'outcome', 'began', 'time', 'what'], ...rows],
    ['left', 'left', 'left', 'left', 'right', 'left'],
  );
  return [style('strong', head), ...lines].join('\n');
}

const begunByWords = { command: 'a command', schedule: 'a schedule', event: 'an event' } as const;

function wordsOf({
  kind,
  source,
  target,
  tables,
  rows,
  objects,
  parts,
  function: ranIn,
  failed,
  folder,
  keptAt,
  begunBy,
  steps = [],
  database,
  outcome,
}: HistoryEntry): string {
  const ends = [source, target].filter((end) => end !== undefined && end !== '').join(' → ');
  const amounts = [
    // A run of objects alone has none.
    ...(tables === undefined || tables === 0 ? [] : [counted(tables, 'table')]),
    ...(rows === undefined || tables === 0 ? [] : [counted(rows, 'row')]),
    ...(objects && objects.copied > 0 ? [`${counted(objects.copied, 'object')} copied`] : []),
    ...(objects && objects.deleted > 0 ? [`${count(objects.deleted)} deleted`] : []),
  ].join(', ');
  const [why = ''] = (failed ?? '').split('\n');
  return [
    ends,
    amounts,
    ...(parts === undefined ? [] : [`in ${counted(parts, 'part')}`]),
    ...(ranIn === undefined ? [] : [`in the function ${ranIn}`]),
    ...(begunBy === undefined ? [] : [`begun by ${begunByWords[begunBy]}`]),
    ...(steps.length === 0 ? [] : [`at ${stepsText(steps)}`]),
    ...(kind === 'rollback' && outcome === 'done' ? ['its previous database put back'] : []),
    ...(why === '' ? [] : [`failed: ${why}`]),
    ...(database === undefined ? [] : [`now ${database}`]),
    ...(folder === undefined && keptAt === undefined ? ['not kept here: known from the database only'] : []),
  ]
    .filter((part) => part !== '')
    .map(oneLine)
    .join('; ');
}
