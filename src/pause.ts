import { createHash } from 'node:crypto';
import { RestageError, type Failure } from './errors.ts';
import type { EarlierParts } from './perform/database-run.ts';
import { quoteTable } from './postgres/names.ts';
import { bytes, count, counted } from './report/format.ts';
import { json } from './report/json.ts';
import { factsOf, stepsOf, type Report, type RunPart } from './report/report.ts';
import type { Kind, StepReport } from './step.ts';

/** What brings rows into the new database, and nothing else: what these have made can be gone on from in another moment. */
const loading: ReadonlySet<Kind> = new Set<Kind>([
  'take-snapshot',
  'create-database',
  'select-subset',
  'copy-schema',
  'copy-table',
  'copy-large-objects',
]);

/** Whether a step of this kind loads rows, or makes what they go into: only among these a run may pause. */
export function isLoading(kind: Kind): boolean {
  return loading.has(kind);
}

/**
 * When all rows have come and less than this share of the time is left, a run that may pause does so: keys, constraints, migrations
 * and checks must come in one part, and what took a copy two thirds of it is seldom completed in the last.
 */
export const enoughToComplete = 1 / 3;

/** Ids of the tables' steps that were done in earlier parts. */
export function loadedTables(paused: Report | undefined): ReadonlySet<string> {
  return new Set(loadedIn(paused?.steps ?? []).map(({ id }) => id));
}

function loadedIn(steps: readonly StepReport[]) {
  return stepsOf({ steps }, 'copy-table').filter(({ outcome }) => outcome.status === 'done');
}

/** What a run's next part must know of those before it. Throws `pause-lost` where the report does not say it. */
export function earlierParts(paused: Report): EarlierParts {
  const [created] = stepsOf(paused, 'create-database').flatMap((step) => factsOf(step) ?? []);
  const [schema] = stepsOf(paused, 'copy-schema').flatMap((step) => factsOf(step) ?? []);
  const { oid, presentOid } = created ?? {};
  if (!isOid(oid) || !isOid(presentOid) || schema?.print === undefined)
    throw new RestageError('pause-lost', `the report of run ${paused.run} does not say what it has loaded`, {
      hint: 'Begin a new run.',
    });
  const loaded = loadedIn(paused.steps).flatMap((step) => {
    const facts = factsOf(step);
    return facts ? [[quoteTable(step.table), facts] as const] : [];
  });
  return { oid, presentOid, schema, steps: workPrint(paused), loaded: new Map(loaded) };
}

function isOid(value: unknown): value is string {
  return typeof value === 'string' && /^[1-9]\d*$/.test(value);
}

/**
 * What tells the work of a run from others', whether or not it was kept without its secrets: its steps, how they are made, and the
 * schema and the databases that they are about; whatever else came of them.
 */
export function workPrint(report: Pick<Report, 'steps' | 'jobs' | 'onFailure'>): string {
  const { steps, jobs, onFailure } = report;
  const planned = steps.map((step) => ({ ...step, outcome: undefined }));
  const about = [
    ...stepsOf(report, 'create-database').map((step) => [factsOf(step)?.oid, factsOf(step)?.presentOid]),
    ...stepsOf(report, 'copy-schema').map((step) => factsOf(step)?.print),
  ];
  return createHash('sha256')
    .update(json([jobs, onFailure, about, planned]))
    .digest('hex')
    .slice(0, 16);
}

/** Whether a run may pause now: nothing but rows has begun to come, and a table is whole that was not in any part before. */
export function canPause(steps: readonly StepReport[], loadedBefore: ReadonlySet<string>): boolean {
  const begun = steps.filter(({ outcome }) => outcome.status !== 'not-run');
  return begun.every(({ kind }) => isLoading(kind)) && loadedIn(steps).some(({ id }) => !loadedBefore.has(id));
}

/** What a part has done, in figures. */
export function partOf(
  steps: readonly StepReport[],
  paused: Report | undefined,
  time: Pick<RunPart, 'startedAt' | 'durationMs'>,
): RunPart {
  const before = loadedTables(paused);
  const [taken] = stepsOf({ steps }, 'take-snapshot').flatMap((step) => factsOf(step) ?? []);
  const done = loadedIn(steps);
  const again = (since: 'same' | 'again') => done.filter((step) => factsOf(step)?.since === since).length;
  return {
    ...time,
    ...(taken ? { takenAt: taken.takenAt } : {}),
    loaded: done.filter(({ id }) => !before.has(id)).length,
    ...(paused ? { same: again('same'), again: again('again') } : {}),
  };
}

/**
 * The steps of a part that pauses, with what earlier parts loaded: a table that was whole once counts as loaded from then on, so that
 * each part takes the run further; the next one looks at what it holds.
 */
export function withEarlier(steps: readonly StepReport[], paused: Report | undefined): readonly StepReport[] {
  const before = new Map(loadedIn(paused?.steps ?? []).map((step) => [step.id, step]));
  return steps.map((step) => {
    const earlier = step.outcome.status === 'done' ? undefined : before.get(step.id);
    return earlier ? ({ ...step, outcome: earlier.outcome } as StepReport) : step; // both of copy-table
  });
}

/** How many tables are loaded, of how many. */
export function loadedTablesOf(steps: readonly StepReport[]): { readonly tables: number; readonly of: number } {
  return { tables: loadedIn(steps).length, of: stepsOf({ steps }, 'copy-table').length };
}

/** The tables that are loaded, of all, in words. */
export function loadedWords(steps: readonly StepReport[]): string {
  const tables = stepsOf({ steps }, 'copy-table');
  const loaded = loadedIn(steps);
  const copied = tables.reduce((sum, step) => {
    const progress = step.outcome.status === 'stopped' ? step.outcome.progress : undefined;
    return sum + (factsOf(step)?.bytes ?? progress?.bytes ?? 0);
  }, 0);
  return `${count(loaded.length)} of ${counted(tables.length, 'table')}, ${bytes(copied)}`;
}

/** Why a run whose time was over has failed: in which steps, and how far it had come. */
export function timeOver(steps: readonly StepReport[]): (Failure & { readonly step: string }) | undefined {
  const stopped = steps.filter(({ outcome }) => outcome.status === 'stopped');
  const [at] = [...stopped, ...steps.filter(({ outcome }) => outcome.status === 'not-run')];
  if (!at) return undefined; // everything was done when it came
  const ids = stopped.length === 0 ? [at.id] : stopped.slice(0, 3).map(({ id }) => id);
  const more = stopped.length > 3 ? ` and ${count(stopped.length - 3)} more` : '';
  return {
    step: at.id,
    code: 'time-over',
    message: `the time for this run was over ${stopped.length === 0 ? 'before' : 'in'} ${ids.join(', ')}${more}: copied were ${loadedWords(steps)}`,
    hint: 'Give it a longer time-out, or more memory, which brings more CPU; or run it where no limit ends it, as a task of ECS or on a machine that reaches both ends.',
  };
}
