import { readAfterLoad } from './after-load.ts';
import type { Config } from './config.ts';
import type { Ends } from './connect.ts';
import { deadlineAt, type Deadline } from './deadline.ts';
import { RestageError } from './errors.ts';
import type { Plan, PlannedEnd } from './plan.ts';
import type { Report } from './report/report.ts';
import type { RunOptions } from './run-options.ts';
import { requireResumable, requireSameMaskKey, requireUnredacted } from './resumable.ts';
import { runPart } from './run-part.ts';
import { unredacted } from './unredacted.ts';

export interface ResumeOptions extends Omit<RunOptions, 'id'> {
  /**
   * The run's configuration. A report that was kept has no secrets, which stand in headers, environments and SQL of its steps: they are
   * put back from here. Absent: the report is as `run` gave it.
   */
  readonly config?: Config | undefined;
}

/**
 * The next part of a run that has paused: the plan, the id and what is loaded are the report's, which may have been written as JSON
 * meanwhile. There is a new snapshot; tables that are not loaded yet are loaded, those that were are compared with it and loaded again
 * where they differ: what comes of it is the source at one moment, that of the last part.
 * Failures are told in the Report, `pause-lost` among them: what was loaded is not there any more, or was made for another schema.
 * Throws what `run` throws; `report-invalid` for what is no report of a run that has paused, was changed, or lacks secrets that no
 * configuration puts back, `plan-outdated` for other ends, `unmasked`
 * where the configuration wants every personal column masked and one has come that is not, and `pause-lost` where it lacks what the
 * report was kept without, or restage or the key of the masks is another one.
 */
export async function resume(report: Report, ends: Ends, options: ResumeOptions = {}): Promise<Report> {
  using deadline = deadlineAt(options.until);
  return await resumeWithin(deadline, report, ends, options);
}

/** The same, in the time that is given. */
export async function resumeWithin(
  deadline: Deadline,
  report: Report,
  ends: Ends,
  options: ResumeOptions,
): Promise<Report> {
  requireResumable(report);
  requireEnd('source', report.source, ends);
  requireEnd('target', report.target, ends);
  const { config, ...others } = options;
  const plan = planOf(report);
  requireSameMaskKey(report, ends.source.database);
  if (!config) requireUnredacted(plan);
  else if (ends.source.database && config.database.unmasked === 'refuse') {
    // Reading rules takes all of a plan's modules, which a start does without.
    const { requireStillMasked } = await import('./still-masked.ts');
    await requireStillMasked(ends.source.database, config, options.signal);
  }
  const whole = config ? unredacted(plan, [config, await readAfterLoad(config)]) : plan;
  return runPart(whole, ends, { ...others, id: report.run, deadline, paused: report });
}

/** What a report has beside the plan that it is of. */
const ofTheReport = [
  'run',
  'restage',
  'startedAt',
  'durationMs',
  'outcome',
  'parts',
  'function',
  'failure',
  'recovery',
  'remarks',
  'holds',
  'figures',
] as const satisfies readonly Exclude<keyof Report, keyof Plan>[];

function planOf(report: Report): Plan {
  const steps = report.steps.map((step) => without(step, ['outcome'])) as Plan['steps']; // of a step's report, its step is left
  return { ...without(report, ofTheReport), steps };
}

function without<T extends object, K extends keyof T>(whole: T, keys: readonly K[]): Omit<T, K> {
  const rest = Object.entries(whole).filter(([key]) => !keys.some((one) => one === key));
  return Object.fromEntries(rest) as Omit<T, K>; // fewer of the same
}

function requireEnd(side: 'source' | 'target', planned: PlannedEnd, ends: Ends): void {
  const then = planned.database?.origin;
  const now = ends[side].database?.address;
  if (then?.host === now?.host && then?.port === now?.port && then?.database === now?.database) return;
  const place = (one: typeof now | typeof then) => (one ? `${one.database} at ${one.host}:${one.port}` : 'no database');
  throw new RestageError(
    'plan-outdated',
    `the run that has paused is one of ${place(then)} as the ${side}, and this is ${place(now)}`,
    { hint: 'The configuration was changed between its parts: begin a new run.' },
  );
}
