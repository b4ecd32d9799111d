import { stepsOf, type Report } from './report.ts';

/** How a refresh ended, in a sentence without its full stop. */
export function verdictOf(report: Report): string {
  const { outcome, source, target } = report;
  if (outcome === 'done')
    return report.steps.length === 0
      ? `${target.name} has all that ${source.name} has`
      : `${target.name} is refreshed from ${source.name}`;
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
