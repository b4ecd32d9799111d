import { displayTable } from '../../postgres/names.ts';
import { bytes, count, duration } from '../format.ts';
import { table } from './table.ts';
import { escaped } from './text.ts';
import { factsOf, stepsOf, type Report, type StepOf } from '../report.ts';
import { isLeftOut, tableFault } from '../table-results.ts';
import { isAccepted, isDiscarded } from '../verdict.ts';

/** What became of the tables: which were synced, which failed and why, which were not copied by which rule, and the total. */
export function databaseLines(report: Report): string[] {
  const steps = stepsOf(report, 'copy-table').toSorted((a, b) => a.id.localeCompare(b.id, 'en'));
  const { source, target } = report;
  if (steps.length === 0 || !source.database || !target.database) return [];
  const failed = steps.flatMap(failureOf);
  const broken = new Set(failed.map(({ step }) => step));
  const synced = steps.filter((step) => step.outcome.status === 'done' && !broken.has(step) && !isLeftOut(step));
  const leftOut = [
    ...steps.filter((step) => isLeftOut(step) && step.outcome.status === 'done').map(leftOutText),
    ...skipped(report),
  ];
  const unreached = steps.filter(({ outcome }) => outcome.status === 'not-run' || outcome.status === 'stopped');
  const name = (step: StepOf<'copy-table'>) => escaped(displayTable(step.table));
  const accepted = report.outcome === 'done' || isAccepted(report);
  const rows = [
    [
      accepted
        ? 'Synced'
        : report.outcome === 'paused'
          ? 'Loaded'
          : isDiscarded(report)
            ? 'Copied, then discarded'
            : 'Copied',
      synced.map(name),
    ],
    ['Failed', failed.map(({ step, why }) => `${name(step)} (${escaped(why)})`)],
    ['Not copied', leftOut.toSorted((a, b) => a.localeCompare(b, 'en')).map(escaped)],
    ['Not finished', unreached.map(name)],
  ] as const;
  const total = synced.reduce((sum, step) => sum + (factsOf(step)?.rows ?? 0), 0);
  return [
    '### Database',
    '',
    `${escaped(placeOf(source.database))} → ${escaped(placeOf(target.database))}`,
    '',
    ...table(
      ['Status', 'Tables'],
      rows
        .filter(([, tables]) => tables.length > 0)
        .map(([status, tables]) => [`${status} (${count(tables.length)})`, tables.join(', ')]),
    ),
    '',
    ...(accepted ? [`**Total rows synced:** ${count(total)}`, ''] : []),
  ];
}

/** The tables one by one: rows, bytes, time, content. */
export function tableLines(report: Report): string[] {
  const steps = stepsOf(report, 'copy-table').toSorted((a, b) => a.id.localeCompare(b.id, 'en'));
  if (steps.length === 0) return [];
  const rows = steps.map((step) => {
    const known = factsOf(step);
    const [failed] = failureOf(step);
    const done = step.verify === 'content' ? 'equal' : 'rows equal';
    const again = known?.since === 'again' ? ', copied again in a later part' : '';
    return [
      escaped(displayTable(step.table)),
      known ? count(known.rows) : '',
      known ? bytes(known.bytes) : '',
      known ? duration(known.copyMs + known.indexMs) : '',
      failed ? escaped(failed.why) : step.outcome.status === 'done' ? `${done}${again}` : step.outcome.status,
    ];
  });
  return ['## Tables', '', ...table(['Table', 'Rows', 'Copied', 'Time', 'Content'], rows), ''];
}

function placeOf({ origin }: NonNullable<Report['source']['database']>): string {
  return `${origin.database} at ${origin.host}:${origin.port}`;
}

function failureOf(step: StepOf<'copy-table'>): { readonly step: StepOf<'copy-table'>; readonly why: string }[] {
  const why = tableFault(step);
  return why === undefined ? [] : [{ step, why }];
}

function leftOutText(step: StepOf<'copy-table'>): string {
  return `${displayTable(step.table)} (${step.rule?.rows === 'keep' ? 'keep: rows of its own stay' : 'empty'})`;
}

function skipped(report: Report): string[] {
  return stepsOf(report, 'copy-schema').flatMap((step) =>
    factsOf(step) ? step.skip.map((one) => `${displayTable(one)} (skip: not made)`) : [],
  );
}
