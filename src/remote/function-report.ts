import { chooseRun } from '../choose-run.ts';
import { RestageError } from '../errors.ts';
import { readReport } from '../report/read-report.ts';
import type { Report } from '../report/report.ts';
import { runStateText } from '../report/run-state-text.ts';
import type { RollbackReport } from '../rollback.ts';
import { isOf } from './function-runs.ts';
import type { RunState } from './run-state.ts';
import type { RunStore } from './run-store.ts';

/** The report of a run as its function keeps it. */
export interface FetchedReport {
  readonly run: string;
  readonly report: Report | RollbackReport;
  /** A newer run, which has none: it goes on, has paused, or ended without. Only where no run was named. */
  readonly newer?: RunState | undefined;
}

/**
 * The report of the run that is called so, by all of its id or by the beginning of it; of the target's newest that has one where none is named.
 * A run that has paused has that of its last part. Throws `run-missing` with what became of the run, `report-invalid`, and what the
 * place of the runs throws.
 */
export async function fetchReport(store: RunStore, target: string, name: string | undefined): Promise<FetchedReport> {
  const { place, states, files } = store;
  const ids = await states.ids();
  if (ids.length === 0)
    throw new RestageError('run-missing', `no run is kept under ${place}`, {
      hint: 'restage sync --on lambda makes one there, and so does the function when it is invoked.',
    });
  if (name !== undefined) return reportOf(store, chooseRun(name, ids, place));
  let newer: RunState | undefined;
  for (const run of ids) {
    const state = await states.read(run);
    if (!state || !isOf(state, target)) continue; // planned, and never begun; or of another target
    const text = await files.fetch(run, 'report.json');
    if (text !== undefined) return { run, report: readReport(text, `${place}/${run}/report.json`), newer };
    newer ??= state;
  }
  throw new RestageError('run-missing', `none of the runs of ${target} under ${place} has a report`, {
    hint: newer && `The newest: ${runStateText(newer, Date.now())}.`,
  });
}

async function reportOf({ place, states, files }: RunStore, run: string): Promise<FetchedReport> {
  const text = await files.fetch(run, 'report.json');
  if (text !== undefined) return { run, report: readReport(text, `${place}/${run}/report.json`) };
  const state = await states.read(run);
  if (!state)
    throw new RestageError('run-missing', `the run ${run} has no report: it was planned, and never begun`, {
      hint: 'restage runs --on lambda lists those that have begun.',
    });
  const paused = state.phase === 'paused' ? await files.fetch(run, 'paused.json') : undefined;
  if (paused !== undefined) return { run, report: readReport(paused, `${place}/${run}/paused.json`) };
  const isOver = state.phase === 'ended';
  throw new RestageError(
    'run-missing',
    `there is no report of it${isOver ? '' : ' yet'}: ${runStateText(state, Date.now())}`,
    { hint: isOver ? state.failure?.message : 'restage status --on lambda asks the function how far it is.' },
  );
}
