import type { PlannedBucket } from '../../plan-objects.ts';
import { routeText, selectionLines } from '../plan-objects-text.ts';
import { count, counted } from '../format.ts';
import { code, escaped, quoted } from './text.ts';
import { table } from './table.ts';
import { transfersAtOnce } from '../../s3/transfer.ts';
import { endOf, factsOf, stepsOf, type Report, type StepOf } from '../report.ts';
import { copiedOf, copiesOf, isAgain } from '../bucket-copies.ts';
import { progressOf } from '../objects-summary.ts';

/** What a report says of the objects beside their figures: which, the way they went, what failed, how to undo it. */
export function objectLines(report: Report, list: string | undefined): string[] {
  const routes = stepsOf(report, 'copy-objects').flatMap((step) => {
    if (isAgain(step)) return []; // as the first one of the pair
    const facts = factsOf(step);
    const hasGone = facts ? facts.copied.objects + facts.failed > 0 : step.outcome.status === 'failed';
    if (!hasGone && progressObjects(step) === 0) return [];
    const width = facts?.width ?? transfersAtOnce;
    return [
      `- **${step.bucket}** ${routeText({ kind: step.route, reason: step.routeReason })}.`,
      ...(width < transfersAtOnce
        ? [`- **${step.bucket}** The store asked for fewer requests: in the end ${count(width)} went on at once.`]
        : []),
    ];
  });
  const selections = report.objects.flatMap(({ bucket, selection }) => {
    const told = selectionLines(selection).map(([name, text]) => `${name} ${code(text)}`);
    return told.length === 0 ? [] : [`- **${bucket}** ${told.join('; ')}`];
  });
  const failures = [...stepsOf(report, 'copy-objects'), ...stepsOf(report, 'delete-objects')].flatMap((step) => {
    const facts = 'facts' in step.outcome ? step.outcome.facts : undefined;
    return (facts?.failures ?? []).map(({ key, reason }) => [
      escaped(step.bucket),
      code(JSON.stringify(key)),
      escaped(reason),
    ]);
  });
  const failed = [...stepsOf(report, 'copy-objects'), ...stepsOf(report, 'delete-objects')].reduce(
    (sum, step) => sum + (('facts' in step.outcome ? step.outcome.facts?.failed : undefined) ?? 0),
    0,
  );
  const undo = undoLines(report);
  if (selections.length + routes.length + failures.length + undo.length === 0) return [];
  return [
    '## Objects',
    '',
    ...selections,
    ...routes,
    ...(list === undefined
      ? []
      : [`- What became of each object is in \`${list}\` beside this page, a line of JSON each.`]),
    '',
    ...(failures.length === 0
      ? []
      : [
          failed > failures.length
            ? `${count(failed)} objects failed, among them:`
            : `${counted(failed, 'object')} failed:`,
          '',
          ...table(['Bucket', 'Key', 'Why'], failures),
          '',
        ]),
    ...undo,
  ];
}

/** How what was deleted or overwritten comes back, as commands. */
function undoLines(report: Report): string[] {
  return report.objects.flatMap((planned) => {
    const { target, selection, versioning } = planned;
    const gone = goneIn(report, planned);
    const [deleted, overwritten] = [gone.deleted > 0, gone.overwritten > 0];
    if (!deleted && !overwritten && !gone.untold) return [];
    const amounts = [
      ...(deleted ? [`${counted(gone.deleted, 'object')} deleted`] : []),
      ...(overwritten ? [`${counted(gone.overwritten, 'object')} overwritten`] : []),
    ].join(' and ');
    const what = gone.untold
      ? `What was deleted or overwritten in ${target.bucket} until the run was stopped`
      : `${amounts} in ${target.bucket}`;
    if (selection.backup !== undefined) {
      const one = gone.untold || gone.deleted + gone.overwritten === 1;
      const kept = quoted(`s3://${target.bucket}/${selection.backup}${report.run}/`);
      return [
        `${what} ${one ? 'is' : 'are'} kept under \`${selection.backup}${report.run}/\`. To bring ${one ? 'it' : 'them'} back, with the target's profile:`,
        '',
        `    aws s3 cp --recursive ${kept} s3://${target.bucket}/`,
        '',
        'Keys that end with a slash are skipped by `aws s3 cp --recursive` and need `aws s3api copy-object`.',
        '',
      ];
    }
    if (versioning === 'unknown') return [`${what}; whether the bucket keeps older versions could not be asked.`, ''];
    if (versioning !== 'enabled') return [`${what}, which keeps no older versions.`, ''];
    return [
      `${what}, which is versioned.`,
      '',
      ...(deleted || gone.untold ? markerLines(report, target.bucket) : []),
      ...(overwritten || gone.untold
        ? [
            'What was overwritten is an older version of the same key: `aws s3api copy-object` with its `versionId` brings it back.',
            '',
          ]
        : []),
    ];
  });
}

/** What is not in a bucket any more; `untold`: a step was stopped, and how much it was is not known. */
function goneIn(
  report: Report,
  { bucket, selection, versioning }: PlannedBucket,
): { readonly deleted: number; readonly overwritten: number; readonly untold: boolean } {
  const copies = copiesOf(report, bucket);
  const deleting = stepsOf(report, 'delete-objects').find((step) => step.bucket === bucket);
  const copied = copiedOf(report, bucket);
  const mayComeBack = selection.backup !== undefined || versioning === 'enabled';
  return {
    deleted: (deleting && factsOf(deleting)?.deleted.objects) ?? 0,
    overwritten: (selection.backup === undefined ? copied?.overwritten.objects : copied?.backedUp.objects) ?? 0,
    untold: progressObjects(deleting) > 0 || (mayComeBack && copies.some((step) => progressObjects(step) > 0)),
  };
}

function progressObjects(step: StepOf<'copy-objects' | 'delete-objects'> | undefined): number {
  return (step && progressOf(step)?.objects) ?? 0;
}

/** How the delete markers of a run go: what they hide is there again then. */
function markerLines(report: Report, bucket: string): string[] {
  // S3 tells whole seconds. As text, `…05Z` is behind whatever a moment of that second is written as.
  const end = new Date(Math.ceil(endOf(report) / 1000) * 1000);
  const during = `LastModified >= '${report.startedAt.slice(0, 19)}' && LastModified <= '${end.toISOString().slice(0, 19)}Z'`;
  const markers = `DeleteMarkers[?${during}] | [:1000].{Key: Key, VersionId: VersionId}`;
  // In JSON a key may have any character.
  return [
    "What was deleted comes back when its delete marker goes. With the target's profile, and where there are more than a thousand, repeat until none is left:",
    '',
    `    aws s3api list-object-versions --bucket ${bucket} --output json \\`,
    `      --query "{Objects: ${markers}}" > delete-markers.json`,
    `    aws s3api delete-objects --bucket ${bucket} --delete file://delete-markers.json`,
    '',
  ];
}
