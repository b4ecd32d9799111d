import type { Answered } from '../app/patience.ts';
import { askHealth, askTotal, askValue, askVersions } from '../ask-apps.ts';
import { failureOf } from '../errors.ts';
import type { Facts } from '../facts.ts';
import type { Kind } from '../step.ts';
import type { Perform, Performed } from './context.ts';

export { requireApp } from '../ask-apps.ts';

/** What the applications say, once staging holds the new database. */
export const appSteps: Perform<'check-health' | 'compare-versions' | 'compare-total' | 'check-value'> = {
  'check-health': async (step, { ends, signal }) => performed(await askHealth(ends, step, signal)),

  'compare-versions': async ({ policy, withinSeconds }, { ends, signal }) =>
    performed(await askVersions(ends, policy, { withinSeconds, signal })),

  'compare-total': async (step, { ends, run, signal }) =>
    performed(await askTotal(ends, step, { withinSeconds: step.withinSeconds, label: run, signal })),

  'check-value': async (step, { ends, signal }) => {
    const { found, wrong } = await askValue(ends, step, { withinSeconds: step.withinSeconds, signal });
    return performed({ found: { value: found }, wrong });
  },
};

/** What was said last is kept where it is not right, too. */
function performed<K extends Kind>({ found, wrong }: Answered<Facts[K]>): Performed<K> {
  return { facts: found, ...(wrong ? { failure: failureOf(wrong) } : {}) };
}
