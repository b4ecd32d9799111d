import type { Kind, Step } from '../step.ts';
import { factsOf, type StepOf } from './report.ts';

/** What a step does or did, after the word for its kind: one line. */
export type Words = {
  readonly [K in Kind]: {
    /** `app` is the base of the target's application, where it is known. */
    readonly will: (step: Extract<Step, { kind: K }>, app?: string) => string;
    readonly did: (step: StepOf<K>) => string | undefined;
  };
};

/** What a step did, by its facts; undefined for one that has none. */
export function told<K extends Kind>(
  step: StepOf<K>,
  tell: (facts: NonNullable<ReturnType<typeof factsOf<K>>>) => string,
): string | undefined {
  const facts = factsOf(step);
  return facts === undefined ? undefined : tell(facts);
}
