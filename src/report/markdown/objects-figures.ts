import { describeBucket } from '../../s3/origin.ts';
import { bytes, count } from '../format.ts';
import { table } from './table.ts';
import { escaped } from './text.ts';
import { copiedOf, copiesOf } from '../bucket-copies.ts';
import { copyFacts, deletionFacts } from '../objects-summary.ts';
import { factsOf, stepsOf, type Report } from '../report.ts';
import { plain } from '../style.ts';

/** The figures of each pair of buckets: objects and size at the source, and what became of them. */
export function objectFigures(report: Report): string[] {
  if (report.objects.length === 0) return [];
  const rows = report.objects.map(({ bucket, source, target, totals }) => {
    const copies = copiesOf(report, bucket);
    const known = copiedOf(report, bucket);
    const isWhole = copies.every((step) => factsOf(step) !== undefined);
    const listed = stepsOf(report, 'verify-objects').flatMap((step) =>
      step.bucket === bucket ? (factsOf(step) ?? []) : [],
    )[0];
    const deleted = stepsOf(report, 'delete-objects').flatMap((step) =>
      step.bucket === bucket ? (factsOf(step) ?? []) : [],
    )[0];
    const there = listed?.source ?? totals.source;
    return [
      escaped(bucket),
      `${escaped(describeBucket(source))} → ${escaped(describeBucket(target))}`,
      count(there.objects),
      bytes(there.bytes),
      [
        ...(known ? [`${count(known.copied.objects)} (${bytes(known.copied.bytes)})`] : []),
        ...(isWhole ? [] : ['not finished']),
        ...(copies.length === 0 ? ['0'] : []),
      ].join(', '),
      count(known?.unchanged.objects ?? totals.same.objects),
      count(known?.failed ?? 0),
      count(deleted?.deleted.objects ?? 0),
    ];
  });
  const facts = [...copyFacts(report, plain), ...deletionFacts(report, plain)];
  return [
    '### Objects',
    '',
    ...table(['Objects', 'Source → target', 'At the source', 'Size', 'Copied', 'Same', 'Failed', 'Deleted'], rows),
    '',
    ...facts.map(([name, text]) => (name === '' ? `  - ${escaped(text)}` : `- **${escaped(name)}** ${escaped(text)}`)),
    '',
  ];
}
