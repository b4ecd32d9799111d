import { displayTable } from '../../postgres/names.ts';
import type { LoadedTable } from '../../postgres/load.ts';
import type { Facts } from '../../facts.ts';
import { bytes, count, counted, duration } from '../format.ts';
import { factsOf, stepsOf, type Report, type StepOf } from '../report.ts';
import { dataTable } from './data-table.ts';
import { list } from './list.ts';
import { markup, named, type Markup } from './markup.ts';
import { rulePhrases } from './rule-phrases.ts';
import { sign, type Standing } from './sign.ts';

interface Row {
  readonly step: StepOf<'copy-table'>;
  readonly facts: Facts['copy-table'] | undefined;
  readonly standing: Standing;
  readonly result: string;
}

const slowestTold = 3;

/** Every table that was to be copied: how much, how long, whether it is the same at both ends, and by which rule. */
export function tables(report: Report): Markup | undefined {
  const rows = stepsOf(report, 'copy-table').map(rowOf).toSorted(worstFirst);
  if (rows.length === 0) return undefined;
  const figure = (tell: (facts: LoadedTable) => number) => (row: Row) => row.facts && tell(row.facts);
  const table = dataTable<Row>(
    [
      { head: 'Table', cell: ({ step }) => named(displayTable(step.table)) },
      {
        head: 'Content',
        cell: ({ standing, result, step }) =>
          markup`${sign(standing, result)}${step.outcome.status === 'failed' ? list([step.outcome.failure.message]) : undefined}`,
        choice: ({ result }) => result,
      },
      { head: 'Rows', cell: (row) => row.facts && count(row.facts.rows), figure: figure(({ rows: number }) => number) },
      { head: 'Copied', cell: (row) => row.facts && bytes(row.facts.bytes), figure: figure((facts) => facts.bytes) },
      { head: 'Time', cell: timeText, figure: totalMs },
      {
        head: 'Copying',
        cell: (row) => row.facts && duration(row.facts.copyMs),
        figure: figure(({ copyMs }) => copyMs),
      },
      {
        head: 'Indexes',
        cell: (row) => row.facts && duration(row.facts.indexMs),
        figure: figure(({ indexMs }) => indexMs),
      },
      ...(report.parts ? [{ head: 'In the last part', cell: sinceText, choice: sinceText }] : []),
      { head: 'Rule', wide: true, cell: ({ step }) => (step.rule ? rulePhrases(step.rule).join('; ') : '') },
    ],
    rows,
    { caption: 'Tables as they were copied, the slowest first', narrow: 'scroll', sorts: 'tables' },
  );
  return markup`<p>${totals(rows)}</p>${table}`;
}

function totalMs({ step: { outcome } }: Row): number | undefined {
  return 'durationMs' in outcome ? outcome.durationMs : undefined;
}

function timeText(row: Row): string | undefined {
  const ms = totalMs(row);
  return ms === undefined ? undefined : duration(ms);
}

function rowOf(step: StepOf<'copy-table'>): Row {
  const facts = factsOf(step);
  const { status } = step.outcome;
  if (status === 'failed') return { step, facts, standing: 'bad', result: 'failed' };
  if (!facts) return { step, facts, standing: 'none', result: status === 'stopped' ? 'stopped' : 'not copied' };
  const { source, target } = facts;
  if (source.rows !== target.rows || source.content !== target.content)
    return { step, facts, standing: 'bad', result: 'different' };
  return { step, facts, standing: 'good', result: source.content === undefined ? 'rows equal' : 'equal' };
}

function worstFirst(one: Row, other: Row): number {
  const rank = ({ standing }: Row) => (standing === 'bad' ? 0 : 1);
  return rank(one) - rank(other) || (totalMs(other) ?? -1) - (totalMs(one) ?? -1);
}

/** What the last part of a run did with a table. */
function sinceText({ facts, step }: Row): string {
  if (step.outcome.status !== 'done' || !facts) return '';
  return { same: 'the same', again: 'copied again', loaded: 'loaded' }[facts.since ?? 'loaded'];
}

/** 14 of 14 tables copied, 2,504 rows, 1.4 MB. Slowest: … */
function totals(rows: readonly Row[]): string {
  const copied = rows.flatMap(({ facts }) => facts ?? []);
  const sum = (tell: (facts: LoadedTable) => number) => copied.reduce((total, facts) => total + tell(facts), 0);
  const slowest = rows
    .flatMap((row) => (totalMs(row) === undefined ? [] : [{ row, ms: totalMs(row) ?? 0 }]))
    .toSorted((a, b) => b.ms - a.ms)
    .slice(0, slowestTold)
    .map(({ row, ms }) => `${displayTable(row.step.table)} ${duration(ms)}`);
  const all = `${count(copied.length)} of ${counted(rows.length, 'table')} copied: ${counted(
    sum((facts) => facts.rows),
    'row',
  )}, ${bytes(sum((facts) => facts.bytes))}.`;
  return slowest.length > 1 ? `${all} Slowest: ${slowest.join(', ')}.` : all;
}
