import type { Plan } from './plan.ts';
import type { Report } from './report/report.ts';
import type { ObjectOutcome } from './s3/transfer.ts';
import type { Step, StepReport } from './step.ts';

/** What happens during a run, for whoever watches: the library itself prints nothing. */
export type Event =
  | { readonly kind: 'run-started'; readonly run: string; readonly plan: Plan }
  | { readonly kind: 'step-started'; readonly step: Step }
  /** How far a step is: all bytes and objects so far. */
  | {
      readonly kind: 'step-progress';
      readonly step: Step;
      readonly bytes: number;
      readonly objects?: number;
      readonly failed?: number;
    }
  /** A line that a program of the step wrote, or what the step waits for; without secrets. */
  | { readonly kind: 'step-output'; readonly step: Step; readonly line: string }
  /** What became of one object: for a list of them, as there may be millions. */
  | { readonly kind: 'object'; readonly step: Step; readonly object: ObjectOutcome }
  | { readonly kind: 'step-ended'; readonly step: StepReport }
  /** Something failed or was interrupted: staging is being put back as it was. */
  | { readonly kind: 'recovering'; readonly reason: string }
  /** One of several invocations that make a run ends: what is loaded stays, and the next one goes on. Parts are numbered from 1. */
  | {
      readonly kind: 'part-ended';
      readonly part: number;
      readonly durationMs: number;
      /** How many tables are loaded, of how many. */
      readonly tables: number;
      readonly of: number;
    }
  | { readonly kind: 'part-started'; readonly part: number }
  | { readonly kind: 'run-ended'; readonly report: Report };

export type Listener = (event: Event) => void;
