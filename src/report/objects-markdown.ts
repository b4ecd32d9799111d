import { routeText } from './plan-objects-text.ts';
import { count, counted } from './format.ts';
import { table } from './markdown-table.ts';
import { transfersAtOnce } from '../s3/transfer.ts';
import { factsOf, stepsOf, type Report } from './report.ts';

/** What a report says of the objects beside their figures: the way they went, what failed, how to undo a deletion. */
export function objectLines(report: Report, list: string | undefined): string[] {
  const routes = stepsOf(report, 'copy-objects').flatMap((step) => {
    const width = factsOf(step)?.width ?? transfersAtOnce;
    return [
      `- **${step.bucket}** ${routeText({ kind: step.route, reason: step.routeReason })}.`,
      ...(width < transfersAtOnce
        ? [`- **${step.bucket}** The store asked for fewer requests: in the end ${count(width)} went on at once.`]
        : []),
    ];
  });
  const failures = [...stepsOf(report, 'copy-objects'), ...stepsOf(report, 'delete-objects')].flatMap((step) => {
    const facts = 'facts' in step.outcome ? step.outcome.facts : undefined;
    return (facts?.failures ?? []).map(({ key, reason }) => [step.bucket, JSON.stringify(key), reason]);
  });
  const failed = [...stepsOf(report, 'copy-objects'), ...stepsOf(report, 'delete-objects')].reduce(
    (sum, step) => sum + (('facts' in step.outcome ? step.outcome.facts?.failed : undefined) ?? 0),
    0,
  );
  const undo = undoLines(report);
  if (routes.length + failures.length + undo.length === 0) return [];
  return [
    '## Objects',
    '',
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
  return report.objects.flatMap(({ bucket, target, selection }) => {
    const [step] = stepsOf(report, 'delete-objects').filter((one) => one.bucket === bucket);
    const deleted = step ? (factsOf(step)?.deleted.objects ?? 0) : 0;
    const overwritten = stepsOf(report, 'copy-objects')
      .filter((one) => one.bucket === bucket)
      .reduce((sum, one) => sum + (factsOf(one)?.backedUp.objects ?? 0), 0);
    // A step that was stopped on the way has no figures, and may have deleted or overwritten some.
    const isUntold = [step, ...stepsOf(report, 'copy-objects').filter((one) => one.bucket === bucket)].some(
      (one) => one?.outcome.status === 'stopped' && (one.kind === 'delete-objects' || selection.backup !== undefined),
    );
    if (deleted + overwritten === 0 && !isUntold) return [];
    const what = isUntold
      ? 'What was deleted or overwritten until the run was stopped'
      : [
          ...(deleted > 0 ? [`${counted(deleted, 'object')} deleted`] : []),
          ...(overwritten > 0 ? [`${counted(overwritten, 'object')} overwritten`] : []),
        ].join(' and ');
    if (selection.backup !== undefined) {
      const kept = quoted(`s3://${target.bucket}/${selection.backup}${report.run}/`);
      return [
        `${what} in ${target.bucket} is kept under \`${selection.backup}${report.run}/\`. To bring it back:`,
        '',
        `    aws s3 cp --recursive ${kept} s3://${target.bucket}/`,
        '',
      ];
    }
    if (!step?.versioned) return [`${what} in ${target.bucket}, which keeps no older versions.`, ''];
    // S3 tells whole seconds; in JSON a key may have any character.
    const markers = `DeleteMarkers[?IsLatest && LastModified >= '${report.startedAt.slice(0, 19)}'] | [:1000].{Key: Key, VersionId: VersionId}`;
    return [
      `${what} in ${target.bucket}, which is versioned: each comes back when its delete marker goes, a thousand at a time.`,
      '',
      `    aws s3api list-object-versions --bucket ${target.bucket} --output json \\`,
      `      --query "{Objects: ${markers}}" > delete-markers.json`,
      `    aws s3api delete-objects --bucket ${target.bucket} --delete file://delete-markers.json`,
      '',
    ];
  });
}

/** A word for a shell, whatever characters it has. */
function quoted(text: string): string {
  return /^[\w./:@-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}
