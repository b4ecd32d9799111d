import * as z from 'zod';
import type { HeldDatabase, Status } from './status.ts';

/** One run that is known of: by its folder, or by what it noted on a database. Plain JSON. */
export interface HistoryEntry {
  readonly run: string;
  readonly kind: 'sync' | 'rollback' | 'unknown';
  /** ISO 8601. */
  readonly startedAt: string;
  readonly durationMs?: number;
  /** `unfinished`: there is no report of its end. `unreadable`: its folder holds none that can be read. */
  readonly outcome: 'done' | 'failed' | 'interrupted' | 'paused' | 'running' | 'unfinished' | 'unreadable' | 'unknown';
  readonly source?: string;
  readonly target?: string;
  readonly tables?: number;
  readonly rows?: number;
  readonly objects?: { readonly copied: number; readonly deleted: number };
  /** In how many parts it was made; absent where in one. */
  readonly parts?: number;
  /** The function that it was made in; absent where it was none. */
  readonly function?: string;
  /** What failed, in words. */
  readonly failed?: string;
  /** The folder that it is kept in here; absent: it was made by somebody else, or elsewhere. */
  readonly folder?: string;
  /** Who asked a function for it: a command of restage, a schedule of `restage/cdk`, or an event of somebody's own. */
  readonly begunBy?: 'command' | 'schedule' | 'event';
  /** s3://…, where its function keeps it. */
  readonly keptAt?: string;
  /** The steps that are under way. */
  readonly steps?: readonly string[];
  /** The database that it made, where that still is. */
  readonly database?: string;
}

const ofReport = z.object({
  kind: z.literal('rollback').optional(),
  startedAt: z.iso.datetime(),
  durationMs: z.number(),
  outcome: z.enum(['done', 'failed', 'interrupted', 'paused']),
  source: z.object({ name: z.string() }).optional(),
  target: z.object({ name: z.string() }),
  figures: z
    .object({
      tables: z.object({ copied: z.number(), rows: z.number() }),
      objects: z.object({ copied: z.number(), deleted: z.number() }),
    })
    .optional(),
  parts: z.array(z.unknown()).optional(),
  function: z.object({ name: z.string() }).optional(),
  failure: z.object({ step: z.string().optional(), message: z.string() }).optional(),
});

const ofPlan = z.object({
  kind: z.literal('rollback').optional(),
  source: z.object({ name: z.string() }).optional(),
  target: z.object({ name: z.string() }),
});

/** What the folder of a run holds; each is what JSON.parse gave, or why it could not be read. */
export interface KeptRun {
  readonly run: string;
  readonly folder: string;
  /** Absent where there is no report. */
  readonly report?: { readonly value: unknown } | { readonly problem: string };
  readonly plan?: { readonly value: unknown } | { readonly problem: string };
}

/** A run by its folder. What cannot be read is an entry all the same, with why. */
export function entryOf({ run, folder, report, plan }: KeptRun): HistoryEntry {
  const known = { run, startedAt: startOfRun(run), folder };
  if (report && 'problem' in report)
    return { ...known, kind: 'unknown', outcome: 'unreadable', failed: `report.json: ${report.problem}` };
  if (report) {
    const { data } = ofReport.safeParse(report.value);
    if (!data) return { ...known, kind: 'unknown', outcome: 'unreadable', failed: 'report.json is no report' };
    const {
      kind = 'sync',
      startedAt,
      durationMs,
      outcome,
      source,
      target,
      figures,
      failure,
      parts,
      function: ranIn,
    } = data;
    const { tables, objects } = figures ?? {};
    return {
      ...known,
      kind,
      startedAt,
      durationMs,
      outcome,
      ...(source ? { source: source.name } : {}),
      target: target.name,
      ...(tables ? { tables: tables.copied, rows: tables.rows } : {}),
      ...(objects ? { objects: { copied: objects.copied, deleted: objects.deleted } } : {}),
      ...(parts && parts.length > 1 ? { parts: parts.length } : {}),
      ...(ranIn ? { function: ranIn.name } : {}),
      ...(failure
        ? { failed: failure.step === undefined ? failure.message : `${failure.step}: ${failure.message}` }
        : {}),
    };
  }
  const { data } = ofPlan.safeParse(plan && 'value' in plan ? plan.value : undefined);
  if (!data)
    return { ...known, kind: 'unknown', outcome: 'unreadable', failed: 'neither a plan nor a report can be read' };
  return {
    ...known,
    kind: data.kind ?? 'sync',
    outcome: 'unfinished',
    ...(data.source ? { source: data.source.name } : {}),
    target: data.target.name,
  };
}

/** All runs that are known of, newest first: those of the folders, and those that the target's databases tell of. */
export function historyOf(kept: readonly HistoryEntry[], status: Status | undefined): readonly HistoryEntry[] {
  const entries = new Map(kept.map((entry) => [entry.run, entry]));
  const add = (entry: HistoryEntry) => {
    const known = entries.get(entry.run);
    entries.set(
      entry.run,
      known ? { ...known, ...(entry.database === undefined ? {} : { database: entry.database }) } : entry,
    );
  };
  const { present, previous = [], running } = status?.database ?? {};
  const target = status?.target ?? '';
  for (const one of [...(present ? [present] : []), ...previous])
    for (const entry of entriesOf(one, target)) add(entry);
  for (const { run } of previous)
    if (!entries.has(run)) add({ run, kind: 'unknown', startedAt: startOfRun(run), outcome: 'unknown', target });
  return [...entries.values()]
    .map((entry) =>
      entry.outcome === 'unfinished' && running?.includes(entry.run)
        ? { ...entry, outcome: 'running' as const }
        : entry,
    )
    .toSorted((a, b) => (a.run < b.run ? 1 : a.run > b.run ? -1 : 0));
}

/** The runs that a database tells of: the one that made it, and the one that put it back. */
function entriesOf({ name, made, state }: HeldDatabase, target: string): HistoryEntry[] {
  if (!made) return [];
  const { run, source, swappedAt, tables, rows, failed, restored } = made;
  return [
    {
      run,
      kind: 'sync',
      startedAt: startOfRun(run, swappedAt),
      outcome: state === 'accepted' ? 'done' : failed === undefined ? 'unfinished' : 'failed',
      source: `${source.database} at ${source.host}:${source.port}`,
      target,
      ...(tables === undefined ? {} : { tables }),
      ...(rows === undefined ? {} : { rows }),
      ...(failed === undefined ? {} : { failed }),
      database: name,
    },
    ...(restored
      ? [{ run: restored.run, kind: 'rollback' as const, startedAt: restored.at, outcome: 'done' as const, target }]
      : []),
  ];
}

/** The moment in the id of a run; `otherwise` for an id of another form. */
export function startOfRun(run: string, otherwise = ''): string {
  const found = /^(\d{4})(\d\d)(\d\d)-(\d\d)(\d\d)(\d\d)-/.exec(run);
  if (!found) return otherwise;
  const [, year, month, day, hour, minute, second] = found;
  return `${year}-${month}-${day}T${hour}:${minute}:${second}.000Z`;
}
