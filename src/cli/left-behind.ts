import type { Event } from '../index.ts';

/**
 * What a run would leave that is ended at once after this event, in words; undefined where the event changes nothing of
 * that. Nothing is ever half-made: both names are changed in one transaction, and an object is written whole or not at all.
 */
export function leftBehind(event: Event): string | undefined {
  if (event.kind === 'run-started') {
    const { target, steps } = event.plan;
    const ended = `ended at once; .restage/runs/${event.run} holds the plan, and no report`;
    if (!steps.some((step) => step.kind === 'swap'))
      return `${ended}. Every object of ${target.name} is whole, and the next run copies the rest`;
    return `${ended}. ${target.name} holds its database as it was; the next run drops what was being built`;
  }
  if (event.kind === 'step-started' && event.step.kind === 'swap')
    return 'ended at once, in the middle of the swap: the target holds the database as it was or the new one, whole either way. `restage status` tells which';
  if (event.kind === 'step-ended' && event.step.kind === 'swap' && event.step.outcome.status === 'done') {
    const { database, previous } = event.step.outcome.facts;
    return `ended at once: ${database} is the new database, not verified; the one before is kept as ${previous}, and \`restage rollback\` puts it back`;
  }
  if (event.kind === 'recovering')
    return 'ended at once, while things were put back: the target holds the database as it was or the new one, whole either way. `restage status` tells which';
  if (event.kind === 'step-started' && event.step.kind === 'drop-previous')
    return 'ended at once: the target holds the new database, verified';
  return undefined;
}
