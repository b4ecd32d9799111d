import { displayTable, type TableName } from '../postgres/names.ts';
import { describeBucket } from '../s3/origin.ts';
import type { Digest } from '../postgres/digest.ts';
import { referenceFaults, type KeySample, type ReferenceCheck } from '../references.ts';
import type { Verification } from '../verify.ts';
import type { VerifiedDatabase } from '../verify-database.ts';
import type { Compared, MergedTable } from '../verify-table.ts';
import { bytes, columns, count, counted, duration } from './format.ts';
import { referencedText } from './plan-objects-text.ts';
import { originText } from './origin-text.ts';
import { appLines } from './verified-apps-text.ts';
import { contentText } from './fact-words.ts';
import type { Style } from './style.ts';

/** A verification for people: each thing compared, then the differences. */
export function verificationText(found: Verification, style: Style): string {
  const lines = [style('strong', `${found.source} ↔ ${found.target}`), ''];
  const mark = (equal: boolean) => (equal ? style('good', '✓') : style('bad', '✗'));
  if (found.database) {
    const { source, target, tables, leftOut, onlyInTarget, sourceRevision, targetRevision } = found.database;
    lines.push(`  source  ${originText(source)}`, `  target  ${originText(target)}`, '');
    const rows = tables.map(({ table, source: from, target: to, missingColumns, ownColumns, equal }) => [
      mark(equal),
      displayTable(table),
      count(from.rows),
      to ? count(to.rows) : 'missing',
      equal ? `${equalText(found.database?.compared, from)}${besides(ownColumns)}${gone(missingColumns)}` : 'different',
    ]);
    rows.push(
      ...found.database.merged.map((one) => [
        mark(one.equal),
        displayTable(one.table),
        count(one.source),
        count(one.target),
        `${mergedText(one)}${besides(one.ownColumns)}`,
      ]),
    );
    if (rows.length > 0)
      lines.push(
        ...columns(
          [['', 'table', `rows at ${found.source}`, `at ${found.target}`, ''], ...rows],
          ['left', 'left', 'right', 'right', 'left'],
          '  ',
        ),
      );
    for (const table of onlyInTarget) lines.push(`    ${displayTable(table)}: only in the target`);
    lines.push(...leftOutLines(leftOut));
    if (sourceRevision !== undefined || targetRevision !== undefined)
      lines.push(
        `    revision: ${sourceRevision ?? 'none'} at the source, ${targetRevision ?? 'none'} at the target${found.database.migratedFurther ? ', which goes further' : ''}`,
      );
    lines.push(...integrityLines(found.database, mark), '');
  }
  for (const { bucket, source, target, selection, totals, referenced, content } of found.objects) {
    const equal = totals.missing.objects + totals.changed.objects + (content?.differences ?? 0) === 0;
    lines.push(`  ${mark(equal)} objects ${bucket}: ${describeBucket(source)} ↔ ${describeBucket(target)}`);
    if (referenced) lines.push(`    only what rows name: ${referencedText(referenced, selection)}`);
    lines.push(
      `    ${count(totals.same.objects)} of ${count(totals.source.objects)} equal (${bytes(totals.source.bytes)}), ${count(totals.missing.objects)} missing, ${count(totals.changed.objects)} different, ${count(totals.extra.objects)} only in the target${contentText(content)}`,
      '',
    );
  }
  for (const one of found.references ?? []) lines.push(...referenceLines(one, mark), '');
  lines.push(...appLines(found, style));
  for (const note of found.notes ?? []) lines.push(`  note: ${note}`);
  if (lines.at(-1) !== '') lines.push('');
  // A look at some of the rows proves less, and says so.
  const sampled = (found.database?.tables ?? []).some(({ source }) => source.sampled !== undefined);
  if (found.differences.length === 0)
    lines.push(style('good', `equal${sampled ? ' as far as samples tell' : ''}, in ${duration(found.durationMs)}`));
  else
    lines.push(
      style(
        'bad',
        `${found.differences.length === 1 ? 'one difference' : `${count(found.differences.length)} differences`}:`,
      ),
      ...found.differences.map((line) => `  ${line}`),
    );
  return lines.join('\n');
}

function equalText(compared: Compared | undefined, { rows, sampled }: Digest): string {
  if (compared === 'rows') return 'as many rows';
  return sampled === undefined ? 'content equal' : `equal in a sample of ${counted(sampled, 'row')} of ${count(rows)}`;
}

function mergedText({ same, missing, different, source, target, ownWins, equal }: MergedTable): string {
  const own = target - same - different;
  const there =
    missing + different === 0 ? `all of the source's equal` : `${count(same)} of the source's ${count(source)} equal`;
  const others = [
    ...(missing > 0 ? [`${count(missing)} missing`] : []),
    ...(different > 0 ? [`${count(different)} different`] : []),
  ].join(', ');
  const why = others === '' ? '' : ownWins && equal ? ` (${others}: staging's own rows win)` : ` (${others})`;
  return `${there}${why}, beside ${count(own)} of staging's own`;
}

type Mark = (equal: boolean) => string;

function integrityLines({ integrity, largeObjects }: VerifiedDatabase, mark: Mark): string[] {
  const { constraints, indexes, sequences, wrong, told = [] } = integrity;
  const isSame =
    largeObjects?.source.rows === largeObjects?.target.rows &&
    largeObjects?.source.content === largeObjects?.target.content;
  const digested = largeObjects?.source.content === undefined ? 'as many' : 'content equal';
  return [
    ...(largeObjects
      ? [`  ${mark(isSame)} ${counted(largeObjects.source.rows, 'large object')}: ${isSame ? digested : 'different'}`]
      : []),
    `  ${mark(wrong.length === 0)} ${counted(constraints, 'constraint')} and ${counted(indexes, 'index', 'indexes')}, ${counted(sequences, 'sequence')}${wrong.length === 0 ? ': valid, and ahead of their columns' : `: ${count(wrong.length)} wrong`}`,
    ...told.map((words) => `    ${words}`),
  ];
}

function referenceLines(check: ReferenceCheck, mark: Mark): string[] {
  const { bucket, columns: names, named, missing, absent, unnamed } = check;
  const some = ({ keys, examples }: KeySample) =>
    `${count(keys)}${examples.length === 0 ? '' : `, e.g. ${examples.map((key) => JSON.stringify(key)).join(', ')}`}`;
  return [
    `  ${mark(referenceFaults(check).length === 0)} ${counted(named, 'key')} of ${bucket} that rows name in ${names.join(', ')}`,
    `    missing in the target: ${some(missing)}`,
    `    in neither bucket: ${some(absent)}`,
    `    objects that no row names: ${some(unnamed)}`,
  ];
}

function besides(ownColumns: readonly string[]): string {
  return ownColumns.length === 0 ? '' : `, ${ownColumns.join(', ')} left out: by a rule the target's own`;
}

function gone(missingColumns: readonly string[]): string {
  return missingColumns.length === 0
    ? ''
    : `, ${missingColumns.join(', ')} left out: the target's migrations go further`;
}

/** Each with its reason; of many with the same one, as of a subset, a few by name. */
function leftOutLines(leftOut: readonly { readonly table: TableName; readonly reason: string }[]): string[] {
  return [...Map.groupBy(leftOut, ({ reason }) => reason)].flatMap(([reason, tables]) => {
    const names = tables.map(({ table }) => displayTable(table));
    return names.length > mostAlike
      ? [`    ${counted(names.length, 'table')}: left out, ${reason}: ${names.join(', ')}`]
      : names.map((name) => `    ${name}: left out, ${reason}`);
  });
}

const mostAlike = 5;
