import { stepsOf, type Report } from './report.ts';

/** How a refresh ended, in a sentence without its full stop. */
export function verdictOf(report: Report): string {
  const { outcome, source, target } = report;
  if (outcome === 'done')
    return report.steps.length === 0
      ? // Objects are all that such a run has looked at, and of them those that it selects.
        `${target.name} has all objects of ${source.name} that are selected`
      : `${target.name} is refreshed from ${source.name}`;
  if (outcome === 'paused') return `${target.name} is not refreshed yet: the run has paused`;
  if (report.recovery?.kept) return `${target.name} holds new data of ${source.name} that was not accepted`;
  return isAccepted(report)
    ? `${target.name} is refreshed from ${source.name}, but the run did not end well`
    : `${target.name} was not refreshed${outcome === 'interrupted' ? ': interrupted' : ''}`;
}

/** The new database was in place and stayed there: only what comes after that went wrong, if anything. */
export function isAccepted(report: Pick<Report, 'steps' | 'recovery'>): boolean {
  const swapped = stepsOf(report, 'swap').some((step) => step.outcome.status === 'done');
  return swapped && report.recovery === undefined;
}

/** What was copied of the database is what the target holds now, accepted or not. */
export function isInPlace(report: Pick<Report, 'steps' | 'recovery'>): boolean {
  return isAccepted(report) || report.recovery?.kept !== undefined;
}

/** What was copied of the database is there no more. */
export function isDiscarded({ recovery }: Pick<Report, 'recovery'>): boolean {
  return (recovery?.dropped.length ?? 0) > 0;
}
