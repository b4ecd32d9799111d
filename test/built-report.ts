import { figuresOf, type Report } from '../src/report/report.ts';
import type { Facts } from '../src/facts.ts';
import type { Act, Kind, Outcome, StepReport } from '../src/step.ts';

const at = { startedAt: '2025-12-22T14:03:11.000Z', durationMs: 1500 };
const origin = { host: 'db.prod', port: 5432, database: 'shop', user: 'restage', version: '16.14' };

/** A step that is done, with its facts. */
export function done<K extends Kind>(
  act: Extract<Act, { kind: K }>,
  facts: Facts[K],
  id: string = act.kind,
): StepReport {
  return { id, after: [], ...act, outcome: { status: 'done', ...at, facts } } as unknown as StepReport; // facts of its own kind
}

/** A step that failed, with what was known. */
export function failed<K extends Kind>(act: Extract<Act, { kind: K }>, message: string, facts?: Facts[K]): StepReport {
  const failure = { code: 'app-unexpected', message } as const;
  const outcome: Outcome<K> = { status: 'failed', ...at, failure, ...(facts === undefined ? {} : { facts }) };
  return { id: act.kind, after: [], ...act, outcome } as unknown as StepReport; // an outcome of its own kind
}

export function notRun(act: Act): StepReport {
  return { id: act.kind, after: [], ...act, outcome: { status: 'not-run' } };
}

/** A refresh of a database with these steps. */
export function builtReport(steps: readonly StepReport[], given: Partial<Report> = {}): Report {
  const figures = { origin, readAt: at.startedAt, tables: 2, rows: 160, sizeBytes: 8192, schema: {} };
  const target = { ...origin, host: 'db.staging', database: 'shop_staging' };
  const told = {
    version: 1 as const,
    madeAt: at.startedAt,
    jobs: 4,
    source: { name: 'production', database: { ...figures, revision: 'q01' } },
    target: { name: 'staging', database: { ...figures, origin: target, revision: 's23' } },
    objects: [],
    notes: [],
    remarks: [],
    run: '20251222-140311-ab12',
    startedAt: at.startedAt,
    durationMs: 4200,
    outcome: 'done' as const,
    steps,
    holds: 'staging holds the new database',
    ...given,
  };
  return { ...told, figures: figuresOf(told) };
}

/** A table that was copied, as it was read and as it is there. */
export function copied(
  name: string,
  rows: number,
  {
    rule,
    there = { rows, content: '7' },
  }: { rule?: Extract<Act, { kind: 'copy-table' }>['rule']; there?: { rows: number; content: string } } = {},
): StepReport {
  const table = { schema: 'public', name };
  const act: Extract<Act, { kind: 'copy-table' }> = {
    kind: 'copy-table',
    table,
    rows,
    rowsAreEstimated: false,
    bytes: 8192,
    parts: 1,
    partsReason: 'small',
    verify: 'content',
    mayBeEmpty: false,
    ...(rule ? { rule } : {}),
  };
  const times = { copyMs: 20, indexMs: 10, analyzeMs: 1, digestMs: 5 };
  return done(
    act,
    { table, rows, bytes: 9000, ...times, source: { rows, content: '7' }, target: there },
    `copy-table ${name}`,
  );
}

export const swapped = done(
  { kind: 'swap', database: 'shop_staging', sessions: 0 },
  { database: 'shop_staging', previous: 'shop_staging__previous_1', sessionsEnded: 0 },
);
