import type { Failure } from '../errors.ts';
import type { Event, Listener } from '../event.ts';
import { ownVersion } from '../own-version.ts';
import type { Plan } from '../plan.ts';
import { figuresOf, type Report } from '../report/report.ts';
import type { Outcome, Step, StepProgress, StepReport } from '../step.ts';

/** What has been heard of a run's steps: enough for a report of it, where whoever made the run can write none. */
export interface StepsSeen {
  readonly listen: Listener;
  /** The run as far as it was heard of. `holds`: what the target holds, in a sentence. */
  report(how: {
    readonly run: string;
    readonly startedAt: string;
    readonly failure: Failure;
    readonly holds: string;
    readonly recovery?: Report['recovery'];
    readonly function?: Report['function'];
  }): Report;
}

interface Begun {
  readonly startedAt: string;
  readonly clock: number;
  progress?: StepProgress;
}

/** Listens to the steps of a plan. */
export function seeSteps(plan: Plan): StepsSeen {
  const ended = new Map<string, Outcome>();
  const begun = new Map<string, Begun>();
  const clock = performance.now();
  const outcomeOf = ({ id }: Step): Outcome => {
    const known = ended.get(id);
    if (known) return known;
    const began = begun.get(id);
    if (!began) return { status: 'not-run' };
    const { startedAt, progress } = began;
    const durationMs = Math.round(performance.now() - began.clock);
    return { status: 'stopped', startedAt, durationMs, ...(progress ? { progress } : {}) };
  };
  return {
    listen: (event: Event) => {
      if (event.kind === 'step-started')
        begun.set(event.step.id, { startedAt: new Date().toISOString(), clock: performance.now() });
      if (event.kind === 'step-progress') {
        const { bytes, objects, failed } = event;
        const began = begun.get(event.step.id);
        if (began)
          began.progress = {
            bytes,
            ...(objects === undefined ? {} : { objects }),
            ...(failed === undefined ? {} : { failed }),
          };
      }
      if (event.kind === 'step-ended') ended.set(event.step.id, event.step.outcome);
    },
    report: ({ run, startedAt, failure, holds, recovery, function: made }) => {
      const steps = plan.steps.map((step) => ({ ...step, outcome: outcomeOf(step) }) as StepReport); // of its own step
      const at =
        steps.find(({ outcome }) => outcome.status === 'failed') ??
        steps.find(({ outcome }) => outcome.status === 'stopped') ??
        // Of a run of which nothing was heard it is not known how far it came.
        (begun.size === 0 ? undefined : steps.find(({ outcome }) => outcome.status === 'not-run'));
      const told: Omit<Report, 'figures'> = {
        ...plan,
        run,
        restage: ownVersion(),
        startedAt,
        durationMs: Math.round(performance.now() - clock),
        outcome: failure.code === 'interrupted' ? 'interrupted' : 'failed',
        ...(made ? { function: made } : {}),
        steps,
        failure: { ...failure, step: at?.id ?? 'function' },
        ...(recovery ? { recovery } : {}),
        remarks: [],
        holds,
      };
      return { ...told, figures: figuresOf(told) };
    },
  };
}
