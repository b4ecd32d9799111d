import type { Event, Plan, Report } from '../index.ts';
import type { Log } from './log.ts';

/** So often at most a step's progress is told in the log. */
const progressEachMs = 5000;

/** Tells the log what happens: a line for each event, without what the plan and the report have as a whole. */
export function eventLogger(log: Log): (event: Event) => void {
  const told = new Map<string, number>();
  return (event) => {
    if (event.kind === 'step-progress') {
      const now = performance.now();
      if (now - (told.get(event.step.id) ?? Number.NEGATIVE_INFINITY) < progressEachMs) return;
      told.set(event.step.id, now);
    }
    const fields = fieldsOf(event);
    if (fields) log.write(fields);
  };
}

/** Undefined for what the log does not tell: of objects only those that failed. */
export function fieldsOf(event: Event): (Readonly<Record<string, unknown>> & { readonly kind: string }) | undefined {
  const { kind } = event;
  if (kind === 'run-started') return { kind, ...planFigures(event.plan) };
  if (kind === 'run-ended') return { kind, ...reportFigures(event.report) };
  if (kind === 'recovering') return { kind, reason: event.reason };
  if (kind === 'part-started' || kind === 'part-ended') return event;
  if (kind === 'object') {
    const { step, object } = event;
    return object.outcome === 'failed' || object.outcome === 'different' ? { kind, step: step.id, object } : undefined;
  }
  const { step } = event;
  if (kind === 'step-started') return { kind, step: step.id };
  if (kind === 'step-output') return { kind, step: step.id, line: event.line };
  if (kind === 'step-ended') return { kind, step: step.id, outcome: event.step.outcome };
  const { step: _step, ...progress } = event;
  return { ...progress, step: step.id };
}

/** What a plan comes to. */
export function planFigures({ source, target, steps, notes, refusals, only }: Plan): Readonly<Record<string, unknown>> {
  const tables = steps.filter((step) => step.kind === 'copy-table');
  const end = ({ name, account, database }: Plan['source']) => ({ name, account, database: database?.origin });
  return {
    only,
    source: end(source),
    target: end(target),
    steps: steps.length,
    tables: tables.length,
    rows: tables.reduce((sum, { rows }) => sum + rows, 0),
    bytes: tables.reduce((sum, { bytes }) => sum + bytes, 0),
    notes,
    refusals,
  };
}

function reportFigures(report: Report): Readonly<Record<string, unknown>> {
  const { outcome, startedAt, durationMs, figures, failure, recovery, holds, remarks, parts } = report;
  return { outcome, startedAt, durationMs, figures, failure, recovery, holds, remarks, parts };
}
