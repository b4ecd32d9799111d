import type { Report } from '../report/report.ts';

/** What came of a sync, as a list that a person would make of it. */
export interface RunResult {
  readonly synced: readonly { readonly table: string; readonly rows: number }[];
  readonly failed: readonly { readonly table: string; readonly error: string }[];
  readonly totalRows: number;
  /** Tables whose content is equal at both ends, and those that are not. */
  readonly validation: { readonly equal: number; readonly different: readonly string[] };
  readonly sequencesFixed: number;
}

/** The result of a run, by its report. */
export function resultOf(_report: Report): RunResult {
  throw new Error('to be written');
}
