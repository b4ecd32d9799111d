import { displayTable, type TableName } from '../postgres/names.ts';
import { describeBucket } from '../s3/origin.ts';
import type { Verification } from '../verify.ts';
import { bytes, columns, count, counted, duration } from './format.ts';
import { referencedText } from './plan-objects-text.ts';
import { originText } from './plan-text.ts';
import { appLines } from './verified-apps-text.ts';
import { contentText } from './step-words.ts';
import type { Style } from './style.ts';

/** A verification for people: each thing compared, then the differences. */
export function verificationText(found: Verification, style: Style): string {
  const lines = [style('strong', `${found.source} ↔ ${found.target}`), ''];
  const mark = (equal: boolean) => (equal ? style('good', '✓') : style('bad', '✗'));
  if (found.database) {
    const { source, target, tables, leftOut, onlyInTarget, sourceRevision, targetRevision } = found.database;
    lines.push(`  source  ${originText(source)}`, `  target  ${originText(target)}`, '');
    const rows = tables.map(({ table, source: from, target: to, ownColumns, equal }) => [
      mark(equal),
      displayTable(table),
      count(from.rows),
      to ? count(to.rows) : 'missing',
      equal ? `content equal${besides(ownColumns)}` : 'different',
    ]);
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
      lines.push(`    revision: ${sourceRevision ?? 'none'} at the source, ${targetRevision ?? 'none'} at the target`);
    lines.push('');
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
  lines.push(...appLines(found, style));
  if (lines.at(-1) !== '') lines.push('');
  if (found.differences.length === 0)
    lines.push(
      comparesNothing(found)
        ? style('warn', `nothing was compared, for every table is left out; ${duration(found.durationMs)}`)
        : style('good', `equal, in ${duration(found.durationMs)}`),
    );
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

function besides(ownColumns: readonly string[]): string {
  return ownColumns.length === 0 ? '' : `, ${ownColumns.join(', ')} left out: by a rule the target's own`;
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

/** That nothing differs says nothing then. */
function comparesNothing({ database, objects, health, totals, expectations }: Verification): boolean {
  const isLeftOut = database?.tables.length === 0 && database.leftOut.length > 0;
  return isLeftOut && objects.length === 0 && !health && totals.length === 0 && expectations.length === 0;
}
