import { mkdir, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import {
  askFunction,
  moment,
  type InvocationResponse,
  type KeptRun,
  type RemoteFunction,
  type RunState,
  type Status,
} from '../index.ts';
import { runsFolder } from './run-folder.ts';

/** What the function says of the target, and of a run that was begun here and is not known to have ended. */
export interface StatusOnLambda {
  readonly status: Status;
  readonly rows: readonly [string, string][];
  readonly state?: RunState | undefined;
}

/**
 * Asks the function. The report of a run that has ended in the meantime is kept in its folder, from where `restage report` shows it.
 * `kept`: the runs of this folder, newest first.
 */
export async function statusOnLambda(
  remote: RemoteFunction,
  kept: readonly KeptRun[],
  signal: AbortSignal,
): Promise<StatusOnLambda> {
  const [newest] = kept;
  const open = newest && !newest.report && isOnLambda(newest) ? newest : undefined;
  const runId = open?.run;
  const answer = await askFunction(remote, { action: 'status', ...(runId === undefined ? {} : { runId }) }, signal);
  const status = answer.report as Status; // the function's own
  const { state } = answer;
  if (!open) return { status, rows: [] };
  const rows = await rowsOf(remote, open, state);
  return { status, rows, state };
}

/** A run of which it is not known where it went may be anywhere. */
function isOnLambda({ plan }: KeptRun): boolean {
  const value = plan && 'value' in plan ? plan.value : undefined;
  return typeof value === 'object' && value !== null && 'onLambda' in value;
}

async function rowsOf(
  remote: RemoteFunction,
  { run, folder }: KeptRun,
  state: InvocationResponse['state'],
): Promise<readonly [string, string][]> {
  if (!state) return [['in the function', `nothing is known of the run ${run}`]];
  const part = state.part === 1 ? '' : `, part ${state.part}`;
  if (state.phase !== 'ended') {
    const steps = state.steps && state.steps.length > 0 ? `: ${state.steps.join(', ')}` : '';
    const last = `the last word at ${moment(state.updatedAt)}`;
    return [['in the function', `the run ${run} is ${state.phase}${part}${steps}; ${last}`]];
  }
  const how = `the run ${run} has ended${part}: ${state.outcome ?? 'unknown'}${state.failure ? `, ${state.failure.message}` : ''}`;
  const file = await fetchReport(remote, run, folder);
  return [
    ['in the function', how],
    ...(state.holds === undefined ? [] : [['', state.holds] as [string, string]]),
    file === undefined
      ? ['', 'there is no report of it']
      : ['', `its report is here now: ${file}; restage report ${run} shows it`],
  ];
}

/** The page's path; undefined where the function kept no report. */
async function fetchReport({ runs }: RemoteFunction, run: string, folder: string): Promise<string | undefined> {
  const text = await runs?.fetch(run, 'report.json');
  if (!runs || text === undefined) return undefined;
  const place = join(runsFolder, run);
  await mkdir(place, { recursive: true, mode: 0o700 });
  for (const name of ['report.html', 'report.md', 'report.json'] as const) {
    const content = name === 'report.json' ? text : await runs.fetch(run, name);
    if (content !== undefined) await writeFile(join(place, name), content, { mode: 0o600 });
  }
  return relative('.', join(folder, 'report.html'));
}
