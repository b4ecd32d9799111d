import { mkdir, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import {
  askFunction,
  failureOf,
  newestState,
  runStateRows,
  runStateText,
  type KeptRun,
  type RemoteFunction,
  type RunState,
  type Status,
} from '../index.ts';
import { runsFolder } from './run-folder.ts';

type Row = readonly [string, string];

/** What the function says of the target, and of a run that was begun here and is not known to have ended. */
export interface StatusOnLambda {
  /** Absent where all that may run at once of the function do, as while a run goes on. */
  readonly status?: Status | undefined;
  readonly rows: readonly Row[];
  readonly state?: RunState | undefined;
  /** Of the newest run of this target there, whoever has begun it. */
  readonly newest?: RunState | undefined;
}

/**
 * Asks the function. The report of a run that has ended in the meantime is kept in its folder, from where `restage report` shows it.
 * `kept`: the runs of this folder, newest first.
 */
export async function statusOnLambda(
  remote: RemoteFunction,
  kept: readonly KeptRun[],
  { target, signal }: { readonly target: string; readonly signal: AbortSignal },
): Promise<StatusOnLambda> {
  const [last] = kept;
  const open = last && !last.report && isOnLambda(last) ? last : undefined;
  const runId = open?.run;
  const known = runId === undefined ? undefined : await remote.runs?.states.read(runId);
  const there = await findNewest(remote, target);
  // One that was killed could not write so: the function looks.
  const asked = runId ?? (there.state?.phase === 'ended' ? undefined : there.state?.run);
  const answer = await askFunction(
    remote,
    { action: 'status', ...(asked === undefined ? {} : { runId: asked }) },
    signal,
  ).catch((error: unknown) => {
    if (failureOf(error).code === 'run-in-progress') return undefined;
    throw error;
  });
  const status = answer?.report as Status | undefined; // the function's own
  const busy: readonly Row[] = status
    ? []
    : [['target', 'the function is at work: what is held is told when it has ended']];
  const newest = answer?.state && answer.state.run === there.state?.run ? answer.state : there.state;
  const newestRows = there.problem === undefined ? newestRowsOf(newest, open?.run) : [there.problem];
  if (!open) return { status, rows: [...newestRows, ...busy], newest };
  const state = answer?.state ?? known;
  return { status, rows: [...(await rowsOf(remote, open, state)), ...newestRows, ...busy], state, newest };
}

/** What keeps the newest run from being told is a row: the status says more than that. */
async function findNewest(
  { runs }: RemoteFunction,
  target: string,
): Promise<{ readonly state?: RunState | undefined; readonly problem?: Row }> {
  try {
    return { state: runs && (await newestState(runs, target)) };
  } catch (error) {
    return { problem: ['newest run', `that of the function is not known: ${failureOf(error).message}`] };
  }
}

/** None for the one that other rows are about. */
function newestRowsOf(state: RunState | undefined, told: string | undefined): readonly Row[] {
  if (!state || state.run === told) return [];
  const look = state.phase === 'ended' ? `; restage report ${state.run} --on lambda shows its report` : '';
  return [['newest run', `${runStateText(state, Date.now())}${look}`]];
}

/** A run of which it is not known where it went may be anywhere. */
function isOnLambda({ plan }: KeptRun): boolean {
  const value = plan && 'value' in plan ? plan.value : undefined;
  return typeof value === 'object' && value !== null && 'onLambda' in value;
}

async function rowsOf(
  remote: RemoteFunction,
  { run, folder }: KeptRun,
  state: RunState | undefined,
): Promise<readonly Row[]> {
  if (!state) return [['function', `nothing is known of the run ${run} there`]];
  const rows = runStateRows(state, Date.now());
  if (state.phase !== 'ended') return rows;
  const file = await fetchReport(remote, run, folder);
  return [
    ...rows,
    [
      '',
      file === undefined
        ? 'there is no report of it'
        : `the report of its database is here now: ${file}; restage report ${run} shows it`,
    ],
  ];
}

/** The page's path; undefined where the function kept no report. */
async function fetchReport({ runs }: RemoteFunction, run: string, folder: string): Promise<string | undefined> {
  const text = await runs?.files.fetch(run, 'report.json');
  if (!runs || text === undefined) return undefined;
  const place = join(runsFolder, run);
  await mkdir(place, { recursive: true, mode: 0o700 });
  for (const name of ['report.html', 'report.md', 'report.json'] as const) {
    const content = name === 'report.json' ? text : await runs.files.fetch(run, name);
    if (content !== undefined) await writeFile(join(place, name), content, { mode: 0o600 });
  }
  return relative('.', join(folder, 'report.html'));
}
