import type { PlannedBucket, PlannedDeletion } from '../plan-objects.ts';
import { keptBy } from '../replaces.ts';
import type { Keeping } from '../s3/carried.ts';
import type { Amount } from '../s3/diff.ts';
import { describeBucket } from '../s3/origin.ts';
import type { Selection } from '../s3/selection.ts';
import { bytes, columns, count, counted } from './format.ts';
import type { Style } from './style.ts';

/** A pair of buckets for whoever reads a plan: the figures, the way, and what goes. */
export function bucketLines(planned: PlannedBucket, style: Style): string[] {
  const { bucket, source, target, totals, archived, selection, keeping, route, deletion } = planned;
  const amount = (name: string, { objects, bytes: size }: Amount, remark = '') => [
    name,
    counted(objects, 'object'),
    bytes(size),
    remark,
  ];
  const toCopy = {
    objects: totals.missing.objects + totals.changed.objects,
    bytes: totals.missing.bytes + totals.changed.bytes,
  };
  const kinds = [
    `${count(totals.missing.objects)} missing, ${count(totals.changed.objects)} different${totals.changed.objects > 0 && isForGood(planned) ? ', overwritten for good' : ''}`,
    ...(archived.objects > 0 ? [`${count(archived.objects)} of them archived`] : []),
  ];
  const isRefused = planned.refusals.length > 0;
  const extra =
    totals.extra.objects === 0
      ? ''
      : deletion
        ? isRefused
          ? 'deleting them is refused'
          : 'they are deleted, last of all'
        : 'they stay';
  const told: [string, string][] = [
    ...(route ? [['route', routeText(route)] as [string, string]] : []),
    ...selectionLines(selection),
    ...referencedLines(planned),
    ...backupLines(selection),
    ...keepingLines(keeping),
  ];
  return [
    `${style('strong', `objects ${bucket}`)}  ${describeBucket(source)} → ${describeBucket(target)}`,
    ...columns(
      [
        amount('source', totals.source),
        amount('target', totals.target),
        amount('to copy', toCopy, kinds.join('; ')),
        amount('unchanged', totals.same),
        amount('only in target', totals.extra, extra),
      ],
      ['left', 'right', 'right', 'left'],
      '  ',
    ),
    ...columns(told, ['left', 'left'], '  '),
    ...(deletion ? deletionLines(planned, deletion).map((line) => style('warn', line)) : []),
    '',
  ];
}

/** The way that objects go, and why. */
export function routeText({ kind, reason }: { readonly kind: 'server' | 'stream'; readonly reason: string }): string {
  return `${kind === 'server' ? 'copied by the store itself' : 'through this process'}: ${reason}`;
}

/** What is overwritten or deleted there is not kept by anything. */
export function isForGood(planned: Pick<PlannedBucket, 'selection' | 'versioning'>): boolean {
  return keptBy(planned) === 'nothing';
}

/** Which keys count, a name and a text for each setting. */
export function selectionLines({ prefix, include, exclude, renames }: Selection): [string, string][] {
  return [
    ...(prefix === undefined ? [] : [['prefix', prefix] as [string, string]]),
    ...(include.length === 0 ? [] : [['include', include.join(', ')] as [string, string]]),
    ...(exclude.length === 0 ? [] : [['exclude', exclude.join(', ')] as [string, string]]),
    ...Object.entries(renames).map(([from, to]): [string, string] => ['renames', `${from} → ${to}`]),
  ];
}

/** Of the keys that rows name: how many there are, and what the source lacks. */
export function referencedText(
  { keys, absent }: { readonly keys: number; readonly absent: number },
  { prefix, include, exclude }: Pick<Selection, 'prefix' | 'include' | 'exclude'>,
): string {
  const isPart = prefix !== undefined || include.length + exclude.length > 0;
  const where = isPart ? "among the source's selected objects" : "in the source's bucket";
  const lacking = absent === 0 ? '' : `; ${count(absent)} of them ${absent === 1 ? 'is' : 'are'} not ${where}`;
  return `${counted(keys, 'key')}${lacking}`;
}

function referencedLines({ selection, referenced }: PlannedBucket): [string, string][] {
  if (!referenced) return [];
  const { examples, from, estimate } = referenced;
  const some = examples.length === 0 ? '' : `, e.g. ${examples.map((key) => JSON.stringify(key)).join(', ')}`;
  const more = estimate === undefined ? '' : `; at most: ${estimate}`;
  return [
    [
      'only',
      `what rows name in ${(selection.referencedBy ?? []).join(', ')}: ${referencedText(referenced, selection)}${some}`,
    ],
    ['', `read from ${from}${more}`],
  ];
}

function backupLines({ backup }: Selection): [string, string][] {
  return backup === undefined ? [] : [['backup', `what is overwritten or deleted is kept under ${backup}`]];
}

function keepingLines({ storageClass, encryption, acl }: Keeping): [string, string][] {
  const kept = [
    ...(storageClass === undefined ? [] : [storageClass === 'keep' ? "each object's own storage class" : storageClass]),
    ...(encryption === undefined
      ? []
      : [encryption === 'AES256' ? 'encrypted with AES256' : `encrypted with the key ${encryption.kmsKey}`]),
    ...(acl === undefined ? [] : [`ACL ${acl}`]),
  ];
  return kept.length === 0 ? [] : [['written as', kept.join(', ')]];
}

function deletionLines(planned: PlannedBucket, deletion: PlannedDeletion): string[] {
  const { selection, unmatched, refusals } = planned;
  const how =
    refusals.length > 0
      ? 'Deleting them is refused.'
      : `They are deleted when all else is verified${undoText(planned)}.`;
  const { objects, bytes: size, percent, prefixes, others, samples, guard } = deletion;
  const rows = prefixes.map(({ prefix, ...amount }) => [prefix === '' ? '(no slash)' : prefix, amount] as const);
  return [
    `  Only the target has ${counted(objects, 'object')}, ${bytes(size)}, ${percent.toFixed(percent < 10 ? 1 : 0)} % of ${selectionLines(selection).length > 0 ? "the target's selected objects" : 'its objects'}. ${how}`,
    ...columns(
      [...rows, ...(others.objects > 0 ? [['other prefixes', others] as const] : [])].map(([name, amount]) => [
        name,
        counted(amount.objects, 'object'),
        bytes(amount.bytes),
      ]),
      ['left', 'right', 'right'],
      '    ',
    ),
    `    e.g. ${samples.map((key) => JSON.stringify(key)).join(', ')}`,
    `    allowed: ${counted(guard.maxCount, 'object')}, ${guard.maxPercent} %`,
    ...selection.exclude
      .filter((pattern) => unmatched.includes(pattern))
      .map((pattern) => `    exclude ${pattern} matches no key: is it what should protect something?`),
  ];
}

/** What is left of what was deleted. */
function undoText(planned: PlannedBucket): string {
  return {
    backup: `, and kept under ${planned.selection.backup} first`,
    versions: '; the bucket is versioned, older versions stay',
    nothing: ', and for good: the bucket keeps no older versions',
    unknown: '; whether the bucket keeps older versions could not be asked',
  }[keptBy(planned)];
}
