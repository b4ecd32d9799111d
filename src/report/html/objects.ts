import type { PlannedBucket } from '../../plan-objects.ts';
import type { Amount } from '../../s3/diff.ts';
import type { Prefixes } from '../../s3/prefixes.ts';
import type { ObjectFailure } from '../../s3/transfer.ts';
import { bytes, count, counted } from '../format.ts';
import { copiedOf, copiesOf } from '../bucket-copies.ts';
import { routeText, selectionLines } from '../plan-objects-text.ts';
import { factsOf, stepsOf, type Report } from '../report.ts';
import { dataTable } from './data-table.ts';
import { facts } from './facts.ts';
import { code, joined, markup, named, type Markup, type Part } from './markup.ts';
import { sign } from './sign.ts';

/** The objects, bucket by bucket: what there was, what became of it, and what could not be done. */
export function objects(report: Report, list: string | undefined): Markup | undefined {
  if (report.objects.length === 0) return undefined;
  const kept =
    list === undefined
      ? undefined
      : markup`<p>What became of each object is in ${code(list)} beside this page, a line of JSON each.</p>`;
  return markup`${report.objects.map((planned) => bucket(report, planned))}${kept}`;
}

interface Line {
  readonly what: string;
  readonly amount: Amount | undefined;
  readonly remark?: Part;
}

function bucket(report: Report, planned: PlannedBucket): Markup {
  const { bucket: name, totals, selection, deletion, source, target } = planned;
  const mine = <Step extends { readonly bucket: string }>(steps: readonly Step[]) =>
    steps.find((step) => step.bucket === name);
  const copies = copiesOf(report, name);
  const copying = copies.find((step) => factsOf(step) === undefined) ?? copies.at(-1);
  const deleting = mine(stepsOf(report, 'delete-objects'));
  const copied = copiedOf(report, name);
  const deleted = deleting && factsOf(deleting);
  const lines: Line[] = [
    { what: `At ${report.source.name}, as planned`, amount: totals.source },
    { what: `At ${report.target.name}, as planned`, amount: totals.target },
    { what: 'Missing there', amount: totals.missing },
    { what: 'Different there', amount: totals.changed },
    {
      what: 'Only there',
      amount: totals.extra,
      remark: totals.extra.objects === 0 ? undefined : deletion ? 'to be deleted' : 'left there',
    },
    {
      what: 'Copied',
      amount: copied?.copied,
      remark: copied ? overwritten(copied.overwritten) : (copying?.outcome.status ?? 'nothing was to be copied'),
    },
    { what: 'Unchanged', amount: copied?.unchanged ?? (copying ? undefined : totals.same) },
    ...(copied && copied.failed > 0
      ? [{ what: 'Failed', amount: undefined, remark: sign('bad', counted(copied.failed, 'object')) }]
      : []),
    ...(deleting
      ? [
          {
            what: 'Deleted',
            amount: deleted?.deleted,
            remark: deleted
              ? deleted.failed > 0
                ? sign('bad', `${count(deleted.failed)} failed`)
                : undefined
              : deleting.outcome.status,
          },
        ]
      : []),
  ];
  const table = dataTable<Line>(
    [
      { head: 'Objects', cell: ({ what }) => what },
      {
        head: 'Number',
        cell: ({ amount }) => amount && count(amount.objects),
        figure: ({ amount }) => amount?.objects,
      },
      { head: 'Size', cell: ({ amount }) => amount && bytes(amount.bytes), figure: ({ amount }) => amount?.bytes },
      { head: 'Remark', cell: ({ remark }) => remark },
    ],
    lines,
    { caption: `Objects of ${name}`, narrow: 'scroll', fits: true },
  );
  const told: [string, Part][] = [
    ['from', `${source.bucket} to ${target.bucket}`],
    ...selectionLines(selection).map(([setting, text]): [string, Part] => [setting, code(text)]),
    ...(copying ? [['route', routeText({ kind: copying.route, reason: copying.routeReason })] as [string, Part]] : []),
  ];
  return markup`<h3>${named(name)}</h3>${facts(told)}${table}${prefixes(planned)}${failures([...(copied?.failures ?? []), ...(deleted?.failures ?? [])])}`;
}

function overwritten({ objects: number }: Amount): string | undefined {
  return number === 0 ? undefined : `${count(number)} of them over others`;
}

/** What is to be copied, and what only the target has, by what the keys begin with. */
function prefixes({ toCopy, deletion, totals, target }: PlannedBucket): Markup {
  const coming = toCopy && prefixTable(toCopy, `What ${target.bucket} was to get, by prefix`);
  if (!deletion || totals.extra.objects === 0) return markup`${coming}`;
  const samples = joined(
    deletion.samples.map((key) => code(key)),
    ', ',
  );
  return markup`${coming}${prefixTable(deletion, `What only ${target.bucket} had, by prefix`)}<p class="dim">E.g. ${samples}. Allowed: ${counted(deletion.guard.maxCount, 'object')}, ${deletion.guard.maxPercent} %.</p>`;
}

function prefixTable({ prefixes: told, others }: Prefixes, caption: string): Markup {
  return dataTable<{ readonly prefix: string | undefined } & Amount>(
    [
      {
        head: 'Begins with',
        cell: ({ prefix }) => (prefix === undefined ? 'other prefixes' : prefix === '' ? '(no slash)' : named(prefix)),
      },
      { head: 'Number', cell: (row) => count(row.objects), figure: (row) => row.objects },
      { head: 'Size', cell: (row) => bytes(row.bytes), figure: (row) => row.bytes },
    ],
    [...told, ...(others.objects > 0 ? [{ prefix: undefined, ...others }] : [])],
    { caption, narrow: 'scroll', fits: true },
  );
}

function failures(failed: readonly ObjectFailure[]): Markup | undefined {
  if (failed.length === 0) return undefined;
  return dataTable<ObjectFailure>(
    [
      { head: 'Key', cell: ({ key }) => named(key) },
      { head: 'Why', cell: ({ reason }) => reason },
    ],
    failed,
    { caption: 'Objects that failed, the first of them', narrow: 'stack', sorts: 'keys' },
  );
}
