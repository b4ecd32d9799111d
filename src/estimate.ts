import type { Failure } from './errors.ts';
import { lastOfDatabase, type LastRun, type LastTable, type RunOrigin, type Took } from './last-run.ts';
import type { Plan } from './plan.ts';
import { displayTable, quoteTable, type TableName } from './postgres/names.ts';
import { bytes as bytesText, duration } from './report/format.ts';
import type { Step } from './step.ts';

/** How long the database's part of a run will take, as the last one did for so many bytes. Plain JSON. */
export interface Estimate {
  readonly ms: number;
  /** The table that takes longest by itself; a part of a run is no shorter. */
  readonly longest: { readonly table: TableName; readonly ms: number };
  /** What comes after the rows, and cannot be parted. */
  readonly afterMs: number;
  /** Of the tables that are copied. */
  readonly bytes: number;
  readonly last: RunOrigin & Pick<Took, 'durationMs' | 'bytes'>;
}

/** What a run may take. */
export interface TimeAllowed {
  /** From now until every step must have stopped. */
  readonly ms: number;
  /** Whether it may go on in a next part. */
  readonly mayPause: boolean;
  /** Who has that time, e.g. the function bluemoxon-staging-db-sync. */
  readonly whose: string;
}

/**
 * By how much an estimate must be over the time allowed before a run is refused for it. The last run may have met busier servers, or
 * colder disks: that costs up to a half of its time. What takes longer all the same stops in time, and leaves staging as it was.
 */
const clearly = 1.5;

/** No function has so long: what has is a task in a container. */
const longestMs = 24 * 3600 * 1000;

/** How long this plan will take, by the newest run between the same databases; undefined where nothing is known of one. */
export function estimateOf(plan: Plan, last: readonly LastRun[]): Estimate | undefined {
  const [source, target] = [plan.source.database?.origin, plan.target.database?.origin];
  const tables = plan.steps.filter((step) => step.kind === 'copy-table');
  if (!source || !target || tables.length === 0) return undefined;
  const found = lastOfDatabase(
    last.filter(({ database }) => database?.took !== undefined),
    source,
    target,
  );
  if (!found?.took) return undefined;
  const { took, run, endedAt, from } = found;
  const then = new Map(found.tables.map((one) => [quoteTable(one.table), one]));
  const bytes = tables.reduce((sum, step) => sum + step.bytes, 0);
  const ratio = took.bytes > 0 && bytes > 0 ? bytes / took.bytes : 1;
  const [longest] = tables
    .map((step) => ({ table: step.table, ms: Math.round(tableMs(step, then.get(quoteTable(step.table)), took)) }))
    .toSorted((a, b) => b.ms - a.ms);
  if (!longest) return undefined;
  // Much of what surrounds the rows does not shrink with them: migrations, checks, the schema.
  const around = Math.max(1, ratio);
  const afterMs = Math.round(took.afterMs * around);
  const beforeMs = Math.max(0, took.durationMs - took.copyMs - took.afterMs);
  return {
    ms: Math.round(beforeMs + Math.max(took.copyMs * ratio, longest.ms) + afterMs),
    longest,
    afterMs,
    bytes,
    last: { run, endedAt, from, durationMs: took.durationMs, bytes: took.bytes },
  };
}

/** One that the last run did not have takes what its bytes took there on the average. */
function tableMs(
  { bytes }: Pick<Extract<Step, { kind: 'copy-table' }>, 'bytes'>,
  then: LastTable | undefined,
  took: Took,
): number {
  if (then?.ms === undefined) return took.bytes > 0 ? (took.copyMs * bytes) / took.bytes : 0;
  return then.bytes !== undefined && then.bytes > 0 && bytes > 0 ? (then.ms * bytes) / then.bytes : then.ms;
}

/** The estimate as a note of a plan. */
export function estimateNote(estimate: Estimate | undefined, { ms: allowed, mayPause, whose }: TimeAllowed): string {
  const has = allowed > longestMs ? `${whose} has no time-out` : `${whose} has ${duration(allowed)}`;
  if (!estimate) return `how long it takes is not known: no earlier run between these databases is kept; ${has}`;
  const { ms, bytes, last } = estimate;
  const told = `the last run took ${duration(last.durationMs)} for ${bytesText(last.bytes)}; this one has ${bytesText(bytes)}: about ${duration(ms)}; ${has}`;
  if (ms <= allowed) return told;
  return mayPause ? `${told}, and goes on in a next part where that is not enough` : `${told}, which may not be enough`;
}

/** Whether a note is `estimateNote`'s: of a plan it is worth knowing, of a run that is over nothing. */
export function isEstimate(note: string): boolean {
  return /^(?:how long it takes is not known: |the last run took )/.test(note);
}

/** `time-short` where a run clearly cannot fit; undefined where it can, or nothing is known. */
export function timeShort(estimate: Estimate | undefined, allowed: TimeAllowed): Failure | undefined {
  if (!estimate) return undefined;
  const { ms, mayPause, whose } = allowed;
  const isOver = (wanted: number) => wanted > ms * clearly;
  const { table, ms: tableTime } = estimate.longest;
  const about = mayPause
    ? [
        ...(isOver(tableTime) ? [`the table ${displayTable(table)} alone, about ${duration(tableTime)}`] : []),
        ...(isOver(estimate.afterMs) ? [`what comes after the rows, about ${duration(estimate.afterMs)}`] : []),
      ]
    : isOver(estimate.ms)
      ? [`this run, about ${duration(estimate.ms)}`]
      : [];
  const [what] = about;
  if (what === undefined) return undefined;
  return {
    code: 'time-short',
    message: `${whose} has ${duration(ms)}, and ${what}, does not fit, even where it went half as fast again as the run ${estimate.last.run}; nothing was changed`,
    hint: `Give the function a longer time-out (900 s at most) and more memory, with which its share of a processor grows${mayPause ? '' : '; name a place in target.lambda.runs, so that a run goes on in a second invocation'}; or run it as a Fargate task, which has no time-out.`,
  };
}
