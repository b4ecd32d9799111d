import { valueAt } from '../app/json-path.ts';
import type { Failure } from '../errors.ts';
import type { Recovery } from '../perform/recover.ts';
import type { Plan } from '../plan.ts';
import type { Facts } from '../facts.ts';
import type { Kind, Outcome, Step, StepReport } from '../step.ts';

/** A run, told: the plan with an outcome for each step. Plain JSON, no secret in it. */
export interface Report extends Omit<Plan, 'steps'> {
  readonly run: string;
  /** Which version of restage made it. */
  readonly restage?: string;
  /** Of its first part, where it was made in several. */
  readonly startedAt: string;
  /** Of all its parts together: how long it was at work, without the time between them. */
  readonly durationMs: number;
  /** `paused`: its time was over while rows were loaded; what is loaded stays beside the target, and `resume` goes on with it. */
  readonly outcome: 'done' | 'failed' | 'interrupted' | 'paused';
  /** The parts of a run that has paused, oldest first, this one last; absent where it never has. */
  readonly parts?: readonly RunPart[];
  /** The function that it ran in; absent where it ran where it was started. */
  readonly function?: RunFunction;
  readonly steps: readonly StepReport[];
  /** The first failure, and the step it happened in. */
  readonly failure?: Failure & { readonly step: string };
  /** How the target was put back; absent where nothing had to be. */
  readonly recovery?: Recovery;
  /** What turned out on the way, beside the plan's notes: what a server refused, fewer sessions than wished for. */
  readonly remarks: readonly string[];
  /** What the target holds now, in a sentence. */
  readonly holds: string;
  readonly figures: Figures;
}

/** One of several parts that a run was made in. */
export interface RunPart {
  readonly startedAt: string;
  readonly durationMs: number;
  /** The moment of the source that its rows are of, by the source's clock, ISO 8601; absent where it did not come so far. */
  readonly takenAt?: string;
  /** How many tables were loaded in it for the first time. */
  readonly loaded: number;
  /** Of tables that parts before it had loaded: how many were the same in its moment, and how many were copied again. */
  readonly same?: number;
  readonly again?: number;
}

/** What a run knows of the function that it ran in. */
export interface RunFunction {
  readonly name: string;
  /** One for each part. */
  readonly requestIds: readonly string[];
  readonly memoryBytes: number;
  /** The most that it had of it, as its process says. */
  readonly peakBytes?: number;
  readonly timeoutSeconds?: number;
  readonly logGroup?: string;
  readonly logStream?: string;
}

type Timed = Pick<RunPart, 'startedAt' | 'durationMs'>;

/** When a run ended, in milliseconds since 1970: between its parts there may have been hours. */
export function endOf({ startedAt, durationMs, parts = [] }: Timed & { readonly parts?: readonly Timed[] }): number {
  const whole = Date.parse(startedAt) + durationMs;
  const last = parts.at(-1);
  return last ? Math.max(whole, Date.parse(last.startedAt) + last.durationMs) : whole;
}

/** What came of it in a few figures; what was not reached is absent. */
export interface Figures {
  readonly tables: {
    readonly planned: number;
    readonly copied: number;
    readonly rows: number;
    readonly equal?: number;
  };
  readonly objects: {
    readonly source: number;
    readonly copied: number;
    readonly bytes: number;
    readonly failed: number;
    readonly deleted: number;
    readonly equal?: number;
  };
  readonly revision: Revisions;
  readonly health?: unknown;
  readonly totals: readonly {
    readonly path: string;
    readonly read: string;
    readonly source: unknown;
    readonly target: unknown;
  }[];
}

/** A step of one kind, with its outcome. */
export type StepOf<K extends Kind> = Extract<Step, { kind: K }> & { readonly outcome: Outcome<K> };

/** The steps of one kind, in the plan's order. */
export function stepsOf<K extends Kind>(report: Pick<Report, 'steps'>, kind: K): StepOf<K>[] {
  return report.steps.filter((step) => step.kind === kind) as unknown as StepOf<K>[]; // filtered by kind just now
}

/** What is known of a step: all if it is done, something perhaps if it failed. */
export function factsOf<K extends Kind>(step: StepOf<K>): Facts[K] | undefined {
  return 'facts' in step.outcome ? step.outcome.facts : undefined;
}

/** The revisions a refresh went through, each as the databases name it. */
export interface Revisions {
  readonly source?: string;
  readonly targetBefore?: string;
  readonly targetAfter?: string;
}

export function figuresOf(report: Omit<Report, 'figures'>): Figures {
  const tables = stepsOf(report, 'copy-table');
  const [verified] = stepsOf(report, 'verify-tables').flatMap((step) => factsOf(step) ?? []);
  const copied = stepsOf(report, 'copy-objects').flatMap((step) => factsOf(step) ?? []);
  const untouched = report.objects.filter(
    ({ bucket }) => !stepsOf(report, 'copy-objects').some((step) => step.bucket === bucket),
  );
  const same = [
    ...stepsOf(report, 'verify-objects').flatMap((step) => factsOf(step)?.same.objects ?? []),
    ...untouched.map(({ totals }) => totals.same.objects),
  ];
  const health = stepsOf(report, 'check-health').flatMap((step) => factsOf(step) ?? []);
  const sum = (numbers: readonly number[]) => numbers.reduce((total, number) => total + number, 0);
  return {
    tables: {
      planned: tables.length,
      copied: tables.filter((step) => step.outcome.status === 'done').length,
      rows: sum(tables.map((step) => factsOf(step)?.rows ?? 0)),
      ...(verified ? { equal: verified.tables - verified.different.length } : {}),
    },
    objects: {
      source: sum(report.objects.map(({ totals }) => totals.source.objects)),
      copied: sum(copied.map((facts) => facts.copied.objects)),
      bytes: sum(copied.map((facts) => facts.copied.bytes)),
      failed: sum(copied.map((facts) => facts.failed)),
      deleted: sum(stepsOf(report, 'delete-objects').map((step) => factsOf(step)?.deleted.objects ?? 0)),
      ...(same.length > 0 ? { equal: sum(same) } : {}),
    },
    revision: revisionsOf(report),
    ...(health[0] ? { health: valueAt(health[0].answer, 'status') ?? health[0].answer } : {}),
    totals: stepsOf(report, 'compare-total').flatMap((step) => {
      const facts = factsOf(step);
      return facts ? [{ path: step.path, read: step.read, ...facts }] : [];
    }),
  };
}

function revisionsOf(report: Omit<Report, 'figures'>): Revisions {
  const source = report.source.database?.revision;
  const before = report.target.database?.revision;
  const swapped =
    stepsOf(report, 'swap').some((step) => step.outcome.status === 'done') && !report.recovery?.swappedBack;
  const after = swapped
    ? ([...stepsOf(report, 'migrate-incoming'), ...stepsOf(report, 'migrate')]
        .flatMap(({ outcome }) => ('facts' in outcome ? (outcome.facts?.revisionAfter ?? []) : []))
        .at(-1) ?? source)
    : before;
  return {
    ...(source === undefined ? {} : { source }),
    ...(before === undefined ? {} : { targetBefore: before }),
    ...(after === undefined ? {} : { targetAfter: after }),
  };
}
