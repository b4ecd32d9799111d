import { displayTable } from '../postgres/names.ts';
import { factsOf, stepsOf, type Report } from '../report/report.ts';
import { isLeftOut, tableFault } from '../report/table-results.ts';
import { isInPlace } from '../report/verdict.ts';

/** What came of a sync, as a list that a person would make of it. */
export interface RunResult {
  /**
   * Tables whose rows are in the target now, with how many were copied. None where the run was put back, has not come to its swap, or
   * has paused, however much was loaded; nor those of which no row was wanted.
   */
  readonly synced: readonly { readonly table: string; readonly rows: number }[];
  /** Tables that something failed at, or that turned out not to be equal. */
  readonly failed: readonly { readonly table: string; readonly error: string }[];
  /** Of those that are synced. */
  readonly totalRows: number;
  /** Tables whose content is equal at both ends, and those that are not; none are where nothing new is in place. */
  readonly validation: { readonly equal: number; readonly different: readonly string[] };
  readonly sequencesFixed: number;
}

/** The result of a run, by its report. */
export function resultOf(report: Report): RunResult {
  const copies = stepsOf(report, 'copy-table').toSorted((a, b) => a.id.localeCompare(b.id, 'en'));
  const faults = copies.flatMap((step) => {
    const error = tableFault(step);
    return error === undefined ? [] : [{ step, table: displayTable(step.table), error }];
  });
  const broken = new Set(faults.map(({ step }) => step));
  const isThere = isInPlace(report);
  const synced = copies.flatMap((step) => {
    const known = step.outcome.status === 'done' && !isLeftOut(step) ? factsOf(step) : undefined;
    return isThere && known && !broken.has(step) ? [{ table: displayTable(step.table), rows: known.rows }] : [];
  });
  const sequences = stepsOf(report, 'set-sequences').flatMap((step) => factsOf(step)?.sequences ?? []);
  return {
    synced,
    failed: [...faults.map(({ table, error }) => ({ table, error })), ...laterFailures(report)],
    totalRows: sum(synced.map(({ rows }) => rows)),
    validation: {
      equal: isThere ? (report.figures.tables.equal ?? 0) : 0,
      different: faults.flatMap(({ step, table }) => (step.outcome.status === 'failed' ? [] : [table])),
    },
    sequencesFixed: isThere ? sum(sequences) : 0,
  };
}

/** Steps on one table that came after its copy. */
function laterFailures(report: Report): RunResult['failed'] {
  return [...stepsOf(report, 'keep-rows'), ...stepsOf(report, 'carry-values')].flatMap(({ table, outcome }) =>
    outcome.status === 'failed' ? [{ table: displayTable(table), error: outcome.failure.message }] : [],
  );
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
