import type { Ends } from './connect.ts';
import type { Deadline } from './deadline.ts';
import { failureOf } from './errors.ts';
import type { Listener } from './event.ts';
import { holding } from './holds.ts';
import { earlierParts, loadedTables, loadedTablesOf, partOf, withEarlier, workPrint } from './pause.ts';
import { appSteps } from './perform/app.ts';
import type { Perform } from './perform/context.ts';
import { objectSteps, requireUnmarkedBuckets } from './perform/objects.ts';
import type { Recovery } from './perform/recover.ts';
import { ownVersion } from './own-version.ts';
import type { Plan } from './plan.ts';
import { figuresOf, type Report } from './report/report.ts';
import type { RunOptions } from './run-options.ts';
import { runSteps, type StepFailure } from './run-steps.ts';
import type { StepReport } from './step.ts';

export interface PartOptions extends Omit<RunOptions, 'until'> {
  readonly id: string;
  readonly deadline: Deadline;
  /** The report of the part before this one; absent: it is the first, or all of it. */
  readonly paused?: Report | undefined;
}

/** A run, or a part of one: see `run` and `resume`. */
export async function runPart(plan: Plan, ends: Ends, options: PartOptions): Promise<Report> {
  const { id, paused } = options;
  const { listen, broken } = watched(options.listen);
  const { source, target } = ends;
  const swaps = plan.steps.some((step) => step.kind === 'swap');
  const onDatabases = swaps ? await import('./perform/on-databases.ts') : undefined;
  // A plan without a swap has none of the steps that are left out.
  const perform = { ...onDatabases?.stepsOnDatabases, ...objectSteps, ...appSteps } as Perform;
  await using database =
    onDatabases && source.database && target.database
      ? await onDatabases.openDatabaseRun(source.database, target.database, {
          run: id,
          jobs: plan.jobs,
          skip: plan.steps.flatMap((step) => (step.kind === 'copy-schema' ? step.skip : [])),
          dumper: options.dumper,
          earlier: paused && earlierParts(paused),
        })
      : undefined;
  await requireUnmarkedBuckets(plan.steps, ends, options.signal);
  await onDatabases?.requirePrograms(plan.steps, options.environment);
  const startedAt = new Date().toISOString();
  const clock = performance.now();
  listen({ kind: 'run-started', run: id, plan });
  const { steps, failure, pauses } = await runSteps(plan, ends, {
    ...options,
    perform,
    database,
    loadedBefore: loadedTables(paused),
    beginCompleting: async () => {
      if (paused && database) await onDatabases?.beginCompleting(database);
    },
    listen,
  });
  let recovery: Recovery | undefined;
  const all = pauses ? withEarlier(steps, paused) : steps;
  if (pauses && database)
    await onDatabases?.rest(database, {
      at: new Date().toISOString(),
      ...loadedTablesOf(all),
      steps: workPrint({ ...plan, steps: all }),
    });
  if (failure && database && database.stage !== 'untouched' && database.stage !== 'settled') {
    const { message: reason } = failure;
    recovery = await onDatabases?.recover(database, {
      plan,
      ends,
      failure,
      interrupted: options.signal?.aborted ?? false,
      signal: new AbortController().signal, // what is put back is looked at in any case
      onPutBack: () => listen({ kind: 'recovering', reason }),
    });
  }
  const durationMs = Math.round(performance.now() - clock);
  const part = partOf(steps, paused, { startedAt, durationMs });
  const remarks = [...steps.flatMap(refusedBy), ...(database?.remarks ?? []), ...broken];
  const told = {
    ...plan,
    remarks: [...new Set([...(paused?.remarks ?? []), ...remarks])],
    run: id,
    restage: ownVersion(),
    startedAt: paused?.startedAt ?? startedAt,
    durationMs: (paused?.durationMs ?? 0) + durationMs,
    outcome: outcomeOf(failure, pauses),
    ...(pauses || paused ? { parts: [...(paused?.parts ?? []), part] } : {}),
    ...(paused?.function ? { function: paused.function } : {}),
    steps: all,
    ...(failure ? { failure } : {}),
    ...(recovery ? { recovery } : {}),
    holds: holding(plan, ends, { database, recovery, failed: failure?.step, loaded: pauses ? all : undefined }),
  };
  const report: Report = { ...told, figures: figuresOf(told) };
  listen({ kind: 'run-ended', report });
  return report;
}

function outcomeOf(failure: StepFailure | undefined, pauses: boolean): Report['outcome'] {
  if (pauses) return 'paused';
  if (!failure) return 'done';
  return failure.code === 'interrupted' ? 'interrupted' : 'failed';
}

/** Whoever watches a run must not be able to break it: what a listener throws is noted, and it is not told any more. */
function watched(listener: Listener | undefined): { readonly listen: Listener; readonly broken: readonly string[] } {
  const broken: string[] = [];
  return {
    broken,
    listen: (event) => {
      if (broken.length > 0) return;
      try {
        listener?.(event);
      } catch (error) {
        broken.push(`the run was not watched to its end: ${failureOf(error).message}`);
      }
    },
  };
}

/** What the target's server would not make or give, and the run went on without. */
function refusedBy({ outcome }: StepReport): readonly string[] {
  const facts = 'facts' in outcome ? outcome.facts : undefined;
  return facts && 'refused' in facts ? facts.refused : [];
}
