import { isEstimate } from '../../estimate.ts';
import { counted } from '../format.ts';
import { factsOf, stepsOf, type Report } from '../report.ts';
import { sampleText } from '../verification-facts.ts';

/** What a reader should know of a run beside its figures, a sentence each: what it found, met, and knew before it began. */
export function knownIssues(report: Report): string[] {
  const references = stepsOf(report, 'verify-references').flatMap((step) => {
    const known = factsOf(step);
    if (!known) return [];
    const { bucket, columns, missing, absent } = known;
    const where = columns.join(', ');
    return [
      ...(missing.keys > 0
        ? [
            `${counted(missing.keys, 'key')} that rows name in ${where} ${areOf(missing.keys)} not in the target's ${bucket}${sampleText(missing)}`,
          ]
        : []),
      ...(absent.keys > 0
        ? [
            `${counted(absent.keys, 'key')} that rows name in ${where} ${areOf(absent.keys)} in neither bucket of ${bucket}${sampleText(absent)}`,
          ]
        : []),
    ];
  });
  const unwell = stepsOf(report, 'check-health').flatMap((step) =>
    (factsOf(step)?.checks ?? [])
      .filter(({ healthy }) => !healthy)
      .map(
        ({ name, status, detail }) =>
          `the health check ${name} says ${status}${detail === undefined ? '' : `: ${detail}`}`,
      ),
  );
  const objects = stepsOf(report, 'copy-objects').flatMap((step) => {
    const failed = factsOf(step)?.failed ?? 0;
    return failed === 0 ? [] : [`${counted(failed, 'object')} of ${step.bucket} could not be copied`];
  });
  const files = (report.migrations ?? []).flatMap(({ problems }) => problems);
  return [
    ...new Set([
      ...objects,
      ...references,
      ...unwell,
      ...files,
      ...report.remarks,
      ...report.notes.filter((note) => !isEstimate(note)),
    ]),
  ];
}

function areOf(number: number): string {
  return number === 1 ? 'is' : 'are';
}
